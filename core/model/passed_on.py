"""What a command of a verb passes on from what its operation has brought. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PassedOn:
    """The outputs and the exit status that the command of a verb has as its own."""

    out: bytes
    err: bytes
    status: int
    """0 to 255."""
