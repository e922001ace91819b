"""A model's own prompts, and what an encoder may not give: NaN, zeros, too few vectors, no words read."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from conftest import make_queries, tiny_model

from bench.collections.memory import InMemory
from bench.encoders import sentence, weights
from bench.encoders.embeddings import embed
from bench.encoders.output import checked
from bench.encoders.passages import Passages
from bench.encoders.sentence import SentenceEncoder
from bench.errors import BenchError
from bench.retrievers.dense import Dense
from bench.retrievers.hnsw import Hnsw
from bench.storage import cache
from bench.storage.indexes import IndexStore
from bench.types import Encoded

SETTINGS = "config_sentence_transformers.json"


def folder_with(folder: Path, settings: object) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / SETTINGS).write_text(settings if isinstance(settings, str) else json.dumps(settings))
    return folder


@pytest.mark.parametrize(
    ("prompts", "query", "document"),
    [
        (None, "", ""),
        ({}, "", ""),
        ({"query": "query: ", "document": "passage: "}, "query: ", "passage: "),
        ({"query": "q: ", "passage": "p: "}, "q: ", "p: "),
        ({"query": "q: ", "corpus": "c: "}, "q: ", "c: "),
        ({"document": "d: ", "passage": "p: ", "corpus": "c: "}, "", "d: "),
        # sentence-transformers writes an empty `document` beside whatever the authors named
        ({"query": "q: ", "document": "", "passage": "p: "}, "q: ", "p: "),
        ({"query": None, "document": None}, "", ""),
        ({"retrieval": "find: ", "clustering": "group: "}, "", ""),
    ],
)
def test_own_prompts_are_chosen_by_the_names_of_queries_and_documents(
    tmp_path, prompts, query, document
):
    folder = folder_with(tmp_path / "m", {"prompts": prompts})
    assert weights.own_prompt(folder, query=True) == query
    assert weights.own_prompt(folder, query=False) == document


@pytest.mark.parametrize(
    ("settings", "unused"),
    [
        ({"prompts": {"retrieval": "find: "}, "default_prompt_name": "retrieval"}, "retrieval"),
        ({"prompts": {"query": "q: "}, "default_prompt_name": "query"}, None),
        ({"prompts": {"query": "q: "}, "default_prompt_name": None}, None),
        ({"prompts": {"query": "", "other": ""}, "default_prompt_name": "other"}, None),
    ],
)
def test_a_default_prompt_of_neither_queries_nor_documents_is_named(tmp_path, settings, unused):
    assert weights.unused_prompt(folder_with(tmp_path / "m", settings)) == unused


@pytest.mark.parametrize(
    "settings", ["{", "[]", "null", {"prompts": "x"}, {"prompts": {"query": 3}}, {"prompts": ["x"]}]
)
def test_prompt_settings_that_are_none_are_refused_by_file(tmp_path, settings):
    with pytest.raises(BenchError, match=SETTINGS):
        weights.own_prompt(folder_with(tmp_path / "m", settings), query=True)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """A tiny BERT with mean pooling, that reads 16 tokens."""
    return tiny_model(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def own(tiny, tmp_path):
    """A copy that a test may change."""
    shutil.copytree(tiny, tmp_path / "model")
    return tmp_path / "model"


PROMPTS = {
    "prompts": {"query": "ask: ", "passage": "read: ", "retrieval": "find: "},
    "default_prompt_name": "retrieval",
}


@pytest.mark.slow
def test_a_models_own_prompts_are_used_recorded_and_can_be_switched_off(tiny, own, capsys):
    """The oracle is a model without prompts, asked for texts with the prompt written before them."""
    folder_with(own, PROMPTS)
    plain = SentenceEncoder(str(tiny))

    def vectors(encoder, text, query):
        return encoder.encode([text], query=query).vectors

    told = SentenceEncoder(str(own))
    for query, prompt in ((True, "ask: "), (False, "read: ")):
        assert np.allclose(
            vectors(told, "cats", query), vectors(plain, f"{prompt}cats", query), atol=1e-6
        )
        off = SentenceEncoder(str(own), query_prompt="", document_prompt="")
        assert np.allclose(vectors(off, "cats", query), vectors(plain, "cats", query), atol=1e-6)
        other = SentenceEncoder(str(own), query_prompt="say: ", document_prompt="say: ")
        assert np.allclose(vectors(other, "cats", query), vectors(plain, "say: cats", query), atol=1e-6)
    assert not np.allclose(vectors(told, "cats", True), vectors(told, "cats", False), atol=1e-3)
    facts = embed(InMemory("c", ["a"], [""], ["cats"]), told, Passages(), IndexStore()).facts
    assert (facts["query_prompt"], facts["document_prompt"]) == ("ask: ", "read: ")
    assert (off.facts["query_prompt"], off.facts["document_prompt"]) == ("", "")
    # Two marks, one word, and of the prompt a word and a colon.
    assert told.encode(["cats"], query=False).tokens.tolist() == [5]
    assert capsys.readouterr().err.count("the default prompt 'retrieval'") == 1


@pytest.mark.slow
def test_a_prompt_that_the_pooling_leaves_out_is_left_out(own):
    """As models of the Instructor kind do: the prompt changes what the text's tokens see, and its own
    are not averaged. The oracle is sentence-transformers' `encode`."""
    from sentence_transformers import SentenceTransformer

    folder_with(own, PROMPTS)
    pooling = own / "1_Pooling" / "config.json"
    pooling.write_text(json.dumps({**json.loads(pooling.read_text()), "include_prompt": False}))
    found = SentenceEncoder(str(own)).encode(["cats"], query=True).vectors
    library = SentenceTransformer(str(own), device="cpu")
    assert np.allclose(
        found, library.encode(["cats"], prompt="ask: ", normalize_embeddings=True), atol=1e-6
    )
    apart = library.encode(["ask: cats"], prompt="", normalize_embeddings=True)
    assert not np.allclose(found, apart, atol=1e-3)


