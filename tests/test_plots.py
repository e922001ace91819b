"""What a picture shows: what it was measured on, every line whole, a bar of one width for each query."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import only_run, with_evidence

from bench.report import plots
from bench.runs.record import Record

RECALLS = ["Recall@5", "Recall@10", "Recall@20"]


def record_of(values, *, name="parcels", split="test"):
    """A record with these values, system → one a query, of every measure."""
    n = len(next(iter(values.values())))
    measures = ["nDCG@10", *RECALLS]
    return Record(
        with_evidence(
            {
                "measures": measures,
                "systems": {
                    one: {"values": dict.fromkeys(measures, row)} for one, row in values.items()
                },
                "queries": {
                    "ids": [f"q{i}" for i in range(n)],
                    "sets": [("topic", "question")[i % 2] for i in range(n)],
                    "splits": [split] * n,
                },
                "collection": {"name": name},
            }
        )
    )


THREE = {
    "bm25": [0.5, 0.2, 0.3, 0.9],
    "dense": [0.6, 0.2, 0.4, 0.1],
    "hybrid": [0.7, 0.1, 0.4, 0.9],
}


@pytest.mark.parametrize("plot", plots.PLOTS)
@pytest.mark.parametrize("name", ["parcels", "a name of words " * 20])
def test_every_picture_names_what_it_was_measured_on_and_the_words_fit(plot, name):
    figure = plots.PLOTS[plot](record_of(THREE, name=name, split="dev"))
    title = figure.texts[0]
    assert title.get_text().startswith(name[:7])
    assert title.get_text().endswith(", dev queries (n = 4)")
    box, top = title.get_window_extent(), figure.bbox
    assert top.x0 <= box.x0 < box.x1 <= top.x1
    assert box.y1 <= top.y1
    for axes in figure.axes:
        assert not axes.get_visible() or not box.overlaps(axes.get_tightbbox()), plot


def test_the_legend_covers_no_line():
    """Curves that fill the axes, low and flat too, and a name that is long."""
    flat = {"low": [0.0] * 4, "high": [1.0] * 4, "a system of a rather long name": [0.5] * 4}
    figure = plots.recall_over_k(record_of(flat))
    (axes,) = figure.axes
    legend = axes.get_legend().get_window_extent()
    assert not legend.overlaps(axes.get_window_extent())
    assert legend.x1 <= figure.bbox.x1
    for line in axes.get_lines():
        assert not legend.overlaps(line.get_window_extent())


@pytest.mark.parametrize("n", [1, 2, 5])
def test_each_query_has_a_bar_of_one_width(n):
    one = [0.1 * (i + 1) for i in range(n)]
    figure = plots.difference_to_best_other(record_of({"a": one, "b": [0.0] * n}))
    axes = figure.axes[0]
    (path,) = axes.collections[0].get_paths()
    # Where the outline has the height of a difference: from half before to half behind its number.
    for number, height in enumerate(sorted(one, reverse=True), 1):
        at = path.vertices[np.isclose(path.vertices[:, 1], height), 0]
        assert (at.min(), at.max()) == (number - 0.5, number + 0.5)


def test_the_picture_says_against_which_system_each_is_set():
    figure = plots.difference_to_best_other(record_of(THREE))
    assert "the best against the second" in figure.get_supxlabel()
    labels = [axes.xaxis.get_tick_params()["labelbottom"] for axes in figure.axes if axes.get_visible()]
    assert labels == [False, True, True]
    ticks = [t for axes in figure.axes if axes.get_visible() for t in axes.get_xticks()]
    assert all(t == int(t) for t in ticks)


def test_what_can_not_be_drawn_is_one_line(bench, beir, tmp_path):
    done = bench("run", "collection=beir", f"collection.path={beir}", "retriever=[bm25]", "output=out")
    assert done.returncode == 0, done.stderr
    run = only_run(tmp_path / "out")
    (tmp_path / "again").mkdir()
    (tmp_path / "again" / "plots").write_text("in the way")
    done = bench("report", str(run), "--out", "again")
    assert done.returncode == 2
    assert done.stderr.startswith("bench: cannot write again/plots/primary.png: File exists")
    assert done.stderr.count("\n") == 1


def test_pictures_are_the_same_every_time(bench, beir, tmp_path):
    bench("run", "collection=beir", f"collection.path={beir}", "retriever=[bm25]", "output=out")
    run = only_run(tmp_path / "out")
    assert bench("report", str(run), "--out", "again").returncode == 0
    files = sorted(file.name for file in (run / "plots").iterdir())
    assert {file.rpartition(".")[2] for file in files} == {"png", "svg"}
    for file in files:
        assert (run / "plots" / file).read_bytes() == (tmp_path / "again" / "plots" / file).read_bytes()


def test_plots_of_another_run_do_not_stand_beside_those_of_this_one(tmp_path, capsys):
    several, alone = record_of(THREE), record_of({"bm25": THREE["bm25"]})
    plots.draw(several, tmp_path)
    drawn = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    plots.draw(alone, tmp_path / "fresh")
    fresh = {file.name for file in (tmp_path / "fresh").iterdir()}
    assert fresh < drawn.keys()
    capsys.readouterr()
    plots.draw(alone, tmp_path)
    said = capsys.readouterr().err
    there = {file.name: file.read_bytes() for file in tmp_path.iterdir() if file.is_file()}
    assert {name for name in there if not name.endswith(".bak")} == fresh
    for name in drawn.keys() - fresh:
        assert there[f"{name}.bak"] == drawn[name]
        assert f"{name} is kept as {name}.bak" in said
