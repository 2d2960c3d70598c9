"""What a guest lets go of so that it can move."""

from __future__ import annotations

from core.model.base import Value


class DetachedDevice(Value, frozen=True):
    """A device of the host that leaves what runs, and stays in its definition."""

    word: str
    """As a sentence has it: `pci:0000:03:00.0`, `the interface 52:54:00:00:00:07`."""
    name: str
    """By which it is attached again at the source."""
    there: str
    """And at the destination, where it is another one."""
