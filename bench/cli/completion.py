"""Tab completion: commands, flags, and for `run` and `tune` every group, option and setting of conf/."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.cli.list import KINDS
from bench.errors import BenchError

# Each asks `bench complete SHELL --line TEXT` for the words that may stand at the end of TEXT.
SCRIPTS = {
    # bash takes a word to begin behind its last "=", and puts what it is given in that place.
    "bash": r"""_bench() {
    local IFS=$'\n' line="${COMP_LINE:0:COMP_POINT}" cut=""
    local word="${line##*[[:space:]]}"
    if [[ $COMP_WORDBREAKS == *=* && $word == *=* ]]; then cut="${word%=*}="; fi
    COMPREPLY=($(bench complete bash --line "$line" 2>/dev/null))
    COMPREPLY=("${COMPREPLY[@]#"$cut"}")
    if [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} != *[=.] ]]; then compopt +o nospace 2>/dev/null; fi
}
complete -o default -o nospace -F _bench bench
""",
    "zsh": r"""(( $+functions[compdef] )) || { autoload -Uz compinit && compinit; }
_bench() {
    local -a found=(${(f)"$(bench complete zsh --line "${words[1,CURRENT-1]} $PREFIX" 2>/dev/null)"})
    if (( ${#found} )); then compadd -Q -S '' -a found; else compset -P '*='; _files; fi
}
compdef _bench bench
""",
    "fish": r"""complete -c bench -e
complete -c bench -f -n 'not string match -q "*=*" -- (commandline -ct)'
complete -c bench -a '(bench complete fish --line (commandline -cp | string collect) 2>/dev/null)'
""",
}
# A value that a shell takes as it is.
_PLAIN = re.compile(r"[\w./+-]+")


def answers(line: str, flags: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the words that may stand where a command line ends.

    flags    command → its flags
    """
    _, *words = _words(line)
    *before, word = words or [""]
    found: Iterator[str] | Sequence[str] = ()
    if not before:
        found = list(flags)
    elif word.startswith("-"):
        found = flags.get(before[0], ())
    elif before in (["list"], ["complete"]):
        found = list(KINDS if before == ["list"] else SCRIPTS)
    elif before[0] in ("run", "tune"):
        found = _settings(word, before[1:])
    return sorted({one for one in found if one.startswith(word)})


def _words(line: str) -> list[str]:
    try:
        words = shlex.split(line)
    except ValueError:  # a quote that is still open
        words = line.split()
    return words if line[-1:].strip() else [*words, ""]


def _settings(word: str, before: Sequence[str]) -> Iterator[str]:
    """Overrides that begin like this one: options of a group, or keys and values at the next dot."""
    from bench.cli.compose import groups, jobs, options, unresolved  # loads Hydra, which a flag need not

    sign = word[: len(word) - len(word.lstrip("+~"))]
    key, equals, _ = word[len(sign) :].rpartition("=")
    own = [Path(folder) for folder in _own(before)]
    if equals and key in groups(own):
        yield from (f"{sign}{key}={name}" for name in options(key, own))
        return
    if not equals:
        yield from (f"{sign}{name}=" for name in groups(own))
    try:
        given = jobs([one for one in before if "=" in one and not one.startswith("-")], own)[0]
        known: Any = unresolved(given, own)
    except BenchError:  # what stands before is not finished, or wrong: it will be said when it runs
        return
    parents = key.split(".") if equals else word[len(sign) :].split(".")[:-1]
    for parent in parents:
        known = known.get(parent) if isinstance(known, dict) else None
    if equals and _PLAIN.fullmatch(value := _plain(known)):
        yield f"{sign}{key}={value}"
    elif not equals and isinstance(known, dict):
        for name, inner in known.items():
            yield sign + ".".join([*parents, str(name)]) + ("." if isinstance(inner, dict) else "=")


def _plain(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _own(words: Sequence[str]) -> Iterator[str]:
    """The folders that --config-dir names."""
    for place, word in enumerate(words):
        if word in ("--config-dir", "-cd") and place + 1 < len(words):
            yield words[place + 1]
        elif word.startswith("--config-dir="):
            yield word.partition("=")[2]
