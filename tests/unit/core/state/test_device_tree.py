"""The devices of a host: as the state has them, and as a tree with who holds each."""

from __future__ import annotations

from core.hypervisor.observe.device_looks import outdated_with
from core.model import Device, Instance, LinkStatus, ObjectKey
from core.model.host import Link
from core.model.host_device import HostDevice
from core.model.observation import HostDevicesRead, LinkChanged
from core.state.device_tree import devices_of_host, tree_of_devices, undescribed
from core.state.held_devices import holders
from tests.unit.state_builders import HOST, SHUTOFF, instance, listed, store

ALPHA = ObjectKey("host", HOST, HOST)
BRIDGE = HostDevice("pci_0000_00_1c_0", "computer", "pci", "pci:0000:00:1c.0")
CARD = HostDevice(
    *("pci_0000_03_00_0", "pci_0000_00_1c_0", "pci", "pci:0000:03:00.0"),
    virtual_functions=("pci:0000:03:10.1", "pci:0000:03:02.0"),
    virtual_maximum=8,
)
FUNCTION = HostDevice(
    *("pci_0000_03_10_1", "pci_0000_00_1c_0", "pci", "pci:0000:03:10.1"),
    physical_function="pci:0000:03:00.0",
)
EARLIER = HostDevice(
    *("pci_0000_03_02_0", "pci_0000_00_1c_0", "pci", "pci:0000:03:02.0"),
    physical_function="pci:0000:03:00.0",
)
HUB = HostDevice("usb_usb1", "pci_0000_00_14_0", "usb_device", "usb:1.1", "usb:1d6b:0002")
STICK = HostDevice("usb_1_10", "usb_usb1", "usb_device", "usb:1.12", "usb:0781:5581")
MOUSE = HostDevice("usb_1_2", "usb_usb1", "usb_device", "usb:1.3", "usb:046d:c077")
MDEV = HostDevice("mdev_1", "pci_0000_03_00_0", "mdev", "mdev:u")
ALL = (MDEV, STICK, HUB, MOUSE, FUNCTION, CARD, EARLIER, BRIDGE)


def shown(*devices: HostDevice, instances: tuple[Instance, ...] = ()) -> list[str]:
    held = holders({one.key: one for one in instances}, HOST)
    return [
        f"{'  ' * line.depth}{line.device.name}"
        + "".join(f" {one.name}{'' if one.active else '?'}" for one in line.holders)
        for line in tree_of_devices(devices, held)
    ]


def test_each_stands_below_what_it_is_connected_to_and_a_function_below_its_device() -> None:
    assert shown(*ALL) == [
        "pci_0000_00_1c_0",
        "  pci_0000_03_00_0",
        "    pci_0000_03_02_0",
        "    pci_0000_03_10_1",
        "    mdev_1",
        "usb_usb1",
        "  usb_1_2",
        "  usb_1_10",
    ]


def test_who_holds_one_stands_at_it() -> None:
    on = instance(devices=(Device("hostdev", "pci 0000:03:10.1"),))
    off = instance("db", devices=(Device("hostdev", "usb 0x046d:0xc077"),), state=SHUTOFF)
    lines = shown(FUNCTION, MOUSE, instances=(on, off))
    assert lines == [f"pci_0000_03_10_1 {on.name}", f"usb_1_2 {off.name}?"]


def test_what_is_its_own_parent_or_in_a_circle_stands_once() -> None:
    own = HostDevice("a", "a")
    one, two = HostDevice("b", "c"), HostDevice("c", "b")
    assert shown(own, one, two) == ["a", "b", "  c"]


def read(*devices: HostDevice, whole: bool = True, gone: tuple[str, ...] = ()) -> HostDevicesRead:
    return HostDevicesRead(HOST, 20.0, devices, gone, whole)


def test_the_state_has_what_was_read_and_what_was_read_again_of_it() -> None:
    made = store(listed(instance(described=False)))
    made.apply(read(STICK, whole=False))
    assert HOST not in made.state.devices, "a few of those that nobody looked at are not all"
    assert ALPHA in made.apply(read(HUB, MOUSE)).changed
    assert made.apply(read(HUB, MOUSE)).changed == frozenset()
    made.apply(read(STICK, whole=False, gone=(MOUSE.name,)))
    assert made.state.devices[HOST] == (HUB, STICK)
    assert [line.device for line in devices_of_host(made.state, HOST)] == [HUB, STICK]
    assert undescribed(made.state, HOST) == 1
    made.apply(LinkChanged(HOST, 30.0, Link(LinkStatus.DOWN, 30.0, "gone")))
    assert made.state.devices[HOST] == (HUB, STICK), "what was known last stays in sight"
    made.apply(LinkChanged(HOST, 40.0, Link(LinkStatus.UP, 40.0)))
    assert HOST not in made.state.devices


def test_what_counts_another_is_read_again_with_it() -> None:
    known = {one.name: one for one in ALL}
    assert outdated_with(FUNCTION, known) == {CARD.name}
    assert outdated_with(MDEV, known) == {CARD.name}
    assert outdated_with(STICK, known) == outdated_with(BRIDGE, known) == set()
