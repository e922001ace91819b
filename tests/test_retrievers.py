"""The contract, held over every yaml in conf/retriever/: a new method is under it without an edit."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import hydra
import pytest
from conftest import ROOT, make_queries
from omegaconf import OmegaConf

from bench.experiment.build import build
from bench.storage.indexes import IndexStore
from bench.testing import check_retriever
from bench.types import Retriever

NAMES = sorted(file.stem for file in (ROOT / "conf" / "retriever").glob("*.yaml"))
# Two real ones, an empty one, one without a known term, and one that is longer than any document.
QUERIES = make_queries(
    "notes of music", "approximate nearest neighbours", "", "zzzyqx", "retrieval " * 700
)
# Approximate search may answer another list for another depth.
APPROXIMATE = {"hnsw"}

RUN = "".join(f"q{q} Q0 d{d:02d} 1 {(d * 5 + q) % 4} t\n" for q in (0, 1, 4) for d in range(1, 13))


def retriever_of(name: str, folder: Path) -> Retriever:
    run = folder / "answers.trec"
    run.write_text(RUN)
    needs = {"runfile": [f"retrievers.runfile.path={run}"]}
    with hydra.initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        config = hydra.compose("config", [f"retriever=[{name}]", *needs.get(name, [])])
    return build(OmegaConf.to_container(config.retrievers[name], resolve=True), f"retrievers.{name}")


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_contract(name, tmp_path, collection):
    retriever = retriever_of(name, tmp_path)
    assert retriever == retriever_of(name, tmp_path)
    assert hash(retriever) == hash(retriever_of(name, tmp_path))
    check_retriever(retriever, collection, QUERIES)
    searcher = retriever.index(collection, IndexStore())
    assert searcher.nbytes > 0
    assert (searcher.exact is not None) == (name in APPROXIMATE)
    n = len(collection)
    assert (searcher.search(QUERIES, n).docs[0] >= 0).any()
    assert [searcher.search(QUERIES, k).docs.shape for k in (5, 3 * n)] == [(5, 5), (5, 3 * n)]


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_same_answer_in_a_process_with_another_hash_seed(name, tmp_path, collection):
    run = retriever_of(name, tmp_path).index(collection, IndexStore()).search(QUERIES, 12)
    code = (
        "import sys; from pathlib import Path; sys.path[:0] = sys.argv[3:]\n"
        "from test_retrievers import retriever_of, QUERIES; from conftest import DOCUMENTS\n"
        "from bench.collections.memory import InMemory\n"
        "from bench.storage.indexes import IndexStore\n"
        "columns = list(zip(*DOCUMENTS.values()))\n"
        "c = InMemory('tiny', list(DOCUMENTS), *columns)\n"
        "run = retriever_of(sys.argv[1], Path(sys.argv[2])).index(c, IndexStore()).search(QUERIES, 12)\n"
        "sys.stdout.buffer.write(run.docs.tobytes() + run.scores.tobytes())\n"
    )
    other = subprocess.run(
        [sys.executable, "-c", code, name, str(tmp_path), str(ROOT / "tests")],
        env={**os.environ, "PYTHONHASHSEED": "12345"},
        capture_output=True,
        check=True,
    )
    assert other.stdout == run.docs.tobytes() + run.scores.tobytes()
