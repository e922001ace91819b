"""The command line. Heavy imports stay inside the commands, so that `bench --help` is instant."""

from __future__ import annotations

import errno
import gc
import inspect
import io
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn

import typer

from bench.cli import compare, crash, data, diff, gate, labels, verify
from bench.cli.endings import Stopped, outlast_readers, stoppable
from bench.cli.examples import with_examples
from bench.errors import NO_SPACE, BenchError, in_one_line, require, visible

app = typer.Typer(
    help="Evaluate retrieval methods on a test collection, and say how far to trust the answer.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Settings = Annotated[
    list[str] | None,
    typer.Argument(metavar="SETTING=VALUE", show_default=False, help="Overrides of conf/."),
]
Own = Annotated[
    list[Path] | None,
    typer.Option("--config-dir", "-cd", metavar="DIR", help="Folder searched beside conf/."),
]
Allow = Annotated[
    list[str] | None,
    typer.Option(metavar="MODULE", help="Module besides bench that a _target_ may name."),
]


def run_command(
    settings: Settings = None,
    own: Own = None,
    allow: Allow = None,
    sweep: Annotated[
        bool, typer.Option("--multirun", "-m", help="One run for each combination of values.")
    ] = False,
    cfg: Annotated[
        Literal["job"] | None,
        typer.Option("--cfg", "-c", metavar="job", help="Show the settings instead of running."),
    ] = None,
    resolve: Annotated[
        bool, typer.Option("--resolve", help="With --cfg: fill in what ${...} refers to.")
    ] = False,
    package: Annotated[
        str | None,
        typer.Option("--package", "-p", metavar="KEY", help="With --cfg: only what is below."),
    ] = None,
) -> None:
    """Evaluate retrievers on labelled queries: tables, plots and a record."""
    from bench.cli import run

    require(bool(cfg) or not (resolve or package), "--resolve and --package go with --cfg job")
    require(not (cfg and sweep), "--cfg job shows one run; leave -m out")
    if cfg:
        run.show(settings or (), own or (), resolve=resolve, package=package)
    else:
        run.run(settings or (), own or (), allow or (), sweep=sweep)


def tune_command(settings: Settings = None, own: Own = None, allow: Allow = None) -> None:
    """Search a retriever's settings on dev; tell on test what that was worth."""
    from bench.cli import run

    run.tune(settings or (), own or (), allow or ())


def ingest(
    pages: Annotated[list[Path], typer.Argument(metavar="PAGE...", help="Saved pages, in order.")],
    out: Annotated[Path, typer.Option(help="Folder that gets corpus.jsonl.", metavar="DIR")],
) -> None:
    """Turn saved "Daily Papers" pages into corpus.jsonl."""
    from bench.collections.pages import read_pages
    from bench.storage.files import check_file, write_json_lines

    file = out / "corpus.jsonl"
    check_file(file)
    papers = read_pages(pages)
    write_json_lines(file, [paper.row() for paper in papers])
    print(f"{len(papers)} papers from {len(pages)} pages → {file}")


def report(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run's folder.")],
    out: Annotated[
        Path | None, typer.Option(help="Where to write; the run's own folder if not given.")
    ] = None,
) -> None:
    """Draw the tables and plots of a saved run again, without searching."""
    from bench.report.write import print_tables, require_no_other_run, write_plots, write_tables
    from bench.runs.record import Record

    record = Record.load(run)
    folder = out or (run if run.is_dir() else run.parent)
    require_no_other_run(folder, run)
    write_tables(record, folder)
    write_plots(record, folder)
    print_tables(record)


def complete(
    shell: Annotated[Literal["bash", "zsh", "fish"], typer.Argument(metavar="bash|zsh|fish")],
    line: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Print what may stand at the end of this line.")
    ] = None,
) -> None:
    """Print what sets tab completion up: eval "$(bench complete bash)", in ~/.bashrc for good.

    For zsh the same with zsh; for fish: bench complete fish | source
    """
    from bench.cli.completion import SCRIPTS, answers

    if line is None:
        print(SCRIPTS[shell], end="")
        return
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    flags = {
        name: [flag for one in command.params for flag in one.opts if flag.startswith("--")]
        for name, command in commands.items()
    }
    print(*answers(line, flags), sep="\n")


