"""The cache saves time and is never needed: where it can not be used, that is said once, before."""

from __future__ import annotations

import numpy as np
import pytest

from bench.storage import cache


@pytest.fixture
def refused(tmp_path, monkeypatch):
    """A cache folder below a file: not even root can make it."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "file" / "cache"))


@pytest.mark.usefixtures("refused")
def test_a_cache_that_can_not_be_written_is_said_once_before_the_work_and_fails_nothing(capsys):
    assert cache.load("embeddings", "ab", ["vectors"]) is None
    said = capsys.readouterr().err
    assert "can not be written to (Not a directory); going on without" in said
    assert said.count("\n") == 1
    cache.save("embeddings", "ab", {"vectors": np.zeros(3)})
    assert cache.load("embeddings", "ab", ["vectors"]) is None


def test_a_full_disk_after_the_work_fails_nothing(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path))

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    cache.save("embeddings", "ab", {"vectors": np.zeros(3)})
    assert "(No space left on device); going on without" in capsys.readouterr().err
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_cache_that_may_be_written_is_not_spoken_of(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "new"))
    assert cache.load("embeddings", "ab", ["vectors"]) is None
    assert not (tmp_path / "new").exists()
    cache.save("embeddings", "ab", {"vectors": np.arange(3)})
    assert cache.load("embeddings", "ab", ["vectors"])["vectors"].tolist() == [0, 1, 2]
    assert capsys.readouterr().err == ""
