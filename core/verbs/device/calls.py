"""The calls that attach devices to an instance, and detach them from it."""

from __future__ import annotations

from typing import ClassVar

from core.model.new_device import DeviceKind
from core.verbs.applied import Applied
from core.verbs.call import Call


class AttachCall(Applied, frozen=True):
    """virDomainAttachDeviceFlags: to what runs, to what is defined, or to both or neither."""

    kind: DeviceKind
    name: str
    """The target of a disk, the MAC address of an interface."""
    xml: str
    alone: tuple[str, ...] = ()
    """The places of a disk's image, of which nothing else may be the user; empty: others may."""
    needs: str = ""
    """What of the host it is connected to: `net br0`, `pci 0000:03:10.1`, `path /run/s.sock`."""

    @property
    def text(self) -> str:
        """The device."""
        return self.xml

    def virsh(self, name: str) -> tuple[str, ...]:
        """`virsh attach-device`."""
        return ("attach-device", name, "FILE", *self.affected())


class DetachCall(Call, frozen=True):
    """virDomainDetachDeviceFlags: from what is defined, or from what runs, whose guest is asked.

    libvirt waits five seconds for the guest, and says yes whether or not it let go. Where the
    device is gone already it does nothing, so it may be made again.
    """

    repeatable: ClassVar[bool] = True
    kind: DeviceKind
    name: str
    source: str
    """What it is connected to: another one of that name is left alone."""
    live: bool
    type: str = ""
    """Of an interface."""
    alias: str = ""
    """Of what runs: events name it so."""
    then_live: bool = False
    """Of what is defined: what runs is to let go of it next."""
    xml: str = ""
    """Of what is defined: the device as it was, to be attached again where the guest refuses."""

    @property
    def defines(self) -> bool:
        """Whether it changes what is defined."""
        return not self.live

    def virsh(self, name: str) -> tuple[str, ...]:
        """`virsh detach-disk` and `detach-interface`."""
        where = "--live" if self.live else "--config"
        if self.kind == "disk":
            return ("detach-disk", name, self.name, where)
        return ("detach-interface", name, self.type or "TYPE", "--mac", self.name, where)