# In the order in which a user meets them.
_COMMANDS: dict[str, tuple[Callable[..., None], str]] = {
    "run": (run_command, "Evaluate retrievers on labelled queries."),
    "compare": (compare.compare, "Is the difference between systems real?"),
    "diff": (diff.diff, "Which queries changed from one run to another."),
    "gate": (gate.gate, "Hold a run against the baseline, for CI."),
    "verify": (verify.verify, "Run a saved record again."),
    "report": (report, "Tables and plots of a saved run again."),
    "tune": (tune_command, "Search a retriever's settings on dev."),
    "import": (data.import_tables, "CSV or TSV files to a BEIR folder."),
    "split": (data.split, "Divide queries into dev and test."),
    "judge": (labels.judge, "Judge papers in the terminal."),
    "agree": (labels.agree, "Agreement of assessors, with intervals."),
    "adjudicate": (labels.adjudicate, "Settle what two passes differ on."),
    "export": (labels.export, "Topics and qrels for other tools."),
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


# typer carries its own copy of click: the base of its bad parameters is every error of usage.
_UsageError: type[Any] = typer.BadParameter.__mro__[1]


def _command(arguments: list[str]) -> int:
    """Do what the arguments ask for, and return the exit code that a command chose.

    Typer's own `app()` turns a closed pipe into exit code 1, and an EOFError into an interrupt.
    """
    command = typer.main.get_command(app)
    try:
        with command.make_context("bench", arguments) as context:
            command.invoke(context)
    except typer.Exit as done:
        return done.exit_code
    except SystemExit as left:  # of a library: argparse after its help
        if left.code:
            raise RuntimeError(f"something called sys.exit({left.code!r})") from left
    return 0


# What a path that somebody named can be; a file that is not there may be one that we should have made.
_NO_SUCH_USE = (
    *(errno.ENAMETOOLONG, errno.ELOOP, errno.EISDIR, errno.ENOTDIR),
    *(errno.EACCES, errno.EPERM, errno.EROFS),
)


def _refuse(message: str) -> int:
    print(f"bench: {visible(in_one_line(message))}", file=sys.stderr)
    return 2


def _exit_code(arguments: list[str], debug: bool) -> int:
    """Run a command. Return 0 passed, 1 regressed or different, 2 bad input, 3 undecidable, 70 an error
    of our own; 130 interrupted, 143 terminated, as shells say it."""
    try:
        with stoppable():
            code = _command(arguments)
        sys.stdout.flush()
        return code
    except BenchError as error:
        if debug:
            traceback.print_exception(error)
        return _refuse(str(error))
    except _UsageError as error:
        asked = error.ctx.command_path if error.ctx else "bench"
        return _refuse(f"{error.format_message()} See '{asked} --help'.")
    except Stopped as signal:
        print(f"bench: {signal.word}", file=sys.stderr)
        return signal.exit_code
    except (KeyboardInterrupt, typer.Abort):
        print("bench: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # of a pipe that was named as an output
        return 141
    except Exception as error:
        if isinstance(error, OSError) and error.errno in NO_SPACE:
            return _refuse(f"cannot write: {error.strerror}; free some space")
        if isinstance(error, OSError) and error.errno in _NO_SUCH_USE and error.filename:
            path = error.filename2 or error.filename  # of two, where it was to go
            return _refuse(f"cannot use {path}: {error.strerror}; name another path")
        return crash.report(error, debug=debug)


def main() -> NoReturn:
    """Run the command line, and leave with the exit code of `_exit_code`."""
    # A process that is started with these closed has none.
    sys.stdout, sys.stderr = sys.stdout or io.StringIO(), sys.stderr or io.StringIO()
    outlast_readers()
    if isinstance(sys.stdout, io.TextIOWrapper):  # a terminal of ASCII shows "→" as an escape
        sys.stdout.reconfigure(errors="backslashreplace")
    # A run of seconds makes few cycles and many objects that stay: look for garbage seldom.
    gc.set_threshold(100_000, 20, 20)
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
    # The interpreter's last search for garbage takes over a second once torch is loaded.
    gc.freeze()
    sys.exit(code)


if __name__ == "__main__":
    main()
