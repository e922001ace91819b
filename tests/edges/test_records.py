"""A saved record, damaged in every way: each command that reads it refuses in one line, or does its work.

Whatever the schema refuses is refused for all commands where the record is read, so one command shows it;
what it lets pass is handed to every command.
"""

from __future__ import annotations

import copy
import json
import shutil

import inputs
import pytest

from bench.errors import BenchError
from bench.runs.record import Record

COMMANDS = {
    "compare": "compare run base",
    "gate": "gate run --baseline base",
    "gate, as the baseline": "gate base --baseline run",
    "verify": "verify run --set collection.path=c",
    "show": "show run",
    "list": "list runs .",
    "diff": "diff run other",
    "diff, as the second": "diff other run --query q1",
    "agree": "agree c --runs run --pooled",
}
SHORTER = object()
REPLACEMENTS = {
    "removed": inputs.DELETED,
    "null": None,
    "number": 3,
    "huge": 10**400,
    "text": "x",
    "list": [1],
    "object": {},
    "shorter": SHORTER,
}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = inputs.world(tmp_path_factory.mktemp("records"))
    # Every query that the run asks was judged by both, so that `agree` comes to the record.
    for assessor in ("ann", "bob"):
        lines = [f"{q}\t{d}\t{g}\n" for q, grades in inputs.QRELS.items() for d, g in grades.items()]
        (folder / "c" / "passes" / f"{assessor}.tsv").write_text("".join(lines))
    return folder


def nodes(value, at=()):
    """The place of each node, of a list's nodes that of the first alone."""
    yield at
    if isinstance(value, dict):
        for key, one in value.items():
            yield from nodes(one, (*at, key))
    elif isinstance(value, list) and value:
        yield from nodes(value[0], (*at, 0))


def damaged(content, place, new):
    """The record with one node replaced, removed or cut; None where that changes nothing."""
    content = copy.deepcopy(content)
    *parents, last = place
    inner = content
    for key in parents:
        inner = inner[key]
    if new is inputs.DELETED:
        del inner[last]
    elif new is SHORTER:
        if not isinstance(inner[last], list) or not inner[last]:
            return None
        inner[last] = inner[last][:-1]
    else:
        inner[last] = new
    return content


def places(content):
    """Without what is the same for each measure, system, library and machine."""
    same = {*content["measures"][1:], *list(content["systems"])[1:]}
    for key in ("versions", "platform", "ir_metadata", "seconds"):
        same |= {*list(content[key])[1:]} - content.keys()
    for place in nodes(content):
        if place and not same & set(place) and not (place[0] == "ir_metadata" and len(place) > 2):
            yield place


def accepted(file, content):
    file.write_text(json.dumps(content))
    try:
        Record.load(file)
    except BenchError as refused:
        assert "\n" not in str(refused)
        return False
    return True


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("kind", REPLACEMENTS)
@pytest.mark.long
def test_each_command_refuses_a_damaged_record_or_does_its_work(
    world, tmp_path, monkeypatch, capsys, command, kind
):
    here = tmp_path / "here"
    shutil.copytree(world, here)
    monkeypatch.chdir(here)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    file = here / "run" / "record.json"
    real = json.loads(file.read_text())
    crashed, tried = [], 0
    for place in places(real):
        content = damaged(real, place, REPLACEMENTS[kind])
        if content is None or not accepted(file, content):
            continue
        tried += 1
        code = inputs.leave(COMMANDS[command].split())
        printed = capsys.readouterr()
        lines = [line for line in printed.err.splitlines() if line.startswith("bench: ")]
        if code not in (0, 1, 2, 3) or (code == 2) != (len(lines) == 1) or "Traceback" in printed.err:
            crashed.append(("/".join(map(str, place)), code, printed.err[-300:]))
    assert not crashed, "\n".join(map(str, crashed))
    assert tried > 5 or kind == "shorter"
