"""Against the outside world: figures that others measured on Cranfield, within 0.0015.

The collection is not part of the repository; the test runs where it lies beside the checkout.
"""

from __future__ import annotations

import re

import pytest
from conftest import ROOT, write_beir

from bench.collections.beir import BeirFolder
from bench.evaluation.measures import Measure
from bench.evaluation.systems import run_systems
from bench.retrievers.bm25 import BM25, Tokenizer

CRANFIELD = ROOT.parent / "shared" / "collections" / "cranfield"
MEASURES = [Measure("nDCG", 10), Measure("Recall", 100), Measure("MAP")]
PLAIN = Tokenizer(stopwords=None, stemmer=None)
SYSTEMS = {
    "stemmed": (BM25(k1=1.5), (0.3882, 0.7381, 0.3104)),
    "plain": (BM25(k1=1.5, tokenizer=PLAIN), (0.3678, 0.7051, 0.2834)),
    "okapi": (BM25(k1=1.5, engine="rank_bm25", variant="robertson"), (0.3832, 0.7467, 0.3093)),
}


def records(name: str) -> list[tuple[str, dict[str, str]]]:
    """(id, field → text with white space folded) of each record of a SMART file."""
    text = (CRANFIELD / name).read_text(encoding="utf-8")
    found = []
    for record in re.split(r"^\.I ", text, flags=re.M)[1:]:
        number, *fields = re.split(r"^\.([TABW])\s*$", record, flags=re.M)
        pairs = zip(fields[::2], fields[1::2], strict=True)
        found.append((number.strip(), {key: " ".join(value.split()) for key, value in pairs}))
    return found


@pytest.fixture(scope="module")
def cranfield(tmp_path_factory):
    documents = {number: (fields["T"], fields["W"]) for number, fields in records("cran.all.1400")}
    # cranqrel numbers the queries by their position
    queries = {str(i): (fields["W"], "query") for i, (_, fields) in enumerate(records("cran.qry"), 1)}
    qrels: dict[str, dict[str, int]] = {}
    for line in (CRANFIELD / "cranqrel").read_text().splitlines():
        query, doc, code = line.split()
        if int(code) > 0:
            qrels.setdefault(query, {})[doc] = 1
    return BeirFolder(
        str(write_beir(tmp_path_factory.mktemp("c") / "cran", documents, queries, qrels))
    ).load()


@pytest.mark.slow
@pytest.mark.skipif(not CRANFIELD.is_dir(), reason="Cranfield does not lie beside the checkout")
def test_bm25_gives_the_figures_that_others_measured(cranfield):
    results = run_systems(
        cranfield, {name: system for name, (system, _) in SYSTEMS.items()}, MEASURES, 1000
    )
    for name, (_, expected) in SYSTEMS.items():
        measured = results.systems[name].measures.values.mean(axis=1)
        assert measured == pytest.approx(expected, abs=1.5e-3), name
