"""The plots of a run, each as PNG and SVG. Figures are made without pyplot, which no file needs."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.errors import visible
from bench.report.summary import select, set_names
from bench.runs.record import Record
from bench.storage.earlier import keep_earlier
from bench.storage.files import whole_file

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Okabe & Ito (2008): told apart by readers with any common colour vision; the markers differ too.
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
DASHES = ("-", "--", "-.", ":")
_DPI = 130
# Names are no formulas: without this a query set named "price $_$" is a syntax error of mathtext.
_STYLE: dict[Any, Any] = {
    "svg.hashsalt": "bench",
    "svg.fonttype": "none",
    "font.size": 10,
    "text.parse_math": False,
    "text.usetex": False,
}
# No date and no version, so that the same record gives the same bytes; light compression is faster.
FORMATS: dict[str, dict[str, Any]] = {
    ".png": {"metadata": {"Software": None}, "pil_kwargs": {"compress_level": 2}},
    ".svg": {"metadata": {"Date": None}},
}


# Inches above the axes that the title takes; what a letter of it is wide at most.
_TITLE, _LETTER = 0.35, 0.085


def _figure(
    record: Record,
    width: float,
    height: float,
    *,
    left: float,
    right: float = 0.15,
    top: float = 0.0,
    bottom: float,
) -> Figure:
    """A figure with margins in inches. Asking matplotlib to find them draws everything twice more.

    The title says what was measured on, as a picture is often shown without its record. It takes its own
    room at the top.
    """
    from matplotlib.figure import Figure

    height, top = height + _TITLE, top + _TITLE
    figure = Figure(figsize=(width, height))
    first = select(record, measure=record.primary)[0]
    of = f", {first.split} queries (n = {first.n})"
    name = visible(record.content["collection"]["name"])
    room = max(int((width - 0.25) / _LETTER) - len(of), 8)
    name = name if len(name) <= room else f"{name[: room - 1]}…"
    figure.text(0.1 / width, 1 - 0.08 / height, name + of, fontsize=9, va="top", ha="left")
    figure.subplots_adjust(
        left=left / width, right=1 - right / width, bottom=bottom / height, top=1 - top / height
    )
    return figure


def _names(record: Record) -> list[str]:
    return [visible(system) for system in record.systems]


def _label_width(labels: Sequence[str]) -> float:
    """Inches that the longest label takes beside an axis, at ten points."""
    return 0.25 + 0.09 * max(map(len, labels))


def _colour(place: int) -> str:
    return COLOURS[place % len(COLOURS)]


def _bare(axes: object, *sides: str) -> None:
    """Hide these sides of the frame, and spare the search for a title's free place above the ticks."""
    axes.set_title("", y=1.0)  # type: ignore[attr-defined]
    for side in sides:
        axes.spines[side].set_visible(False)  # type: ignore[attr-defined]


def primary_with_intervals(record: Record) -> Figure:
    """Mean and 95 % interval of the primary measure for each system."""
    chosen = select(record, measure=record.primary)
    names = _names(record)
    left = _label_width(names)
    figure = _figure(record, 5.8 + left, 0.95 + 0.5 * len(chosen), left=left, bottom=0.6)
    axes = figure.subplots()
    for place, row in enumerate(chosen):
        if row.low is not None and row.high is not None:
            axes.plot([row.low, row.high], [place, place], color=_colour(place), lw=2.5)
        axes.plot(row.mean, place, MARKERS[place % len(MARKERS)], color=_colour(place), ms=8)
        axes.annotate(
            f"{row.mean:.3f}", (row.mean, place), (0, 7), textcoords="offset points", ha="center"
        )
    axes.set_yticks(range(len(chosen)), names)
    axes.set_ylim(len(chosen) - 0.5, -0.7)
    axes.set_xlabel(f"{visible(record.primary)}, mean and 95 % interval over {chosen[0].n} queries")
    axes.grid(axis="x", alpha=0.3)
    axes.tick_params(axis="y", length=0)
    _bare(axes, "top", "right", "left")
    return figure


