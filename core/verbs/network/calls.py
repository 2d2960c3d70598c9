"""The calls on virtual networks."""

from __future__ import annotations

from typing import ClassVar, Literal

from core.verbs.activation import MarkCall
from core.verbs.applied import Applied
from core.verbs.call import Call

Section = Literal["ip-dhcp-host", "dns-host", "portgroup"]
"""What libvirt changes of a network that runs, as `virsh net-update` calls it."""


class NetworkCreateCall(Call, frozen=True):
    """virNetworkCreate."""

    command: ClassVar[str] = "net-start"


class NetworkDestroyCall(Call, frozen=True):
    """virNetworkDestroy."""

    command: ClassVar[str] = "net-destroy"
    unused: bool = False
    """Nobody that runs may be defined with it: the state tells what these have now."""


class NetworkAutostartCall(MarkCall, frozen=True):
    """virNetworkSetAutostart."""

    command: ClassVar[str] = "net-autostart"


class NetworkDefineCall(Call, frozen=True):
    """virNetworkDefineXMLFlags, with VIR_NETWORK_DEFINE_VALIDATE."""

    xml: str

    @property
    def text(self) -> str:
        """The XML."""
        return self.xml

    def virsh(self, _: str) -> tuple[str, ...]:
        """`virsh net-define`, which takes the XML from a file."""
        return ("net-define", "FILE", "--validate")


class NetworkRedefineCall(NetworkDefineCall, frozen=True):
    """virNetworkDefineXMLFlags, of one that is there: once more does no harm."""

    repeatable: ClassVar[bool] = True
    base: str = ""
    """The definition that it was made from: another one is not written over. Empty: any."""


class NetworkUndefineCall(Call, frozen=True):
    """virNetworkUndefine."""

    command: ClassVar[str] = "net-undefine"
    unused: bool = False
    """As of `NetworkDestroyCall`, where that does not come before it."""


class NetworkUpdateCall(Applied, frozen=True):
    """virNetworkUpdate: of what runs, of what is defined, or of both."""

    section: Section
    xml: str
    remove: bool = False
    parent: int = -1
    """Of DHCP: which of its `<ip>`, from 0; -1: libvirt takes the first that has DHCP."""

    @property
    def text(self) -> str:
        """The element."""
        return self.xml

    def virsh(self, name: str) -> tuple[str, ...]:
        """`virsh net-update`."""
        command = "delete" if self.remove else "add-last"
        within = () if self.parent < 0 else ("--parent-index", str(self.parent))
        return ("net-update", name, command, self.section, self.xml, *within, *self.affected())
