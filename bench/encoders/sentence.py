"""Sentence encoders and their embedding cache.

The cache is addressed by content: texts × the encoder's fingerprint, which has settings, code, all
files of the model and library versions. A cached run imports neither torch nor sentence_transformers.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bench import progress
from bench.encoders.output import checked, problem_of
from bench.encoders.weights import checked_sha256, locate, own_prompt, unused_prompt
from bench.errors import BenchError, require
from bench.storage import cache
from bench.storage.identity import fingerprint
from bench.types import Encoded, Facts

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

# Texts are cached in groups of this many: adding one document encodes one group anew, and a killed
# run keeps the groups that it finished.
GROUP = 1024
_DTYPES = ("float32", "float16", "bfloat16")


@dataclass(frozen=True)
class SentenceEncoder:
    """A sentence-transformers model (Reimers & Gurevych 2019), located and checked by its hash.

    model            local folder, or name in the hub
    revision         commit in the hub
    sha256           of the weights; null takes whatever is found and records its hash
    query_prompt     put before each query; document_prompt before each document; null: what the
                     model's authors put there (`bench.encoders.weights.own_prompt`); "" for nothing
    max_length       tokens the model reads of a text; null: the model's own limit
    batch_size       texts a batch; part of the cache key, since padding changes the last bits
    device, dtype    cpu, cuda, …; float32, float16, bfloat16
    """

    model: str
    revision: str | None = None
    sha256: str | None = None
    query_prompt: str | None = None
    document_prompt: str | None = None
    max_length: int | None = None
    batch_size: int = 8
    device: str = "cpu"
    dtype: str = "float32"

    def __post_init__(self) -> None:
        require(self.batch_size >= 1, f"batch_size must be at least 1, got {self.batch_size}")
        require(
            self.max_length is None or self.max_length >= 1,
            f"max_length must be at least 1 or null, got {self.max_length}",
        )
        require(self.dtype in _DTYPES, f"dtype '{self.dtype}' is unknown; use one of {_DTYPES}")

    @property
    def weights(self) -> str:
        """sha256 of the weights. Raises `BenchError` when it is not the pinned one."""
        return checked_sha256(self._folder, self.sha256)

    @property
    def facts(self) -> Facts:
        """Model, revision, weights, and the prompts that were used, for the record."""
        return {
            "model": self.model,
            "revision": self.revision,
            "weights_sha256": self.weights,
            "query_prompt": self._prompt(query=True),
            "document_prompt": self._prompt(query=False),
        }

    def reads(self) -> Mapping[str, Path]:
        """Return the model's folder: weights, tokenizer and limits."""
        return {"model": self._folder}

    @property
    def _folder(self) -> Path:
        return locate(self.model, self.revision)

    def _prompt(self, *, query: bool) -> str:
        given = self.query_prompt if query else self.document_prompt
        return own_prompt(self._folder, query=query) if given is None else given

    def encode(self, texts: Sequence[str], *, query: bool) -> Encoded:
        """Return unit vectors (n, dim) and lengths in tokens (n,), from the cache where it has them."""
        checked_sha256(self._folder, self.sha256)
        groups = [
            self._encode_group(texts[start : start + GROUP], query)
            for start in range(0, len(texts), GROUP)
        ]
        require(bool(groups), "nothing to encode; the corpus or the query set is empty")
        return Encoded(*(np.concatenate(column) for column in zip(*groups, strict=True)))

    def _encode_group(self, texts: Sequence[str], query: bool) -> Encoded:
        prompt = self._prompt(query=query)
        # Neither the pin nor the other prompt changes a vector; a model may have a part for queries.
        bare = replace(self, sha256=None, query_prompt="", document_prompt="")
        identity = fingerprint(bare)
        asked = {"encoder": identity.key, "query": query, "prompt": prompt, "texts": list(texts)}
        key = cache.key_of(asked)
        stored = cache.load("embeddings", key, Encoded._fields) if identity.is_known else None
        if stored is not None:
            problem = problem_of(Encoded(**stored), texts)
            if problem is None:
                return Encoded(**stored)
            print(f"cached embeddings are no use ({problem}); making them anew", file=sys.stderr)
        model = _load(self._folder, identity.files, self.device, self.dtype, self.max_length)
        require(
            fingerprint(bare) == identity,
            f"the model in {self._folder} was changed while it was loaded; run again",
        )
        encoded = checked(self._compute(model, texts, prompt, query), texts, self.model)
        if identity.is_known:
            cache.save("embeddings", key, encoded._asdict())
        return encoded

    def _compute(
        self, model: SentenceTransformer, texts: Sequence[str], prompt: str, query: bool
    ) -> Encoded:
        limit = int(model.max_seq_length or 2**31 - 1)
        taken = int(_token_counts(model, [prompt])[0])
        require(
            taken < limit,
            f"model '{self.model}' reads {limit} tokens of a text, and its own marks and the prompt "
            f"{prompt!r} take {taken} of them; raise max_length, or shorten the prompt",
        )
        # The model is told the prompt apart from the text: some leave it out of what they pool.
        encode = model.encode_query if query else model.encode_document
        what = f"encoding {len(texts)} {'queries' if query else 'texts'}"
        with progress.bar(what, len(texts)) as advance:
            parts = []
            # Longest first keeps padding small; the same order every time keeps the bits the same.
            order = np.argsort([-len(text) for text in texts], kind="stable")
            for start in range(0, len(texts), self.batch_size):
                batch = [texts[i] for i in order[start : start + self.batch_size]]
                with _refusing("encode", "max_length, which the model may not reach, and the device"):
                    parts.append(
                        encode(
                            batch,
                            prompt=prompt,
                            batch_size=self.batch_size,
                            normalize_embeddings=True,
                            convert_to_numpy=True,
                            show_progress_bar=False,
                        )
                    )
                advance(len(batch))
        stacked = np.concatenate(parts).astype(np.float32, copy=False)
        vectors = np.empty_like(stacked)
        vectors[order] = stacked
        tokens = _token_counts(model, [prompt + text for text in texts])
        return Encoded(vectors, tokens, np.minimum(tokens, np.int32(limit)))


