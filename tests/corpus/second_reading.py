"""A second, simple reading of libvirt's XML, for comparison: XPath on what is written, no more.

It shares nothing with core.xml but the parser's library. Values are compared as libvirt has them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from lxml import etree

from core.model import Instance, Network, Pool, Snapshot, Volume
from core.model.text import real_name

Found = dict[str, Any]
_BELOW = ".//backingStore[not(ancestor::mirror)]/source[@*]"
_UNITS = {"b": 1, "bytes": 1, "byte": 1}
for _power, _letter in enumerate("kmgtpe", 1):
    _UNITS |= {_letter: 1024**_power, f"{_letter}ib": 1024**_power, f"{_letter}b": 1000**_power}


def _one(root: etree._Element, path: str) -> str:
    found = root.xpath(f"string({path})")
    return str(found)


def _bytes(root: etree._Element, path: str, unit: str) -> int | None:
    written = _one(root, path).strip()
    if not (written.isascii() and written.isdigit()):
        return None
    amount = int(written) * _UNITS[(_one(root, f"{path}/@unit") or unit).strip().lower()]
    return amount if amount < 2**63 else None


def instance(root: etree._Element) -> Found:
    """Return what a `<domain>` says of itself, its disks and its interfaces."""
    memory = _bytes(root, "memory", "KiB")
    vcpus = _one(root, "vcpu").strip()
    return {
        "name": _one(root, "name"),
        "uuid": _one(root, "uuid").strip().lower(),
        "type": _one(root, "@type"),
        "architecture": _one(root, "os/type/@arch"),
        "machine": _one(root, "os/type/@machine"),
        "memory": _bytes(root, "currentMemory", "KiB") or memory or 0,
        "memory_maximum": memory or 0,
        "vcpus_maximum": int(vcpus) if vcpus.isdigit() and int(vcpus) else 1,
        "disks": [_disk(each) for each in root.xpath("devices/disk")],
        "interfaces": [_interface(each) for each in root.xpath("devices/interface")],
        "devices": root.xpath("count(devices/*[not(self::disk or self::interface)])"),
    }


def _disk(disk: etree._Element) -> Found:
    plain = ("file", "dev", "dir") if disk.get("type") in (None, "file", "block", "dir") else ()
    return {
        "target": _one(disk, "target/@dev"),
        "bus": _one(disk, "target/@bus"),
        "device": disk.get("device") or "disk",
        "serial": _one(disk, "serial").strip(),
        "path": next((path for name in plain if (path := _one(disk, f"source/@{name}"))), None),
        "images": len(disk.xpath(_BELOW)) if disk.xpath("source[@*]") else 0,
        "read_only": bool(disk.xpath("readonly")),
        "shareable": bool(disk.xpath("shareable")),
        "cache": _one(disk, "driver/@cache"),
    }


def _interface(interface: etree._Element) -> Found:
    return {
        "mac": _one(interface, "mac/@address").lower(),
        "type": _one(interface, "@type"),
        "model": _one(interface, "model/@type"),
        "target": _one(interface, "target/@dev"),
        "link_up": _one(interface, "link/@state") != "down",
    }


def told_instance(read: Instance) -> Found:
    """Return the same of what core.xml read."""
    return {
        **{name: getattr(read, name) for name in (
            "uuid", "memory", "memory_maximum", "vcpus_maximum")},
        **{name: real_name(getattr(read, name)) for name in (
            "name", "type", "architecture", "machine")},
        "disks": [_told_disk(each) for each in read.disks],
        "interfaces": [
            {name: getattr(each, name) for name in ("mac", "type", "model", "target", "link_up")}
            for each in read.interfaces
        ],
        "devices": len(read.devices),
    }  # fmt: skip


def _told_disk(disk: Any) -> Found:
    plain = disk.source is not None and disk.source.type in ("file", "block", "dir")
    return {
        "target": disk.target, "bus": disk.bus, "device": disk.device, "serial": disk.serial,
        "path": real_name(disk.source.path) if plain else None,
        "images": len(disk.backing) if disk.source is not None else 0,
        "read_only": disk.read_only, "shareable": disk.shareable, "cache": disk.cache,
    }  # fmt: skip


def pool(root: etree._Element) -> Found:
    """Return what a `<pool>` says."""
    return {
        "name": _one(root, "name"),
        "uuid": _one(root, "uuid").strip().lower(),
        "type": _one(root, "@type"),
        "capacity": _bytes(root, "capacity", "b"),
    }


def told_pool(read: Pool) -> Found:
    """Return the same of what core.xml read."""
    return {
        "name": real_name(read.name), "uuid": read.uuid, "type": read.type,
        "capacity": read.capacity,
    }  # fmt: skip


def volume(root: etree._Element) -> Found:
    """Return what a `<volume>` says."""
    return {
        "name": _one(root, "name"),
        "path": _one(root, "target/path") or _one(root, "key"),
        "format": _one(root, "target/format/@type"),
        "capacity": _bytes(root, "capacity", "b"),
        "allocation": _bytes(root, "allocation", "b"),
        "backing": _one(root, "backingStore/path"),
    }


def told_volume(read: Volume) -> Found:
    """Return the same of what core.xml read."""
    return {
        "name": real_name(read.name), "path": real_name(read.path), "format": read.format,
        "capacity": read.capacity, "allocation": read.allocation,
        "backing": real_name(read.backing),
    }  # fmt: skip


def network(root: etree._Element) -> Found:
    """Return what a `<network>` says."""
    forward = root.find("forward")
    return {
        "name": _one(root, "name"),
        "uuid": _one(root, "uuid").strip().lower(),
        "bridge": _one(root, "bridge/@name"),
        "forward": "" if forward is None else forward.get("mode") or "nat",
        "addresses": root.xpath("count(ip[@address])"),
    }


def told_network(read: Network) -> Found:
    """Return the same of what core.xml read."""
    return {
        "name": real_name(read.name), "uuid": read.uuid, "bridge": read.bridge,
        "forward": read.forward, "addresses": len(read.addresses),
    }  # fmt: skip


def snapshot(root: etree._Element) -> Found:
    """Return what a `<domainsnapshot>` says."""
    created = _one(root, "creationTime")
    return {
        "name": _one(root, "name"),
        "parent": _one(root, "parent/name"),
        "state": _one(root, "state"),
        "created": float(created) if created else None,
    }


def told_snapshot(read: Snapshot) -> Found:
    """Return the same of what core.xml read."""
    return {
        "name": real_name(read.name), "parent": real_name(read.parent), "state": read.state,
        "created": read.created,
    }  # fmt: skip


def differences(mine: Any, theirs: Any, where: str = "") -> Iterator[str]:
    """Yield where two readings differ, a line each."""
    if isinstance(mine, dict):
        for name in mine:
            yield from differences(mine[name], theirs[name], f"{where} {name}".strip())
    elif isinstance(mine, list) and len(mine) == len(theirs):
        for number, (one, other) in enumerate(zip(mine, theirs, strict=True)):
            yield from differences(one, other, f"{where} {number}")
    elif mine != theirs:
        yield f"{where}: {mine!r} is written, {theirs!r} was read"


READINGS: dict[str, tuple[Callable[[etree._Element], Found], Callable[[Any], Found]]] = {
    "domain": (instance, told_instance),
    "pool": (pool, told_pool),
    "volume": (volume, told_volume),
    "network": (network, told_network),
    "domainsnapshot": (snapshot, told_snapshot),
}
