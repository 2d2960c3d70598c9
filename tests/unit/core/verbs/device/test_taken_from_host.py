"""What a PCI device that an instance is given takes away from its host, and how that is asked."""

from __future__ import annotations

from types import MappingProxyType

import pytest

from core.model import ObjectKey, Request, State
from core.model.host_device import HostDevice
from core.verbs.caution import Caution
from core.verbs.danger import danger
from core.verbs.device.device_requests import DeviceAttach
from core.verbs.device.requests import InterfaceAttach

WEB = ObjectKey("instance", "alpha", "u-web")
DISK = HostDevice(
    "pci_0000_01_00_0", place="pci:0000:01:00.0", label="Acme Fast SSD", work="storage",
    driver="nvme",
)  # fmt: skip
HELD = HostDevice("pci_0000_02_00_0", place="pci:0000:02:00.0", driver="vfio-pci")
FUNCTION = HostDevice(
    "pci_0000_03_10_1", place="pci:0000:03:10.1", driver="iavf", physical_function="pci:0000:03:0.0"
)


def looked_at(*devices: HostDevice) -> State:
    return State(devices=MappingProxyType({"alpha": devices}))


def test_a_device_that_its_host_uses_is_named_with_its_driver() -> None:
    asked = danger(looked_at(DISK), DeviceAttach(WEB, "pci:01:00.0"))
    assert asked.caution is Caution.CONFIRM
    assert asked.text == (
        "pci:0000:01:00.0, Acme Fast SSD (storage), is taken from alpha, whose driver nvme uses it."
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
        DeviceAttach(WEB, "usb:1d6b:0002"),
        InterfaceAttach(WEB, "bridge:br0"),
    ],
)
def test_what_its_host_does_not_use_is_not_asked_about(request_: Request) -> None:
    asked = danger(looked_at(HELD, FUNCTION), request_)
    assert (asked.caution, asked.text) == (Caution.NONE, "")
