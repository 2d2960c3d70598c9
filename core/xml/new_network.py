"""The XML of a network that is to be made, and of what is changed of one that runs. Pure."""

from __future__ import annotations

from core.model.network import DhcpHost, DnsHost, PortGroup
from core.model.new_network import NewNetwork, Subnet
from core.model.text import real_name
from core.xml.tree import Element


def network_xml(new: NewNetwork) -> str:
    """Return the `<network>`."""
    from lxml import etree  # see core.xml.tree

    root = etree.Element("network")
    etree.SubElement(root, "name").text = real_name(new.name)
    etree.SubElement(root, "uuid").text = new.uuid
    _lead_out(root, new)
    if new.bridge:
        etree.SubElement(root, "bridge", name=real_name(new.bridge))
    if new.mtu:
        etree.SubElement(root, "mtu", size=str(new.mtu))
    if new.domain:
        etree.SubElement(root, "domain", name=new.domain, localOnly="yes")
    if new.virtualport:
        etree.SubElement(root, "virtualport", type=new.virtualport)
    if new.vlans:
        _tag(root, new.vlans)
    for subnet in new.subnets:
        _subnet(root, subnet)
    etree.indent(root, space="  ")
    return etree.tostring(root, encoding="unicode")


def _lead_out(root: Element, new: NewNetwork) -> None:
    from lxml import etree

    if not new.forward:
        return
    forward = etree.SubElement(root, "forward", mode=new.forward)
    for device in new.devices:
        etree.SubElement(forward, "interface", dev=real_name(device))
    if new.nat_ipv6:
        etree.SubElement(forward, "nat", ipv6="yes")


def _subnet(root: Element, subnet: Subnet) -> None:
    from lxml import etree

    ip = etree.SubElement(root, "ip", address=subnet.address, prefix=str(subnet.prefix))
    if ":" in subnet.address:
        ip.set("family", "ipv6")
    if subnet.range is not None:
        start, end = subnet.range
        etree.SubElement(etree.SubElement(ip, "dhcp"), "range", start=start, end=end)


def _tag(root: Element, vlans: tuple[int, ...]) -> None:
    from lxml import etree

    vlan = etree.SubElement(root, "vlan")
    if len(vlans) > 1:
        vlan.set("trunk", "yes")
    for tag in vlans:
        etree.SubElement(vlan, "tag", id=str(tag))


def dhcp_host_xml(host: DhcpHost) -> str:
    """Return the `<host>` of DHCP. One that is known by its name alone, or a DUID, is of IPv6."""
    from lxml import etree

    given = {"mac": host.mac, "id": host.duid, "name": host.name, "ip": host.address}
    root = etree.Element("host", {name: value for name, value in given.items() if value})
    return etree.tostring(root, encoding="unicode")


def dns_host_xml(host: DnsHost) -> str:
    """Return the `<host>` of DNS."""
    from lxml import etree

    root = etree.Element("host", ip=host.address)
    for name in host.names:
        etree.SubElement(root, "hostname").text = name
    return etree.tostring(root, encoding="unicode")


def port_group_xml(group: PortGroup) -> str:
    """Return the `<portgroup>`."""
    from lxml import etree

    root = etree.Element("portgroup", name=real_name(group.name))
    if group.default:
        root.set("default", "yes")
    if group.vlans:
        _tag(root, group.vlans)
    return etree.tostring(root, encoding="unicode")