def recall_over_k(record: Record) -> Figure | None:
    """Recall@k over the cut-offs that were measured; None with fewer than two of them."""
    cutoffs = sorted(
        int(match[1]) for m in record.measures if (match := re.fullmatch(r"Recall@(\d+)", m))
    )
    if len(cutoffs) < 2:
        return None
    names = _names(record)
    # Beside the axes: within them there is no place that no line may need.
    legend = _label_width(names) + 0.45
    figure = _figure(record, 6.4 + legend, 4.05, left=0.75, right=legend, bottom=0.6)
    axes = figure.subplots()
    means = np.array([[row.mean for row in select(record, measure=f"Recall@{k}")] for k in cutoffs])
    lines = [
        axes.plot(
            cutoffs,
            means[:, place],
            DASHES[place % len(DASHES)],
            marker=MARKERS[place % len(MARKERS)],
            color=_colour(place),
            # Later lines are thinner, so that of two that coincide both are seen.
            lw=max(3.5 - 0.7 * place, 1.2),
            ms=max(10 - 1.5 * place, 5),
        )[0]
        for place in range(len(names))
    ]
    axes.set_xscale("log")
    axes.set_xticks(cutoffs, [str(k) for k in cutoffs])
    axes.minorticks_off()
    axes.set_xlabel("k (documents looked at, logarithmic)")
    axes.set_ylabel(f"Recall@k, mean over {len(record.query_ids)} queries")
    axes.grid(alpha=0.3)
    axes.legend(lines, names, frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
    _bare(axes, "top", "right")
    return figure


def by_query_set(record: Record) -> Figure | None:
    """Heat map of the primary measure, system × query set; None where there is one set."""
    groups = set_names(record)
    if not groups:
        return None
    cells = [select(record, group=group, measure=record.primary) for group in groups]
    values = np.array([[row.mean for row in column] for column in cells]).T
    names = _names(record)
    left, bar = _label_width(names), 1.0
    width, height = left + 1.15 * len(groups) + bar, 0.5 * len(names)
    figure = _figure(record, width, height + 0.75, left=left, right=bar, bottom=0.65)
    axes = figure.subplots()
    image = axes.imshow(values, cmap="cividis", vmin=0, vmax=1, aspect="auto")
    for (y, x), value in np.ndenumerate(values):
        # cividis is dark below its middle
        axes.text(
            x,
            y,
            f"{value:.2f}",
            ha="center",
            va="center",
            color="white" if value < 0.55 else "black",
        )
    labels = [
        f"{visible(group)}\nn = {column[0].n}" for group, column in zip(groups, cells, strict=True)
    ]
    axes.set_xticks(range(len(groups)), labels)
    axes.set_yticks(range(len(names)), names)
    axes.tick_params(length=0)
    _bare(axes, "top", "right", "left", "bottom")
    at = axes.get_position()
    beside = figure.add_axes((1 - (bar - 0.15) / width, at.y0, 0.15 / width, at.height))
    figure.colorbar(image, cax=beside, label=visible(record.primary))
    return figure


def difference_to_best_other(record: Record) -> Figure | None:
    """Per query, each system minus the other one with the highest mean, sorted; None with one system."""
    systems = _names(record)
    if len(systems) < 2:
        return None
    values = record.values(record.primary)
    columns = min(len(systems), 2)
    lines = -(-len(systems) // columns)
    figure = _figure(record, 4.2 * columns, 2.3 * lines + 0.5, left=0.8, top=0.3, bottom=0.65)
    grid = figure.subplots(
        lines,
        columns,
        sharex=True,
        sharey=True,
        squeeze=False,
        gridspec_kw={"wspace": 0.06, "hspace": 0.22},
    )
    for place, axes in enumerate(grid.flat):
        if place >= len(systems):
            axes.set_visible(False)
            continue
        means = values.mean(axis=1)
        means[place] = -np.inf
        other = int(means.argmax())
        difference = np.sort(values[place] - values[other])[::-1]
        # Each query from half before its number to half behind, the first and the last too.
        edges = np.arange(len(difference) + 1) + 0.5
        heights = np.append(difference, difference[-1])
        axes.fill_between(edges, heights, step="post", color=_colour(place), lw=0)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.tick_params(labelbottom=place + columns >= len(systems))
        axes.axhline(0, color="black", lw=0.8)
        better, worse = int((difference > 0).sum()), int((difference < 0).sum())
        axes.set_title(
            f"{systems[place]} − {systems[other]}: {better} better, "
            f"{len(difference) - better - worse} equal, {worse} worse",
            fontsize=9,
            loc="left",
            y=1.0,
        )
        axes.grid(axis="y", alpha=0.3)
        _bare(axes, "top", "right")
    figure.supxlabel(
        "queries, sorted; each system against the best of the others, so the best against the second",
        fontsize=9,
        y=0.02,
    )
    figure.supylabel(f"{visible(record.primary)} difference", fontsize=9, x=0.01)
    return figure


PLOTS: dict[str, Callable[[Record], Figure | None]] = {
    "primary": primary_with_intervals,
    "recall": recall_over_k,
    "query_sets": by_query_set,
    "difference": difference_to_best_other,
}


def draw(record: Record, folder: Path) -> None:
    """Write each plot that the record has data for, in each format, whole or not at all.

    One that fails does not keep the others from being drawn; then the first failure is raised.
    """
    import matplotlib

    failures: list[Exception] = []
    for name, make in PLOTS.items():
        try:
            with matplotlib.rc_context(_STYLE):
                figure = make(record)
                if figure is None:
                    _set_aside([folder / f"{name}{suffix}" for suffix in FORMATS])
                    continue
                for suffix in FORMATS:
                    with whole_file(folder / f"{name}{suffix}") as part:
                        figure.savefig(part, dpi=_DPI, **FORMATS[suffix])
        except Exception as failure:
            failures.append(failure)
    if failures:
        raise failures[0]


def _set_aside(files: Sequence[Path]) -> None:
    """Keep plots that were drawn here before under other names: beside what is drawn now they would seem
    to be of it."""
    for file in files:
        if file.exists():
            keep_earlier(file)
            file.unlink()
