"""How a console of a guest stands, and when it is opened again by itself. Pure, any thread."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from core.model.console import ConsoleEnd

PATIENCE = 60.0
"""Seconds for which a console that was open is tried again once its guest runs: the process is
there before its console is, and libvirt holds it while an instance is reverted."""


class ConsoleState(StrEnum):
    """How a console stands."""

    OPENING = "opening"
    OPEN = "open"
    LOG = "log"
    """Its file is followed: there is nothing to type into."""
    OFF = "off"
    LOST = "lost"
    RETURNING = "reopening"
    """Its guest runs again, and its console does not open yet: it is tried again."""
    TAKEN = "taken over"
    IN_USE = "in use"
    FAILED = "failed"


RETURNS = frozenset({ConsoleState.OFF, ConsoleState.LOST, ConsoleState.RETURNING})
"""States that end by themselves, when the guest or its host is back."""
ENDS: Mapping[ConsoleEnd, ConsoleState] = {
    ConsoleEnd.OFF: ConsoleState.OFF,
    ConsoleEnd.LOST: ConsoleState.LOST,
    ConsoleEnd.DROPPED: ConsoleState.LOST,
    ConsoleEnd.TAKEN: ConsoleState.TAKEN,
    ConsoleEnd.CLOSED: ConsoleState.OFF,
}


class Return:
    """What came of opening a console again that was open: tried for a while, then given up."""

    def __init__(self) -> None:
        self._since: float | None = None

    @property
    def under_way(self) -> bool:
        """Whether it is being opened again by itself."""
        return self._since is not None

    def begin(self, now: float) -> None:
        """It is opened again; where it is already, nothing new begins."""
        if self._since is None:
            self._since = now

    def end(self) -> None:
        """It is open, or nobody tries any more."""
        self._since = None

    def goes_on(self, now: float) -> bool:
        """Whether it is tried once more after it failed."""
        return self._since is not None and now - self._since < PATIENCE
