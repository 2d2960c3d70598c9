"""Whether two daemons run on one machine: by what they and the kernel say, never by their address.

A forwarded port or socket gives a remote daemon a local address, and two names may mean one
machine. Pure.
"""

from __future__ import annotations

from core.model.base import Value


class Machine(Value, frozen=True):
    """What tells the machine of a daemon from others; empty: not known."""

    hostname: str = ""
    """What it calls itself (virConnectGetHostname)."""
    smbios: str = ""
    """The UUID of its mainboard (virConnectGetSysinfo)."""
    links: tuple[str, ...] = ()
    """Its network devices with their MACs, as node devices are called, without those of guests."""
    local: bool = False
    """It runs under the kernel of this machine: the socket's own peer is a daemon of libvirt."""
    network: str = ""
    """The network namespace of a local one, where the kernel lets us see it."""


def one_machine(here: Machine, there: Machine) -> bool | None:
    """Whether the two reach each other over one loopback; None: it cannot be told."""
    if here.network and there.network:
        return here.network == there.network
    if _differ(here.hostname.lower(), there.hostname.lower()):
        return False
    if one_kernel(here, there) and here.hostname and there.hostname:
        return True
    if _differ(here.smbios, there.smbios):
        return False
    if here.links and there.links:
        if not set(here.links) & set(there.links):
            return False
        if set(here.links) == set(there.links) and here.hostname and there.hostname:
            return True
    elif here.smbios and there.smbios and here.hostname and there.hostname:
        return True
    return None


def one_kernel(here: Machine, there: Machine) -> bool:
    """Whether both run under this machine's kernel: a socket's path means the same to both."""
    return here.local and there.local


def _differ(here: str, there: str) -> bool:
    return bool(here and there and here != there)
