"""The calls that attach devices to an instance, and detach them from it."""

from __future__ import annotations

from typing import ClassVar

from core.model.new_device import DeviceKind
from core.model.volume_secret import VolumeSecret
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
    """What of the host it is connected to: `net br0`, `pci 0000:03:10.1`, `path /run/s.sock`; of a
    network `port-group lan/red`."""
    what: str = ""
    """What is attached, as sentences have it; empty: what the request calls it."""
    found: str = ""
    """The path of a volume whose format was only found in it: it must name no other file."""
    alias: str = ""
    """What proves that a device is this one, and not another of its name; empty: nothing does."""

    @property
    def text(self) -> str:
        """The device."""
        return self.xml

    def virsh(self, name: str) -> tuple[str, ...]:
        """`virsh attach-device`."""
        return ("attach-device", name, "FILE", *self.affected())


class FindDeviceCall(Call, frozen=True):
    """virDomainGetXMLDesc of what is defined: a rehearsal looks whether it has a device."""

    probe: ClassVar[bool] = True
    repeatable: ClassVar[bool] = True
    kind: DeviceKind
    name: str

    def virsh(self, name: str) -> tuple[str, ...]:
        """`virsh dumpxml`."""
        return ("dumpxml", "--inactive", name)


class SecretsCall(Call, frozen=True):
    """virSecretDefineXML and virSecretSetValue, of what a disk needs: all of them or none."""

    secrets: tuple[VolumeSecret, ...]
    plan: AttachCall
    """What follows: it stays what it is, whatever has changed since."""

    @property
    def text(self) -> str:
        """What the secrets are called."""
        return "\n".join(f"{one.type}: {one.usage}" for one in self.secrets)

    def virsh(self, _: str) -> tuple[str, ...]:
        """`virsh secret-define`."""
        return ("secret-define", "FILE")


class DropSecretsCall(Call, frozen=True):
    """virSecretUndefine, of the secrets of a disk that neither what runs nor what is defined has.

    Where they are gone already it does nothing.
    """

    repeatable: ClassVar[bool] = True
    uuids: tuple[str, ...]

    def virsh(self, _: str) -> tuple[str, ...]:
        """`virsh secret-undefine`."""
        return ("secret-undefine", *self.uuids[:1])


class DetachCall(Call, frozen=True):
    """virDomainDetachDeviceFlags: from what is defined, or from what runs, whose guest is asked.

    libvirt waits five seconds for the guest, and says yes whether or not it let go. Where the
    device is gone already it does nothing, so it may be made again.
    """

    repeatable: ClassVar[bool] = True
    told_by_event: ClassVar[bool] = True
    kind: DeviceKind
    name: str
    source: str
    """What it is connected to: another one of that name is left alone, as are two."""
    live: bool
    type: str = ""
    """Of an interface."""
    alias: str = ""
    """Of what runs: events name it so."""
    then_live: bool = False
    """Of what is defined: what runs is to let go of it next."""
    xml: str = ""
    """Of what is defined: the device as it was, to be attached again where the guest refuses."""
    secrets: bool = False
    """It may have secrets of its own, which go with it."""

    @property
    def defines(self) -> bool:
        """Whether it changes what is defined."""
        return not self.live

    def virsh(self, name: str) -> tuple[str, ...]:
        """`virsh detach-disk` and `detach-interface`."""
        where = "--live" if self.live else "--config"
        if self.kind == "disk":
            return ("detach-disk", name, self.name, where)
        if self.kind == "device" or self.name.startswith(("ua-", "pci:")):
            return ("detach-device", name, "FILE", where)
        return ("detach-interface", name, self.type or "TYPE", "--mac", self.name, where)
