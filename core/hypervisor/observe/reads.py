"""Looking at many things where each may fail for itself. Runs on a lane thread."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from core.errors import XmlError
from core.hypervisor.connection.binding import Connection, libvirt
from core.hypervisor.connection.faults import tidy
from core.hypervisor.connection.silence import progress
from core.migration.preflight.facts import FailedLook

T = TypeVar("T")


class Reads:
    """A connection and the looks on it that failed: each costs what it would have told."""

    def __init__(self, conn: Connection) -> None:
        self.conn = conn
        self._gaps: dict[str, str] = {}

    @property
    def gaps(self) -> tuple[FailedLook, ...]:
        """What could not be seen, and why."""
        return tuple(FailedLook(what, why) for what, why in self._gaps.items())

    def see(self, what: str, call: Callable[[], T]) -> T | None:
        """Return what a call tells; None, and a gap, where it fails.

        Each look is progress: the next one has all of the deadline. Raises libvirtError only where
        it was the connection that broke.
        """
        try:
            progress()
            return call()
        except libvirt.libvirtError as error:
            if not self.conn.isAlive():
                raise
            self.miss(what, error.get_error_message() or str(error))
        except (XmlError, OSError, UnicodeError) as error:
            self.miss(what, str(error))
        return None

    def miss(self, what: str, why: str) -> None:
        """Note that something could not be seen."""
        self._gaps.setdefault(what, tidy(why).rstrip("."))
