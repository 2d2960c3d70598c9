"""The way of a migration: which daemon is called, and where its memory and disks are sent. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from core.errors import UsageError
from core.migration.plan.address import (
    bracketed,
    checked_hostname,
    checked_transfer,
    checked_uri,
    daemon_uri,
)
from core.migration.plan.values import LOOPBACK_NAMES, Destination, Parameter
from core.verbs.migration.requests import Migrate

_LOOPBACK = "127.0.0.1"
_MEMORY = ("tcp", "rdma", "unix")
_DISKS = ("tcp", "unix")


@dataclass(frozen=True, slots=True)
class Route:
    """Where everything goes; empty: libvirt's own choice."""

    uri: str = ""
    """The destination's daemon, for the source's."""
    migrate_uri: str = ""
    listen_address: str = ""
    disks_uri: str = ""
    tls_destination: str = ""
    notes: tuple[str, ...] = ()

    def parameters(self, settled: Migrate) -> dict[str, Parameter]:
        """Return libvirt's typed parameters of it: those of what the settled request sends."""
        named = {
            "migrate_uri": (self.migrate_uri, not settled.offline),
            "listen_address": (self.listen_address, not settled.offline),
            "disks_uri": (self.disks_uri, settled.storage != "shared"),
            "tls.destination": (self.tls_destination, settled.tls),
        }
        return {name: value for name, (value, used) in named.items() if value and used}


def route(request: Migrate, destination: Destination, source: str) -> tuple[Route, tuple[str, ...]]:
    """Return the way, and what is wrong with the addresses that were given, a sentence each.

    Every host name is checked before it is a part of anything (nova-map 2.1).
    """
    complaints: list[str] = []

    def checked(read: Callable[[], str]) -> str:
        try:
            return read()
        except UsageError as error:
            complaints.append(str(error))
            return ""

    notes: list[str] = []
    uri = checked(lambda: _uri(request, destination, source, notes))
    migrate_uri = checked(
        lambda: (
            _given(request.migrate_uri, "The migration address", _MEMORY)
            or _memory(request, destination, notes)
        )
    )
    return (
        Route(
            uri=uri,
            migrate_uri=migrate_uri,
            listen_address=checked(lambda: _listen(request, destination, notes)),
            disks_uri=checked(lambda: _given(request.disks_uri, "The address for disks", _DISKS)),
            tls_destination=checked(lambda: _certificate(request.tls_destination)),
            notes=tuple(notes),
        ),
        tuple(complaints),
    )


def _uri(request: Migrate, destination: Destination, source: str, notes: list[str]) -> str:
    if request.destination_uri:
        by_socket = bool(destination.same_machine or destination.same_kernel)
        return checked_uri(request.destination_uri, by_socket=by_socket)
    uri, note = daemon_uri(destination, source)
    notes.extend(filter(None, (note,)))
    return uri


def _given(text: str, what: str, schemes: tuple[str, ...]) -> str:
    return checked_transfer(text, what, schemes) if text else ""


def _memory(request: Migrate, destination: Destination, notes: list[str]) -> str:
    """Return where memory is sent when nobody said; empty: libvirt asks the destination's name.

    libvirt refuses a destination whose name is that of the loopback (lab.md).
    """
    if request.tunnelled or request.offline:
        return ""
    if destination.same_machine:
        notes.append(f"Both hosts are on one machine: memory goes over {_LOOPBACK}.")
        return f"tcp://{_LOOPBACK}"
    if destination.hostname and destination.hostname.lower() in LOOPBACK_NAMES:
        host = urlsplit(request.destination_uri or destination.uri).hostname or ""
        if host.lower() not in LOOPBACK_NAMES:
            notes.append(
                f"{destination.name} calls itself {destination.hostname}, where nobody else "
                f"reaches it: memory goes to {host}."
            )
            return f"tcp://{bracketed(checked_hostname(host, 'The host of the destination'))}"
    return ""


def _listen(request: Migrate, destination: Destination, notes: list[str]) -> str:
    if request.listen_address:
        return checked_hostname(request.listen_address, "The listen address")
    by_default = not (request.migrate_uri or request.tunnelled or request.offline)
    if destination.same_machine and by_default:
        notes.append(f"The destination listens on {_LOOPBACK}, so that no other machine gets in.")
        return _LOOPBACK
    return ""


def _certificate(name: str) -> str:
    return checked_hostname(name, "The name of the destination's certificate") if name else ""
