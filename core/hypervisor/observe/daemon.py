"""Which machine a daemon runs on: what it says itself, and what the kernel says of its socket.

Runs on a lane thread.
"""

from __future__ import annotations

import re
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from core.errors import XmlError
from core.hypervisor.connection.binding import Connection, libvirt
from core.hypervisor.connection.here import is_ours
from core.hypervisor.connection.uri import HostAddress
from core.hypervisor.observe.reads import Reads
from core.migration.preflight.machine import Machine
from core.model.base import Value
from core.model.text import clean
from core.xml.tree import parse

T = TypeVar("T")

_DAEMONS = re.compile(r"libvirtd|virt[a-z]+d|systemd|init")
"""Who listens for libvirt by the kernel's word. systemd does for a daemon that it starts on demand;
ssh, socat and the like forward to another machine."""
_PEER = struct.Struct("iII")
_PATIENCE = 1.0
"""Seconds a socket may take to accept; a daemon that hangs has a backlog and takes at once."""
_PROC = Path("/proc")
_NOBODY = re.compile(r"0*|f*|03000200040005000006000700080009")
"""UUIDs of boards whose maker gave none."""
_OF_GUESTS = re.compile(r"net_(lo|vnet|tap|macvtap|veth|vme)\d*_.*")


class Listener(Value, frozen=True):
    """The process that listens at a unix socket of this machine."""

    daemon: bool = False
    """It is one of libvirt's, or systemd on behalf of one."""
    network: str = ""
    """Its network namespace; empty: not to be seen."""
    root: str = ""
    """Where its file system begins, where it is not ours."""


def read_machine(looks: Reads, address: HostAddress) -> Machine:
    """Read what tells a daemon's machine from others: three calls, and one look at its socket."""
    conn, listener = looks.conn, listener_of(address)
    hostname = clean(looks.see("hostname", conn.getHostname) or "")
    return Machine(
        hostname=hostname,
        smbios=_told(conn, lambda: _smbios(conn.getSysinfo(0))) or "",
        links=_told(conn, lambda: _links(conn)) or (),
        # what systemd passes on may be anything: it must at least have our name
        local=listener.daemon and bool(listener.network or is_ours(hostname)),
        network=listener.network,
    )


def _told(conn: Connection, call: Callable[[], T]) -> T | None:
    """Return what a call tells; None where the host does not: one sign of several is missing."""
    try:
        return call()
    except (libvirt.libvirtError, XmlError):
        if not conn.isAlive():
            raise
        return None


def _links(conn: Connection) -> tuple[str, ...]:
    devices = conn.listAllDevices(libvirt.VIR_CONNECT_LIST_NODE_DEVICES_CAP_NET)
    names = sorted(clean(device.name()) for device in devices)
    return tuple(name for name in names if not _OF_GUESTS.fullmatch(name))


def _smbios(xml: str) -> str:
    """Return the board's UUID; many virtual machines have none."""
    found = parse(xml, "sysinfo").findtext("system/entry[@name='uuid']") or ""
    digits = found.replace("-", "").strip().lower()
    return "" if _NOBODY.fullmatch(digits) else clean(digits)


def listener_of(address: HostAddress) -> Listener:
    """Return who listens where a host is open: nobody of this machine for one behind a network.

    Without the path of a socket libvirt takes its own, or is no daemon at all (`test:///`).
    """
    if not address.local:
        return Listener()
    if not address.socket:
        return Listener(daemon=True)
    pid = _peer(address.socket)
    if not pid:
        return Listener()
    process = _PROC / str(pid)
    try:
        name = (process / "comm").read_text().strip()
    except OSError:
        return Listener()
    if not _DAEMONS.fullmatch(name):
        return Listener()
    if pid == 1:  # systemd's own namespaces, not those of what it starts
        return Listener(daemon=True)
    ours, theirs = _namespace(_PROC / "self", "mnt"), _namespace(process, "mnt")
    root = str(process / "root") if ours and theirs and ours != theirs else ""
    return Listener(daemon=True, network=_namespace(process, "net"), root=root)


def _peer(path: str) -> int:
    """Return the process that listens at a socket; 0: unknown, or of another PID namespace."""
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(_PATIENCE)
        probe.connect(path)
        told = probe.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size)
        return int(_PEER.unpack(told)[0])
    return 0


def _namespace(process: Path, kind: str) -> str:
    try:
        return str((process / "ns" / kind).readlink())
    except OSError:
        return ""
