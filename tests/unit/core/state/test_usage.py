"""Who uses a volume."""

from __future__ import annotations

from core.model import Disk, DiskSource, Pool
from core.state.usage import (
    below,
    needed_by,
    overlays_of,
    used_by_any,
    users_elsewhere,
    users_known,
    users_of,
)
from tests.unit.state_builders import HOST, disk, instance, listed, store, volume

BASE = volume("base.qcow2")


def state(*instances, volumes=(BASE,)):
    return store(listed(*instances, volumes=volumes)).state


def names(found):
    return [one.name for one in found]


def test_directly_and_through_the_backing_chain():
    direct = instance("web", disks=(disk("vda", BASE.path),))
    below = instance("db", disks=(disk("vda", "/pool/db.qcow2", "/pool/mid.qcow2", BASE.path),))
    other = instance("cache", disks=(disk("vda", "/elsewhere"),))
    assert names(users_of(state(direct, below, other), BASE)) == ["web", "db"]


def test_twice_in_one_instance_is_one_user():
    both = instance(disks=(disk("vda", BASE.path), disk("vdb", "/x", BASE.path)))
    assert names(users_of(state(both), BASE)) == ["web"]


def test_not_on_another_host_and_not_an_empty_drive():
    elsewhere = instance("mail", host="beta", disks=(disk("vda", BASE.path),))
    empty = instance("web", disks=(Disk("sda", device="cdrom"),))
    assert users_of(state(empty, elsewhere), BASE) == ()


def test_by_pool_and_name_and_by_the_name_in_a_network_pool():
    image = volume("img", pool_name="ceph", path="rbd/img", type="network")
    by_pool = instance("web", disks=(Disk("vda", source=DiskSource("volume", "ceph/img")),))
    source = DiskSource("network", "rbd:rbd/img", protocol="rbd")
    by_name = instance("db", disks=(Disk("vda", source=source),))
    made = state(by_pool, by_name, volumes=(image,))
    assert names(users_of(made, image)) == ["web", "db"]


def test_a_logical_volume_by_either_of_its_paths():
    data = volume("data-1", pool_name="vg", path="/dev/vg/data-1", type="block")
    mapped = instance("web", disks=(disk("vda", "/dev/mapper/vg-data--1"),))
    other = instance("db", disks=(disk("vda", "/dev/mapper/vg-data-1"),))
    assert names(users_of(state(mapped, other, volumes=(data,)), data)) == ["web"]


def test_volumes_without_a_path_have_no_users_in_common():
    one, other = volume("a", path=""), volume("b", path="")
    drive = instance(disks=(Disk("vda", source=DiskSource("file", "")),))
    made = state(drive, volumes=(one, other))
    assert users_of(made, one) == ()


def test_the_index_follows_the_state():
    user = instance(disks=(disk("vda", BASE.path),))
    assert users_of(state(user), BASE)
    assert not users_of(state(instance()), BASE)


def shared(host, path="/pool"):
    return Pool(host, "33333333-0000-0000-0000-000000000000", "shared", type="dir", path=path)


def test_the_same_path_in_the_same_pool_of_another_host_is_a_likely_user():
    image = volume("db.qcow2", pool=shared(HOST).uuid, pool_name="shared")
    user = instance("db", host="beta", disks=(disk("vda", image.path),))
    made = store(
        listed(pools=(shared(HOST),), volumes=(image,)),
        listed(user, host="beta", pools=(shared("beta"),)),
    ).state
    assert users_of(made, image) == ()
    assert names(users_elsewhere(made, image)) == ["db"]
    assert used_by_any(made, image)


def test_the_same_path_in_another_pool_of_another_host_is_another_volume():
    image = volume("db.qcow2", pool=shared(HOST).uuid, pool_name="shared")
    user = instance("db", host="beta", disks=(disk("vda", image.path),))
    made = store(
        listed(pools=(shared(HOST),), volumes=(image,)),
        listed(user, host="beta", pools=(shared("beta", "/srv"),)),
    ).state
    assert not used_by_any(made, image)


def test_nobody_is_said_only_once_every_instance_has_told_its_disks():
    assert users_known(state(instance()), BASE)
    assert not users_known(state(instance(described=False)), BASE)


def test_what_lies_over_a_volume_needs_it_and_so_does_who_uses_that():
    mid = volume("mid.qcow2", backing=BASE.path)
    top = volume("top.qcow2", backing=mid.path)
    stray = volume("stray.qcow2", backing=BASE.path)
    off = instance("web", disks=(disk("vda", top.path),))
    made = state(off, volumes=(BASE, mid, top, stray))
    assert names(overlays_of(made, BASE)) == ["mid.qcow2", "stray.qcow2", "top.qcow2"]
    assert names(needed_by(made, BASE)) == ["web"]
    assert needed_by(made, stray) == ()
    assert used_by_any(made, BASE)
    assert not used_by_any(made, stray)
    assert names(below(made, top)) == ["mid.qcow2", "base.qcow2"]
    assert below(made, BASE) == ()


def test_images_that_lie_over_each_other_end():
    one, other = volume("a", backing="/pool/b"), volume("b", backing="/pool/a")
    made = state(volumes=(one, other))
    assert names(overlays_of(made, one)) == ["b"]
    assert names(below(made, one)) == ["b", "a"]
