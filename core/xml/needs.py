"""What an instance needs of the host it runs on, from its XML: what a preflight looks for."""

from __future__ import annotations

from typing import Any

from lxml import etree

from core.model.base import Value
from core.model.instance import Disk, Instance
from core.model.text import clean
from core.xml.cpusets import read_set
from core.xml.host_devices import HostDeviceNeed, host_devices
from core.xml.host_paths import HostPath, PathKind, boot_files, host_paths
from core.xml.instance import read_instance
from core.xml.tree import (
    Element,
    attribute,
    exact,
    flag,
    number,
    parse,
    size,
    text,
)

_OPENED = ("file", "block", "dir", "vhostvdpa")
"""Types of disks whose path is one of the host's."""
_CPUS = (
    "vcpu@cpuset", "cputune/vcpupin@cpuset", "cputune/emulatorpin@cpuset",
    "cputune/iothreadpin@cpuset",
)  # fmt: skip
_CELLS = ("numatune/memory@nodeset", "numatune/memnode@nodeset", "devices/memory/source/nodemask")
_ARGUMENTS = "{http://libvirt.org/schemas/domain/qemu/1.0}commandline/*"


class HugePageNeed(Value, frozen=True):
    """Huge pages that back a guest's memory."""

    size: int | None
    """Bytes of a page; None: the host's default size."""


class Needs(Value, frozen=True):
    """What the XML of an instance asks of a host. Sizes in bytes."""

    instance: Instance
    uuid: str = ""
    cpu_xml: str = ""
    """Its `<cpu>` as libvirt wrote it; empty: none."""
    cpu_mode: str = ""
    invariant_tsc: bool = False
    """It has `invtsc` without a fixed TSC frequency: libvirt refuses to migrate it."""
    emulator: str = ""
    loader: str = ""
    loader_secure: bool = False
    nvram: str = ""
    nvram_template: str = ""
    boot_files: tuple[str, ...] = ()
    """Kernel, initrd, device tree, shim, ACPI tables: opened again at each start there."""
    host_paths: tuple[HostPath, ...] = ()
    """Every path of the host but those of disks, firmware and persistent memory."""
    networks: tuple[str, ...] = ()
    """Virtual networks of its interfaces and graphics."""
    filters: tuple[str, ...] = ()
    """Network filters (nwfilter) of its interfaces."""
    cid: int | None = None
    """The fixed address of its vsock, which no other guest of a host may have."""
    command_line: bool = False
    """It has arguments of its own for the hypervisor: what they need is not known."""
    tpm: str = ""
    """The backend: emulator, passthrough, external; empty: no TPM."""
    memory: int = 0
    """Bytes it may need at once: memory and its modules."""
    huge_pages: tuple[HugePageNeed, ...] = ()
    memory_source: str = ""
    """anonymous, file, memfd."""
    memory_locked: bool = False
    cells: tuple[int, ...] = ()
    """NUMA cells of the host that it is bound to."""
    cpus: tuple[int, ...] = ()
    """CPUs of the host that its vCPUs, emulator and I/O threads are pinned to."""
    host_devices: tuple[HostDeviceNeed, ...] = ()
    file_systems: tuple[str, ...] = ()
    """What is shared with the guest: `virtiofs TAG`, `path TAG` (9p)."""
    shared_memory: tuple[str, ...] = ()
    """Shared memory devices that are not a master's: libvirt does not migrate them."""
    transient_disks: tuple[str, ...] = ()
    """Targets of disks that forget what is written to them: libvirt does not migrate them."""
    secrets: tuple[str, ...] = ()
    """UUIDs, or `USAGE-TYPE NAME`."""
    persistent_memory: tuple[str, ...] = ()
    """Paths of NVDIMMs."""
    vdpa: bool = False
    launch_security: str = ""
    """sev, sev-snp, s390-pv..., which do not migrate, or only with help."""
    listen: tuple[str, ...] = ()
    """Addresses its graphics listen at, those of every address excepted."""
    video: tuple[str, ...] = ()
    redirected: bool = False
    """It has USB devices redirected from a client (SPICE)."""

    @property
    def disks(self) -> tuple[Disk, ...]:
        """The disks with something in them."""
        return tuple(disk for disk in self.instance.disks if disk.source is not None)

    @property
    def opened(self) -> tuple[HostPath, ...]:
        """The files, devices and programs that must be there, besides those it boots with."""
        kinds = (PathKind.FILE, PathKind.PROGRAM)
        return tuple(
            each
            for each in self.host_paths
            if each.kind in kinds and each.path not in self.boot_files
        )

    @property
    def logs(self) -> tuple[str, ...]:
        """Files that are written anew, so that their directories must be there."""
        return tuple(each.path for each in self.host_paths if each.kind is PathKind.LOG)

    @property
    def paths(self) -> tuple[str, ...]:
        """Every file and device it has open, or opens when it starts there; each once."""
        found = [*self.boot_files, self.nvram, *self.persistent_memory]
        found += [each.path for each in self.opened]
        for disk in self.disks:
            found += [each.path for each in disk.layers if each.type in _OPENED]
        return tuple(dict.fromkeys(path for path in found if path.startswith("/")))


