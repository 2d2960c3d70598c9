"""The devices of a host, as libvirt lists them, and the filters of its network. Pure values."""

from __future__ import annotations

from core.model.base import Value


class MdevType(Value, frozen=True):
    """A kind of mediated device that a device can be divided into."""

    id: str
    name: str = ""
    api: str = ""
    available: int = 0
    """How many more can be made."""


class HostDevice(Value, frozen=True):
    """A device of a host (virNodeDevice)."""

    name: str
    """libvirt's: pci_0000_03_00_0, usb_1_2, net_eth0_..."""
    parent: str = ""
    kind: str = ""
    """pci, usb_device, net, mdev, scsi_host, storage..."""
    place: str = ""
    """By which it is given to an instance: `pci:0000:03:00.0`, `usb:1.2`, `mdev:UUID`; empty: it is
    not."""
    model: str = ""
    """`usb:1d6b:0002`, the same for all of a model; empty: it has none."""
    ids: str = ""
    """Of its vendor and product: `8086:1572`; empty: it has none."""
    label: str = ""
    """Vendor and product in words."""
    work: str = ""
    """What a PCI device is for, by its class: network, storage, bridge...; empty: not told."""
    driver: str = ""
    """Of the host's kernel; empty: none, or not told."""
    iommu_group: int | None = None
    iommu_others: tuple[str, ...] = ()
    """The places of the devices that go with it, for they are in the same group."""
    physical_function: str = ""
    """Of a virtual function: the place of the device it is of."""
    virtual_functions: tuple[str, ...] = ()
    virtual_maximum: int = 0
    mdev_types: tuple[MdevType, ...] = ()
    numa: int | None = None


class NetworkFilter(Value, frozen=True):
    """A filter of network traffic (virNWFilter)."""

    name: str
    uuid: str
    chain: str = ""
    rules: int = 0
    references: tuple[str, ...] = ()
    """The filters that it consists of, too."""


class FilterBinding(Value, frozen=True):
    """A device of the host that a filter is bound to (virNWFilterBinding)."""

    device: str
    filter: str
    owner: str = ""
    """The name of the instance whose device it is."""
    mac: str = ""


class NetworkFilters(Value, frozen=True):
    """The filters of a host, and what they are bound to."""

    filters: tuple[NetworkFilter, ...] = ()
    bindings: tuple[FilterBinding, ...] = ()
