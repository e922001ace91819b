"""JSON as every reader understands it: what readers differ on is refused."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from bench.errors import BenchError


class _DoubledKeyError(ValueError):
    """A key that stands twice in one object: some readers take the first, Python the last."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise _DoubledKeyError(Counter(key for key, _ in pairs).most_common(1)[0][0])
    return made


_JSON = json.JSONDecoder(object_pairs_hook=_object)


def parse_json(text: str, where: str, mend: str) -> Any:
    """Return what JSON says. Raises `BenchError` for what is none, for what is nested too deep or has a
    number of too many digits for Python, for a key that stands twice in an object, and for half of a
    surrogate pair, which no file can hold.
    """
    try:
        content = _JSON.decode(text)
    except json.JSONDecodeError as error:
        raise BenchError(f"{where}: not JSON ({error.msg} at column {error.colno}); {mend}") from error
    except _DoubledKeyError as error:
        raise BenchError(f"{where}: the key '{error}' stands twice in an object; keep one") from error
    except ValueError as error:
        raise BenchError(f"{where}: a number has too many digits; {mend}") from error
    except RecursionError as error:
        raise BenchError(f"{where}: nested too deep; {mend}") from error
    if ("\\ud" in text or "\\uD" in text) and not _is_text(content):
        raise BenchError(
            f"{where}: half of a surrogate pair (\\ud800 to \\udfff) is no character; "
            "write the whole pair, or the character itself"
        )
    return content


def _is_text(content: Any) -> bool:
    """Whether it could be written to a UTF-8 file again."""
    try:
        json.dumps(content, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True
