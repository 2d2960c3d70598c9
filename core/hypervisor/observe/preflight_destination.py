"""What a preflight wants to know of the destination. Runs on a lane thread.

As tolerant as the look at the source; only what the instance needs is asked for.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import msgspec

from core.hypervisor.connection.binding import Connection, libvirt
from core.hypervisor.connection.faults import tidy
from core.hypervisor.connection.silence import ours
from core.hypervisor.connection.tolerance import unless_gone
from core.hypervisor.connection.uri import HostAddress
from core.hypervisor.observe.daemon import read_machine
from core.hypervisor.observe.local_files import everybody_has_userfaultfd
from core.hypervisor.observe.preflight_guest import read_guest_abilities
from core.hypervisor.observe.preflight_paths import files_of, read_paths, read_pools
from core.hypervisor.observe.reading import describe_network
from core.hypervisor.observe.reads import Reads
from core.migration.preflight.facts import DestinationFacts, FreePages, Twin
from core.model.host_device import HostDevice
from core.model.network import Network
from core.model.text import clean, printable_name, real_name
from core.xml import Capabilities, read_capabilities
from core.xml.needs import Needs
from core.xml.node_device import read_node_device
from core.xml.tree import attribute, parse, text

_KIB = 1024

_NATIVE = "qemu-argv"
_NO_JUDGEMENT = (
    "VIR_ERR_NO_SUPPORT",
    "VIR_ERR_INVALID_ARG",
    "VIR_ERR_OPERATION_DENIED",
    "VIR_ERR_ACCESS_DENIED",
)
"""Errors of the call itself: another driver, a read-only link."""

_SECRET_USES = ("", "volume", "ceph", "iscsi", "tls", "vtpm")
"""virSecretUsageType, as the XML of disks writes it."""


def read_destination(
    conn: Connection,
    address: HostAddress,
    wanted: Needs,
    at: float,
    *,
    xml: str = "",
    name: str = "",
    host_cpu: str = "",
) -> DestinationFacts:
    """Read what a host has for an instance: about 15 calls, three per pool and two per file.

    `wanted` is what the instance will need there, `xml` what libvirt is asked to judge (empty:
    nothing), `name` what it will be called (empty: as it is), `host_cpu` the CPU of the source for
    a guest that has it passed through. Raises libvirtError when the connection fails.
    """
    looks, host = Reads(conn), address.name
    capabilities = looks.see(
        "capabilities", lambda: ours(read_capabilities, conn.getCapabilities())
    )
    told: dict[str, Any] = {
        **_host(looks, address, capabilities),
        **read_guest_abilities(looks, wanted, host_cpu),
        **_resources(looks, wanted, capabilities),
        **_devices_of(looks, wanted, host),
    }
    pools, files = read_pools(looks, host), files_of(address)
    paths = read_paths(looks, host, _paths(wanted), pools, files)
    twins = _twins(looks, wanted.uuid, name or wanted.instance.name)
    return DestinationFacts(
        host,
        at,
        twins=twins,
        refusal=_refusal(looks, xml),
        pools=pools,
        paths=paths,
        userfaultfd=None if files is None else everybody_has_userfaultfd(),
        gaps=looks.gaps,
        **told,
    )


def _host(looks: Reads, address: HostAddress, capabilities: Capabilities | None) -> dict[str, Any]:
    conn = looks.conn
    return {
        "host_uuid": "" if capabilities is None else capabilities.uuid,
        "machine": read_machine(looks, address),
        "libvirt": looks.see("libvirt", conn.getLibVersion),
        "qemu": looks.see("qemu", conn.getVersion),
        "guest_types": None if capabilities is None else capabilities.guest_types,
        "transports": None if capabilities is None else capabilities.migration_transports,
    }


def _resources(looks: Reads, wanted: Needs, capabilities: Capabilities | None) -> dict[str, Any]:
    total, free = _memory(looks)
    return {
        "memory_total": total,
        "memory_free": free,
        "pages": _pages(looks, wanted, capabilities),
        "cells": None if capabilities is None else tuple(cell.id for cell in capabilities.numa),
        "cpus": looks.see("cpus", lambda: int(looks.conn.getInfo()[2])),
    }


def _devices_of(looks: Reads, wanted: Needs, host: str) -> dict[str, Any]:
    return {
        "networks": _networks(looks, host),
        "filters": _filters(looks, wanted),
        "links": _links(looks, wanted),
        **_host_devices(looks, wanted),
        "usb": _usb(looks, wanted),
        "secrets": _secrets(looks, wanted),
    }


def _paths(wanted: Needs) -> tuple[str, ...]:
    directories = (log.rpartition("/")[0] for log in wanted.logs)
    more = (wanted.loader, wanted.nvram_template, *directories)
    return (*wanted.paths, *(path for path in more if path.startswith("/")))


def _twins(looks: Reads, uuid: str, name: str) -> tuple[Twin, ...] | None:
    def find() -> tuple[Twin, ...]:
        handles = (
            unless_gone(lambda: looks.conn.lookupByUUIDString(uuid)),
            unless_gone(lambda: looks.conn.lookupByName(real_name(name))),
        )
        found = {handle.UUIDString(): handle for handle in handles if handle is not None}
        return tuple(_twin(looks, handle) for handle in found.values())

    return looks.see("instances", find)


def _twin(looks: Reads, handle: Any) -> Twin:
    return Twin(
        name=printable_name(handle.name()),
        uuid=handle.UUIDString(),
        active=bool(handle.isActive() == 1),
        managed_save=looks.see("managed-save", lambda: bool(handle.hasManagedSaveImage(0) == 1)),
    )


def _refusal(looks: Reads, xml: str) -> str | None:
    """Return why libvirt there makes no command line of an XML; empty: it does, None: not known.

    virConnectDomainXMLToNative parses, checks and completes the XML as a start does, and leaves
    nothing behind (libvirt 9.0, for the devices of `core.migration.preflight.xml.question_xml`). A
    define under another name would be the fuller test, and a change that everybody sees.
    """
    conn = looks.conn
    if not xml or not conn.isAlive():
        return None
    try:
        conn.domainXMLToNative(_NATIVE, xml, 0)
    except libvirt.libvirtError as error:
        if not conn.isAlive():
            raise
        if error.get_error_code() in {getattr(libvirt, name) for name in _NO_JUDGEMENT}:
            looks.miss("xml", error.get_error_message() or str(error))
            return None
        return clean(tidy(error.get_error_message() or str(error))).rstrip(".")
    return ""


def _memory(looks: Reads) -> tuple[int | None, int | None]:
    """Return all memory, and what a new guest can have: free, buffers and cache."""
    every = libvirt.VIR_NODE_MEMORY_STATS_ALL_CELLS
    stats = looks.see("memory", lambda: looks.conn.getMemoryStats(every))
    if stats and "free" in stats:
        free = sum(stats.get(part, 0) for part in ("free", "buffers", "cached"))
        return stats.get("total", 0) * _KIB or None, free * _KIB
    return None, looks.see("memory", looks.conn.getFreeMemory)


def _pages(
    looks: Reads, wanted: Needs, capabilities: Capabilities | None
) -> tuple[FreePages, ...] | None:
    if not wanted.huge_pages or capabilities is None:
        return None
    sizes = {pages.size for cell in capabilities.numa for pages in cell.huge_pages}
    sizes.update(page.size for page in wanted.huge_pages if page.size)
    found = []
    for cell in capabilities.numa:
        free = looks.see(
            "pages",
            partial(looks.conn.getFreePages, [size // _KIB for size in sorted(sizes)], cell.id, 1),
        )
        if free is None:
            return None
        found += [FreePages(cell.id, size * _KIB, count) for size, count in free[cell.id].items()]
    return tuple(found)


def _networks(looks: Reads, host: str) -> tuple[Network, ...] | None:
    def read() -> tuple[Network, ...]:
        found = (
            unless_gone(partial(_network, each, host)) for each in looks.conn.listAllNetworks(0)
        )
        return tuple(network for network in found if network is not None)

    return looks.see("networks", read)


def _network(handle: Any, host: str) -> Network:
    active = handle.isActive() == 1
    return msgspec.structs.replace(describe_network(handle, host), active=active)


def _filters(looks: Reads, wanted: Needs) -> tuple[str, ...] | None:
    if not wanted.filters:
        return None
    listed = looks.see("filters", lambda: looks.conn.listAllNWFilters(0))
    return None if listed is None else tuple(printable_name(each.name()) for each in listed)


def _links(looks: Reads, wanted: Needs) -> tuple[str, ...] | None:
    """Return the host's network devices by name, where the instance is plugged into one."""
    if not any(each.type in ("bridge", "direct") for each in wanted.instance.interfaces):
        return None
    listed = looks.see("links", lambda: looks.conn.listAllInterfaces(0))
    if listed is not None:
        return tuple(printable_name(each.name()) for each in listed)
    flag = libvirt.VIR_CONNECT_LIST_NODE_DEVICES_CAP_NET
    handles = looks.see("links", lambda: looks.conn.listAllDevices(flag))
    if handles is None:
        return None
    names = (looks.see("links", partial(_link, handle)) for handle in handles)
    return tuple(name for name in names if name)


