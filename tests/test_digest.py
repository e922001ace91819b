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
from bench.errors import BenchError
from bench.labelling.agreement import agreement
from bench.labelling.passes import ADJUDICATION, ToJudge, require_same_pairs
from bench.labelling.settling import settle
from bench.report.agreement import LOWEST_KAPPA, LOWEST_OVERLAP

FOLDER = ROOT / "qrels" / "digest"
KINDS = {"method", "choice", "evidence", "data", "definition", "prior-work", "tool"}
SETS = ("topic", "question", "keyword", "paraphrase", "known-item", "identifier", "constraint")
CORPUS = {row["_id"]: row for row in map(json.loads, (FOLDER / "corpus.jsonl").read_text().splitlines())}
QUERIES = [json.loads(line) for line in (FOLDER / "queries.jsonl").read_text().splitlines()]
NATURALNESS = card.lines_of(FOLDER / "checks" / "naturalness.tsv")
GRADES = digest("all").load().qrels.grades
STEMMER = Stemmer.Stemmer("english")


def of(name: str) -> list[dict]:
    return [query for query in QUERIES if query["metadata"]["set"] == name]


def content_words(text: str) -> set[str]:
    words = "".join(c if c.isascii() and c.isalnum() else " " for c in text.lower()).split()
    return set(STEMMER.stemWords([w for w in words if len(w) > 1 and w not in STOPWORDS_EN_PLUS]))


def test_the_sets_are_large_enough_with_narratives_and_unlike_queries():
    assert Counter(q["metadata"]["set"] for q in QUERIES).keys() == set(SETS)
    assert len(QUERIES) == 800
    assert min(len(of(name)) for name in SETS) >= 100
    assert all(len(q["metadata"]["narrative"].split()) >= 8 for q in QUERIES)
    assert len({" ".join(q["text"].lower().split()) for q in QUERIES}) == len(QUERIES)


def test_each_query_is_a_need_of_its_own_and_kinds_are_spread():
    assert len({q["metadata"]["need"] for q in QUERIES}) == len(QUERIES)
    kinds = Counter(q["metadata"]["kind"] for q in QUERIES)
    assert kinds.keys() == KINDS
    assert min(kinds.values()) >= 0.08 * len(QUERIES)
    assert max(kinds.values()) <= 0.35 * len(QUERIES)


def test_no_pair_that_most_assessors_call_the_same_need_stands_together():
    ids = {q["_id"] for q in QUERIES}
    for first, second, *said in card.lines_of(FOLDER / "checks" / "needs.tsv"):
        assert {first, second} <= ids
        assert said.count("same") < 2, (first, second)
        assert said.count("different") > said.count("same"), (first, second)


def test_people_would_type_the_queries():
    graded = {query: list(map(int, given)) for query, *given in NATURALNESS}
    assert graded.keys() == {q["_id"] for q in QUERIES}
    assert all(len(given) == 2 for given in graded.values())
    for name in SETS:
        grades = [grade for q in of(name) for grade in graded[q["_id"]]]
        assert min(grades) >= 3
        assert sum(grades) / len(grades) >= 4


def test_queries_that_left_version_1_are_named_and_the_others_have_their_words():
    now = {q["_id"]: q["text"] for q in QUERIES}
    rows = map(json.loads, (ROOT / "qrels/digest-v1/queries.jsonl").read_text().splitlines())
    before = {row["_id"]: row["text"] for row in rows}
    left = {row[0] for row in card.lines_of(FOLDER / "left.tsv")}
    assert left == before.keys() - now.keys()
    assert all(now[query] == text for query, text in before.items() if query in now)
    back = {row[0] for row in card.lines_of(FOLDER / "taken-back.tsv")}
    assert not back & now.keys()


def test_version_1_is_at_hand_over_the_same_papers():
    first, second = digest("all", version=1).load(), digest("all").load()
    assert (first.collection.name, second.collection.name) == ("digest-v1", "digest")
    assert len(first.queries) == 274
    same = [ROOT / "qrels" / name / "corpus.jsonl" for name in ("digest", "digest-v1")]
    assert same[0].read_bytes() == same[1].read_bytes()
    with pytest.raises(BenchError, match=r"collection\.version must be 2 or 1, got 3"):
        digest(version=3)


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
    assert Counter(split.values()) == {"dev": 320, "test": 480}


def test_every_query_has_a_relevant_paper_and_grades_are_1_to_3():
    assert {grade for judged in GRADES.values() for grade in judged.values()} == {1, 2, 3}
    for query in QUERIES:
        assert max(GRADES[query["_id"]].values()) >= 2, query["_id"]


def test_the_whole_corpus_is_asked_for():
    found = {doc for judged in GRADES.values() for doc, grade in judged.items() if grade >= 2}
    assert found == set(CORPUS)
    targets = Counter(doc for judged in GRADES.values() for doc, grade in judged.items() if grade == 3)
    assert targets.keys() == set(CORPUS)
    assert min(targets.values()) >= 3
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
    assert len(query["text"].split()) > len(identifier.split())  # a word of context
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
