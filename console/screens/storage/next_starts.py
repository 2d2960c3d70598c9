"""Reads what the next start of instances has, where that tells whether a volume is left over."""

from __future__ import annotations

from collections.abc import Callable

from console.describing import definitions_of
from console.shell.app import VirtdeckApp
from core.model import Delta, Instance, ObjectKey, State
from core.model.instance_event import InstanceLifecycle
from core.state.connections import LedgerEntry, ledger
from core.state.next_starts import to_be_read, with_next_starts

AGAIN = 30.0
"""Seconds after which definitions are read again: libvirt 9.0 sends no event where a disk is
attached to the definition alone, or detached from it."""


class NextStartReader:
    """Reads the definitions of the instances that need it alone, again where one may have changed.

    What was read before stands until then. Lives on the UI thread.
    """

    def __init__(self, console: VirtdeckApp, then: Callable[[], None]) -> None:
        """`then` is called whenever what was read is another."""
        self._console = console
        self._then = then
        self._read: dict[ObjectKey, Instance | None] = {}
        """None: it has no definition, it is transient."""
        self._failed: set[ObjectKey] = set()
        self._reading: set[ObjectKey] = set()
        self._outdated: set[ObjectKey] = set()
        """Those to be read again, also of those that are being read."""
        self._asked = 0.0
        """When a definition was last asked for."""

    def entries(self, state: State) -> list[LedgerEntry]:
        """Return the ledger, with what was read; asks for what was not."""
        entries = ledger(state)
        wanted = to_be_read(state, entries)
        self._read = {key: self._read[key] for key in wanted if key in self._read}
        self._failed.intersection_update(wanted)
        self._outdated.intersection_update(wanted)
        known = (self._failed | self._read.keys()) - self._outdated | self._reading
        self._ask([key for key in wanted if key not in known])
        defined = {key: one for key, one in self._read.items() if one is not None}
        return with_next_starts(entries, defined, self._failed)

    def outdate(self, state: State, delta: Delta) -> bool:
        """Have read again the definitions that changed; returns whether there are such."""
        changed = {
            event.subject
            for event in delta.events
            if isinstance(event, InstanceLifecycle) and event.change in ("defined", "undefined")
        }
        ended = (state.operations.get(key.id) for key in delta.changed if key.kind == "operation")
        changed |= {one.subject for one in ended if one is not None and one.status.final}
        mine = changed & self._known
        self._outdated |= mine
        return bool(mine)

    def outdate_all(self) -> None:
        """Have them all read again: what changed meanwhile nobody has looked at."""
        self._outdated |= self._known

    def is_old(self, now: float) -> bool:
        """Whether there are some that were asked for long ago."""
        return bool(self._known) and not self._reading and now - self._asked >= AGAIN

    @property
    def _known(self) -> set[ObjectKey]:
        return self._reading | self._failed | self._read.keys()

    def _ask(self, keys: list[ObjectKey]) -> None:
        if not keys:
            return
        self._asked = self._console.view.now()
        self._reading.update(keys)
        self._outdated.difference_update(keys)

        def answered(found: dict[ObjectKey, Instance | None]) -> None:
            before = dict(self._read), set(self._failed)
            self._reading.difference_update(keys)
            self._failed.difference_update(found)
            self._read.update(found)
            for key in set(keys) - found.keys():
                self._read.pop(key, None)
                self._failed.add(key)
            if before != (self._read, self._failed) or self._outdated:
                self._then()

        def failed(_: Exception) -> None:
            answered({})

        self._console.ask(lambda source: definitions_of(source, keys), answered, failed)
