"""What a plan is made for and what it is, as frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from core.migration.flags import MigrateFlag, flag_names

Parameter = str | int | list[str]
"""A value of libvirt's typed parameters."""

LOOPBACK_NAMES = frozenset(
    {"", "localhost", "localhost.localdomain", "localhost4", "localhost6", "127.0.0.1", "::1"}
)
"""What a machine calls itself: such a name reaches nobody from another one."""


@dataclass(frozen=True, slots=True)
class Destination:
    """What is known of the host an instance is to move to."""

    name: str
    """What the operator calls it."""
    uri: str
    """As it is open from here."""
    hostname: str = ""
    """What it calls itself (virConnectGetHostname); empty: not known."""
    local: bool = False
    """The URI is only good on the machine it was written on: `qemu:///system`, a unix socket."""
    same_machine: bool = False
    """Source and destination are two daemons of one machine, as in the lab."""


def describe_destination(
    name: str, uri: str, *, hostname: str = "", source_uri: str = ""
) -> Destination:
    """Return a destination with what its URI and the source's tell of their machines. Pure."""
    here, there = _machine(source_uri), _machine(uri)
    same = bool(source_uri) and here == there and urlsplit(source_uri) != urlsplit(uri)
    return Destination(name, uri, hostname, not (urlsplit(uri).hostname or ""), same)


def _machine(uri: str) -> str:
    """Return the machine a URI means; empty: this one."""
    host = (urlsplit(uri).hostname or "").lower()
    return "" if host in LOOPBACK_NAMES else host


@dataclass(frozen=True, slots=True)
class Plan:
    """A migration ready to be called: virDomainMigrateToURI3(uri, parameters, flags)."""

    name: str
    """Of the instance."""
    source: str
    """The source host's name here."""
    destination: str
    """The destination host's name here."""
    uri: str
    """The destination, as the source's daemon is told it."""
    flags: int
    parameters: Mapping[str, Parameter] = field(repr=False)
    """By libvirt's VIR_MIGRATE_PARAM_* names; the XML among them holds the consoles' passwords."""
    disks: tuple[str, ...] = ()
    """Targets of the disks that are copied."""
    notes: tuple[str, ...] = ()
    """What was dropped, chosen or changed and why, a sentence each."""
    virsh: str = ""
    """The equivalent command."""
    source_xml: str = field(default="", repr=False)
    """What `destination_xml` was made from."""
    source_persistent_xml: str = field(default="", repr=False)
    """What `persistent_xml` was made from."""

    @property
    def flag_names(self) -> tuple[str, ...]:
        """The names of the flags, without VIR_MIGRATE_."""
        return flag_names(self.flags)

    @property
    def post_copy(self) -> bool:
        """Whether it may be switched to post-copy."""
        return bool(self.flags & MigrateFlag.POSTCOPY)

    @property
    def auto_converge(self) -> bool:
        """Whether QEMU slows the guest where it writes too fast."""
        return bool(self.flags & MigrateFlag.AUTO_CONVERGE)

    @property
    def offline(self) -> bool:
        """Whether only the definition is moved."""
        return bool(self.flags & MigrateFlag.OFFLINE)
