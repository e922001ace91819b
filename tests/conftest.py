"""A small collection in a BEIR folder, and a cache of its own for the whole test session."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import settings

from bench.collections.memory import InMemory
from bench.errors import BenchError
from bench.evidence.family import Plan
from bench.evidence.findings import findings
from bench.runs.record import Record
from bench.storage import sources
from bench.types import Queries

# A machine that does other work too is no fault of an example.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

# How wide the terminal of whoever runs the tests is, is no part of them.
os.environ.pop("COLUMNS", None)

ROOT = Path(__file__).resolve().parent.parent

# A dozen documents: a duplicate (d03, d04), an empty one (d11), and a long one (d12).
DOCUMENTS = {
    "d01": ("Sparse retrieval", "Inverted indexes score documents by the terms of the query."),
    "d02": ("Dense retrieval", "Sentence embeddings are compared by their inner product."),
    "d03": ("Music transcription", "A small model writes down the notes of any instrument."),
    "d04": ("Music transcription", "A small model writes down the notes of any instrument."),
    "d05": ("Graph search", "Navigable small world graphs find nearest neighbours fast."),
    "d06": ("Protein docking", "Rigid proteins are docked by synchronising their groups."),
    "d07": ("Pruning", "Weights of a language model are removed without any fine-tuning."),
    "d08": ("Diffusion", "High guidance scales oversaturate images. A projection removes it."),
    "d09": ("Query expansion", "Terms from feedback documents are added to the query."),
    "d10": ("Rank fusion", "Reciprocal ranks of several systems are summed for each document."),
    "d11": ("", ""),
    "d12": ("Surveys", "Retrieval is surveyed here. " + "Many methods are named and compared. " * 60),
}
QUERIES = {
    "q1": ("sparse retrieval with an inverted index", "topic"),
    "q2": ("who writes down the notes of music?", "question"),
    "q3": ("nearest neighbours graph", "topic"),
    "q4": ("pruning language models without fine-tuning", "question"),
}
QRELS = {
    "q1": {"d01": 3, "d09": 1, "d12": 2},
    "q2": {"d03": 3, "d04": 3},
    "q3": {"d05": 3, "d02": 1},
    "q4": {"d07": 2},
}


def write_beir(
    folder: Path,
    documents: Mapping[str, tuple[str, str]] = DOCUMENTS,
    queries: Mapping[str, tuple[str, str]] = QUERIES,
    qrels: Mapping[str, Mapping[str, int]] = QRELS,
) -> Path:
    (folder / "qrels").mkdir(parents=True)
    corpus = [{"_id": i, "title": t, "text": x} for i, (t, x) in documents.items()]
    asked = [{"_id": i, "text": t, "metadata": {"set": s}} for i, (t, s) in queries.items()]
    for name, rows in (("corpus", corpus), ("queries", asked)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    lines = [f"{q}\t{d}\t{g}\n" for q, judged in qrels.items() for d, g in judged.items()]
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\n" + "".join(lines))
    return folder


def make_queries(*texts: str) -> Queries:
    n = len(texts)
    return Queries(tuple(f"q{i}" for i in range(n)), texts, ("all",) * n, ("test",) * n)


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BENCH_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("HF_HUB_OFFLINE", "1")
        yield


@pytest.fixture
def beir(tmp_path: Path) -> Path:
    return write_beir(tmp_path / "tiny")


@pytest.fixture
def collection() -> InMemory:
    return InMemory(
        "tiny",
        list(DOCUMENTS),
        [title for title, _ in DOCUMENTS.values()],
        [text for _, text in DOCUMENTS.values()],
    )


def content_of(run: Path) -> dict[str, Any]:
    """Return a run's record with its values in it, as schema 2 had them: to be changed and written."""
    content = json.loads((run / "record.json").read_text())
    if content["schema"] == 2:
        return content
    values = Record.load(run).all_values
    del content["values"]
    content["schema"] = 2
    for system, rows in zip(content["systems"].values(), values, strict=True):
        system["values"] = dict(zip(content["measures"], rows.tolist(), strict=True))
    return content