@lru_cache(maxsize=2)
def _load(
    folder: Path,
    files: str,  # noqa: ARG001 (the hash of what is in the folder, so that another model is loaded anew)
    device: str,
    dtype: str,
    max_length: int | None,
) -> SentenceTransformer:
    with progress.waiting("loading torch and sentence-transformers"):
        import torch
        from sentence_transformers import SentenceTransformer
        from transformers.utils import logging

        logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        with _refusing(f"load the model in {folder} on {device}", "the folder and the device"):
            model = SentenceTransformer(
                str(folder),
                device=device,
                model_kwargs={"dtype": getattr(torch, dtype), "use_safetensors": True},
                local_files_only=True,
            )
            if max_length is not None:
                model.max_seq_length = max_length
            words = len(model.tokenizer) - len(model.tokenizer.all_special_ids)
        require(
            words > 0,
            f"the tokenizer of the model in {folder} knows no word; its files (tokenizer.json, vocab.txt"
            " or the like) are missing, so restore the model",
        )
        if not (folder / "modules.json").exists():
            print(
                f"the model in {folder} has no modules.json, which says how it pools: the mean over its "
                "tokens is taken",
                file=sys.stderr,
            )
        if unused := unused_prompt(folder):
            print(
                f"the default prompt '{unused}' of the model in {folder} is for neither queries nor "
                "documents and not used; set query_prompt and document_prompt if it should be",
                file=sys.stderr,
            )
        return model


@contextmanager
def _refusing(what: str, check: str) -> Iterator[None]:
    """Turn whatever torch and its libraries raise about a model or a text into one line."""
    try:
        yield
    except Exception as error:
        first = next(iter(str(error).splitlines()), type(error).__name__)
        raise BenchError(f"cannot {what}: {first}; check {check}") from error


def _token_counts(model: SentenceTransformer, texts: Sequence[str]) -> NDArray[np.int32]:
    """Length of each text in tokens, special tokens included, with truncation switched off."""
    with _refusing("count tokens", "that the model has a tokenizer of the transformers library"):
        encoded = model.tokenizer(list(texts), truncation=False, padding=False, verbose=False)
    return np.array([len(ids) for ids in encoded["input_ids"]], dtype=np.int32)
