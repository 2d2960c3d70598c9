"""Volumes that a host has connected, when their instance moves: refused, connected, let go of."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from core.model import Disk, DiskSource, Host, Instance, ObjectKey, Request, State
from core.model.connected_volume import ConnectedVolume
from core.model.host import Link, LinkStatus
from core.model.rewrites import Move, Rewrites, VolumeRewrite
from core.state.connections import connections_of, ledger
from core.verbs.cold.requests import ColdMigrate
from core.verbs.connected import left_behind
from core.verbs.device.connecting import VolumeLeft, VolumeReached
from core.verbs.evacuation.requests import Evacuate
from core.verbs.migration.requests import Migrate
from tests.unit.core.verbs.device.test_connecting import record
from tests.unit.power_builders import WEB, S, web
from tests.verbs import check

UP = Link(LinkStatus.UP, 0.0)
ENTRY = ConnectedVolume("iscsi", {"target_lun": 1}, {"path": "/dev/sdc"}, "vdb", "v1")
HAS = Disk("vdb", source=DiskSource("block", "/dev/sdc"))
REACHED = record("volume-attach", 1.0, VolumeReached(ENTRY).told())
THERE = ObjectKey("instance", "beta", WEB.id)
DEAD = Link(LinkStatus.DOWN, 0.0)


def picture(instance: Instance, *records: Any, alpha: Link = UP) -> State:
    hosts = {
        "alpha": Host("alpha", "qemu://a/system", alpha, listed=frozenset({"instances"})),
        "beta": Host("beta", "qemu://b/system", UP, listed=frozenset({"instances"})),
    }
    told = {one.id: one for one in (REACHED, *records)}
    return State(hosts=hosts, instances={instance.key: instance}, operations=told)


@pytest.mark.parametrize(
    ("request_", "instance", "alpha"),
    [
        (Migrate(WEB, to="beta"), web(disks=(HAS,)), UP),
        (Migrate(WEB, to="beta"), web(described=False), UP),
        (Migrate(WEB, to="beta", offline=True), web(S.SHUTOFF, disks=(HAS,)), UP),
        (ColdMigrate(WEB, to="beta"), web(S.SHUTOFF, disks=(HAS,)), UP),
        (Evacuate(THERE, "alpha", "alpha", "web"), web(disks=(HAS,)), DEAD),
    ],
)
def test_what_is_connected_at_the_source_alone_is_not_left_behind(
    request_: Request, instance: Instance, alpha: Link
) -> None:
    told = [str(one) for one in check(picture(instance, alpha=alpha), request_)]
    words = "vdb (the iscsi volume v1) of web is connected by alpha, and not by beta"
    assert [one for one in told if words in one], told
    without = replace(instance, disks=(), described=True)
    told = [str(one) for one in check(picture(without, alpha=alpha), request_)]
    assert not [one for one in told if "is connected by" in one]


def test_what_the_operator_says_of_it_there_is_theirs() -> None:
    state = picture(web(disks=(HAS,)))
    for said in (
        Rewrites(disks=(Move("/dev/sdc", "/dev/sdx"),)),
        Rewrites(volumes=(VolumeRewrite("v1", secret="5a4d2f2e-0b8e-4f0e-9a43-0a3d4b0f7a11"),)),
    ):
        assert left_behind(state, WEB, "beta", said) == {}
    assert list(left_behind(state, WEB, "beta")) == ["vdb"]


def test_a_device_that_is_gone_is_in_no_entry_of_its_host() -> None:
    """Two instances had it; the one that let go last took it away for both."""
    other = replace(record("volume-attach", 2.0, VolumeReached(ENTRY).told()), id="o2",
                    subject=ObjectKey("instance", "alpha", "db"))  # fmt: skip
    kept = replace(record("volume-detach", 3.0, VolumeLeft("vdb", "db").told()), id="o3")
    state = picture(web(disks=()), other, kept)
    assert connections_of(state, WEB) == {}
    assert [one.subject.id for one in ledger(state)] == ["db"]
    both = picture(web(disks=()), other)
    assert len(ledger(both)) == 2
    gone = replace(record("volume-detach", 3.0, VolumeLeft("vdb").told()), id="o3")
    assert ledger(picture(web(disks=()), other, gone)) == []