def with_evidence(content: dict[str, Any]) -> dict[str, Any]:
    """Return a record's content with the evidence that its values give."""
    systems, measures = list(content["systems"]), content["measures"]
    values = np.array([[content["systems"][s]["values"][m] for m in measures] for s in systems])
    plan = Plan.read({}, measures, systems)
    return {
        **content,
        "evidence": findings(values, systems, measures, content["queries"]["sets"], plan, 0),
    }


Bench = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """Run the command line in a process of its own, in an empty folder."""

    def call(
        *arguments: str, python: Sequence[str] = (), **env: str
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, *python, "-m", "bench", *arguments],
            cwd=tmp_path,
            env={**os.environ, **env},
            capture_output=True,
            text=True,
            check=False,
        )
        # On a busy machine anything may take ten seconds, and then says so.
        done.stderr = re.sub(r"^.* \(\d+ s\)\n", "", done.stderr, flags=re.M)
        return done

    return call


Refusal = Callable[..., str]


@pytest.fixture
def refusal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Refusal:
    """Run the command line in this process, for input that it must refuse; return what it says.

    That `main` turns it into one line and exit code 2 is shown once for each command elsewhere.
    """
    from bench.cli import app

    monkeypatch.chdir(tmp_path)

    def call(*arguments: str) -> str:
        with pytest.raises(BenchError) as refused:
            app.app(args=list(arguments), standalone_mode=False)
        return " ".join(str(refused.value).split())

    return call


def only_run(folder: Path) -> Path:
    """Return the one run folder below; what is kept of unfinished ones is not meant."""
    runs = [run for run in folder.iterdir() if run.name != ".unfinished"]
    assert len(runs) == 1, runs
    return runs[0]


@pytest.fixture(scope="session")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of BM25 on the shipped corpus; whoever changes it takes a copy."""
    folder = tmp_path_factory.mktemp("saved")
    subprocess.run(
        [sys.executable, "-m", "bench", "run", "retriever=[bm25]", "output=out"],
        cwd=folder,
        check=True,
        capture_output=True,
    )
    return only_run(folder / "out")


def tiny_model(folder: Path, dimensions: int | None = None) -> Path:
    """Make a BERT of one layer that reads 16 tokens, with the vocabulary of the packaged model, mean pooling
    and, if `dimensions` is given, a dense layer above it; return its folder."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer import modules
    from transformers import BertConfig, BertModel

    from bench.encoders.weights import locate

    packaged = locate("sentence-transformers/all-MiniLM-L6-v2", None)
    config = BertConfig(
        hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
        max_position_embeddings=32,
    )  # fmt: skip
    BertModel(config).save_pretrained(folder / "bert")
    for name in ("tokenizer.json", "tokenizer_config.json", "vocab.txt", "special_tokens_map.json"):
        shutil.copy(packaged / name, folder / "bert" / name)
    parts = [modules.Transformer(str(folder / "bert"), max_seq_length=16), modules.Pooling(16)]
    if dimensions is not None:
        parts.append(modules.Dense(16, dimensions))
    SentenceTransformer(modules=parts, device="cpu").save(str(folder / "model"))
    return folder / "model"


def forget_sources():
    """Read sources anew, as a process of its own would."""
    sources._modules.clear()
    sources._followed.clear()
    sources.installed.cache_clear()
    sources._distributions.cache_clear()


@pytest.fixture(autouse=True)
def _edited_meanwhile(monkeypatch):
    """Somebody may edit files while tests run in this process; processes of their own keep the rule."""
    monkeypatch.setattr(sources, "_STARTED_NS", 1 << 63)


@dataclass(frozen=True)
class Approximate:
    """Finds no more than the first document, beside the whole of a retriever as its exact twin."""

    whole: object

    def index(self, collection, store):
        return ApproximateSearcher(self.whole.index(collection, store))


@dataclass(frozen=True)
class ApproximateSearcher:
    exact: object
    nbytes: int = 1

    @property
    def facts(self):
        return {}

    def search(self, queries, k):
        return self.exact.search(queries, 1)
