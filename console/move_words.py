"""In which phase of a cold migration an instance is, in words: for both surfaces. Pure."""

from __future__ import annotations

from core.model import Instance
from core.model.text import clean


def phase(row: Instance) -> str:
    """Say it in a few words; empty: in none, or nobody has read whether. What is left to do is
    said where something is done about it.
    """
    if row.cold is None:
        return ""
    other = clean(row.cold.other)
    if row.cold.role == "source":
        return f"moved to {other}, held here"
    return f"moved from {other}, not confirmed"
