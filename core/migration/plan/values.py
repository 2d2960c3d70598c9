"""What a plan is made for and what it is, as frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from core.migration.plan.flags import MigrateFlag, flag_names
from core.migration.preflight.machine import Machine, one_kernel, one_machine

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
    same_machine: bool | None = False
    """Source and destination are two daemons of one machine, as in the lab; None: not known."""
    same_kernel: bool = False
    """Both run on the machine of this console, where a socket's path means one thing."""


def describe_destination(name: str, uri: str, here: Machine, there: Machine) -> Destination:
    """Return a destination with what its daemon and the source's tell of their machines. Pure."""
    same = one_machine(here, there)
    return Destination(name, uri, there.hostname, same, one_kernel(here, there))


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
