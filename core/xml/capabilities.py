"""What a host says of itself in virConnectGetCapabilities."""

from __future__ import annotations

from core.model import HugePages, NumaCell
from core.model.base import Value
from core.xml.tree import Element, attribute, number, parse, scaled, size, text


class Capabilities(Value, frozen=True):
    """The part of `core.model.HostFacts` that the capabilities tell."""

    uuid: str = ""
    architecture: str = ""
    cpu_model: str = ""
    cpu_vendor: str = ""
    cpu_features: tuple[str, ...] = ()
    sockets: int = 0
    """Per NUMA cell, as libvirt counts."""
    cores: int = 0
    """Per socket."""
    threads: int = 0
    """Per core."""
    numa: tuple[NumaCell, ...] = ()
    guest_types: tuple[str, ...] = ()
    """`kvm x86_64`, `qemu aarch64`..., in libvirt's order."""
    machines: tuple[str, ...] = ()
    """The machine types of guests of its own architecture."""
    migration_transports: tuple[str, ...] = ()


def read_capabilities(xml: str) -> Capabilities:
    """Return what a `<capabilities>` tells. Raises XmlError."""
    root = parse(xml, "capabilities")
    cpu = root.find("host/cpu")
    names = [attribute(feature, "name") for feature in root.iterfind("host/cpu/feature")]
    transports = root.iterfind("host/migration_features/uri_transports/uri_transport")
    return Capabilities(
        uuid=text(root, "host/uuid").lower(),
        architecture=text(cpu, "arch"),
        cpu_model=text(cpu, "model"),
        cpu_vendor=text(cpu, "vendor"),
        cpu_features=tuple(sorted(filter(None, names))),
        sockets=number(attribute(cpu, "sockets", "topology")) or 0,
        cores=number(attribute(cpu, "cores", "topology")) or 0,
        threads=number(attribute(cpu, "threads", "topology")) or 0,
        numa=tuple(map(_read_cell, root.iterfind("host/topology/cells/cell"))),
        guest_types=_read_guest_types(root),
        machines=_read_machines(root, text(cpu, "arch")),
        migration_transports=tuple(filter(None, map(text, transports))),
    )


def _read_cell(cell: Element) -> NumaCell:
    sizes = []
    for pages in cell.iterfind("pages"):
        page = scaled(attribute(pages, "size"), attribute(pages, "unit") or "KiB")
        count = number(text(pages))
        if page is not None and count is not None:
            sizes.append(HugePages(size=page, total=count))
    sizes.sort(key=lambda pages: pages.size)
    return NumaCell(
        id=number(attribute(cell, "id")) or 0,
        memory=size(cell, "memory", unit="KiB") or 0,
        cpus=number(attribute(cell, "num", "cpus")) or 0,
        # the smallest size is the ordinary page of the machine (4 KiB, or 64 KiB on some)
        huge_pages=tuple(sizes[1:]),
    )


def _read_machines(root: Element, architecture: str) -> tuple[str, ...]:
    own = (each for each in root.iterfind("guest/arch") if attribute(each, "name") == architecture)
    return tuple(
        dict.fromkeys(text(machine) for arch in own for machine in arch.iterfind("machine"))
    )


def _read_guest_types(root: Element) -> tuple[str, ...]:
    types: dict[str, None] = {}
    for arch in root.iterfind("guest/arch"):
        for domain in arch.iterfind("domain"):
            types[f"{attribute(domain, 'type')} {attribute(arch, 'name')}".strip()] = None
    return tuple(types)
