"""What a user would write without this project: the same four systems on the same queries.

python tests/studies/plain.py BEIR_FOLDER MODEL_FOLDER
"""

import json
import re
import sys
from pathlib import Path

import faiss
import numpy as np
import pytrec_eval
from rank_bm25 import BM25Okapi
from sentence_transformers import SentenceTransformer

folder = Path(sys.argv[1])
corpus = [json.loads(line) for line in (folder / "corpus.jsonl").open()]
queries = {q["_id"]: q["text"] for q in map(json.loads, (folder / "queries.jsonl").open())}
qrels: dict[str, dict[str, int]] = {}
for line in (folder / "qrels" / "test.tsv").read_text().splitlines()[1:]:
    query, doc, grade = line.split("\t")
    qrels.setdefault(query, {})[doc] = int(grade)
queries = {q: text for q, text in queries.items() if q in qrels}
ids = [doc["_id"] for doc in corpus]
texts = [doc["title"] + " " + doc["text"] for doc in corpus]


def tokens(text):
    return re.findall(r"\w+", text.lower())


def top(scores):
    order = np.argsort(-scores)
    return {ids[i]: float(scores[i]) for i in order}


bm25 = BM25Okapi([tokens(text) for text in texts])
runs = {"bm25": {q: top(bm25.get_scores(tokens(text))) for q, text in queries.items()}}

model = SentenceTransformer(sys.argv[2], device="cpu")
vectors = model.encode(texts, normalize_embeddings=True)
query_vectors = model.encode(list(queries.values()), normalize_embeddings=True)
flat = faiss.IndexFlatIP(vectors.shape[1])
graph = faiss.IndexHNSWFlat(vectors.shape[1], 32, faiss.METRIC_INNER_PRODUCT)
for name, index in (("dense", flat), ("hnsw", graph)):
    index.add(vectors)
    scores, found = index.search(query_vectors, len(ids))
    runs[name] = {
        q: {ids[i]: float(s) for i, s in zip(found[row], scores[row], strict=True) if i >= 0}
        for row, q in enumerate(queries)
    }

runs["hybrid"] = {}
for q in queries:
    fused: dict[str, float] = {}
    for name in ("bm25", "dense"):
        for rank, doc in enumerate(runs[name][q], 1):
            fused[doc] = fused.get(doc, 0.0) + 1 / (60 + rank)
    runs["hybrid"][q] = fused

evaluator = pytrec_eval.RelevanceEvaluator(
    qrels,
    {"ndcg_cut.10", "recall.5,10,20,100", "recip_rank", "map", "P.5"},
    relevance_level=2,
)
for name, run in runs.items():
    results = evaluator.evaluate(run)
    for measure in ("ndcg_cut_10", "recall_10", "recall_100", "recip_rank", "map", "P_5"):
        print(name, measure, round(float(np.mean([r[measure] for r in results.values()])), 4))
