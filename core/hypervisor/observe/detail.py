"""What is read of an instance only when somebody looks. Runs on a lane thread."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Any

from core.errors import XmlError
from core.hypervisor.connection.binding import Connection, libvirt
from core.hypervisor.connection.tolerance import if_supported, unless_gone
from core.hypervisor.observe.block_jobs import list_block_jobs
from core.hypervisor.observe.guest_info import read_guest_info
from core.hypervisor.observe.reading import process_hangs, xml_may_wait
from core.hypervisor.observe.snapshots import list_snapshots
from core.model.guest import GuestInfo
from core.model.instance import Address, AgentState, Instance, InstanceDetail, Snapshot
from core.model.run import BlockJob
from core.model.text import clean
from core.xml import format_xml, read_instance

_LONGEST_XML = 1 << 20
_LONG_WAIT = 1000
"""Milliseconds."""
_UNREADABLE = "wrong nlmsg len"
"""What libvirt 9.0 says of every neighbour table whose end a newer kernel (6.18) puts into the same
message as its entries: nothing is wrong there, and a second look says the same.
"""


def read_detail(
    conn: Connection, host: str, uuid: str, at: float, *, ask_agent: bool = True
) -> InstanceDetail | None:
    """Read all that is read only when somebody looks; None when there is no such instance.

    What cannot be read is in `notes`, a sentence each, and costs nothing else. The guest's agent is
    asked only where it is connected; it may still never answer, and libvirt waits for it: a caller
    that missed its deadline may come again with `ask_agent` off. Raises libvirtError when the
    connection fails.
    """

    def read() -> InstanceDetail:
        return _read(conn.lookupByUUIDString(uuid), host, at, ask_agent)

    return unless_gone(read)


def _read(domain: Any, host: str, at: float, ask_agent: bool) -> InstanceDetail:
    notes: list[str] = []
    stuck = process_hangs(domain)
    hangs = stuck and xml_may_wait(domain.connect())
    if hangs:
        notes.append("The XML cannot be read: the instance's process does not answer.")
    xml = "" if hangs else domain.XMLDesc(0)  # without VIR_DOMAIN_XML_SECURE: no passwords
    active = domain.isActive() == 1
    block_jobs: tuple[BlockJob, ...] | None = None if active else ()
    if active and not stuck:
        block_jobs = _block_jobs(domain, xml, at, notes)
    instance = _described(xml)
    guest = None
    asked = active and _may_ask_agent(domain, instance, ask_agent, notes)
    if asked:
        guest, asked = _guest_info(domain, notes)
    return InstanceDetail(
        host=host,
        uuid=domain.UUIDString(),
        at=at,
        xml="" if hangs else _for_people(xml, notes),
        inactive_xml="" if hangs else _inactive_xml(domain, notes),
        snapshots=_snapshots(domain, host, notes),
        block_jobs=block_jobs,
        addresses=_addresses(domain, instance, asked, notes) if active else (),
        notes=tuple(notes),
        guest=guest,
    )


def _for_people(xml: str, notes: list[str]) -> str:
    """Return XML without secrets: libvirt keeps those of a hypervisor's own command line in it."""
    try:
        text = format_xml(xml)
    except XmlError as error:
        notes.append(f"The XML cannot be shown: {error.message}")
        return ""
    if len(text) > _LONGEST_XML:
        notes.append("The XML is longer than a megabyte and was cut.")
    return text[:_LONGEST_XML]


def _inactive_xml(domain: Any, notes: list[str]) -> str:
    """Return the XML of the next start; a transient instance has none."""
    try:
        if not domain.isPersistent():
            return ""
        return _for_people(domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE), notes)
    except libvirt.libvirtError as error:
        _note(domain, notes, "The configuration of the next start", error)
        return ""


def _snapshots(domain: Any, host: str, notes: list[str]) -> tuple[Snapshot, ...] | None:
    """Return the snapshots in order; None: unread."""
    try:
        return list_snapshots(domain, host)
    except libvirt.libvirtError as error:
        _note(domain, notes, "Snapshots", error)
        return None


