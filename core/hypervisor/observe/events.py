"""Every event of one connection, as typed values.

Callbacks run on the thread of libvirt's event loop, or in the thread whose call saw a connection
die. They copy ids and values out, call nothing of libvirt that would be a remote call (a name, a
UUID and a secret's usage are kept in the handle), keep no handle (it would keep the connection
open) and never raise: the binding would print the traceback on the terminal.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from core.clock import Clock
from core.hypervisor.connection.binding import Connection, libvirt, load
from core.hypervisor.observe.event_table import (
    KINDS,
    NOT_REGISTERED,
    OBJECTS,
    Build,
    Kind,
    Stamp,
    scalar,
    text,
)
from core.model.event import Event, UnknownEvent
from core.model.probe import is_probe
from core.model.text import printable_name

Emit = Callable[[Event], None]
"""Gets each event, on the event thread; must return at once."""

_METHODS = {
    "instance": ("domainEventRegisterAny", "domainEventDeregisterAny"),
    "network": ("networkEventRegisterAny", "networkEventDeregisterAny"),
    "pool": ("storagePoolEventRegisterAny", "storagePoolEventDeregisterAny"),
    "secret": ("secretEventRegisterAny", "secretEventDeregisterAny"),
    "node-device": ("nodeDeviceEventRegisterAny", "nodeDeviceEventDeregisterAny"),
}


@dataclass(frozen=True, slots=True)
class RefusedEvent:
    """An event this host's driver or daemon does not offer."""

    object: str
    """instance, network, pool, secret, node-device."""
    constant: str
    reason: str
    """libvirt's sentence."""


class Registration:
    """The callbacks of one connection, to be taken back before it is closed.

    A connection with callbacks left is never freed: it keeps its socket and its events.
    """

    def __init__(self, conn: Connection) -> None:
        self._conn = conn
        self._callbacks: list[tuple[str, int]] = []
        self.left: list[tuple[Kind, int, Callable[..., None]]] = []
        """What is still to be registered, in its order."""
        self._refused: list[RefusedEvent] = []

    @property
    def refused(self) -> tuple[RefusedEvent, ...]:
        """What the host does not offer; the rest is registered."""
        return tuple(self._refused)

    def add(self, kind: Kind, number: int, callback: Callable[..., None]) -> None:
        """Register one event id. Raises libvirtError when the connection is dead."""
        register_any, deregister_any = _METHODS[kind.object]
        try:
            id_ = getattr(self._conn, register_any)(None, number, callback, None)
        except libvirt.libvirtError as error:
            # A driver without such events, and a daemon older than the id, answer with codes of
            # every sort; a dead connection would answer the same to all that follow.
            if not _alive(self._conn):
                raise
            self._refused.append(RefusedEvent(kind.object, kind.constant, text(error)))
        else:
            self._callbacks.append((deregister_any, id_))

    def complete(self) -> None:
        """Register what is left. Raises libvirtError when the connection is dead."""
        while self.left:
            self.add(*self.left[0])
            del self.left[0]

    def deregister(self) -> None:
        """Take every callback back. Never raises; on a dead connection it still frees them here."""
        while self._callbacks:
            deregister_any, id_ = self._callbacks.pop()
            with contextlib.suppress(libvirt.libvirtError):
                getattr(self._conn, deregister_any)(id_)


def register(conn: Connection, host: str, clock: Clock, emit: Emit) -> Registration:
    """Register for the coming and going of instances, and hand each event to `emit`, typed.

    One round trip: a first listing need not wait for more. `Registration.complete` registers every
    other event of the installed libvirt, a round trip each. Raises libvirtError when the
    connection dies meanwhile; what the driver does not offer is in `Registration.refused`.
    """
    registration = Registration(conn)
    registration.left = [
        (kind, number, make_callback(kind.object, number, kind.build, host, clock, emit))
        for kind, number in known_kinds()
    ]
    registration.add(*registration.left.pop(0))
    return registration


def known_kinds() -> list[tuple[Kind, int]]:
    """Return the event ids the installed binding has, each with its number, vital ones first.

    Ids without a type of their own come last, with a translation to UnknownEvent.
    """
    numbers = event_ids()
    kinds = [(kind, numbers[kind.constant]) for kind in KINDS if kind.constant in numbers]
    typed = {kind.constant for kind in KINDS}
    for constant in sorted(set(numbers) - typed - set(NOT_REGISTERED)):
        prefix = next(prefix for prefix in OBJECTS if constant.startswith(prefix))
        kinds.append((Kind(OBJECTS[prefix], constant, _not_understood), numbers[constant]))
    return kinds


def event_ids() -> dict[str, int]:
    """Return every event id the installed binding names, by the name of its constant."""
    prefixes = tuple(OBJECTS)
    return {
        name: number
        for name, number in vars(load()).items()
        if name.startswith(prefixes) and not name.endswith("_LAST")
    }


def make_callback(
    object_: str, number: int, build: Build, host: str, clock: Clock, emit: Emit
) -> Callable[..., None]:
    """Return the callback of one event id: `(conn, handle, *values, opaque)`; it never raises."""

    def callback(_conn: Connection, handle: Any, *arguments: Any) -> None:
        # emit fails only while the core's loop is being torn down; nobody is left to be told
        with contextlib.suppress(Exception):
            if object_ == "instance" and is_probe(handle.name()):
                return
            stamp = Stamp(host, clock.now(), *_identity(object_, handle))
            values = arguments[:-1]
            emit(_translate(object_, number, build, stamp, values))

    return callback


def _translate(
    object_: str, number: int, build: Build, stamp: Stamp, values: tuple[Any, ...]
) -> Event:
    try:
        return build(stamp, *values)
    except Exception:  # whatever a newer libvirt passes is kept as it came, never lost
        kept = tuple(scalar(value) for value in values)
        return UnknownEvent(*stamp, object_, number, kept)


def _not_understood(stamp: Stamp, *values: Any) -> Event:
    raise LookupError(f"no type for an event of {stamp.name} with {len(values)} values")


def _identity(object_: str, handle: Any) -> tuple[str, str]:
    """Return an object's UUID and name from its handle, without a call to the host."""
    if object_ == "node-device":
        return "", printable_name(handle.name())
    if object_ == "secret":
        return handle.UUIDString(), text(handle.usageID())
    return handle.UUIDString(), printable_name(handle.name())


def _alive(conn: Connection) -> bool:
    try:
        return bool(conn.isAlive() == 1)
    except libvirt.libvirtError:
        return False
