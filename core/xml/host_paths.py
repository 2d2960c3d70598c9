"""What of a host the XML of an instance names by a path, besides its disks.

The places are those of libvirt's schema (src/conf/schemas/domaincommon.rng) where a path is the
host's and must be there before the instance can start. What libvirt makes by itself is left out:
sockets that QEMU binds, pseudo terminals, the state of an emulated TPM.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

from core.model.base import Value
from core.xml.tree import Element, attribute, exact


class PathKind(StrEnum):
    """What must be at a path."""

    FILE = "file"
    """A file, directory or device that is opened."""
    PROGRAM = "program"
    SOCKET = "socket"
    """Somebody else must listen there."""
    LOG = "log"
    """It is written anew: its directory must be there."""


class HostPath(Value, frozen=True):
    """A path of the host that an instance needs."""

    path: str
    kind: PathKind
    what: str
    """What it is of the instance, as in `its kernel`."""


_F, _P, _S, _L = PathKind.FILE, PathKind.PROGRAM, PathKind.SOCKET, PathKind.LOG
_BOOT: tuple[tuple[str, str], ...] = (
    ("os/kernel", "kernel"),
    ("os/initrd", "initial ramdisk"),
    ("os/dtb", "device tree"),
    ("os/shim", "shim"),
    ("os/acpi/table", "ACPI table"),
)
_PLACES: tuple[tuple[str, PathKind, str], ...] = (
    *((path, _F, what) for path, what in _BOOT),
    ("sysinfo/entry@file", _F, "firmware configuration"),
    ("blkiotune/device/path", _F, "device with an I/O limit"),
    ("launchSecurity/quoteGenerationService@path", _S, "quote generation service"),
    ("devices/disk[@type='vhostuser']/source@path", _S, "vhost-user disk"),
    ("devices/disk//reservations[@managed='no']/source@path", _S, "persistent reservations"),
    ("devices/disk//source/config@file", _F, "configuration of Ceph"),
    ("devices/disk//source/identity@keyfile", _F, "SSH key"),
    ("devices/disk//source/identity@agentsock", _S, "SSH agent"),
    ("devices/disk//source/knownHosts@path", _F, "SSH known hosts"),
    ("devices/filesystem/source@dir", _F, "shared directory"),
    ("devices/filesystem/source@file", _F, "shared image"),
    ("devices/filesystem/source@dev", _F, "shared device"),
    ("devices/filesystem/source@socket", _S, "shared directory"),
    ("devices/filesystem/binary@path", _P, "virtiofsd"),
    ("devices/interface[@type='vdpa']/source@dev", _F, "vDPA device"),
    ("devices/interface/backend@tap", _F, "tap device"),
    ("devices/interface/backend@vhost", _F, "vhost device"),
    ("devices/interface/backend@logFile", _L, "network backend"),
    ("devices/interface/script@path", _P, "interface script"),
    ("devices/interface/downscript@path", _P, "interface script"),
    ("devices/hostdev/source/block", _F, "host device"),
    ("devices/hostdev/source/char", _F, "host device"),
    ("devices/tpm/backend[@type='passthrough']/device@path", _F, "TPM"),
    ("devices/tpm/backend[@type='external']/source@path", _S, "TPM"),
    ("devices/rng/backend[@model='random']", _F, "source of random numbers"),
    ("devices/input/source@dev", _F, "input device"),
    ("devices/input/source@evdev", _F, "input device"),
    ("devices/graphics@xauth", _F, "X11 authority"),
    ("devices/graphics/gl@rendernode", _F, "render node"),
    ("devices/video/model/acceleration@rendernode", _F, "render node"),
    ("devices/audio[@type='file']@path", _L, "sound"),
    ("devices/audio/input@dev", _F, "sound device"),
    ("devices/audio/output@dev", _F, "sound device"),
    ("devices/smartcard/certificate", _F, "smartcard certificate"),
    ("devices/smartcard/database", _F, "smartcard database"),
    ("devices/shmem/server@path", _S, "shared memory server"),
    ("devices/pstore/path", _L, "persistent store"),
    ("devices/lease/target@path", _F, "lock lease"),
    ("devices/*/rom@file", _F, "option ROM"),
    ("devices/audio@runtimeDir", _F, "directory of PipeWire"),
    ("devices/*/log@file", _L, "log"),
)
"""`PATH@ATTRIBUTE`, or `PATH` for the text of an element."""
_CHARACTER = ("serial", "parallel", "console", "channel", "redirdev", "smartcard")
_EVERYWHERE = frozenset({"/dev/urandom", "/dev/random", "/dev/null", "/dev/zero"})


def boot_files(domain: Element) -> tuple[str, ...]:
    """Return what it is booted with, in the order of the XML's kinds."""
    found = (exact(element) for path, _ in _BOOT for element in domain.iterfind(path))
    return tuple(filter(None, found))


def host_paths(domain: Element) -> tuple[HostPath, ...]:
    """Return every path of the host that a `<domain>` names; those of its disks are elsewhere."""
    found = [*_named(domain), *_characters(domain)]
    return tuple(
        dict.fromkeys(
            each for each in found if each.path.startswith("/") and each.path not in _EVERYWHERE
        )
    )


def _named(domain: Element) -> Iterator[HostPath]:
    for place, kind, what in _PLACES:
        path, name = place, ""
        if not place.endswith("]"):
            path, _, name = place.rpartition("@") if "@" in place else (place, "", "")
        for element in domain.iterfind(path):
            yield HostPath(attribute(element, name) if name else exact(element), kind, what)


def _characters(domain: Element) -> Iterator[HostPath]:
    """Yield the back ends of character devices, and of what is connected to as one."""
    for kind in _CHARACTER:
        for device in domain.iterfind(f"devices/{kind}"):
            yield from _back_end(device, attribute(device, "type"), f"{kind} device")
    for backend in domain.iterfind("devices/rng/backend[@model='egd']"):
        yield from _back_end(backend, attribute(backend, "type"), "source of random numbers")
    for interface in domain.iterfind("devices/interface[@type='vhostuser']"):
        yield from _back_end(interface, "unix", "vhost-user interface")


def _back_end(device: Element, kind: str, what: str) -> Iterator[HostPath]:
    for source in device.iterfind("source"):
        path = attribute(source, "path")
        connects = attribute(source, "mode") in ("connect", "client")
        if kind in ("dev", "pipe"):
            yield HostPath(path, _F, what)
        elif kind == "file":
            yield HostPath(path, _L, what)
        elif kind == "unix" and connects:
            yield HostPath(path, _S, what)
