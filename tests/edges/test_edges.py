"""Every row of the table: a command meets bad input, and ends as the row says.

Whatever ends with 2 says so in one line that begins with "bench: ", and leaves the folder as it was.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import subprocess
import sys

import inputs
import pytest
import rows
from conftest import ROOT

NEVER = ("Traceback", "internal error", "LexerNoViableAlt", "object at 0x", "Errno")
_LONGEST = 600


@pytest.fixture(scope="session")
def world(tmp_path_factory):
    return inputs.world(tmp_path_factory.mktemp("edges"))


@pytest.fixture
def here(world, tmp_path, monkeypatch):
    """A copy of the world, to stand in; taken away at once, for there are many."""
    folder = tmp_path / "here"
    shutil.copytree(world, folder)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    yield folder
    for path in [folder, *(p for p in folder.rglob("*") if p.is_dir() and not p.is_symlink())]:
        path.chmod(0o700)
    shutil.rmtree(folder)


def words_of(row):
    command = " ".join(rows.SHORT.get(word, word) for word in row.command.split(" "))
    return [word.replace("HUGE", rows.HUGE) for word in shlex.split(command)]


def held(row, code, out, err, before, after):
    said = out + err
    assert code == row.code, said[-2000:]
    for words in (row.says,) if isinstance(row.says, str) else row.says:
        assert words in said, said[-2000:]
    for words in (*NEVER, *row.never):
        assert words not in said, said[-2000:]
    if code == 2 and row.one_line:
        lines = [line for line in err.splitlines() if line.startswith("bench: ")]
        assert len(lines) == 1, err
        assert err.splitlines()[-1] == lines[0], err
        assert len(lines[0]) < _LONGEST, err
        if not row.leaves:
            assert after == before
    for name in row.leaves:
        assert any(re.fullmatch(name, one) for one in after), sorted(after)


def marked(row):
    marks = [pytest.mark.long] if row.long else []
    return pytest.param(row, id=row.id, marks=marks)


@pytest.mark.parametrize("row", [marked(row) for row in rows.ROWS])
def test_edge(row, here, capsys):
    if row.root and os.geteuid():
        pytest.skip("only root passes over permissions")
    with contextlib.nullcontext() if row.root else inputs.ordinary_user():
        if row.permissions and not inputs.permissions_count(here):
            pytest.skip("this process is not held to permissions, and can not be made to")
        row.set_up(here)
        before = inputs.tree(here)
        code = inputs.leave(words_of(row))
        printed = capsys.readouterr()
        after = inputs.tree(here)
    held(row, code, printed.out, printed.err, before, after)


def test_the_table_is_long_and_its_rows_have_names_of_their_own():
    names = [row.id for row in (*rows.ROWS, *rows.IN_A_PROCESS, *rows.ON_A_FULL_DISK)]
    assert len(names) >= 150
    assert len(set(names)) == len(names)


def test_every_command_has_rows():
    from bench.cli import app

    commands = {info.name or info.callback.__name__ for info in app.app.registered_commands}
    tried = {words_of(row)[0] for row in rows.ROWS if row.command}
    assert commands <= tried


def in_a_process(command, here, **options):
    return subprocess.run(
        command,
        cwd=here,
        env={**os.environ, "PYTHONPATH": str(ROOT), **options.pop("env", {})},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        **options,
    )


@pytest.mark.long
@pytest.mark.parametrize("row", rows.IN_A_PROCESS, ids=lambda row: row.id)
def test_edge_in_a_process_of_its_own(row, here):
    """For what a shell does around the command: pipes, closed streams, devices."""
    row.set_up(here)
    before = inputs.tree(here)
    bench = shlex.join([sys.executable, "-m", "bench"])
    short = {**rows.SHORT, "BENCH": bench, "PYTHON": shlex.quote(sys.executable)}
    command = " ".join(short.get(word, word) for word in row.command.split(" "))
    done = in_a_process(["bash", "-c", command], here, stdin=subprocess.DEVNULL)
    held(row, done.returncode, done.stdout, done.stderr, before, inputs.tree(here))


def _small_disk(size):
    """The words before a command that mount a small disk on out/, None where this machine lets nobody."""
    script = f'mount -t tmpfs -o size={size} none out && cp -a kept/. out 2>/dev/null; "$@"; code=$?; ls -A out; exit $code'
    for way in (["unshare", "--mount"], ["unshare", "--mount", "--map-root-user"]):
        with contextlib.suppress(OSError):
            probe = [*way, "sh", "-c", "mount -t tmpfs none /mnt"]
            if subprocess.run(probe, capture_output=True, check=False).returncode == 0:
                return [*way, "sh", "-c", script, "sh"]
    return None


@pytest.mark.long
@pytest.mark.parametrize("row", rows.ON_A_FULL_DISK, ids=lambda row: row.id)
def test_edge_on_a_full_disk(row, here):
    """out/ is a disk of some kilobytes that holds what kept/ holds; else files may not become large."""
    (here / "out").mkdir()
    (here / "kept").mkdir()
    row.set_up(here)
    before = inputs.tree(here)
    mounted = _small_disk(row.disk)
    if row.mount and not mounted:
        pytest.skip("this machine lets nobody mount a disk")
    limit = {} if mounted else {"preexec_fn": lambda: inputs.no_larger_files_than(2_000)}
    done = in_a_process([*(mounted or ()), sys.executable, "-m", "bench", *words_of(row)], here, **limit)
    held(row, done.returncode, done.stdout if mounted else "", done.stderr, before, inputs.tree(here))
