"""What this process writes into volumes at the moment: how far each is, and how to end it.

A transfer runs on a lane's thread; it is looked at, and stopped, from others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Lock

from core.hypervisor.connection.binding import Connection, libvirt
from core.model import ObjectKey
from core.model.text import real_name

Far = Callable[[Connection], float | None]
"""Tells how far a transfer is, 0 to 1, on another connection; None: that cannot be told."""


class Transfer:
    """One transfer, by the subject of its operation. Any thread."""

    def __init__(self, far: Far | None = None) -> None:
        self.stopped = False
        self.share: float | None = 0.0
        """How far it is, where whoever makes it counts."""
        self.moved: tuple[int, int] | None = None
        """Bytes so far, and bytes in all, where whoever makes it counts them."""
        self._far = far

    def count(self, moved: int, size: int) -> None:
        """Note how many bytes of how many are over."""
        self.moved = moved, size
        self.share = min(1.0, moved / max(1, size))

    def look(self, conn: Connection) -> float | None:
        """Tell how far it is."""
        return self.share if self._far is None else self._far(conn)


def far_in_copy(pool: str, name: str, allocation: int) -> Far:
    """Tell how far a copy of a volume is: how much of the source's `allocation` (bytes) it has."""

    def far(conn: Connection) -> float | None:
        with suppress(libvirt.libvirtError):  # not begun yet
            copy = conn.storagePoolLookupByName(pool).storageVolLookupByName(real_name(name))
            return float(min(1.0, copy.info()[2] / max(1, allocation)))
        return None

    return far


_lock = Lock()
_transfers: dict[ObjectKey, Transfer] = {}


@contextmanager
def transferring(subject: ObjectKey, far: Far | None = None) -> Iterator[Transfer]:
    """Have a transfer known while it runs."""
    transfer = Transfer(far)
    with _lock:
        _transfers[subject] = transfer
    try:
        yield transfer
    finally:
        with _lock:
            _transfers.pop(subject, None)


def transfer_of(subject: ObjectKey) -> Transfer | None:
    """Return what runs for a subject; None: nothing does."""
    with _lock:
        return _transfers.get(subject)
