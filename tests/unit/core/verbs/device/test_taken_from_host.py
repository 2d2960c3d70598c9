"""What a PCI device that an instance is given takes away from its host, and how that is asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from types import MappingProxyType

import pytest
from lxml import etree
from msgspec.structs import replace as replace_struct

from core.model import (
    Device,
    Host,
    Instance,
    InstanceState,
    Interface,
    Link,
    LinkStatus,
    ObjectKey,
    Request,
    State,
)
from core.model.host_device import HostDevice
from core.verbs.caution import Caution
from core.verbs.checks import check
from core.verbs.danger import danger
from core.verbs.device.device_requests import DeviceAttach
from core.verbs.device.requests import InterfaceAttach
from core.xml.node_device import read_node_device
from tests.places import DATA_DIRECTORY
from tests.unit.core.verbs.device.test_attaching import other
from tests.unit.power_builders import web

UUID = "6e1a5c0a-3f6f-4d6a-9d0e-2f1f6b0c7a11"
WEB = ObjectKey("instance", "alpha", "u-web")
DISK = HostDevice(
    "pci_0000_01_00_0", place="pci:0000:01:00.0", label="Acme Fast SSD", work="storage",
    driver="nvme",
)  # fmt: skip
HELD = HostDevice("pci_0000_02_00_0", place="pci:0000:02:00.0", driver="vfio-pci")
FUNCTION = HostDevice(
    "pci_0000_03_10_1", place="pci:0000:03:10.1", physical_function="pci:0000:03:0.0"
)
SERVER = tuple(
    read_node_device(etree.tostring(one, encoding="unicode"))
    for one in etree.parse(DATA_DIRECTORY / "devices/server.xml").getroot().iterfind("device")
)
"""A server with a card of SR-IOV, a GPU that is divided, and a USB stick."""


def looked_at(*devices: HostDevice) -> State:
    return State(devices=MappingProxyType({"alpha": devices}))


def test_a_device_that_its_host_uses_is_named_with_its_driver() -> None:
    asked = danger(looked_at(DISK), DeviceAttach(WEB, "pci:01:00.0"))
    assert asked.caution is Caution.CONFIRM
    assert asked.text == (
        "pci:0000:01:00.0, Acme Fast SSD (storage), is taken from alpha, whose driver nvme uses "
        "it: there go its disks, with what is on them."
    )


@pytest.mark.parametrize(
    "request_", [DeviceAttach(WEB, "pci:0000:09:00.0"), InterfaceAttach(WEB, "hostdev:09:00.0")]
)
def test_of_a_host_that_nobody_looked_at_it_is_asked_all_the_same(request_: Request) -> None:
    asked = danger(State(), request_)
    assert asked.caution is Caution.CONFIRM
    assert asked.text.startswith("pci:0000:09:00.0 is taken from alpha, with all it does there")
    assert "`virtdeck devices alpha`" in asked.text


@pytest.mark.parametrize(
    "request_",
    [
        DeviceAttach(WEB, "pci:0000:02:00.0"),
        DeviceAttach(WEB, "pci:0000:03:10.1"),
        InterfaceAttach(WEB, "hostdev:0000:03:10.1"),
        DeviceAttach(WEB, "rng:/dev/urandom"),
        DeviceAttach(WEB, f"mdev:{UUID}"),
        InterfaceAttach(WEB, "bridge:br0"),
    ],
)
def test_what_its_host_does_not_use_is_not_asked_about(request_: Request) -> None:
    asked = danger(looked_at(HELD, FUNCTION), request_)
    assert (asked.caution, asked.text) == (Caution.NONE, "")


FUNCTION_USED = (
    "pci:0000:3b:02.0, Intel Corporation Ethernet Virtual Function 700 Series (network), is taken "
    "from alpha, whose driver iavf uses it: there go its network interface and all that goes "
    "through it."
)


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (DeviceAttach(WEB, "pci:0000:3b:02.0"), FUNCTION_USED),
        (InterfaceAttach(WEB, "hostdev:3b:02.0"), FUNCTION_USED),
        (InterfaceAttach(WEB, "hostdev:3B:02.1"), ""),  # vfio-pci has it
        (DeviceAttach(WEB, "pci:0000:3b:00.0"), "through it and its 4 virtual functions."),
        (DeviceAttach(WEB, "usb:1.5"), "usb:1.5, SanDisk Ultra, is taken from alpha, with all it"),
        (DeviceAttach(WEB, "usb:001.005"), "usb:1.5, SanDisk Ultra, is taken from alpha"),
        (DeviceAttach(WEB, "usb:0781:5581"), "usb:0781:5581, SanDisk Ultra, is taken from alpha"),
        (DeviceAttach(WEB, "usb:dead:beef"), "usb:dead:beef is taken from alpha, with all it does"),
        (DeviceAttach(WEB, "pci:0000:00:14.0"), "there go what is plugged into it, SanDisk Ultra."),
    ],
)
def test_what_goes_away_with_a_device_is_named(request_: Request, words: str) -> None:
    asked = danger(looked_at(*SERVER), request_)
    assert asked.caution is (Caution.CONFIRM if words else Caution.NONE)
    assert words in asked.text
    assert bool(asked.text) == bool(words)


def test_a_place_of_usb_that_a_definition_keeps_is_warned_of() -> None:
    row = web()
    state = replace(looked_at(*SERVER), instances=MappingProxyType({row.key: row}))
    told = danger(state, DeviceAttach(row.key, "usb:1.5")).warnings
    assert told.startswith("usb:1.5 is where it is plugged in now: once that is pulled out, or")
    assert told.endswith("; usb:0781:5581 names it wherever it is.")
    two = replace(state, devices={"alpha": (*SERVER, twin("usb_1_6", "usb:1.6"))})
    assert "names it" not in danger(two, DeviceAttach(row.key, "usb:1.5")).warnings
    assert danger(state, DeviceAttach(row.key, "usb:1.5", when="now")).warnings == ""
    assert danger(state, DeviceAttach(row.key, "usb:0781:5581")).warnings == ""


def twin(name: str, place: str) -> HostDevice:
    return HostDevice(name, kind="usb_device", place=place, model="usb:0781:5581")


def refusals(request: Request, *others: Instance, more: Sequence[HostDevice] = ()) -> list[str]:
    host = Host("alpha", "qemu:///system", Link(LinkStatus.UP, 0.0))
    row = web()
    state = State(
        hosts={"alpha": host},
        instances={one.key: one for one in (row, *others)},
        devices={"alpha": (*SERVER, *more)},
    )
    return [str(one) for one in check(state, request)]


def test_what_a_word_of_usb_means_is_one_device_that_is_plugged_in() -> None:
    row = web()
    stick = DeviceAttach(row.key, "usb:0781:5581")
    assert refusals(stick) == []
    (told,) = refusals(stick, more=[twin("usb_1_4", "usb:1.4")])
    assert told == (
        "alpha has 2 devices usb:0781:5581: usb:1.4 and usb:1.5: name one by where it is "
        "plugged in."
    )
    assert refusals(DeviceAttach(row.key, "usb:1.6"), more=[twin("usb_1_6", "usb:1.6")]) == []
    (told,) = refusals(DeviceAttach(row.key, "usb:1.1"))
    assert told.startswith("usb:1.1 is the USB controller of alpha itself: give what is plugged")
    mine = Device("hostdev", "usb 0x0781:0x5581", source="usb:1.5")
    (told,) = refusals(stick, other(devices=(mine,)))
    assert told == "db has usb:1.5: one at a time can have it: detach it there first."
    unknown = replace_struct(mine, source="")
    off = replace_struct(other(devices=(unknown,)), state=InstanceState.SHUTOFF)
    assert refusals(stick, off) == []


def test_one_function_is_not_given_to_two() -> None:
    card = Interface("52:54:00:00:00:01", "hostdev", "pci 0000:3b:02.1")
    (told,) = refusals(InterfaceAttach(web().key, "hostdev:3b:02.1"), other(interfaces=(card,)))
    assert told == "db has pci:0000:3b:02.1: one at a time can have it: detach it there first."


def group(driver: str) -> HostDevice:
    place = "pci:0000:00:14.2"
    return HostDevice("pci_0000_00_14_2", kind="pci", place=place, driver=driver, work="memory")


def test_of_an_iommu_group_all_must_be_free() -> None:
    asked = DeviceAttach(web().key, "pci:00:14.0")
    assert refusals(asked, more=[group("vfio-pci")]) == refusals(asked, more=[group("")]) == []
    (told,) = refusals(asked, more=[group("intel_pch")])
    assert told == (
        "pci:0000:00:14.0 is in one IOMMU group with pci:0000:00:14.2 (intel_pch), which alpha "
        "uses: give it all of them from its next start on (--when next-start), or have the host "
        "let go of them first: `virsh nodedev-detach pci_0000_00_14_2`."
    )
    theirs = other(devices=(Device("hostdev", "pci 0000:00:14.2"),))
    (told,) = refusals(asked, theirs, more=[group("vfio-pci")])
    assert told == (
        "pci:0000:00:14.0 is in the IOMMU group of pci:0000:00:14.2, which db has: a group is one "
        "instance's: take another."
    )
    row = web()
    later = DeviceAttach(row.key, "pci:00:14.0", when="next-start")
    assert refusals(later, more=[group("intel_pch")]) == []
    devices = {"alpha": (*SERVER, group("intel_pch"))}
    state = State(instances={row.key: row}, devices=devices)
    assert (
        "it starts once it has these, too, or its host has let go" in danger(state, later).warnings
    )
    both = replace_struct(row, devices=(Device("hostdev", "pci 0000:00:14.2"),))
    assert danger(State(instances={row.key: both}, devices=devices), later).warnings == ""
