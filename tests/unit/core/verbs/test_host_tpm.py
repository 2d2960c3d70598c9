"""The TPM of a host is one guest's at a time."""

from __future__ import annotations

import pytest

from core.model import Device, Host, State
from core.model.host import Link, LinkStatus
from core.verbs.checks import check
from core.verbs.tuning.devices import AddTpm
from tests.unit.core.verbs.device.test_attaching import other
from tests.unit.power_builders import WEB, web


@pytest.mark.parametrize(
    ("device", "asked", "refused"),
    [
        ("tpm-tis passthrough /dev/tpm0", "/dev/tpm0", True),
        ("tpm-tis passthrough /dev/tpm0", "/dev/tpm1", False),
        ("tpm-tis passthrough /dev/tpm0", "", False),
        ("tpm-crb emulator 2.0", "/dev/tpm0", False),
        ("tpm-crb emulator 2.0", "tpm0", True),
    ],
)
def test_who_has_the_tpm_of_the_host_is_told(device: str, asked: str, refused: bool) -> None:
    mine, theirs = web(), other(devices=(Device("tpm", device),))
    hosts = {"alpha": Host("alpha", "qemu:///system", Link(LinkStatus.UP, 0.0))}
    state = State(hosts=hosts, instances={one.key: one for one in (mine, theirs)})
    told = [str(one) for one in check(state, AddTpm(WEB, host_device=asked))]
    assert bool(told) is refused, told
    assert all("db " in one or "a path such as /dev/tpm0" in one for one in told)