@pytest.mark.slow
def test_a_model_with_a_part_for_queries_and_one_for_documents_uses_both(tiny, tmp_path):
    """The second part weighs the dimensions anew, for documents only."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.base.modules import Router
    from sentence_transformers.sentence_transformer import modules as parts

    whole = SentenceTransformer(str(tiny), device="cpu")
    body, pooling = whole[0], whole[1]
    router = Router.for_query_document(
        query_modules=[body, pooling], document_modules=[body, pooling, parts.Dense(16, 16)]
    )
    SentenceTransformer(modules=[router], device="cpu").save(str(tmp_path / "routed"))
    encoder = SentenceEncoder(str(tmp_path / "routed"))
    library = SentenceTransformer(str(tmp_path / "routed"), device="cpu")
    found = [encoder.encode(["cats"], query=query).vectors for query in (True, False)]
    expected = library.encode_query(["cats"]), library.encode_document(["cats"])
    for one, other in zip(found, expected, strict=True):
        assert np.allclose(one, other / np.linalg.norm(other), atol=1e-6)
    assert not np.allclose(*found, atol=1e-2)


def without_tokenizer(folder):
    for file in folder.glob("tokenizer*"):
        file.unlink()


def without_pooling(folder):
    shutil.rmtree(folder / "1_Pooling")


def truncated(folder):
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:20_000])


def not_numbers(folder):
    from safetensors.numpy import load_file, save_file

    weights = load_file(folder / "model.safetensors")
    words = next(name for name in weights if "word_embeddings" in name)
    weights[words] = weights[words].copy()
    weights[words][5000:] = np.nan
    save_file(weights, folder / "model.safetensors")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (without_tokenizer, "knows no word; its files"),
        (without_pooling, "cannot load the model in .*model on cpu: .* check the folder"),
        (truncated, "cannot load the model in .*model on cpu: .* check the folder"),
        (not_numbers, r"encoder '.*model' gave NaN .* of 1 of 2 texts, such as 'transcription'"),
    ],
)
def test_a_damaged_model_is_refused_in_one_line(own, damage, said):
    damage(own)
    for _ in range(2):  # and not taken from the cache the second time
        with pytest.raises(BenchError, match=said) as refused:
            SentenceEncoder(str(own)).encode(["the", "transcription"], query=False)
        assert "\n" not in str(refused.value)


@pytest.mark.slow
@pytest.mark.parametrize("settings", [{"max_length": 2}, {"document_prompt": "a " * 20}])
def test_a_limit_that_leaves_no_room_for_the_text_is_refused(tiny, settings):
    with pytest.raises(BenchError, match=r"reads \d+ tokens .* raise max_length"):
        SentenceEncoder(str(tiny), **settings).encode(["cats", "dogs"], query=False)
    narrow = SentenceEncoder(str(tiny), max_length=3).encode(["cats", "dogs"], query=False)
    assert not np.allclose(*narrow.vectors, atol=1e-3)


@pytest.mark.slow
def test_a_folder_that_does_not_say_how_it_pools_is_told(own, capsys):
    (own / "modules.json").unlink()
    sentence._load.cache_clear()
    SentenceEncoder(str(own)).encode(["cats"], query=False)
    assert "no modules.json" in capsys.readouterr().err


@pytest.mark.slow
def test_embeddings_of_another_key_in_the_cache_are_made_anew(own, capsys, tmp_path, monkeypatch):
    """Two files of the cache change places: both are whole, and of equal shape."""
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    encoder = SentenceEncoder(str(own))
    texts = ["cats", "dogs"]
    before = [encoder.encode([text], query=False).vectors for text in texts]
    one, other = (tmp_path / "cache" / "embeddings").rglob("*.npz")
    content = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(content)
    after = [encoder.encode([text], query=False).vectors for text in texts]
    assert all(np.array_equal(x, y) for x, y in zip(before, after, strict=True))
    assert capsys.readouterr().err.count("stored under another key") == 2


@pytest.mark.slow
def test_arrays_of_another_shape_in_the_cache_are_made_anew(own, capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    encoder = SentenceEncoder(str(own))
    before = encoder.encode(["cats"], query=False)
    (file,) = (tmp_path / "cache" / "embeddings").rglob("*.npz")
    with np.load(file) as stored:
        kept = dict(stored)
    for wrong in ({"vectors": kept["vectors"][0]}, {"tokens": np.arange(7)}, {"read": np.zeros(1)}):
        np.savez(file, **{**kept, **wrong})
        after = encoder.encode(["cats"], query=False)
        assert all(np.array_equal(x, y) for x, y in zip(before, after, strict=True))
        assert "making them anew" in capsys.readouterr().err


def test_a_file_of_another_key_counts_as_absent(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path))
    cache.save("test", "aaa", {"x": np.arange(3)})
    cache.save("test", "bbb", {"x": np.arange(4)})
    (tmp_path / "test/bb/bbb.npz").write_bytes((tmp_path / "test/aa/aaa.npz").read_bytes())
    assert cache.load("test", "bbb", ["x"]) is None
    assert "bbb.npz is damaged (it was stored under another key)" in capsys.readouterr().err
    assert cache.load("test", "aaa", ["x"])["x"].tolist() == [0, 1, 2]


def answer(vectors, tokens=None, read=None):
    n = len(vectors)
    ones = np.ones(n, np.int32)
    return Encoded(vectors, ones if tokens is None else tokens, ones if read is None else read)


GOOD = np.array([[1, 0], [0, 1], [0.6, 0.8]], dtype=np.float32)
TEXTS = ["one", "two", "three"]


def changed(row, value):
    vectors = GOOD.copy()
    vectors[row] = value
    return answer(vectors)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (changed(1, np.nan), "NaN or infinity in the vectors of 1 of 3 texts, such as 'two'"),
        (changed(2, [np.inf, 0]), "NaN or infinity in the vectors of 1 of 3 texts, such as 'three'"),
        (changed(0, 0), "nothing but zeros in the vectors of 1 of 3 texts, such as 'one'"),
        (answer(GOOD[:2]), "2 vectors for 3 texts"),
        (answer(GOOD.astype(np.float64)), "float64 vectors"),
        (answer(GOOD[0]), "shape"),
        (answer(GOOD[:, :0]), "shape"),
        (answer(GOOD, tokens=np.ones(2, np.int32)), "'tokens' of shape"),
        (answer(GOOD, read=np.ones(3)), "'read' of shape"),
        (GOOD, "ndarray instead of"),
        (None, "NoneType instead of"),
        (Encoded(GOOD.tolist(), [1] * 3, [1] * 3), "instead of"),
    ],
)
def test_what_no_encoder_may_give_is_refused_by_name(given, said):
    with pytest.raises(BenchError, match=said) as refused:
        checked(given, TEXTS, "mine")
    assert "encoder 'mine' gave" in str(refused.value)
    assert checked(answer(GOOD), TEXTS, "mine").vectors is GOOD


def test_an_empty_text_may_have_a_vector_of_zeros():
    vectors = np.array([[1, 0], [0, 0]], dtype=np.float32)
    assert checked(answer(vectors), ["one", " "], "mine").vectors is vectors


@dataclass(frozen=True)
class Broken:
    """An encoder that gives NaN for one side."""

    broken_query: bool

    @property
    def facts(self):
        return {}

    def encode(self, texts, *, query):
        vectors = np.ones((len(texts), 4), dtype=np.float32)
        if query is self.broken_query:
            vectors[-1, 2] = np.nan
        return answer(vectors)


@pytest.mark.parametrize("broken_query", [True, False])
@pytest.mark.parametrize("kind", ["dense", "hnsw"])
def test_every_encoder_is_checked_for_documents_and_for_queries(broken_query, kind):
    encoder = Broken(broken_query)
    retriever = Dense(encoder) if kind == "dense" else Hnsw(encoder, exact=Dense(encoder))
    documents = InMemory("c", ["a", "b"], ["", ""], ["one", "two"])
    with pytest.raises(BenchError, match="encoder 'Broken' gave NaN"):
        retriever.index(documents, IndexStore()).search(make_queries("three"), 2)


def test_windows_can_not_be_stepped_where_there_are_none():
    with pytest.raises(BenchError, match=r"passages\.stride 2 has no windows"):
        Passages(stride=2)


def test_candidates_are_no_more_than_passages_and_links_are_bounded():
    documents = InMemory("c", ["a", "b"], ["", ""], ["one", "two"])

    def found(**settings):
        encoder = Broken(broken_query=None)
        return (
            Hnsw(encoder, Dense(encoder), **settings)
            .index(documents, IndexStore())
            .search(make_queries("x"), 2)
        )

    huge = found(ef_search=99_999_999_999, ef_construction=99_999_999_999)
    assert np.array_equal(huge.docs, found(ef_search=2).docs)
    for m in (1, 1025, 99_999_999_999):
        with pytest.raises(BenchError, match=r"hnsw\.m must be from 2 to 1024"):
            found(m=m)
