"""What Hydra, OmegaConf or YAML find wrong with settings, said in one line with the nearest names."""

from __future__ import annotations

import errno
import re
from collections.abc import Callable, Sequence

import yaml
from hydra.errors import OverrideParseException
from omegaconf.errors import MissingMandatoryValue

from bench.errors import did_you_mean

_SEE = "see 'bench run --cfg job' for all settings"


def one_line(error: Exception, known: Sequence[str], options: Callable[[str], list[str]]) -> str:
    """Return one line about an error.

    known      every setting that there is, as `key.key`
    options    the names to choose from in a group
    """
    chain = _chain(error)
    text = "\n".join(chain)
    if found := re.search(r"Could not (?:find|load) '([\w-]+)/([^']+)'", text):
        return _unknown_option(found[1], found[2], options(found[1]))
    if found := re.search(r"Could not override '([^']+)'", text):
        key = found[1].lstrip("+~")
        if known and key not in known:
            return f"unknown setting '{key}'; {_nearest_key(key, known)}"
    if "HydraConfig was not set" in text:
        return "a setting refers to ${hydra:...}, which has no value here; write the value out"
    if isinstance(error, MissingMandatoryValue):
        return f"a setting must be given: {chain[0].splitlines()[0]}"
    if isinstance(error, OverrideParseException):
        return (
            f"cannot read '{error.override}': {_grammar(error.message)}; {_how_to_write(error.override)}"
        )
    if "Exceeds the limit" in text:
        return "a setting is a number of too many digits; write a smaller one"
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark:
        mark = error.problem_mark
        return f"{mark.name}:{mark.line + 1}: {error.problem}; mend this settings file"
    if isinstance(error, (yaml.YAMLError, OSError, UnicodeDecodeError)):
        return _unreadable(error)
    firsts = [line.strip().splitlines()[0] for line in chain if line.strip()]
    return f"{': '.join(dict.fromkeys(firsts))}; {_SEE}"


def _unreadable(error: Exception) -> str:
    if isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG:
        return "a setting, or what is chosen in a group, has too long a name; shorten it"
    return f"a settings file can not be read ({error}); mend it, or leave its --config-dir out"


def _chain(error: BaseException | None) -> list[str]:
    chain = []
    while error is not None:
        chain.append(str(error))
        error = error.__cause__
    return chain


def _unknown_option(group: str, name: str, options: Sequence[str]) -> str:
    hint = did_you_mean(name, options)
    if group == "tune":
        return (
            f"no search space for '{name}'; {hint}; or write tune/{name}.yaml and name its folder's "
            "parent with --config-dir"
        )
    return f"unknown {group} '{name}'; {hint}"


def _how_to_write(override: str) -> str:
    """A text with signs of the grammar in it takes quotes for Hydra and, around them, for the shell."""
    key, equals, _ = override.partition("=")
    return (
        f"write a text in two kinds of quotes: '{key}=\"TEXT\"'" if equals else "write it as KEY=VALUE"
    )


def _nearest_key(key: str, known: Sequence[str]) -> str:
    """Name near settings; failing that, those of the same parent. Never the whole config."""
    ends = [name for name in known if name.rpartition(".")[2] == key]
    if ends:
        return "did you mean " + " or ".join(map(repr, ends[:3])) + "?"
    hint = did_you_mean(key, known)
    if hint.startswith("did"):
        return hint
    parent = key.rpartition(".")[0]
    siblings = [name for name in known if name.rpartition(".")[0] == parent]
    return did_you_mean(key, siblings or {name.split(".")[0] for name in known})


def _grammar(message: str) -> str:
    """The parser's own words, without its pointer line and its link."""
    lines = [line.strip() for line in message.splitlines()]
    kept = [one for one in lines if one.strip("^") and not one.startswith(("See ", "Error parsing "))]
    words = "; ".join(kept).partition(" expecting ")[0]
    return (not words.startswith("Lexer") and words) or "not of Hydra's override grammar"
