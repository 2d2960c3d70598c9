"""How much is sent to a guest ahead of what it reads. Pure: the time is an argument."""

from __future__ import annotations

AHEAD = 4096
"""Bytes sent at once. A serial port under emulation takes about 1 kB/s, and libvirt takes 200 kB
without a word: what it keeps for a guest that is then destroyed has hung a daemon (libvirt 11)."""
PIECE = 1024
RATE = 1024.0
"""Bytes a second a guest is taken to read of which nothing is heard, as a password is typed."""
UNHEARD = 65_536
"""Bytes after which a guest that never answers is taken to read nothing at all."""


class SendWindow:
    """What may be sent now. What the guest writes is most often the echo of what it read."""

    def __init__(self) -> None:
        self._credit = float(AHEAD)
        self._at: float | None = None
        self._unheard = 0

    def room(self, now: float) -> int:
        """How many bytes may be sent now, at most a piece."""
        if self._at is not None:
            self._credit = min(AHEAD, self._credit + (now - self._at) * RATE)
        self._at = now
        left = min(int(self._credit), UNHEARD - self._unheard)
        return max(0, min(left, PIECE))

    def sent(self, count: int) -> None:
        """Note what was sent."""
        self._credit -= count
        self._unheard += count

    def heard(self, count: int) -> None:
        """Note that the guest wrote something."""
        if count:
            self._unheard = 0
            self._credit = min(AHEAD, self._credit + count)
