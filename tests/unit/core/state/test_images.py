"""Who needs a base image: through chains that are read, that volumes tell, and that nobody sees."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import pytest
from msgspec.structs import replace

from core.model import (
    Disk,
    DiskSource,
    Host,
    Instance,
    InstanceState,
    Link,
    LinkStatus,
    ObjectKey,
    Pool,
    PoolState,
    State,
    Volume,
)
from core.state.images import BaseImage, image_of, images, sums, users_in_words
from core.state.usage import users_elsewhere, users_of
from core.verbs.device.requests import VolumeAttach
from core.verbs.pool import PoolStop, disks_in
from core.verbs.volume_changing import WipeVolume
from core.verbs.volume_deleting import DeleteVolume
from core.xml.instance import read_instance
from tests.verbs import check

S = InstanceState
LISTED = frozenset({"instances", "pools", "volumes"})


def host(name: str, status: LinkStatus = LinkStatus.UP, **more: Any) -> Host:
    return Host(name, f"qemu://{name}/system", link=Link(status), **{"listed": LISTED, **more})


def pool(where: str = "alpha", **more: Any) -> Pool:
    given = {"name": "images", "type": "dir", "state": PoolState.ACTIVE, "path": "/i", **more}
    return Pool(where, f"p-{given['name']}", **given)


def volume(name: str, backing: str = "", where: str = "alpha", **more: Any) -> Volume:
    given = {"path": f"/i/{name}", "format": "qcow2", "allocation": 10, **more}
    below = f"/i/{backing}" if backing else ""
    return Volume(where, "p-images", "images", name, backing=below, **given)


def web(
    disk: str, *below: str, where: str = "alpha", state: S = S.SHUTOFF, **more: Any
) -> Instance:
    source = DiskSource("file", disk if "/" in disk else f"/i/{disk}", "qcow2")
    layers = tuple(DiskSource("file", f"/i/{one}", "qcow2") for one in below)
    given = {"uuid": "u", "name": "web", **more}
    return Instance(
        where, state=state, disks=(Disk("vda", source=source, backing=layers),), **given
    )


def picture(*things: Any) -> State:
    tables: dict[str, dict[Any, Any]] = {"hosts": {}, "pools": {}, "volumes": {}, "instances": {}}
    kinds = {Host: "hosts", Pool: "pools", Volume: "volumes", Instance: "instances"}
    for thing in things:
        key = thing.name if isinstance(thing, Host) else thing.key
        tables[kinds[type(thing)]][key] = thing
    return State(**{name: MappingProxyType(table) for name, table in tables.items()})


def seen(state: State) -> dict[str, BaseImage]:
    return {one.volume.name: one for one in images(state).values()}


BASE, MIDDLE, TOP = volume("base"), volume("middle", "base"), volume("top", "middle")


@pytest.mark.parametrize("instance", [web("top"), web("top", "middle", "base", state=S.RUNNING)])
def test_a_chain_is_followed_whether_its_instance_runs_or_not(instance: Instance) -> None:
    found = seen(picture(host("alpha"), pool(), BASE, MIDDLE, TOP, instance))
    assert set(found) == {"base", "middle"}
    (user,) = found["base"].users
    assert user.chain == ("/i/top", "/i/middle")
    assert [over.name for over in found["base"].overlays] == ["middle", "top"]
    assert users_in_words(found["base"]) == ["web (vda) through top over middle"]
    assert found["base"].unknown == ()


def test_an_overlay_that_nobody_uses_needs_its_base_and_is_needed_by_nothing() -> None:
    found = seen(picture(host("alpha"), pool(), BASE, MIDDLE))
    assert found["base"].used
    assert users_in_words(found["base"]) == ["middle, which nobody uses and which lies over it"]
    assert not found["middle"].used
    assert sums({one.volume.key: one for one in found.values()}) == (1, 10)


def test_an_ordinary_disk_is_no_base_image_and_one_that_is_both_is() -> None:
    state = picture(host("alpha"), pool(), BASE, web("base"))
    assert seen(state) == {}
    assert image_of(state, BASE).used
    both = seen(picture(host("alpha"), pool(), BASE, MIDDLE, web("base")))
    assert set(both) == {"base", "middle"}


def test_the_same_pool_of_another_host_counts() -> None:
    state = picture(
        host("alpha"), host("beta"), pool(), pool("beta"), BASE, volume("base", where="beta"),
        volume("top", "base", where="beta"), web("top", where="beta"),
    )  # fmt: skip
    found = image_of(state, BASE)
    assert users_in_words(found) == ["web on beta (vda) through top"]


def test_chains_in_a_circle_end() -> None:
    one, other = volume("one", "other"), volume("other", "one")
    assert set(seen(picture(host("alpha"), pool(), one, other, web("one")))) == {"one", "other"}


@pytest.mark.parametrize(
    ("things", "why"),
    [
        ((host("alpha", LinkStatus.DOWN),), "alpha is out of reach"),
        ((host("alpha", listed=frozenset({"instances"})),), "has not told all of its storage"),
        ((host("alpha"), pool(name="other", path="/o", state=PoolState.INACTIVE)),
         "what is in the pool other, which is inactive"),
        ((host("alpha"), pool(name="other", path="/o", error="x")), "does not list its volumes"),
        ((host("alpha"), volume("dim", described=False)), "what 1 volume of alpha is based on"),
        ((host("alpha"), replace(web("x"), described=False, disks=())), "the disks of web"),
        ((host("alpha"), web("/srv/own.qcow2")),
         "what /srv/own.qcow2 of web is based on: it is in no pool"),
        ((host("alpha"), host("beta", LinkStatus.DOWN), pool("beta")), "beta is out of reach"),
        ((host("alpha"), web("/srv/own.qcow2", "base", state=S.RUNNING)), None),
    ],
)  # fmt: skip
def test_what_is_not_known_keeps_an_image(things: tuple[Any, ...], why: str | None) -> None:
    state = picture(pool(), BASE, *things)
    found = image_of(state, BASE)
    (reason,) = check(state, DeleteVolume(BASE.key))[-1:]
    if why is None:
        assert found.used
        assert "is needed: by web (vda) through own.qcow2" in reason
        return
    assert any(why in one for one in found.unknown)
    if "alpha is out of reach" not in why:
        assert "Whether base is needed is not known" in reason


def test_what_nothing_needs_may_go_and_what_is_needed_names_who_needs_it() -> None:
    state = picture(host("alpha"), pool(), BASE, MIDDLE, TOP, volume("old"), web("top"))
    assert check(state, DeleteVolume(volume("old").key)) == ()
    (why,) = check(state, DeleteVolume(BASE.key))
    assert why == (
        "base is needed: by web (vda) through top over middle: what needs it goes first."
    )
    (own,) = check(state, DeleteVolume(TOP.key))
    assert "top is needed: by web (vda)" in own


def test_hostile_names_are_shown_clean() -> None:
    odd = volume("o\x1b[31mdd", "base")
    state = picture(host("alpha"), pool(), BASE, odd)
    assert "\x1b" not in " ".join(users_in_words(image_of(state, BASE)))
    assert ObjectKey("volume", "alpha", f"p-images/{odd.name}") in state.volumes


@pytest.mark.parametrize("spelled", ["/i//base", "/i/./base", "//i/base", "/i/x/../base"])
def test_a_path_that_is_spelled_otherwise_is_the_same_volume(spelled: str) -> None:
    """libvirt keeps the path of a disk as it was given."""
    xml = (
        "<domain type='kvm'><name>web</name><uuid>11111111-1111-1111-1111-111111111111</uuid>"
        "<devices><disk type='file' device='disk'><driver name='qemu' type='raw'/>"
        f"<source file='{spelled}'/><target dev='vda'/></disk></devices></domain>"
    )
    read = read_instance(xml, "alpha")
    state = picture(host("alpha"), pool(), replace(BASE, format="raw"), read)
    (refusal,) = check(state, DeleteVolume(BASE.key))
    assert "base is needed: by web (vda)" in str(refusal)
    assert [one.name for one in users_of(state, BASE)] == ["web"]


def test_an_image_of_ceph_is_used_by_whom_its_bare_name_tells() -> None:
    ceph = Pool("alpha", "p-ceph", "ceph", "rbd", PoolState.ACTIVE)
    image = Volume(
        "alpha", "p-ceph", "ceph", "web", path="vms/web", type="network", format="raw", allocation=1
    )
    source = DiskSource("network", "rbd:vms/web", "raw", "rbd", ("mon1:6789",))
    user = Instance("alpha", "u", "web", S.SHUTOFF, disks=(Disk("vda", source=source),))
    state = picture(host("alpha"), ceph, image, user)
    assert image_of(state, image).used
    for verb in (DeleteVolume, WipeVolume):
        assert "web is needed: by web (vda)" in str(check(state, verb(image.key))[0])
    assert disks_in(state, [PoolStop(ceph.key)]) == ["Disks in it: of web."]
    assert sums(images(state)) == (0, 0)


@pytest.mark.parametrize(
    ("path", "bare"),
    [
        ("gluster://h1/vol/web.img", "gluster:vol/web.img"),
        ("ip-10.0.0.1:3260-iscsi-iqn.2026-01.org:a-lun-1", "iscsi:iqn.2026-01.org:a/1"),
    ],
)  # fmt: skip
def test_images_of_the_network_are_known_as_their_disks_name_them(path: str, bare: str) -> None:
    far = Pool("alpha", "p-far", "far", "gluster", PoolState.ACTIVE)
    image = Volume("alpha", "p-far", "far", "x", path=path, type="network", format="raw")
    protocol = bare.partition(":")[0]
    source = DiskSource("network", bare, "raw", protocol)
    user = Instance("alpha", "u", "web", S.RUNNING, disks=(Disk("vda", source=source),))
    assert image_of(picture(host("alpha"), far, image, user), image).used


def test_one_storage_that_two_hosts_name_otherwise_has_the_users_of_both() -> None:
    here = pool(name="nova", type="netfs", path="/srv/vm", source="nfs: /export")
    there = Pool(
        "beta", "p-nfs", "vm-nfs", "netfs", PoolState.ACTIVE, "/mnt/nfs", source="nfs: /export"
    )  # fmt: skip
    image = Volume(
        *("alpha", "p-nova", "nova", "web.qcow2"),
        path="/srv/vm/web.qcow2", type="file", format="qcow2", allocation=10,
    )  # fmt: skip
    user = web("/mnt/nfs/web.qcow2", where="beta", state=S.RUNNING)
    mine = Instance("alpha", uuid="o", name="old", state=S.SHUTOFF)
    state = picture(host("alpha"), host("beta"), here, there, image, user, mine)
    assert [one.name for one in users_elsewhere(state, image)] == ["web"]
    assert "is needed: by web on beta (vda)" in str(check(state, DeleteVolume(image.key))[0])
    (refusal,) = check(state, VolumeAttach(mine.key, "nova/web.qcow2"))
    assert "nova/web.qcow2 is used by web on beta (vda)" in str(refusal)
    (refusal,) = check(state, VolumeAttach(mine.key, "nova/web.qcow2", access="read-only"))
    assert "nova/web.qcow2 is written to by web on beta (vda)" in str(refusal)
    named = replace(user, disks=(Disk("vda", source=DiskSource("volume", "vm-nfs/web.qcow2")),))
    assert users_elsewhere(picture(here, there, image, named), image)


def test_a_file_of_its_name_in_no_pool_may_be_it_by_another_path() -> None:
    """The folder of a pool may be a link of the file system: libvirt does not tell."""
    doubtful = picture(host("alpha"), pool(), BASE, web("/data/images/base", state=S.RUNNING))
    (refusal,) = check(doubtful, DeleteVolume(BASE.key))
    assert "web has /data/images/base, which may be it by another path" in str(refusal)
    user, other = web("/data/images/base", state=S.RUNNING), pool(name="data", path="/data/images")
    assert not check(picture(host("alpha"), pool(), other, BASE, user), DeleteVolume(BASE.key))