def _block_jobs(domain: Any, xml: str, at: float, notes: list[str]) -> tuple[BlockJob, ...] | None:
    """Return the block jobs of a running instance; None: unread, or not known to its driver."""
    try:
        return list_block_jobs(domain, xml, at)
    except libvirt.libvirtError as error:
        _note(domain, notes, "Block jobs", error)
        return None


def _may_ask_agent(
    domain: Any, instance: Instance | None, ask_agent: bool, notes: list[str]
) -> bool:
    if instance is None or instance.agent is not AgentState.CONNECTED:
        return False
    if not ask_agent:
        notes.append("The guest's agent was not asked: it did not answer the last time.")
    elif _busy(domain):
        notes.append("The guest's agent was not asked: the hypervisor process does not answer.")
    else:
        return True
    return False


def _guest_info(domain: Any, notes: list[str]) -> tuple[GuestInfo | None, bool]:
    """Return what the agent tells, and whether it answered: one that did not is not asked again."""
    try:
        return read_guest_info(domain), True
    except libvirt.libvirtError as error:
        _note(domain, notes, "What the guest's agent tells", error)
        return None, error.get_error_code() != libvirt.VIR_ERR_AGENT_UNRESPONSIVE


def _addresses(
    domain: Any, instance: Instance | None, by_agent: bool, notes: list[str]
) -> tuple[Address, ...]:
    """Return the addresses of a running instance by each source that answers.

    Leases come from libvirt's own DHCP servers, ARP from the host's neighbour table: neither knows
    an interface that QEMU serves by itself, and the second fails instead of saying so. Where
    libvirt cannot read that table at all, nothing is lacking if another source tells addresses.
    """
    sources = []
    if instance is None or any(one.type != "user" for one in instance.interfaces):
        sources = [
            ("lease", libvirt.VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_LEASE),
            ("arp", libvirt.VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_ARP),
        ]
    if by_agent:
        sources.insert(0, ("agent", libvirt.VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_AGENT))
    found: list[Address] = []
    for source, number in sources:
        try:
            found.extend(read_addresses(domain.interfaceAddresses(number, 0), source))
        except libvirt.libvirtError as error:
            if not (found and _UNREADABLE in str(error.get_error_message())):
                _note(domain, notes, f"Addresses by {source}", error)
    return tuple(found)


def _described(xml: str) -> Instance | None:
    try:
        return read_instance(xml)
    except XmlError:
        return None


def _busy(domain: Any) -> bool:
    """Tell whether the process keeps libvirt's monitor waiting: the agent's call would wait too."""
    control = if_supported(domain.controlInfo, otherwise=[0, 0, 0])
    return bool(control[0] == libvirt.VIR_DOMAIN_CONTROL_OCCUPIED and control[2] >= _LONG_WAIT)


def read_addresses(interfaces: dict[str, Any] | None, source: str) -> Iterator[Address]:
    """Return virDomainInterfaceAddresses' answer as addresses, without those of loopback. Pure."""
    for name, interface in (interfaces or {}).items():
        for entry in interface.get("addrs") or ():
            address, prefix = clean(str(entry.get("addr") or "")), entry.get("prefix")
            if not address or _is_loopback(address):
                continue
            yield Address(
                interface=clean(name),
                mac=clean(interface.get("hwaddr") or ""),
                # the neighbour table knows no prefix and says 0
                address=f"{address}/{prefix}" if prefix else address,
                source=source,
            )


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:  # what a guest's agent says may be anything
        return False


def _note(domain: Any, notes: list[str], what: str, error: Any) -> None:
    """Note that something could not be read; raises when it was the connection that failed."""
    if not domain.connect().isAlive():
        raise error
    notes.append(f"{what} could not be read: {clean(str(error.get_error_message() or error))}.")