def _link(handle: Any) -> str:
    return text(parse(handle.XMLDesc(0), "device"), "capability[@type='net']/interface")


def _host_devices(looks: Reads, wanted: Needs) -> dict[str, Any]:
    """Read the names of the host's devices, and those PCI devices that the instance is given."""
    if not wanted.host_devices:
        return {}
    handles = looks.see("devices", lambda: looks.conn.listAllDevices(0))
    if handles is None:
        return {}
    given = {need.device for need in wanted.host_devices if need.kind == "pci"}
    named = [(printable_name(handle.name()), handle) for handle in handles]
    read = [looks.see("devices", partial(_given, one)) for name, one in named if name in given]
    return {
        "devices": tuple(name for name, _ in named),
        "given": tuple(one for one in read if one is not None),
    }


def _given(handle: Any) -> HostDevice:
    return read_node_device(handle.XMLDesc(0))


def _usb(looks: Reads, wanted: Needs) -> tuple[str, ...] | None:
    if not any(need.kind == "usb" for need in wanted.host_devices):
        return None
    flag = libvirt.VIR_CONNECT_LIST_NODE_DEVICES_CAP_USB_DEV
    handles = looks.see("devices", lambda: looks.conn.listAllDevices(flag))
    if handles is None:
        return None
    names = (looks.see("devices", partial(_usb_name, handle)) for handle in handles)
    return tuple(name for name in names if name)


def _usb_name(handle: Any) -> str:
    device = parse(handle.XMLDesc(0), "device").find("capability")
    return f"{attribute(device, 'id', 'vendor')}:{attribute(device, 'id', 'product')}"


def _secrets(looks: Reads, wanted: Needs) -> tuple[str, ...] | None:
    if not wanted.secrets:
        return None
    handles = looks.see("secrets", lambda: looks.conn.listAllSecrets(0))
    if handles is None:
        return None
    found: list[str] = []
    for handle in handles:
        use = handle.usageType()
        word = _SECRET_USES[use] if 0 <= use < len(_SECRET_USES) else ""
        found += [handle.UUIDString(), f"{word} {clean(handle.usageID() or '')}".strip()]
    return tuple(filter(None, found))
