"""A volume's page: its chain as a tree, and what was done to it."""

from __future__ import annotations

from core.model import (
    Disk,
    DiskSource,
    Instance,
    ObjectKey,
    OperationRecord,
    OperationStatus,
    State,
    Volume,
)
from core.model.connected_volume import ConnectedVolume
from core.state.storage_operations import connections_at, operations_about
from core.state.usage import pool_users
from core.state.volume_tree import tree_of_volume
from tests.unit.state_builders import SHUTOFF, disk, instance, pool, volume

BASE = volume("base.qcow2", capacity=100)
WEB = volume("web.qcow2", backing="/pool/base.qcow2")
CI = volume("ci.qcow2", backing="/pool/base.qcow2")
TOP = volume("top.qcow2", backing="/pool/ci.qcow2")


def state(*instances: Instance, volumes: tuple[Volume, ...] = (BASE, WEB, CI, TOP)) -> State:
    return State(
        volumes={one.key: one for one in volumes},
        instances={one.key: one for one in instances},
        pools={pool().key: pool()},
    )


def drawn(picture: State, of: Volume) -> list[str]:
    """Return a line for each: depth, what it is, and the marks."""
    lines = []
    for line in tree_of_volume(picture, of):
        if line.image is not None:
            words = f"{line.image.name}{' <' if line.this else ''}"
        else:
            assert line.use is not None
            words = f"{line.use.name}:{line.use.target}{'?' if line.doubt else ''}"
            words += f" through {', '.join(line.through)}" if line.through else ""
        lines.append(f"{'  ' * line.depth}{words}")
    return lines


def test_a_base_image_has_all_that_lies_over_it_and_whose_disks_they_are() -> None:
    web = instance("web", disks=(disk("vda", "/pool/web.qcow2", "/pool/base.qcow2"),))
    ci = instance("ci", state=SHUTOFF, disks=(disk("vdb", "/pool/top.qcow2"),))
    assert drawn(state(web, ci), BASE) == [
        "base.qcow2 <",
        "  web.qcow2",
        "    web:vda",
        "  ci.qcow2",
        "    top.qcow2",
        "      ci:vdb",
    ]
    assert [one.place for one in tree_of_volume(state(web, ci), BASE)] == list(range(6))


def test_an_overlay_has_what_it_lies_over_and_not_its_siblings() -> None:
    assert drawn(state(), TOP) == ["base.qcow2", "  ci.qcow2", "    top.qcow2 <"]
    assert drawn(state(), CI) == ["base.qcow2", "  ci.qcow2 <", "    top.qcow2"]


def test_a_base_that_no_pool_has_is_named_by_its_path() -> None:
    alone = volume("web.qcow2", backing="/old/base.qcow2")
    assert drawn(state(volumes=(alone,)), alone) == ["/old/base.qcow2", "  web.qcow2 <"]


def test_a_chain_through_an_image_of_no_pool_is_told_by_what_runs() -> None:
    web = instance("web", disks=(disk("vda", "/tmp/over.qcow2", "/pool/base.qcow2"),))
    assert drawn(state(web, volumes=(BASE,)), BASE) == [
        "base.qcow2 <",
        "  web:vda through /tmp/over.qcow2",
    ]


def test_a_disk_at_the_same_place_of_another_host_is_doubted() -> None:
    other = instance("db", host="beta", disks=(disk("vda", "/pool/base.qcow2"),))
    here, there = pool(path="/pool"), pool(host="beta", path="/pool")
    picture = State(
        volumes={BASE.key: BASE},
        instances={other.key: other},
        pools={here.key: here, there.key: there},
    )
    assert drawn(picture, BASE) == ["base.qcow2 <", "  db:vda?"]


def test_a_chain_that_leads_to_itself_ends() -> None:
    one = volume("a", backing="/pool/b")
    two = volume("b", backing="/pool/a")
    assert drawn(state(volumes=(one, two)), one)[-1].strip() in ("a <", "b")


def test_two_disks_of_one_instance_are_two_lines() -> None:
    both = (disk("vda", "/pool/base.qcow2"), disk("vdb", "/pool/base.qcow2"))
    web = instance("web", disks=both)
    keys = [line.key for line in tree_of_volume(state(web), BASE)]
    assert len(keys) == len(set(keys))
    assert "  web:vda" in drawn(state(web), BASE)
    assert "  web:vdb" in drawn(state(web), BASE)


def record(number: int, subject: ObjectKey, **more: object) -> OperationRecord:
    given = {"verb": "volume-resize", "status": OperationStatus.DONE, **more}
    return OperationRecord(
        f"o{number}",
        host="alpha",
        subject=subject,
        name="x",
        author="a",
        created=number,
        **given,  # type: ignore[arg-type]
    )


def test_operations_about_a_volume_and_a_pool() -> None:
    web = instance("web")
    made = record(1, pool().key, verb="volume-create", options={"name": "base.qcow2"})
    other = record(2, pool().key, verb="volume-create", options={"name": "another"})
    grown = record(3, BASE.key)
    put = record(4, web.key, verb="attach-disk", options={"source": "images/base.qcow2"})
    far = record(5, web.key, verb="attach-disk", options={"source": "/elsewhere"})
    every = (made, other, grown, put, far)
    picture = State(operations={one.id: one for one in every})
    assert [one.id for one in operations_about(picture, BASE)] == ["o4", "o3", "o1"]
    assert [one.id for one in operations_about(picture, pool())] == ["o3", "o2", "o1"]


def test_who_had_a_device_connected_and_what_is_left_over() -> None:
    lun = volume("lun", path="/dev/sdb")
    web = instance("web", disks=(Disk("vdb", source=DiskSource("block", "/dev/sdb")),))
    ci = instance("ci", disks=())
    connected = {
        key: ConnectedVolume("iscsi", {}, {"path": "/dev/sdb"}, target, "v1")
        for key, target in ((web.key, "vdb"), (ci.key, "vdc"))
    }
    operations = [
        record(n, key, result={"connected": {"protocol": one.protocol, "data": {},
               "device": one.device, "target": one.target, "volume_id": "v1"}})
        for n, (key, one) in enumerate(connected.items())
    ]  # fmt: skip
    picture = State(
        instances={web.key: web, ci.key: ci},
        operations={one.id: one for one in operations},
    )
    found = connections_at(picture, lun)
    assert [(key, left) for key, _, left in found] == [(web.key, False), (ci.key, True)]


def test_a_pool_is_used_by_whoever_has_a_disk_over_an_image_in_it() -> None:
    over = volume("over.qcow2", pool="p2", pool_name="fast", path="/fast/over.qcow2",
                  backing="/pool/base.qcow2")  # fmt: skip
    off = instance("ci", state=SHUTOFF, disks=(disk("vda", "/fast/over.qcow2"),))
    free = instance("free", disks=(disk("vda", "/else"),))
    picture = state(off, free, volumes=(BASE, over))
    assert [one.name for one in pool_users(picture, pool())] == ["ci"]
    assert [one.name for one in pool_users(picture, pool(uuid="p2"))] == ["ci"]
    assert pool_users(picture, pool(uuid="p3")) == ()
