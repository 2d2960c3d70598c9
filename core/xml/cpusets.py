"""Sets of CPUs and NUMA nodes as libvirt writes them: `0-3,^2,8`."""

from __future__ import annotations

import re

_PART = re.compile(r"(?P<not>\^)?(?P<first>\d{1,5})(?:-(?P<last>\d{1,5}))?", re.ASCII)
_MOST = 16_384
"""More CPUs than any kernel has."""


def read_set(text: str) -> frozenset[int] | None:
    """Return the numbers of a set; None for what is none."""
    numbers: set[int] = set()
    for part in text.split(","):
        found = _PART.fullmatch(part.strip())
        if found is None:
            return None
        first = int(found["first"])
        last = int(found["last"] or first)
        if not first <= last < _MOST or (found["not"] and last != first):
            return None
        if found["not"]:
            numbers.discard(first)
        else:
            numbers.update(range(first, last + 1))
    return frozenset(numbers) or None


def write_set(numbers: frozenset[int]) -> str:
    """Return a set with its ranges: `0-3,8`."""
    ranges: list[list[int]] = []
    for value in sorted(numbers):
        if ranges and value == ranges[-1][1] + 1:
            ranges[-1][1] = value
        else:
            ranges.append([value, value])
    return ",".join(f"{a}" if a == b else f"{a}-{b}" for a, b in ranges)
