"""What is asked for where a network is made or changed."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from core.errors import XmlError
from core.model import Request
from core.verbs.parameter import parameter
from core.verbs.xml_rule import definition_of

NAME = r"[^/\x00-\x1f\x7f-\x9f]+"
_RANGE = r"(all|none|[0-9a-fA-F.:]+ *- *[0-9a-fA-F.:]+)"
_ADDRESS = r"[0-9a-fA-F.:]+"
_MAC = "(|[0-9a-fA-F][02468aceACE](:[0-9a-fA-F]{2}){5})"
_HOST_NAME = r"(|[A-Za-z0-9_]([A-Za-z0-9_.-]{0,251}[A-Za-z0-9_])?)"
_DUID = r"(|[0-9a-fA-F]{1,2}(:[0-9a-fA-F]{1,2}){2,129})"
_VLANS = r"(|[0-9]{1,4}(,[0-9]{1,4})*)"


class CreateNetwork(Request, frozen=True):
    """Make a network on a host (virNetworkDefineXMLFlags)."""

    verb: ClassVar[str] = "network-create"
    name: Annotated[
        str,
        parameter("The name of the new network.", pattern=NAME, longest=255, argument=True,
                  shape="one without / and control characters"),
    ]  # fmt: skip
    mode: Annotated[
        Literal["nat", "route", "open", "isolated", "bridge", "ovs", "macvtap"],
        parameter(
            "How it leads out of the host: nat, route and open by a bridge of its own (open "
            "without rules of a firewall), isolated nowhere; bridge and ovs by a bridge that is "
            "there, of Linux or Open vSwitch, macvtap by a device."
        ),
    ] = "nat"
    subnet: Annotated[
        str,
        parameter(
            "Its addresses; the host has the first: 192.168.100.0/24. Empty: nat, route and open "
            "get 256 private ones that no known network has.",
            pattern=r"(|[0-9.]+/[0-9]{1,2})",
            shape="addresses and a prefix such as 192.168.100.0/24",
            source="free-subnets",
            typed=True,
        ),
    ] = ""
    dhcp: Annotated[
        str,
        parameter("The addresses that DHCP gives out: all, none, or FIRST-LAST.", pattern=_RANGE,
                  label="DHCP", shape="all, none, or two addresses with a - between"),
    ] = "all"  # fmt: skip
    bridge: Annotated[
        str,
        parameter("The bridge that is there, for bridge and ovs; else the name of the new one.",
                  pattern=r"(|[^/\s]{1,15})", shape="at most 15 characters without / and blanks"),
    ] = ""  # fmt: skip
    device: tuple[
        Annotated[
            str,
            parameter("The device of the host that it leads out by: eth0. For macvtap.",
                      pattern=r"[^/\s,]{1,15}", shape="at most 15 characters"),
        ],
        ...,
    ] = ()  # fmt: skip
    subnet6: Annotated[
        str,
        parameter("Its addresses of IPv6: fd00:1::/64.", pattern=r"(|[0-9a-fA-F:]+/[0-9]{1,3})",
                  shape="addresses and a prefix such as fd00:1::/64", label="IPv6 subnet",
                  advanced=True),
    ] = ""  # fmt: skip
    dhcp6: Annotated[
        str,
        parameter("What DHCP gives out of these; none: guests choose theirs.", pattern=_RANGE,
                  shape="all, none, or two addresses with a - between", label="IPv6 DHCP",
                  advanced=True),
    ] = "none"  # fmt: skip
    vlan: Annotated[
        str,
        parameter("The tag of its VLAN, of ovs; several are a trunk: 20,21.", pattern=_VLANS,
                  shape="numbers from 1 to 4094 with commas", label="VLAN", advanced=True),
    ] = ""  # fmt: skip
    domain: Annotated[
        str,
        parameter("Its DNS domain.", pattern=_HOST_NAME, shape="a name such as lab.example",
                  advanced=True),
    ] = ""  # fmt: skip
    mtu: Annotated[
        int,
        parameter("The largest packet; 0: the kernel's choice.", least=0, most=65535, unit="B",
                  label="MTU", advanced=True),
    ] = 0  # fmt: skip
    start: Annotated[bool, parameter("Start it.")] = True
    autostart: Annotated[bool, parameter("Have it started with its host.")] = True

    @property
    def makes(self) -> str:
        """Its name."""
        return self.name


class CreateNetworkFromXml(Request, frozen=True):
    """Make a network from its XML, which libvirt checks by its schema."""

    verb: ClassVar[str] = "network-create-from-xml"
    xml: Annotated[
        str,
        parameter("Its XML, as `virsh net-dumpxml` prints it.", label="XML", text=True,
                  argument=True),
    ]  # fmt: skip
    start: Annotated[bool, parameter("Start it.")] = True
    autostart: Annotated[bool, parameter("Have it started with its host.")] = True

    @property
    def makes(self) -> str:
        """The name that the XML has."""
        from core.xml.network import read_network

        try:
            return read_network(self.xml).name or "a new network"
        except XmlError:
            return "a new network"


class EditNetwork(Request, frozen=True):
    """Define a network anew; one that runs changes when it is started again."""

    verb: ClassVar[str] = "network-edit"
    xml: Annotated[
        str,
        parameter("All of its XML, as it is to be (`virsh net-dumpxml --inactive`).", label="XML",
                  text=True, rule=definition_of("network")),
    ]  # fmt: skip
    base: Annotated[
        str,
        parameter(
            "The XML that it was made from: what others changed since is not written over.",
            text=True,
            advanced=True,
        ),
    ] = ""


class DeleteNetwork(Request, frozen=True):
    """Stop a network that nobody is on, and undefine it (virNetworkUndefine)."""

    verb: ClassVar[str] = "network-delete"


class AddDhcpHost(Request, frozen=True):
    """Have a network's DHCP keep an address for a guest (virNetworkUpdate)."""

    verb: ClassVar[str] = "network-add-dhcp-host"
    address: Annotated[
        str,
        parameter("The address that it is given.", pattern=_ADDRESS, shape="an IP address"),
    ]
    mac: Annotated[
        str,
        parameter(
            "The MAC address of its network device.",
            label="MAC address",
            pattern=_MAC,
            shape="an address of one device such as 52:54:00:12:34:56",
            source="network-macs",
            typed=True,
        ),
    ] = ""
    name: Annotated[
        str,
        parameter("Its host name; of IPv6 it may be all it is known by.", pattern=_HOST_NAME,
                  shape="a name such as web"),
    ] = ""  # fmt: skip
    duid: Annotated[
        str,
        parameter("Of IPv6: the DUID of its DHCP client, by which it is known as well.",
                  pattern=_DUID, shape="bytes such as 0:3:0:1:52:54:0:12:34:56", label="DUID",
                  advanced=True),
    ] = ""  # fmt: skip


