"""Pools that are made, built and removed: the XML of each type, what is refused, what is asked."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import pytest

from core.model import Host, Instance, ObjectKey, OperationStatus, Pool, PoolState, Request, State
from core.model.host import Link, LinkStatus
from core.verbs.caution import Caution
from core.verbs.checks import check
from core.verbs.danger import danger
from core.verbs.pool_calls import PoolClearCall, PoolDefineCall
from core.verbs.pool_plan import KINDS
from core.verbs.pool_requests import (
    BuildPool,
    CreatePool,
    CreatePoolFromXml,
    DeletePool,
    PoolType,
    UndefinePool,
)
from core.verbs.preview import planned, situation_of
from core.verbs.registry import VERBS
from core.verbs.situation import End, Progress, Send, Sent
from tests.unit.state_builders import disk, instance, volume

NEW = ObjectKey("pool", "alpha", "u-new")
UUID = "0a1b2c3d-0000-4000-8000-000000000001"
LAB = Pool("alpha", "p1", "lab", "dir", PoolState.ACTIVE, "/pool")
OFF = Pool("alpha", "p2", "off", "dir", path="/off")
SAN = Pool("alpha", "p3", "san", "iscsi", PoolState.ACTIVE, "/dev/disk/by-path")
VG = Pool("alpha", "p4", "vg", "logical", path="/dev/vg")
GONE = Pool("alpha", "p5", "passing", "dir", PoolState.ACTIVE, "/passing", persistent=False)
BASE = volume("base.qcow2", allocation=3 << 30)
DATA = volume("data.raw", allocation=1 << 20)
STATE = State(
    hosts={"alpha": Host("alpha", "qemu:///system", Link(LinkStatus.UP, 0.0))},
    pools={one.key: one for one in (LAB, OFF, SAN, VG, GONE)},
    volumes={one.key: one for one in (BASE, DATA)},
)


def made(**options: Any) -> CreatePool:
    return CreatePool(NEW, **{"name": "new", **options})


def against(request: Request, state: State = STATE) -> list[str]:
    return [str(reason) for reason in check(state, request)]


ISCSI = {"source": "iqn.2026-01.org.example:a", "server": ("san:3261",)}
LOGIN = {"user": "u", "login": UUID}
GOLDEN: list[tuple[str, CreatePool, str]] = [
    ("dir", made(path="/srv/a"), "<target><path>/srv/a</path></target>"),
    (
        "fs",
        made(path="/mnt", device=("/dev/sdb1",), format="xfs"),
        '<source><device path="/dev/sdb1"/><format type="xfs"/></source>'
        "<target><path>/mnt</path></target>",
    ),
    (
        "netfs",
        made(path="/mnt", server=("nas",), source="/exports/a", format="nfs"),
        '<source><host name="nas"/><dir path="/exports/a"/><format type="nfs"/></source>'
        "<target><path>/mnt</path></target>",
    ),
    (
        "logical",
        made(source="vg1", device=("/dev/sdb", "/dev/sdc")),
        '<source><device path="/dev/sdb"/><device path="/dev/sdc"/><name>vg1</name>'
        '<format type="lvm2"/></source><target><path>/dev/vg1</path></target>',
    ),
    (
        "disk",
        made(device=("/dev/sdb",), format="gpt"),
        '<source><device path="/dev/sdb"/><format type="gpt"/></source>'
        "<target><path>/dev</path></target>",
    ),
    (
        "iscsi",
        made(**ISCSI, **LOGIN),
        '<source><host name="san" port="3261"/><device path="iqn.2026-01.org.example:a"/>'
        f'<auth type="chap" username="u"><secret uuid="{UUID}"/></auth></source>'
        "<target><path>/dev/disk/by-path</path></target>",
    ),
    (
        "iscsi-direct",
        made(**ISCSI, initiator="iqn.2026-01.org.example:me"),
        '<source><host name="san" port="3261"/><device path="iqn.2026-01.org.example:a"/>'
        '<initiator><iqn name="iqn.2026-01.org.example:me"/></initiator></source>',
    ),
    (
        "scsi",
        made(source="scsi_host2"),
        '<source><adapter type="scsi_host" name="scsi_host2"/></source>'
        "<target><path>/dev/disk/by-path</path></target>",
    ),
    ("mpath", made(), "<target><path>/dev/mapper</path></target>"),
    (
        "rbd",
        made(source="vms", server=("mon1", "[fd00::2]:6789", "fd00::3"), **LOGIN),
        '<source><host name="mon1"/><host name="fd00::2" port="6789"/><host name="fd00::3"/>'
        f'<auth type="ceph" username="u"><secret uuid="{UUID}"/></auth><name>vms</name></source>',
    ),
    (
        "gluster",
        made(source="vol/sub", server=("g1",)),
        '<source><host name="g1"/><dir path="/sub"/><name>vol</name></source>',
    ),
    (
        "zfs",
        made(source="tank", device=("/dev/sdb",)),
        '<source><device path="/dev/sdb"/><name>tank</name></source>'
        "<target><path>/dev/zvol/tank</path></target>",
    ),
    (
        "vstorage",
        made(source="cluster", path="/mnt/vs"),
        "<source><name>cluster</name></source><target><path>/mnt/vs</path></target>",
    ),
]


def test_every_type_that_may_be_asked_for_is_planned() -> None:
    assert set(KINDS) == {type_ for type_, _, _ in GOLDEN} == set(PoolType.__args__)  # type: ignore[attr-defined]


@pytest.mark.parametrize(("type_", "request_", "inside"), GOLDEN, ids=[one[0] for one in GOLDEN])
def test_a_pool_of_each_type_is_made_as_libvirt_takes_it(
    type_: str, request_: CreatePool, inside: str
) -> None:
    asked = msgspec.structs.replace(request_, type=type_)
    assert against(asked) == []
    call = planned(STATE, asked)[0].call
    assert isinstance(call, PoolDefineCall)
    flat = "".join(line.strip() for line in call.xml.splitlines())
    assert flat == f'<pool type="{type_}"><name>new</name><uuid>u-new</uuid>{inside}</pool>'


def test_it_is_defined_then_built_marked_and_started() -> None:
    asked = made(path="/srv", build=True)
    words = [step.call.virsh("new")[0] for step in planned(STATE, asked)]
    assert words == ["pool-define", "pool-build", "pool-autostart", "pool-start"]
    fs = made(type="fs", path="/mnt", device=("/dev/sdb",), build=True)
    assert planned(STATE, fs)[1].call.virsh("new") == ("pool-build", "new", "--no-overwrite")
    risk = danger(STATE, fs)
    assert (risk.caution, risk.text) == (
        Caution.CONFIRM,
        "Makes a file system on /dev/sdb, unless something is on it.",
    )
    assert danger(STATE, asked).caution is Caution.NONE


@pytest.mark.parametrize("given", [True, False])
def test_a_pool_is_known_by_its_uuid_unless_that_was_given(given: bool) -> None:
    """Another console may have defined the same XML meanwhile."""
    uuid = f"<uuid>{UUID}</uuid>" if given else ""
    xml = f"<pool type='dir'><name>new</name>{uuid}<target><path>/n</path></target></pool>"
    asked = CreatePoolFromXml(ObjectKey("pool", "alpha", UUID), xml)
    define, start = (step.call for step in planned(STATE, asked)[:2])
    lost = Sent(define, 1.0, 2.0, "The link was lost.", certain=False)
    there = msgspec.structs.replace(OFF, uuid=UUID, name="new")
    seen = replace(
        situation_of(STATE, asked), progress=Progress((lost,)), subject=there, now=99.0, looked=98.0
    )
    decide = VERBS["pool-create-from-xml"].decide
    assert decide is not None
    action = decide(seen)
    if not given:
        assert isinstance(action, Send)
        assert action.call == start
        return
    assert isinstance(action, End)
    assert action.status is OperationStatus.UNKNOWN
    assert "; the pool new may be what it made, or what another made" in action.outcome
    assert action.hint == "Look at the pool new: delete it only where it is yours."
    gone = decide(replace(seen, subject=None))
    assert isinstance(gone, End)
    assert gone.status is OperationStatus.FAILED


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (made(name="lab", path="/x"), "alpha has a pool lab already: choose another name"),
        (made(), "Where a pool of the type dir lies is not said: give --path /PATH"),
        (made(path="/x", source="y"), "A pool of the type dir has no use for a source"),
        (made(path="/x", server=("y",)), "A pool of the type dir has no use for a server"),
        (made(path="/x", user="y"), "A pool of the type dir has no use for a user"),
        (made(path="/x", format="nfs"), "nfs is no format of a pool of the type dir"),
        (made(type="netfs", path="/x"), "A pool of the type netfs needs the directory that is"),
        (made(type="netfs", path="/x", source="e", server=("n",)), "e is no path: give it from /"),
        (made(type="netfs", path="/x", source="/e"), "needs a server: give --server HOST"),
        (made(type="fs", path="/x"), "needs a device: give --device /dev/NAME"),
        (made(type="fs", path="/x", device=("/a", "/b")), "has one device: leave the others out"),
        (made(type="fs", path="/x", device=("/a",), format="btrfs"), "give one of auto, ext2"),
        (made(type="rbd", source="vms", server=("m",), path="/x"), "has no use for a path"),
        (made(type="rbd", source="vms", server=("m",), user="u"), "give --login too, or neither"),
        (made(type="iscsi-direct", **ISCSI), "needs the name of this side"),
        (made(type="mpath", build=True), "libvirt builds nothing for a pool of the type mpath"),
        (made(type="logical", source="/dev/vg"), "/dev/vg is no name of volume group"),
        (CreatePoolFromXml(NEW, "<pool type='dir'><name>lab</name></pool>"), "a pool lab already"),
        (CreatePoolFromXml(NEW, "<pool/>"), "The XML has no name: give it a <name>"),
        (CreatePoolFromXml(NEW, "<pool"), ""),
        (BuildPool(LAB.key), "The pool lab is active: stop it first"),
        (BuildPool(SAN.key), "libvirt builds nothing for a pool of the type iscsi"),
        (BuildPool(OFF.key, overwrite=True), "Building off writes over nothing: leave it out"),
        (UndefinePool(LAB.key), "The pool lab is active: stop it first"),
        (UndefinePool(GONE.key), "The pool passing is transient: stop it: it is gone then"),
        (DeletePool(OFF.key), "What is in off is not seen while it is inactive: start it first"),
        (DeletePool(SAN.key), "libvirt deletes nothing of a pool of the type iscsi"),
        (DeletePool(GONE.key), "The pool passing is transient: delete its volumes"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_cure(request_: Request, words: str) -> None:
    found = against(request_)
    assert found
    assert any(words in one for one in found), found


def with_user(one: Instance) -> State:
    return replace(STATE, instances={one.key: one})


def test_a_pool_in_use_is_not_deleted() -> None:
    user = with_user(instance("web", disks=(disk("vda", "/pool/base.qcow2"),)))
    assert against(DeletePool(LAB.key), user) == [
        "The pool lab is in use: by web: detach or undefine these first."
    ]
    unread = with_user(instance("web", described=False))
    assert "Whether web has disks in it is not known" in against(DeletePool(LAB.key), unread)[0]
    over = volume("over", pool="p9", pool_name="fast", path="/f/over", backing="/pool/base.qcow2")
    above = replace(STATE, volumes={**STATE.volumes, over.key: over})
    assert "by the image fast/over" in against(DeletePool(LAB.key), above)[0]
    assert against(DeletePool(LAB.key)) == []


def test_a_deletion_names_what_goes_and_has_the_name_typed() -> None:
    asked = danger(STATE, DeletePool(LAB.key))
    assert (asked.caution, asked.word) == (Caution.TYPE, "lab")
    assert asked.text == (
        "Deletes the pool lab on alpha and all that is in its volumes: it is lost for good.\n"
        "Goes with it: its folder /pool, 2 volumes of 3.0G: base.qcow2 (3.0G) and data.raw (1.0M)."
    )
    clear = planned(STATE, DeletePool(LAB.key))[0].call
    assert clear == PoolClearCall(("base.qcow2", "data.raw"))
    words = [step.call.virsh("lab")[:1] for step in planned(STATE, DeletePool(LAB.key))]
    assert words == [(), ("pool-destroy",), ("pool-delete",), ("pool-undefine",)]


def test_what_a_volume_group_has_goes_with_it_and_is_only_looked_at() -> None:
    on = replace(STATE, pools={VG.key: msgspec.structs.replace(VG, state=PoolState.ACTIVE)})
    assert planned(on, DeletePool(VG.key))[0].call == PoolClearCall((), keep=True)
    assert "its volume group /dev/vg, no volume." in danger(on, DeletePool(VG.key)).text


@pytest.mark.parametrize(
    ("type_", "unlisted"),
    [
        ("zfs", "file systems, snapshots, clones"),
        ("logical", "thin pools, snapshots, volumes that are off"),
    ],
)
def test_a_deletion_names_what_libvirt_does_not_list(type_: str, unlisted: str) -> None:
    tank = Pool("alpha", "p6", "tank", type_, PoolState.ACTIVE, "/dev/tank", allocation=900 << 30)
    disk_ = volume("disk", pool="p6", pool_name="tank", path="/dev/tank/disk", allocation=5 << 30)
    on = replace(STATE, pools={tank.key: tank}, volumes={disk_.key: disk_})
    last = f"So does everything else in it that libvirt does not list: {unlisted}"
    asked = danger(on, DeletePool(tank.key))
    assert asked.caution is Caution.TYPE
    assert "1 volume of 5.0G: disk (5.0G).\n" in asked.text
    assert asked.text.endswith(f"\n{last}; 900G are taken in all.")
    full = msgspec.structs.replace(tank, allocation=5 << 30)
    listed_ = replace(on, pools={full.key: full})
    assert danger(listed_, DeletePool(tank.key)).text.endswith(f"\n{last}.")


def test_a_zfs_pool_is_built_on_devices_and_asks_as_a_volume_group_does() -> None:
    asked = made(type="zfs", source="tank", device=("/dev/sdb",), build=True)
    risk = danger(STATE, asked)
    assert (risk.caution, risk.text) == (
        Caution.CONFIRM,
        "Makes a ZFS pool on /dev/sdb, unless `zpool create` sees something on it.",
    )
    assert planned(STATE, asked)[1].call.virsh("tank") == ("pool-build", "tank"), "it has no flags"
    tank = Pool("alpha", "p6", "tank", "zfs", path="/dev/zvol/tank")
    off = replace(STATE, pools={tank.key: tank})
    built = danger(off, BuildPool(tank.key))
    assert built.caution is Caution.CONFIRM
    assert (
        "libvirt does not look whether its devices hold something: `zpool create` does."
        in built.text
    )
    assert "writes over nothing" in against(BuildPool(tank.key, overwrite=True), off)[0]
    assert "zpool" not in danger(STATE, BuildPool(VG.key)).text


def test_building_writes_over_something_only_where_the_name_is_typed() -> None:
    assert danger(STATE, BuildPool(OFF.key)).caution is Caution.NONE
    assert danger(STATE, BuildPool(VG.key)).caution is Caution.CONFIRM
    asked = danger(STATE, BuildPool(VG.key, overwrite=True))
    assert (asked.caution, asked.word) == (Caution.TYPE, "vg")
    assert "all that is on it is lost" in asked.text


def test_undefining_leaves_what_is_there() -> None:
    asked = danger(STATE, UndefinePool(OFF.key))
    assert asked.caution is Caution.CONFIRM
    assert asked.text == (
        "Undefines the pool off on alpha: what is in it stays, and is no longer seen here."
    )
