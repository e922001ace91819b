"""Write docs/cli.md, the reference of the command line, from the commands' own help: make docs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from bench.cli import app
from bench.cli.examples import EXAMPLES
from bench.report.escape import markdown_text

PAGE = Path(__file__).resolve().parents[2] / "docs" / "cli.md"
HEAD = """# The command line

Made from the commands' own help with `make docs`; change it there. Every command takes `--help`;
`--debug`, anywhere on a line, shows tracebacks. Words in capitals stand for what is yours.

Exit codes: 0 done or passed, 1 regressed or different, 2 bad input (one line says what to mend), 3 too few
queries to decide, 70 an error of bench's own, 130 interrupted, 143 terminated.
"""


def reference() -> str:
    """Return the page: a section a command, in the order of `bench --help`."""
    root = typer.main.get_command(app.app)
    commands: dict[str, Any] = root.commands  # type: ignore[attr-defined]
    contents = (
        f"- [`bench {name}`](#bench-{name}): {markdown_text(each.short_help)}"
        for name, each in commands.items()
    )
    sections = ["\n".join(_section(name, each)) for name, each in commands.items()]
    return "\n".join([HEAD, *contents, "", *sections])


def _section(name: str, command: Any) -> Iterator[str]:
    context = command.make_context(f"bench {name}", [], resilient_parsing=True)
    said, *_ = command.help.partition("\b")
    arguments = [one for one in command.params if one.param_type_name == "argument"]
    options = [one for one in command.params if one.param_type_name == "option"]
    yield f"## bench {name}\n\n{_prose(said)}\n"
    usage = " ".join(command.collect_usage_pieces(context))
    yield f"```text\nbench {name} {usage}\n```\n"
    yield from _table("argument", [one.get_help_record(context) for one in arguments])
    yield from _table("option", [one.get_help_record(context) for one in options])
    examples, _, more = EXAMPLES.get(name, "").strip().partition("\n\n")
    if examples:
        yield f"```console\n{_as_typed(examples)}\n```\n"
    if more:
        yield f"{_prose(more)}\n"


def _as_typed(examples: str) -> str:
    return "\n".join(f"$ {line}" for line in examples.splitlines())


def _table(what: str, rows: list[tuple[str, str]]) -> Iterator[str]:
    if rows:
        yield f"| {what} | what it is |\n|---|---|"
        yield from (f"| `{_named(name)}` | {markdown_text(told)} |" for name, told in rows)
        yield ""


def _prose(text: str) -> str:
    return "\n".join(map(markdown_text, text.strip().splitlines()))


def _named(name: str) -> str:
    """A name as the help has it, without Python's type; a table would end at a bare "|"."""
    return re.sub(r" <.*>$", "", name).replace("|", "\\|")


if __name__ == "__main__":
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(reference(), encoding="utf-8")
