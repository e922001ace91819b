"""A model of one's own, with its prompts, is one override, wherever an encoder is used."""

from __future__ import annotations

import pytest

from bench.cli.compose import compose
from bench.encoders.sentence import SentenceEncoder
from bench.experiment.build import build

MODEL = "encoder={model: '/models/my e5', revision: null, sha256: null, query_prompt: 'query: ', document_prompt: 'passage: '}"  # fmt: skip


@pytest.mark.parametrize("quoted", [MODEL, MODEL.replace("'", '"')])
def test_model_and_prompts_in_one_override(quoted):
    settings = compose([quoted])
    systems = settings["retrievers"]
    for where in (
        settings["encoder"],
        systems["dense"]["encoder"],
        systems["hybrid"]["parts"]["dense"]["encoder"],
        systems["hnsw"]["encoder"],
        systems["hnsw"]["exact"]["encoder"],
    ):
        encoder = build(where, "encoder")
        assert isinstance(encoder, SentenceEncoder)
        assert (encoder.model, encoder.revision, encoder.sha256) == ("/models/my e5", None, None)
        assert (encoder.query_prompt, encoder.document_prompt) == ("query: ", "passage: ")
        # what the override does not name stays
        assert (encoder.batch_size, encoder.dtype) == (8, "float32")


def test_without_prompts_in_it_they_are_those_of_the_configuration():
    before = compose([])["encoder"]
    after = compose(["encoder={model: mine, revision: null, sha256: null}"])["encoder"]
    assert {key for key in before if before[key] != after[key]} == {"model", "revision", "sha256"}
