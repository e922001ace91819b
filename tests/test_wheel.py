"""The wheel works outside the checkout: conf/ and both versions of the digest travel inside it."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile

import pytest
from conftest import ROOT


@pytest.mark.slow
def test_an_installed_wheel_runs_the_shipped_job(tmp_path):
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q"]
    wheels = tmp_path / "wheels"
    subprocess.run(
        [*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", str(wheels), str(ROOT)],
        check=True,
        capture_output=True,
    )
    (wheel,) = wheels.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert "bench/py.typed" in names  # or no type checker outside reads our types
    for wanted in (
        "conf/config.yaml",
        "conf/retriever/bm25.yaml",
        "qrels/digest/corpus.jsonl",
        "qrels/digest/qrels/test.tsv",
        "qrels/digest-v1/qrels/test.tsv",
    ):
        assert f"bench/{wanted}" in names
    assert not any("/passes/" in name for name in names)  # megabytes that only labelling reads
    site = tmp_path / "site"
    subprocess.run(
        [*pip, "install", "--no-deps", "--target", str(site), str(wheel)],
        check=True,
        capture_output=True,
    )
    code = (
        "import sys, bench, bench.cli.app\n"
        f"assert bench.__file__.startswith({str(site)!r}), bench.__file__\n"
        "sys.argv = ['bench', 'run', 'retriever=[bm25]']\n"
        "bench.cli.app.main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "125 documents" in done.stdout
    (run,) = (tmp_path / "results" / "runs").iterdir()
    assert '"commit": null' in (run / "record.json").read_text()
