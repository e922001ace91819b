"""What the rows of the table start from: one small folder, and ways to damage it, each a line.

A set-up is a function of the folder. `world` makes the folder; every row gets a copy.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import functools
import json
import os
import resource
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from conftest import QRELS, QUERIES, content_of, tiny_model, write_beir

from bench.cli import app
from bench.runs.values import packed

SetUp = Callable[[Path], None]
DELETED = object()
ABSTRACT = "An abstract is longer than any title. " * 10
TABLES = {
    "articles.csv": "id,title,text\na1,Parcels,Print the label.\na2,Refunds,Ten days.\n",
    "queries.csv": "id,query\nq1,send it back\nq2,a refund\n",
    "judged.csv": "query_id,article_id,grade\nq1,a1,2\nq2,a2,1\n",
}


def world(folder: Path) -> Path:
    """Fill a folder with what commands read.

    c/        a BEIR folder: splits test (q1 to q4) and dev (p1 to p4), passes ann and bob of q1 and q2
    lone/     the same without dev and without passes
    run/      a run of two systems, bm25 and plain, on c; base/ is a copy of it
    other/    a run of bm25 alone, whose b is 0
    a.trec    a run file; b.trec answers in another order; qrels.txt has trec_eval's four columns
    page.txt  a saved page
    articles.csv, queries.csv, judged.csv  what `import` reads
    """
    write_beir(folder / "lone")
    dev = {f"p{query[1:]}": (text[::-1] + " " + text, group) for query, (text, group) in QUERIES.items()}
    judged = {f"p{query[1:]}": grades for query, grades in QRELS.items()}
    write_beir(folder / "c", queries=QUERIES | dev)
    lines = [f"{q}\t{d}\t{g}\n" for q, grades in judged.items() for d, g in grades.items()]
    (folder / "c" / "qrels" / "dev.tsv").write_text("query-id\tcorpus-id\tscore\n" + "".join(lines))
    docs = [f"d{number:02}" for number in range(1, 13)]
    (folder / "c" / "passes").mkdir()
    for assessor, more in (("ann", 0), ("bob", 1)):
        grades = {(q, d): QRELS[q].get(d, 0) for q in ("q1", "q2") for d in docs}
        grades["q1", "d02"] += more
        rows = [f"{q}\t{d}\t{g}\n" for (q, d), g in grades.items()]
        (folder / "c" / "passes" / f"{assessor}.tsv").write_text(
            "query-id\tcorpus-id\tscore\n" + "".join(rows)
        )
    ranked = [(q, sorted(grades, key=grades.__getitem__)) for q, grades in QRELS.items()]
    for name, order in (("a", -1), ("b", 1)):
        (folder / f"{name}.trec").write_text(
            "".join(
                f"{q} Q0 {doc} {place} {9 - place} {name}\n"
                for q, found in ranked
                for place, doc in enumerate(found[::order], 1)
            )
        )
    (folder / "qrels.txt").write_text(
        "".join(f"{q} 0 {d} {g}\n" for q, grades in QRELS.items() for d, g in grades.items())
    )
    (folder / "page.txt").write_text(f"new\n\nMar 14\n\nA title\n\n{ABSTRACT}\n")
    for name, lines in TABLES.items():
        (folder / name).write_text(lines)
    plain = "+retrievers.plain={_target_: bench.retrievers.bm25.BM25, k1: 0.1}"
    for name, setting in (("run", plain), ("other", "retrievers.bm25.b=0.0")):
        with contextlib.chdir(folder):
            command = ["run", "retriever=[bm25]", "collection=beir", "collection.path=c", "output=out"]
            assert leave([*command, setting]) == 0
        (made,) = (folder / "out").glob("[0-9]*")
        shutil.rmtree(made / "plots")  # most of its bytes, and nothing reads them
        made.rename(folder / name)
        shutil.rmtree(folder / "out")
    shutil.copytree(folder / "run", folder / "base")
    return folder


def leave(arguments: list[str]) -> object:
    """Run the command line in this process; return the exit code."""
    before = sys.argv
    sys.argv = ["bench", *arguments]
    try:
        app.main()
    except SystemExit as left:
        return left.code
    finally:
        sys.argv = before


def put(file: str, content: str | bytes) -> SetUp:
    """Write a file, over one that is there."""

    def set_up(folder: Path) -> None:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_bytes(
            content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass")
        )

    return set_up


def add(file: str, text: str) -> SetUp:
    """Append to a file."""

    def set_up(folder: Path) -> None:
        with (folder / file).open("a") as out:
            out.write(text)

    return set_up


def swap(file: str, old: str, new: str, count: int = 1) -> SetUp:
    """Put one text in the place of another, which must be there."""

    def set_up(folder: Path) -> None:
        text = (folder / file).read_text()
        assert old in text, f"{old!r} is not in {file}"
        (folder / file).write_text(text.replace(old, new, count))

    return set_up


def drop(*files: str) -> SetUp:
    """Remove files and folders."""

    def set_up(folder: Path) -> None:
        for file in files:
            path = folder / file
            shutil.rmtree(path) if path.is_dir() else path.unlink()

    return set_up


def node(place: str, value: Any = DELETED, run: str = "run") -> SetUp:
    """Change or remove one node of a run's record, named as `queries/ids`."""

    def set_up(folder: Path) -> None:
        file = folder / run / "record.json"
        content = json.loads(file.read_text())
        *parents, last = (int(key) if key.isdigit() else key for key in place.split("/"))
        inner = functools.reduce(lambda at, key: at[key], parents, content)
        if value is DELETED:
            del inner[last]
        else:
            inner[last] = value(inner[last]) if callable(value) else value
        file.write_text(json.dumps(content))

    return set_up


