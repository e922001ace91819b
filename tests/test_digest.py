"""The shipped labels keep the rules by which they were made."""

from __future__ import annotations

import json
from collections import Counter

import pytest
import Stemmer
from bm25s.stopwords import STOPWORDS_EN_PLUS
from conftest import ROOT
from studies import card

from bench.collections.beir import digest
from bench.collections.splits import stratified_split
from bench.labelling.agreement import agreement
from bench.labelling.passes import ADJUDICATION, ToJudge, require_same_pairs
from bench.labelling.settling import settle
from bench.report.agreement import LOWEST_KAPPA, LOWEST_OVERLAP

FOLDER = ROOT / "qrels" / "digest"
SETS = ("topic", "question", "keyword", "paraphrase", "known-item", "identifier", "constraint")
CORPUS = {row["_id"]: row for row in map(json.loads, (FOLDER / "corpus.jsonl").read_text().splitlines())}
QUERIES = [json.loads(line) for line in (FOLDER / "queries.jsonl").read_text().splitlines()]
GRADES = digest("all").load().qrels.grades
STEMMER = Stemmer.Stemmer("english")


def of(name: str) -> list[dict]:
    return [query for query in QUERIES if query["metadata"]["set"] == name]


def content_words(text: str) -> set[str]:
    words = "".join(c if c.isascii() and c.isalnum() else " " for c in text.lower()).split()
    return set(STEMMER.stemWords([w for w in words if len(w) > 1 and w not in STOPWORDS_EN_PLUS]))


def test_the_sets_are_large_enough_with_narratives_and_unlike_queries():
    assert Counter(q["metadata"]["set"] for q in QUERIES).keys() == set(SETS)
    assert len(QUERIES) >= 250
    assert min(len(of(name)) for name in SETS) >= 30
    assert all(len(q["metadata"]["narrative"].split()) >= 8 for q in QUERIES)
    assert len({" ".join(q["text"].lower().split()) for q in QUERIES}) == len(QUERIES)


def test_the_split_follows_from_ids_and_sets_alone():
    split = stratified_split({q["_id"]: q["metadata"]["set"] for q in QUERIES})
    assert {q["_id"]: q["metadata"]["split"] for q in QUERIES} == split
    for name in ("dev", "test"):
        loaded = digest(name).load()
        assert set(loaded.queries.ids) == {q for q, s in split.items() if s == name}
        assert set(loaded.queries.sets) == set(SETS)
    for name in SETS:
        dev = sum(split[q["_id"]] == "dev" for q in of(name))
        assert abs(dev - 0.4 * len(of(name))) <= 0.5


def test_every_query_has_a_relevant_paper_and_grades_are_1_to_3():
    assert {grade for judged in GRADES.values() for grade in judged.values()} == {1, 2, 3}
    for query in QUERIES:
        assert max(GRADES[query["_id"]].values()) >= 2, query["_id"]


def test_the_whole_corpus_is_asked_for():
    found = {doc for judged in GRADES.values() for doc, grade in judged.items() if grade >= 2}
    assert found == set(CORPUS)
    targets = Counter(doc for judged in GRADES.values() for doc, grade in judged.items() if grade == 3)
    assert max(targets.values()) <= 12


@pytest.mark.parametrize("query", of("paraphrase"), ids=lambda q: q["_id"])
def test_a_paraphrase_shares_no_content_word_with_the_title_and_few_with_the_abstract(query):
    target = CORPUS[query["metadata"]["target"]]
    words = content_words(query["text"])
    assert not words & content_words(target["title"])
    assert len(words & content_words(target["text"])) <= 0.15 * len(words)
    assert GRADES[query["_id"]][target["_id"]] == 3


@pytest.mark.parametrize("query", of("known-item"), ids=lambda q: q["_id"])
def test_a_known_item_has_one_target(query):
    relevant = {doc: grade for doc, grade in GRADES[query["_id"]].items() if grade >= 2}
    assert relevant == {query["metadata"]["target"]: 3}


@pytest.mark.parametrize("query", of("identifier"), ids=lambda q: q["_id"])
def test_an_identifier_stands_verbatim_in_query_and_target(query):
    identifier, target = query["metadata"]["identifier"], CORPUS[query["metadata"]["target"]]
    assert identifier in query["text"]
    assert identifier in f"{target['title']}\n{target['text']}"
    assert GRADES[query["_id"]][target["_id"]] >= 2


def test_keywords_are_two_or_three_words():
    assert all(1 < len(q["text"].split()) <= 3 for q in of("keyword"))


@pytest.mark.parametrize("part", sorted(card.PARTS))
def test_the_data_card_says_what_the_labels_are(part):
    assert card.marked(part) == card.PARTS[part]()


def test_the_labels_are_the_adjudicated_passes():
    to_judge = ToJudge.load(FOLDER)
    first, second = (to_judge.read(name) for name in ("pass-a", "pass-b"))
    queries = require_same_pairs(first, second, to_judge, pooled=False)
    assert len(queries) == len(QUERIES)
    final = settle(first, second, to_judge.read(ADJUDICATION), queries)
    assert len(final) == 125 * len(QUERIES)
    assert {pair: grade for pair, grade in final.items() if grade} == {
        (query, doc): grade for query, judged in GRADES.items() for doc, grade in judged.items()
    }


def test_agreement_does_not_fall_below_what_narratives_must_give():
    to_judge = ToJudge.load(FOLDER)
    first, second = (to_judge.read(name).grades for name in ("pass-a", "pass-b"))
    for name in SETS:
        found = agreement(name, first, second, [q["_id"] for q in of(name)], 2, 0)
        assert found.kappa.value >= LOWEST_KAPPA
        assert found.overlap.value >= LOWEST_OVERLAP
