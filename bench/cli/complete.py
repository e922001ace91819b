"""`bench complete`: tab completion for a shell."""

from __future__ import annotations

from typing import Annotated, Literal

import typer


def complete(
    context: typer.Context,
    shell: Annotated[
        Literal["bash", "zsh", "fish"], typer.Argument(metavar="bash|zsh|fish", help="Your shell.")
    ],
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
    commands = context.find_root().command.commands  # type: ignore[attr-defined]
    flags = {
        name: [flag for one in command.params for flag in one.opts if flag.startswith("--")]
        for name, command in commands.items()
    }
    print(*answers(line, flags), sep="\n")
