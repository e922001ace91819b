"""The command line. Heavy imports stay inside the commands, so that `bench --help` is instant."""

from __future__ import annotations

import gc
import inspect
import io
import os
import sys
from collections.abc import Callable
from typing import Annotated, NoReturn

import typer

from bench.cli.adjudicate import adjudicate
from bench.cli.agree import agree
from bench.cli.compare import compare
from bench.cli.complete import complete
from bench.cli.diff import diff
from bench.cli.endings import outlast_readers, stoppable
from bench.cli.examples import with_examples
from bench.cli.exits import say
from bench.cli.export import export
from bench.cli.gate import gate
from bench.cli.import_tables import import_tables
from bench.cli.ingest import ingest
from bench.cli.judge import judge
from bench.cli.list import list_known
from bench.cli.report import report
from bench.cli.run import run
from bench.cli.show import show
from bench.cli.split import split
from bench.cli.tune import tune
from bench.cli.verify import verify

app = typer.Typer(
    help="Evaluate retrieval methods on a test collection, and say how far to trust the answer.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

# In the order in which a user meets them.
_COMMANDS: dict[str, tuple[Callable[..., None], str]] = {
    "run": (run, "Evaluate retrievers on labelled queries."),
    "list": (list_known, "What settings can name; saved runs."),
    "show": (show, "A saved run: its tables, and what was run."),
    "compare": (compare, "Is the difference between systems real?"),
    "diff": (diff, "Which queries changed from one run to another."),
    "gate": (gate, "Hold a run against the baseline, for CI."),
    "verify": (verify, "Run a saved record again."),
    "report": (report, "Tables and plots of a saved run again."),
    "tune": (tune, "Search a retriever's settings on dev."),
    "import": (import_tables, "CSV or TSV files to a BEIR folder."),
    "split": (split, "Divide queries into dev and test."),
    "judge": (judge, "Judge papers in the terminal."),
    "agree": (agree, "Agreement of assessors, with intervals."),
    "adjudicate": (adjudicate, "Settle what two passes differ on."),
    "export": (export, "Topics and qrels for other tools."),
    "ingest": (ingest, "Saved pages of the digest to corpus.jsonl."),
    "complete": (complete, "Tab completion for bash, zsh or fish."),
}
for name, (command, short) in _COMMANDS.items():
    text = with_examples(name, inspect.getdoc(command) or "")
    app.command(name, help=text, short_help=short)(command)


@app.callback(invoke_without_command=True)
def options(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,  # noqa: ARG001
) -> None:
    """Answer --version. --debug is listed here for the help; `main` acts on it."""
    if version:
        from bench import __version__

        print(__version__)
        raise typer.Exit
    if context.invoked_subcommand is None:
        print(context.get_help(), file=sys.stderr)
        raise typer.Exit(2)  # a script whose command is empty must not take it for a pass


def _command(arguments: list[str], *, debug: bool = False) -> int:
    """Do what the arguments ask for, and return the exit code that a command chose. `debug` is what the
    context holds as its object.

    Typer's own `app()` turns a closed pipe into exit code 1, and an EOFError into an interrupt.
    """
    command = typer.main.get_command(app)
    try:
        with command.make_context("bench", arguments, obj=debug) as context:
            command.invoke(context)
    except typer.Exit as done:
        return done.exit_code
    except SystemExit as left:  # of a library: 0 would be a pass
        raise RuntimeError(f"something called sys.exit({left.code!r})") from left
    return 0


def _exit_code(arguments: list[str], debug: bool) -> int:
    """Run a command. Return 0 passed, 1 regressed or different, 3 undecidable, or what `ending_of` has
    for an error."""
    try:
        with stoppable():
            code = _command(arguments, debug=debug)
        sys.stdout.flush()
        return code
    except (Exception, KeyboardInterrupt) as error:
        return say(error, debug=debug)


def main() -> NoReturn:
    """Run the command line, and leave with the exit code of `_exit_code`."""
    # A process that is started with these closed has none.
    sys.stdout, sys.stderr = sys.stdout or io.StringIO(), sys.stderr or io.StringIO()
    outlast_readers()
    if isinstance(sys.stdout, io.TextIOWrapper):  # a terminal of ASCII shows "→" as an escape
        sys.stdout.reconfigure(errors="backslashreplace")
    # A run of seconds makes few cycles and many objects that stay, the main job 250,000. Each look at
    # 100,000 of them takes 30 ms: look for garbage seldom.
    gc.set_threshold(500_000, 20, 20)
    arguments = sys.argv[1:]
    debug = "--debug" in arguments
    # Given anywhere, also after a subcommand that hands its arguments on to Hydra.
    arguments = [argument for argument in arguments if argument != "--debug"]
    sys.argv = [sys.argv[0], *arguments]
    code = _exit_code(arguments, debug)
    try:
        sys.stdout.flush()
    except OSError:  # what can not be written must not become another exit code at the end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    # Without the interpreter's last search for garbage the main job from the cache takes 2.3 s and not
    # 2.7; once torch is loaded that search alone takes over a second.
    gc.freeze()
    sys.exit(code)


if __name__ == "__main__":
    main()