def read_needs(xml: str) -> Needs:
    """Return what a `<domain>` needs of its host. Raises XmlError."""
    domain = parse(xml, "domain")
    instance = read_instance(xml)
    told: dict[str, Any] = {**_guest(domain, instance), **_memory(domain, instance)}
    modules = _devices(domain, "memory")
    shared = [each for each in _devices(domain, "shmem") if attribute(each, "role") != "master"]
    return Needs(
        instance=instance,
        uuid=instance.uuid,
        host_devices=host_devices(domain),
        networks=(
            *_names(domain, "interface[@type='network']/source", "network"),
            *_names(domain, "graphics/listen[@type='network']", "network"),
        ),
        filters=_names(domain, "interface/filterref", "filter"),
        file_systems=tuple(_file_systems(domain)),
        shared_memory=tuple(attribute(each, "name") for each in shared),
        transient_disks=tuple(
            attribute(disk, "dev", "target")
            for disk in _devices(domain, "disk")
            if disk.find("transient") is not None
        ),
        secrets=_secrets(domain),
        persistent_memory=tuple(filter(None, (exact(each, "source/path") for each in modules))),
        listen=_listen(domain),
        video=tuple(attribute(video, "type", "model") for video in _devices(domain, "video")),
        redirected=bool(_devices(domain, "redirdev")),
        **told,
    )


def _guest(domain: Element, instance: Instance) -> dict[str, Any]:
    """Return what it is started with: CPU, emulator, firmware, boot files, TPM."""
    cpu, loader = domain.find("cpu"), domain.find("os/loader")
    return {
        "cpu_xml": _written(cpu),
        "cpu_mode": attribute(cpu, "mode"),
        "invariant_tsc": _has_invariant_tsc(domain),
        "emulator": exact(domain, "devices/emulator"),
        "loader": exact(loader),
        "loader_secure": attribute(loader, "secure") == "yes",
        "nvram": _nvram(domain),
        "nvram_template": attribute(domain, "template", "os/nvram")
        or attribute(domain, "template", "os/varstore"),
        "boot_files": boot_files(domain),
        "host_paths": host_paths(domain),
        "cid": _cid(domain),
        "command_line": any(True for _ in domain.iterfind(_ARGUMENTS)),
        "tpm": attribute(domain, "type", "devices/tpm/backend"),
        "vdpa": any(each.type == "vdpa" for each in instance.interfaces),
        "launch_security": attribute(domain, "type", "launchSecurity"),
    }


