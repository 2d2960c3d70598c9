"""The calls on virtual networks. Run on a lane thread; raise libvirtError, HypervisorError."""

from __future__ import annotations

from functools import partial
from typing import Any

from core.errors import HypervisorError
from core.hypervisor.calls.cures import told_where, told_with
from core.hypervisor.calls.defining import inactive_xml
from core.hypervisor.calls.function import CallFunctions
from core.hypervisor.connection.binding import Connection, libvirt
from core.hypervisor.connection.tolerance import unless_gone, unsupported
from core.model import ObjectKey
from core.model.text import clean
from core.verbs.network.calls import (
    NetworkAutostartCall,
    NetworkCreateCall,
    NetworkDefineCall,
    NetworkDestroyCall,
    NetworkRedefineCall,
    NetworkUndefineCall,
    NetworkUpdateCall,
)
from core.xml.definition.changes import changes, in_words
from core.xml.network_completed import completed
from core.xml.tree import parse

_CURES = (
    ("already in use by interface", "Its addresses are those of another network of the host: take "
     "others (see `ip address` there)."),
    ("Operation not permitted", "Open the host as root's libvirt (qemu:///system): that of an "
     "ordinary user may not make network devices."),
    ("creating bridge interface", "There is a device of that name: give the bridge another, or "
     "leave it out: libvirt names one."),
    ("cannot execute binary", "Install iptables on the host, and start its libvirt anew, which "
     "looks for that once. A network of the mode open or bridge needs none."),
    ("firewall", "The firewall of the host did not take libvirt's rules: see what iptables or nft "
     "says there. A network of the mode open or bridge needs none."),
    ("already exists", "Give the bridge another name, or leave it out: libvirt names one."),
    ("already in use", "Give the bridge another name, or leave it out: libvirt names one."),
    ("dnsmasq", "Install dnsmasq on the host: libvirt has it give out addresses and names."),
    ("No such device", "Make the bridge or device on the host first (see `ip link` there)."),
    ("failed to validate against schema", "See what the XML of a network has: "
     "`virsh net-dumpxml` of another, https://libvirt.org/formatnetwork.html."),
)  # fmt: skip
"""What libvirt says, and what helps."""


def _network(conn: Connection, subject: ObjectKey) -> Any:
    return conn.networkLookupByUUIDString(subject.id)


def define(conn: Connection, subject: ObjectKey, call: NetworkDefineCall) -> None:
    """Define what is not there (virNetworkDefineXMLFlags); libvirt would change what is.

    libvirt checks it by its schema first.
    """
    if unless_gone(lambda: _network(conn, subject)) is not None:
        raise HypervisorError(f"There is a network of the UUID {subject.id} by now.")
    with told_with(_CURES):
        _define(conn, call.xml)


def _define(conn: Connection, xml: str) -> None:
    try:
        conn.networkDefineXMLFlags(xml, libvirt.VIR_NETWORK_DEFINE_VALIDATE)
    except (AttributeError, libvirt.libvirtError) as error:
        # libvirt before 7.7, and its test driver before 7.8
        if isinstance(error, libvirt.libvirtError) and not unsupported(error):
            raise
        conn.networkDefineXML(xml)


def redefine(conn: Connection, subject: ObjectKey, call: NetworkRedefineCall) -> None:
    """Define a network anew, unless somebody else just did."""
    if call.base:
        network = _network(conn, subject)
        found = inactive_xml(network, libvirt.VIR_NETWORK_XML_INACTIVE) or call.base
        if not (completed(call.base, found) or completed(call.xml, found)):
            name = clean(network.name())
            what = in_words(changes(call.base, found, "network")) or "its text"
            text = f"The network {name} was changed meanwhile, and is not overwritten: {what}."
            raise HypervisorError(text, "Edit it again, from its XML as it is now.")
    with told_where(_CURES, call.xml, call.base, "network"):
        _define(conn, call.xml)


def destroy(conn: Connection, subject: ObjectKey, call: NetworkDestroyCall) -> None:
    """Stop a network (virNetworkDestroy)."""
    network = _network(conn, subject)
    if call.unused:
        _require_unused(conn, network)
    network.destroy()


def undefine(conn: Connection, subject: ObjectKey, call: NetworkUndefineCall) -> None:
    """Undefine a network (virNetworkUndefine); nothing is done where it is gone already."""
    network = unless_gone(lambda: _network(conn, subject))
    if network is None:
        return
    if call.unused:
        _require_unused(conn, network)
    network.undefine()


def _require_unused(conn: Connection, network: Any) -> None:
    """Raise HypervisorError where an instance that runs has it from its next start on.

    One call for each that runs: no listing and no event tells its definition.
    """
    name = network.name()
    for domain in conn.listAllDomains(libvirt.VIR_CONNECT_LIST_DOMAINS_ACTIVE):
        xml = unless_gone(partial(domain.XMLDesc, libvirt.VIR_DOMAIN_XML_INACTIVE))
        sources = () if xml is None else parse(xml, "domain").iterfind("devices/interface/source")
        if any(source.get("network") == name for source in sources):
            who = clean(domain.name())
            text = f"{who} is on the network {clean(name)} from its next start on."
            raise HypervisorError(text, f"Detach its interface from what {who} is defined with.")


def create(conn: Connection, subject: ObjectKey, _: NetworkCreateCall) -> None:
    """Start a network (virNetworkCreate)."""
    with told_with(_CURES):
        _network(conn, subject).create()


def update(conn: Connection, subject: ObjectKey, call: NetworkUpdateCall) -> None:
    """Change a part of a network (virNetworkUpdate)."""
    commands = {
        True: libvirt.VIR_NETWORK_UPDATE_COMMAND_DELETE,
        False: libvirt.VIR_NETWORK_UPDATE_COMMAND_ADD_LAST,
    }
    sections = {
        "ip-dhcp-host": libvirt.VIR_NETWORK_SECTION_IP_DHCP_HOST,
        "dns-host": libvirt.VIR_NETWORK_SECTION_DNS_HOST,
        "portgroup": libvirt.VIR_NETWORK_SECTION_PORTGROUP,
    }
    live = libvirt.VIR_NETWORK_UPDATE_AFFECT_LIVE if call.live else 0
    config = libvirt.VIR_NETWORK_UPDATE_AFFECT_CONFIG if call.config else 0
    _network(conn, subject).update(
        commands[call.remove], sections[call.section], call.parent, call.xml, live | config
    )


CALL_FUNCTIONS: CallFunctions = {
    NetworkCreateCall: create,
    NetworkDestroyCall: destroy,
    NetworkAutostartCall: lambda conn, key, call: _network(conn, key).setAutostart(int(call.on)),
    NetworkDefineCall: define,
    NetworkRedefineCall: redefine,
    NetworkUndefineCall: undefine,
    NetworkUpdateCall: update,
}