def inline(place: str, value: Any, run: str = "run") -> SetUp:
    """Change one node of a record of schema 2, which has the values of its systems in it."""

    def set_up(folder: Path) -> None:
        content = content_of(folder / run)
        (folder / run / "record.json").write_text(json.dumps(content))
        node(place, value, run)(folder)

    return set_up


OTHER_VALUES = packed(np.zeros((1, 1, 1)))


def mode(file: str, bits: int) -> SetUp:
    """Change permissions."""
    return lambda folder: (folder / file).chmod(bits)


def folder(name: str) -> SetUp:
    """Make an empty folder."""
    return lambda at: (at / name).mkdir(parents=True)


def link(name: str, to: str) -> SetUp:
    """Make a symbolic link."""
    return lambda at: (at / name).symlink_to(to)


def fifo(name: str) -> SetUp:
    """Make a named pipe, that nobody writes to."""

    def set_up(at: Path) -> None:
        (at / name).unlink(missing_ok=True)
        os.mkfifo(at / name)

    return set_up


def copy(name: str, to: str) -> SetUp:
    """Copy a folder or a file."""

    def set_up(at: Path) -> None:
        if (at / name).is_dir():
            shutil.copytree(at / name, at / to)
        else:
            (at / to).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(at / name, at / to)

    return set_up


@functools.cache
def _tiny_model() -> Path:
    """The tiny model, made once."""
    at = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, at, ignore_errors=True)
    return tiny_model(at)


def model(at: Path) -> None:
    """Put a small encoder in model/."""
    shutil.copytree(_tiny_model(), at / "model")


def without_words(at: Path) -> None:
    """Put an encoder without its tokenizer in model/."""
    model(at)
    for file in (at / "model").glob("tokenizer*"):
        file.unlink()


def not_numbers(at: Path) -> None:
    """Put an encoder that knows no number for any word in model/."""
    from safetensors.numpy import load_file, save_file

    model(at)
    weights = load_file(at / "model" / "model.safetensors")
    words = next(name for name in weights if "word_embeddings" in name)
    weights[words] = weights[words] * float("nan")
    save_file(weights, at / "model" / "model.safetensors")


def cut(file: str, size: int) -> SetUp:
    """Leave the first bytes of a file."""
    return lambda at: os.truncate(at / file, size)


def both(*set_ups: SetUp) -> SetUp:
    """Do one after the other."""

    def set_up(folder: Path) -> None:
        for one in set_ups:
            one(folder)

    return set_up


def tree(folder: Path) -> dict[str, bytes | str]:
    """Relative name → content of everything below, for a folder what it is."""
    found: dict[str, bytes | str] = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_symlink():
            found[name] = f"link to {path.readlink()}"
        elif path.is_file():
            try:
                found[name] = path.read_bytes()
            except PermissionError:
                found[name] = "closed"
        else:
            found[name] = "folder" if path.is_dir() else "device"
    return found


# Linux lets root pass over permissions by these two, which a thread may lay down for a while.
_CAP_DAC_OVERRIDE, _CAP_DAC_READ_SEARCH = 1, 2
_VERSION_3 = 0x20080522


def _effective(change: Callable[[int], int]) -> int | None:
    """Change the effective capabilities of this thread; return what they were, None if it can not."""
    if not sys.platform.startswith("linux") or os.geteuid():
        return None
    libc = ctypes.CDLL(None, use_errno=True)
    head = (ctypes.c_uint32 * 2)(_VERSION_3, 0)
    data = (ctypes.c_uint32 * 6)()
    if libc.capget(head, data):
        return None
    before = data[0]
    data[0] = change(before)
    return None if libc.capset(head, data) else before


@contextlib.contextmanager
def ordinary_user() -> Iterator[None]:
    """Let permissions count for root too, as they do for everybody else."""
    passes_over = 1 << _CAP_DAC_OVERRIDE | 1 << _CAP_DAC_READ_SEARCH
    before = _effective(lambda now: now & ~passes_over)
    try:
        yield
    finally:
        if before is not None:
            _effective(lambda _: before)


def permissions_count(folder: Path) -> bool:
    """Whether this process is held to permissions."""
    probe = folder / "probe"
    probe.mkdir(mode=0o500)  # not by os.access, which asks for what root might do
    try:
        (probe / "file").touch()
    except PermissionError:
        return True
    else:
        (probe / "file").unlink()
        return False
    finally:
        probe.rmdir()


def no_larger_files_than(size: int) -> None:
    """For a process of its own: what stands for a full disk where none can be made."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