class RemoveDhcpHost(Request, frozen=True):
    """Have a network's DHCP no longer keep an address for a guest (virNetworkUpdate)."""

    verb: ClassVar[str] = "network-remove-dhcp-host"
    address: Annotated[
        str, parameter("The address that it was given.", source="dhcp-hosts")
    ]  # fmt: skip


class AddDnsHost(Request, frozen=True):
    """Have a network's DNS know an address by names (virNetworkUpdate)."""

    verb: ClassVar[str] = "network-add-dns-host"
    address: Annotated[
        str,
        parameter(
            "The address that the names lead to: 10.0.0.9.", pattern=_ADDRESS, shape="an IP address"
        ),
    ]
    names: tuple[
        Annotated[
            str,
            parameter("A name that leads to it.", pattern=_HOST_NAME.replace("(|", "(", 1),
                      shape="a name such as web.lab"),
        ],
        ...,
    ] = ()  # fmt: skip


class RemoveDnsHost(Request, frozen=True):
    """Have a network's DNS no longer know an address (virNetworkUpdate)."""

    verb: ClassVar[str] = "network-remove-dns-host"
    address: Annotated[str, parameter("The address.", source="dns-hosts")]


class AddPortGroup(Request, frozen=True):
    """Give a network a kind of port that interfaces may ask for (virNetworkUpdate)."""

    verb: ClassVar[str] = "network-add-port-group"
    name: Annotated[
        str,
        parameter("The name of the new port group.", pattern=NAME, longest=255,
                  shape="one without / and control characters"),
    ]  # fmt: skip
    vlan: Annotated[
        str,
        parameter("The tag of its VLAN; several are a trunk: 20,21.", pattern=_VLANS,
                  shape="numbers from 1 to 4094 with commas", label="VLAN"),
    ] = ""  # fmt: skip
    default: Annotated[bool, parameter("Interfaces that ask for none have this one.")] = False


class RemovePortGroup(Request, frozen=True):
    """Take a kind of port away from a network (virNetworkUpdate)."""

    verb: ClassVar[str] = "network-remove-port-group"
    name: Annotated[str, parameter("The port group.", source="port-groups")]
