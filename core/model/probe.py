"""Instances that are none: made for a moment to look at something, and never run. Pure."""

from __future__ import annotations

import re

_PREFIX = "virtdeck-look-"
_NAME = re.compile(rf"{_PREFIX}[0-9a-f]{{8}}(-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}")


def probe_name(id_: str) -> str:
    """Return the name of a look, by a UUID of its own."""
    return f"{_PREFIX}{id_}"


def is_probe(name: str) -> bool:
    """Whether an instance of this name is a look, of this console or another: no list has it."""
    return name.startswith(_PREFIX) and _NAME.fullmatch(name) is not None
