"""The command line. Heavy imports stay inside the commands, so that `bench --help` is instant."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from bench.errors import BenchError

app = typer.Typer(
    help="Evaluate retrieval methods on a test collection, and say how far to trust the answer.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

_RUN_HELP = """Evaluate retrievers on labelled queries: tables, plots and a record.

\b
bench run                                           the main job: four systems, test queries
bench run 'retriever=[bm25,dense]'                  choose systems
bench run retrievers.bm25.k1=0.9 passages.sentences=5
bench run collection.split=dev 'collection.sets=[topic,question]'
bench run -m retrievers.bm25.b=0.3,0.75             one run for each value
bench run collection=beir collection.path=DIR       an own BEIR folder
bench run 'retriever=[runfile]' retrievers.runfile.path=FILE
bench run --config-dir conf 'retriever=[mine]' --allow my_module
bench run --cfg job                                 show every setting, run nothing
bench run --hydra-help                              all flags of Hydra
eval "$(bench run -sc install=bash)"                tab completion (zsh, fish too)
"""


@app.command(
    "run",
    help=_RUN_HELP,
    short_help="Evaluate retrievers on labelled queries: tables, plots and a record.",
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
)
def run_command(
    context: typer.Context,
    allow: Annotated[
        list[str] | None,
        typer.Option(help="Module besides bench that a _target_ may name.", metavar="MODULE"),
    ] = None,
) -> None:
    """Hand everything that is not an option of ours on to Hydra."""
    from bench import job

    job.run(context.args, allow or ())


@app.command("ingest")
def ingest(
    pages: Annotated[list[Path], typer.Argument(metavar="PAGE...", help="Saved pages, in order.")],
    out: Annotated[Path, typer.Option(help="Folder that gets corpus.jsonl.", metavar="DIR")],
) -> None:
    """Turn saved "Daily Papers" pages into corpus.jsonl."""
    from bench.collections.pages import read_pages
    from bench.files import write_json_lines

    papers = read_pages(pages)
    file = out / "corpus.jsonl"
    write_json_lines(file, [paper.row() for paper in papers])
    print(f"{len(papers)} papers from {len(pages)} pages → {file}")


@app.command("report")
def report(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run's folder.")],
    out: Annotated[
        Path | None, typer.Option(help="Where to write; the run's own folder if not given.")
    ] = None,
) -> None:
    """Draw the tables and plots of a saved run again, without searching."""
    from bench.record import Record
    from bench.report.write import print_tables, write_report

    record = Record.load(run)
    write_report(record, out or (run if run.is_dir() else run.parent))
    print_tables(record)


@app.callback(invoke_without_command=True)
def options(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks of bad input.")] = False,  # noqa: ARG001
) -> None:
    """Answer --version. --debug is listed here for the help; `main` acts on it."""
    if version:
        from bench import __version__

        print(__version__)
        raise typer.Exit


def main() -> None:
    """Run the command line: bad input is one line on stderr and exit code 2."""
    arguments = sys.argv[1:]
    debug = "--debug" in arguments
    # Given anywhere, also after a subcommand that hands its arguments on to Hydra.
    arguments = [argument for argument in arguments if argument != "--debug"]
    # Hydra's completion script finds its shell's parent by this name; its own help is for its flags.
    sys.argv = [sys.argv[0], *arguments]
    try:
        app(args=arguments, prog_name="bench")
    except BenchError as error:
        if debug:
            raise
        print(f"bench: {' '.join(str(error).split())}", file=sys.stderr)
        sys.exit(2)
    except BrokenPipeError:  # the reader, such as head, has seen enough
        sys.stderr.close()
    except KeyboardInterrupt:
        print("bench: interrupted; nothing was written", file=sys.stderr)
        sys.exit(130)


if __name__ == "__main__":
    main()
