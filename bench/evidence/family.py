"""What is confirmatory, named before the run: measures, pairs of systems, and margins that matter."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bench.errors import BenchError, did_you_mean, require

ALL_PAIRS = "all"
_DEFAULT = "default"
# A difference below this matters to nobody, where nothing else is said.
MARGIN = 0.02


@dataclass(frozen=True)
class Margins:
    """Measure → a difference too small to matter; `default` stands for every other measure."""

    default: float = MARGIN
    of_measure: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def read(cls, settings: Any, known: Sequence[str], where: str) -> Margins:
        """Read `{default: 0.02, nDCG@10: 0.01}`; null stands for an empty mapping.

        Raises `BenchError` for what is no mapping, for a measure that is not among the known ones, and
        for a value that is not between 0 and 1.
        """
        settings = {} if settings is None else settings
        require(
            isinstance(settings, Mapping),
            f"{where} must map measures to margins, such as {{{_DEFAULT}: {MARGIN}}}, got {settings!r}",
        )
        for name, value in settings.items():
            require(
                name == _DEFAULT or name in known,
                f"{where} names '{name}', which is not measured; {did_you_mean(name, known)}",
            )
            require(
                isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value < 1,
                f"{where}.{name} must lie between 0 and 1, both left out, got {value!r}",
            )
        named = {name: float(value) for name, value in settings.items() if name != _DEFAULT}
        return cls(float(settings.get(_DEFAULT, MARGIN)), named)

    def changed(self, texts: Sequence[str], known: Sequence[str], option: str) -> Margins:
        """Return these with `0.01` or `MAP=0.01` taken over, as options of the command line give them.

        Raises `BenchError` as `read` does.
        """
        changes: dict[str, Any] = {}
        for text in texts:
            measure, equals, value = text.rpartition("=")
            try:
                changes[measure if equals else _DEFAULT] = float(value)
            except ValueError:
                raise BenchError(
                    f"{option} '{text}' is malformed; write it as 0.02 or MAP=0.03"
                ) from None
        Margins.read(changes, known, option)
        default = changes.pop(_DEFAULT, None)
        # One number alone is meant for every measure.
        kept = self.of_measure if default is None else {}
        return Margins(self.default if default is None else default, {**kept, **changes})

    def __getitem__(self, measure: str) -> float:
        return self.of_measure.get(measure, self.default)


@dataclass(frozen=True)
class Plan:
    """The comparisons that one correction covers: every pair (system, baseline) by every measure."""

    measures: tuple[str, ...]
    pairs: tuple[tuple[str, str], ...]
    margins: Margins = Margins()

    @classmethod
    def read(cls, settings: Mapping[str, Any], measures: Sequence[str], systems: Sequence[str]) -> Plan:
        """Read the config's `evidence` for a run with these measures and systems.

        measures   a list, null for the first of the run
        pairs      `all`, the name of a system that every other is held against, or a list of pairs
        margin     see `Margins`

        Raises `BenchError` for names that the run has not, and for an empty list.
        """
        return cls(
            _measures(settings.get("measures"), measures),
            _pairs(settings.get("pairs", ALL_PAIRS), systems),
            Margins.read(settings.get("margin"), measures, "evidence.margin"),
        )


def _measures(asked: Any, known: Sequence[str]) -> tuple[str, ...]:
    if asked is None:
        return (known[0],)
    require(
        isinstance(asked, (list, tuple)) and len(asked) > 0,
        "evidence.measures must be a list of measures, or null for the primary one",
    )
    for name in asked:
        require(
            name in known,
            f"evidence.measures names '{name}', which is not measured; {did_you_mean(name, known)}",
        )
    require(len(set(asked)) == len(asked), "a measure stands twice in evidence.measures; name each once")
    return tuple(asked)


def _pairs(asked: Any, systems: Sequence[str]) -> tuple[tuple[str, str], ...]:
    if asked == ALL_PAIRS:
        return tuple((one, other) for other, one in itertools.combinations(systems, 2))
    if isinstance(asked, str):
        require(
            asked in systems,
            f"evidence.pairs names '{asked}', which is not run; {did_you_mean(asked, systems)}",
        )
        return tuple((system, asked) for system in systems if system != asked)
    if not isinstance(asked, (list, tuple)) or not asked:
        raise BenchError(
            "evidence.pairs is empty or no list: write all, the name of a system that every other is "
            "held against, or pairs such as [[dense,bm25]]"
        )
    pairs = []
    for pair in asked:
        if not isinstance(pair, (list, tuple)) or len(pair) != 2 or pair[0] == pair[1]:
            raise BenchError(f"evidence.pairs has {pair!r}, which is no pair of two systems")
        for name in pair:
            require(
                name in systems,
                f"evidence.pairs names '{name}', which is not run; {did_you_mean(name, systems)}",
            )
        pairs.append((str(pair[0]), str(pair[1])))
    require(
        len({frozenset(pair) for pair in pairs}) == len(pairs), "a pair stands twice in evidence.pairs"
    )
    return tuple(pairs)
