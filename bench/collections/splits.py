"""The division of queries into dev and test: fixed by their ids, equal in every query set."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

DEV_SHARE = 0.4


def stratified_split(sets: Mapping[str, str], dev_share: float = DEV_SHARE) -> dict[str, str]:
    """Return query id → "dev" or "test".

    Within each query set the ids are ordered by their sha256, and the first `dev_share` of them,
    rounded, are dev. Nothing but ids and sets decides, so no result can.

    >>> stratified_split({"a": "topic", "b": "topic"}, 0.5)
    {'a': 'test', 'b': 'dev'}
    """
    split = dict.fromkeys(sets, "test")
    for group in set(sets.values()):
        members = sorted(
            (query for query, name in sets.items() if name == group),
            key=lambda query: hashlib.sha256(query.encode()).hexdigest(),
        )
        split.update(dict.fromkeys(members[: round(dev_share * len(members))], "dev"))
    return split
