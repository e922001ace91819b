"""The largest run that the design asks for: 10 systems, 7,000 queries, 1,000 documents each, from run files.

Made up and seeded: 100,000 documents, one to three relevant ones a query, at places that are uniform on a
logarithmic scale, one in five not found.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

SYSTEMS, QUERIES, DEPTH, DOCUMENTS = 10, 7_000, 1_000, 100_000


def make(folder: Path) -> list[str]:
    """Write a collection, the run files and their settings; return the arguments of `bench run`."""
    rng = np.random.default_rng(0)
    relevant = [rng.choice(DOCUMENTS, rng.integers(1, 4), replace=False) for _ in range(QUERIES)]
    corpus, settings = folder / "corpus", folder / "conf" / "retriever"
    (corpus / "qrels").mkdir(parents=True)
    settings.mkdir(parents=True)
    _write_json(corpus / "corpus.jsonl", [(f"doc{n}", f"text of {n}") for n in range(DOCUMENTS)])
    _write_json(corpus / "queries.jsonl", [(f"q{n}", f"query {n}") for n in range(QUERIES)])
    with (corpus / "qrels" / "test.tsv").open("w") as out:
        out.write("query-id\tcorpus-id\tscore\n")
        out.writelines(f"q{n}\tdoc{doc}\t1\n" for n, docs in enumerate(relevant) for doc in docs)
    names = [f"s{number}" for number in range(SYSTEMS)]
    for name in names:
        file = folder / f"{name}.run"
        with file.open("w") as out:
            for query, docs in enumerate(relevant):
                out.writelines(_lines(rng, query, docs, name))
        (settings / f"{name}.yaml").write_text(
            f"# @package retrievers.{name}\n_target_: bench.retrievers.runfile.RunFile\npath: {file}\n"
        )
    return [
        f"--config-dir={folder / 'conf'}",
        "collection=beir",
        f"collection.path={corpus}",
        f"retriever=[{','.join(names)}]",
        f"output={folder / 'runs'}",
    ]


def _write_json(file: Path, rows: list[tuple[str, str]]) -> None:
    with file.open("w") as out:
        out.writelines(json.dumps({"_id": name, "text": text}) + "\n" for name, text in rows)


def _lines(rng: np.random.Generator, query: int, relevant: np.ndarray, name: str) -> list[str]:
    docs = rng.choice(DOCUMENTS, DEPTH, replace=False)
    docs = docs[~np.isin(docs, relevant)].tolist()
    for doc in relevant.tolist():
        if rng.random() < 0.8:
            docs.insert(int(DEPTH ** rng.random()) - 1, doc)
    docs = docs[:DEPTH]
    scores = np.sort(rng.gamma(2, 5, len(docs)).astype(np.float32))[::-1].astype(str)
    found = enumerate(zip(docs, scores, strict=True), 1)
    return [f"q{query} Q0 doc{doc} {place} {score} {name}\n" for place, (doc, score) in found]
