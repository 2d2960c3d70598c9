"""What a network that is made is to be. Pure values."""

from __future__ import annotations

from core.model.base import Value


class Subnet(Value, frozen=True):
    """Addresses of a network: the host's own is one of them."""

    address: str
    prefix: int
    range: tuple[str, str] | None = None
    """First and last address that DHCP gives out; None: there is none."""


class NewNetwork(Value, frozen=True):
    """A network."""

    name: str
    uuid: str
    forward: str = ""
    """libvirt's mode; empty: it leads nowhere."""
    bridge: str = ""
    """The bridge that libvirt makes, or that is there; empty: libvirt names one."""
    devices: tuple[str, ...] = ()
    """What of the host it leads out by."""
    virtualport: str = ""
    subnets: tuple[Subnet, ...] = ()
    vlans: tuple[int, ...] = ()
    """The tag of its frames; several: it is a trunk."""
    domain: str = ""
    mtu: int = 0
    nat_ipv6: bool = False
