"""Virtual networks."""

from __future__ import annotations

from core.model.base import ObjectKey, Value


class DhcpHost(Value, frozen=True):
    """An address that a network's DHCP keeps for one guest."""

    address: str
    mac: str = ""
    """Empty: it is known by its name alone or by its DUID, as with IPv6."""
    name: str = ""
    duid: str = ""
    """Of IPv6: what the guest's DHCP client calls itself."""
    beyond: tuple[str, ...] = ()
    """What else its XML has, in words: it cannot be made again from what is told here."""


class DnsHost(Value, frozen=True):
    """An address that a network's DNS knows by names."""

    address: str
    names: tuple[str, ...] = ()


class PortGroup(Value, frozen=True):
    """A kind of port that interfaces of a network may ask for."""

    name: str
    default: bool = False
    vlans: tuple[int, ...] = ()
    beyond: tuple[str, ...] = ()
    """What else its XML has, in words: it cannot be made again from what is told here."""


class Network(Value, frozen=True):
    """A virtual network of one host."""

    host: str
    uuid: str
    name: str
    active: bool = False
    autostart: bool = False
    persistent: bool = True
    bridge: str = ""
    forward: str = ""
    """nat, route, bridge, open...; empty: isolated (`leads`)."""
    addresses: tuple[str, ...] = ()
    described: bool = True
    """False: only listed so far (name and flags); its XML, all that is not a flag, comes later."""
    dhcp_ranges: tuple[tuple[str, str], ...] = ()
    """First and last address of each."""
    dhcp_hosts: tuple[DhcpHost, ...] = ()
    dns_hosts: tuple[DnsHost, ...] = ()
    port_groups: tuple[PortGroup, ...] = ()
    domain: str = ""
    """Its DNS domain."""
    mtu: int = 0
    """Bytes; 0: the kernel's choice."""
    devices: tuple[str, ...] = ()
    """What of the host it leads out by, where it is bound to that."""
    limits: tuple[str, ...] = ()
    """What all traffic of its guests is held to, in words, inbound and outbound."""

    @property
    def key(self) -> ObjectKey:
        """The key of this network."""
        return ObjectKey("network", self.host, self.uuid)

    @property
    def leads(self) -> str:
        """Its forward mode; `isolated`: its XML has none; empty: that is not read."""
        return self.forward or ("isolated" if self.described else "")


class Lease(Value, frozen=True):
    """An address that a network's DHCP has given out (virNetworkGetDHCPLeases)."""

    mac: str
    address: str
    """With its prefix length."""
    name: str = ""
    """The host name that the guest gave. It is the guest's own word."""
    expires: float | None = None


class NetworkUse(Value, frozen=True):
    """What is read of a network because somebody looks at it."""

    leases: tuple[Lease, ...] | None = None
    """None: its host does not tell them."""
    ports: int | None = None
    """How many are plugged in, of instances and of what else; None: not told."""
