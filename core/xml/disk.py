"""A disk of an instance: its source of whatever type, and the chain of images below it."""

from __future__ import annotations

from collections.abc import Callable

from core.model import Disk, DiskSource
from core.model.paths import plain_path
from core.xml.address import endpoint, pci, read_address
from core.xml.tree import Element, attribute, flag, number, text


def read_disk(disk: Element) -> Disk:
    """Return the disk an element `<disk>` describes."""
    driver = disk.find("driver")
    return Disk(
        target=attribute(disk, "dev", "target"),
        bus=attribute(disk, "bus", "target"),
        device=attribute(disk, "device") or "disk",
        source=read_source(disk),
        backing=_read_backing(disk),
        data=_read_data(disk),
        alias=attribute(disk, "name", "alias"),
        address=read_address(disk),
        serial=text(disk, "serial"),
        boot_order=number(attribute(disk, "order", "boot")),
        cache=attribute(driver, "cache"),
        io=attribute(driver, "io"),
        discard=attribute(driver, "discard"),
        read_only=flag(disk, "readonly"),
        shareable=flag(disk, "shareable"),
        encrypted=flag(disk, "encryption") or flag(disk, "source/encryption"),
        throttled=flag(disk, "iotune"),
    )


def read_source(layer: Element) -> DiskSource | None:
    """Return the image a `<disk>` or `<backingStore>` names; None: an empty drive, a chain's end.

    The format of a disk stands in its driver, that of a backing image in `<format>`.
    """
    source = layer.find("source")
    if source is None:
        return None
    kind = attribute(layer, "type") or "file"
    path = _PATHS.get(kind, _any_path)(source)
    if not path:
        return None
    return DiskSource(
        type=kind,
        path=path,
        format=attribute(layer, "type", "driver") or attribute(layer, "type", "format"),
        protocol=attribute(source, "protocol"),
        hosts=tuple(filter(None, map(_read_host, source.findall("host")))),
    )


def _read_backing(disk: Element) -> tuple[DiskSource, ...]:
    """Return the nested `<backingStore>` elements, nearest first; an empty one ends the chain."""
    chain = []
    layer = disk.find("backingStore")
    while layer is not None:
        source = read_source(layer)
        if source is None:
            break
        chain.append(source)
        layer = layer.find("backingStore")
    return tuple(chain)


def _read_data(disk: Element) -> tuple[DiskSource, ...]:
    """Return the data files of all images of the chain."""
    found = map(read_source, disk.iterfind(".//source/dataStore"))
    return tuple(source for source in found if source is not None)


def _read_host(host: Element) -> str:
    socket = attribute(host, "socket")
    if socket:
        return socket
    return endpoint(attribute(host, "name"), attribute(host, "port"))


def _network_path(source: Element) -> str:
    protocol, name = attribute(source, "protocol"), attribute(source, "name")
    # an NBD export may have no name: its server is then all there is
    return f"{protocol}:{name}" if protocol else name


def _volume_path(source: Element) -> str:
    pool, volume = attribute(source, "pool"), attribute(source, "volume")
    return f"{pool}/{volume}" if pool and volume else ""


def _nvme_path(source: Element) -> str:
    address = source.find("address")
    if address is None:
        return ""
    namespace = attribute(source, "namespace")
    return f"{pci(address)}/{namespace}" if namespace else pci(address)


def _any_path(source: Element) -> str:
    for name in ("file", "dev", "dir", "path", "name"):
        value = attribute(source, name)
        if value:
            return plain_path(value)
    return ""


_PATHS: dict[str, Callable[[Element], str]] = {
    "network": _network_path,
    "volume": _volume_path,
    "nvme": _nvme_path,
}
