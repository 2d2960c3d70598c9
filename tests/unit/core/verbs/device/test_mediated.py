"""Mediated devices: made of what can be divided, and taken away where nobody has them."""

from __future__ import annotations

import pytest

from core.model import Device, Host, Instance, ObjectKey, Request, State
from core.model.host import Link, LinkStatus
from core.model.host_device import HostDevice, MdevType
from core.verbs.checks import check
from core.verbs.device.mediated import (
    DeviceCreate,
    DeviceDelete,
    MediatedCreateCall,
    MediatedDestroyCall,
)
from core.verbs.preview import planned
from tests.unit.power_builders import web

ALPHA = ObjectKey("host", "alpha", "alpha")
UUID = "c60c1a2a-6b2d-4d3b-9a5f-0f3a4d1e9b10"
TYPES = (MdevType("t-1", "T", "vfio-pci", 4), MdevType("t-2", "U", "vfio-pci", 0))
CARD = HostDevice("pci_0000_af_00_0", "", "pci", "pci:0000:af:00.0", mdev_types=TYPES)
DISK = HostDevice("pci_0000_01_00_0", "", "pci", "pci:0000:01:00.0")


def state(*instances: Instance, looked_at: bool = True) -> State:
    return State(
        hosts={"alpha": Host("alpha", "qemu:///system", Link(LinkStatus.UP, 0.0))},
        instances={one.key: one for one in instances},
        devices={"alpha": (CARD, DISK)} if looked_at else {},
    )


def against(request: Request, *instances: Instance, looked_at: bool = True) -> list[str]:
    return [str(reason) for reason in check(state(*instances, looked_at=looked_at), request)]


def flat(request: Request) -> str:
    (step,) = planned(state(), request)
    assert isinstance(step.call, MediatedCreateCall)
    return "".join(line.strip() for line in step.call.xml.splitlines())


@pytest.mark.parametrize("parent", ["pci:0000:af:00.0", "pci:AF:00.0", "pci_0000_af_00_0"])
def test_one_is_made_of_the_device_that_is_named(parent: str) -> None:
    """In the form of libvirt's documentation (formatnode.html)."""
    begins = (
        "<device><parent>pci_0000_af_00_0</parent>"
        '<capability type="mdev"><type id="t-1"/>'
    )  # fmt: skip
    assert flat(DeviceCreate(ALPHA, parent, "t-1")) == f"{begins}</capability></device>"
    named = flat(DeviceCreate(ALPHA, parent, "t-1", UUID.upper()))
    assert named == f"{begins}<uuid>{UUID}</uuid></capability></device>"


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (DeviceCreate(ALPHA, "pci:01:00.0", "t-1"), "cannot be divided into mediated devices"),
        (DeviceCreate(ALPHA, "pci:af:00.0", "t-9"), "has no type t-9: it has t-1 and t-2"),
        (DeviceCreate(ALPHA, "pci:af:00.0", "t-2"), "No t-2 of pci:af:00.0 is left: left are t-1"),
        (DeviceCreate(ALPHA, "pci:af:00.0", "t-1", "x"), "x is no UUID: leave it out"),
        (DeviceDelete(ALPHA, "pci:af:00.0"), "is no mediated device: give mdev:UUID"),
        (DeviceDelete(ALPHA, UUID), f"web has mdev:{UUID}: detach it first"),
    ],
)
def test_what_cannot_be_is_refused_with_what_can(request_: Request, words: str) -> None:
    told = against(request_, web(devices=(Device("hostdev", f"mdev {UUID}"),)))
    assert any(words in one for one in told), told


def test_of_a_host_that_nobody_looked_at_libvirt_judges() -> None:
    assert against(DeviceCreate(ALPHA, "pci:01:00.0", "t-1"), looked_at=False) == []


def test_one_is_taken_away_by_its_uuid() -> None:
    assert against(DeviceDelete(ALPHA, f"mdev:{UUID}")) == []
    (step,) = planned(state(), DeviceDelete(ALPHA, f"mdev:{UUID.upper()}"))
    assert step.call == MediatedDestroyCall(UUID)