def _memory(domain: Element, instance: Instance) -> dict[str, Any]:
    """Return how much memory it needs, from where, and what it is bound to."""
    backing = domain.find("memoryBacking")
    modules = (size(m, "target/size", unit="KiB") or 0 for m in _devices(domain, "memory"))
    return {
        "memory": max(instance.memory_maximum, instance.memory + sum(modules)),
        "huge_pages": _huge_pages(backing),
        "memory_source": attribute(backing, "type", "source"),
        "memory_locked": backing is not None and flag(backing, "locked"),
        "cells": _numbers(domain, _CELLS),
        "cpus": _numbers(domain, _CPUS),
    }


def _devices(domain: Element, kind: str) -> list[Element]:
    return domain.findall(f"devices/{kind}")


def _written(element: Element | None) -> str:
    """Return an element as XML of its own, for libvirt to read."""
    return "" if element is None else etree.tostring(element, encoding="unicode", with_tail=False)


def _has_invariant_tsc(domain: Element) -> bool:
    features = domain.iterfind("cpu/feature[@name='invtsc']")
    wanted = any(attribute(feature, "policy") not in ("disable", "forbid") for feature in features)
    return wanted and not attribute(domain, "frequency", "clock/timer[@name='tsc']")


def _nvram(domain: Element) -> str:
    """Return where the firmware's variables are: as text, as a disk's source, or newer's store."""
    source = domain.find("os/nvram/source")
    return (
        attribute(source, "file")
        or attribute(source, "dev")
        or exact(domain, "os/nvram").strip()
        or attribute(domain, "path", "os/varstore")
    )


def _cid(domain: Element) -> int | None:
    cid = domain.find("devices/vsock/cid")
    return None if attribute(cid, "auto") == "yes" else number(attribute(cid, "address"))


def _names(domain: Element, kind: str, name: str) -> tuple[str, ...]:
    found = (attribute(element, name) for element in domain.iterfind(f"devices/{kind}"))
    return tuple(dict.fromkeys(filter(None, found)))


def _huge_pages(backing: Element | None) -> tuple[HugePageNeed, ...]:
    pages = None if backing is None else backing.find("hugepages")
    if pages is None:
        return ()
    sizes = {
        size_of for page in pages.iterfind("page") if (size_of := _page_size(page)) is not None
    }
    return tuple(HugePageNeed(each) for each in sorted(sizes)) or (HugePageNeed(None),)


def _page_size(page: Element) -> int | None:
    amount = number(attribute(page, "size"))
    unit = (attribute(page, "unit") or "KiB").lower()
    power = {"b": 0, "k": 1, "m": 2, "g": 3}.get(unit[:1], 1)
    return None if amount is None else int(amount * 1024**power)


def _numbers(domain: Element, places: tuple[str, ...]) -> tuple[int, ...]:
    """Return the numbers that the sets (`0-3,^2`) at `places` name."""
    found: frozenset[int] = frozenset()
    for place in places:
        path, _, name = place.partition("@")
        for element in domain.iterfind(path):
            written = attribute(element, name) if name else text(element)
            found |= read_set(written) or frozenset()
    return tuple(sorted(found))


def _file_systems(domain: Element) -> list[str]:
    return [
        f"{attribute(each, 'type', 'driver') or 'path'} {attribute(each, 'dir', 'target')}".strip()
        for each in _devices(domain, "filesystem")
    ]


def _secrets(domain: Element) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for secret in domain.iterfind(".//secret"):
        uuid, usage = attribute(secret, "uuid"), attribute(secret, "usage")
        if uuid:
            found[uuid.lower()] = None
        elif usage:
            found[f"{attribute(secret, 'type')} {usage}".strip()] = None
    for tpm in domain.iterfind("devices/tpm/backend/encryption"):
        found[attribute(tpm, "secret").lower()] = None
    return tuple(filter(None, map(clean, found)))


def _listen(domain: Element) -> tuple[str, ...]:
    everywhere = ("", "0.0.0.0", "::", "127.0.0.1", "::1", "localhost")
    found = []
    for graphics in _devices(domain, "graphics"):
        found.append(attribute(graphics, "listen"))
        found += [attribute(listen, "address") for listen in graphics.iterfind("listen")]
    return tuple(dict.fromkeys(address for address in found if address not in everywhere))
