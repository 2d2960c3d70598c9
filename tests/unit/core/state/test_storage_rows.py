"""Every thing of the storage once: disks of no pool too, and what two hosts share by evidence."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import pytest
from msgspec.structs import replace

from core.model import InstanceState, LinkStatus, State
from core.state.storage_rows import loose_disks, storage_rows, twins_of, uses_of
from core.xml.storage import read_pool
from tests.unit.core.state.test_images import host, picture, pool, volume, web

NFS = "nas:2049 /export"


def names(state: State) -> list[str]:
    return [f"{one.host}/{one.name}" for one in storage_rows(state).values()]


def test_two_pools_of_one_path_are_two_rows_and_those_of_one_export_are_one() -> None:
    both = [host("alpha"), host("beta"), pool(), pool("beta"), volume("a"),
            volume("a", where="beta")]  # fmt: skip
    assert names(picture(*both)) == ["alpha/images", "beta/images", "alpha/a", "beta/a"]
    shared = [
        replace(one, type="netfs", source=NFS) if hasattr(one, "used_fraction") else one
        for one in both
    ]
    state = picture(*shared)
    assert names(state) == ["alpha/images", "alpha/a"]
    assert len(twins_of(state, shared[3].key)) == 2
    down = picture(host("alpha", LinkStatus.DOWN), *shared[1:])
    assert names(down) == ["beta/images", "beta/a"], "one is shown of a host that answers"


def test_two_pools_of_one_export_on_one_host_stay_two() -> None:
    one = pool(type="netfs", source=NFS)
    other = replace(one, uuid="p-other", name="other")
    assert len(storage_rows(picture(host("alpha"), one, other))) == 2


def test_a_disk_of_no_pool_is_there_once_the_host_has_told_its_volumes() -> None:
    loose = web("/srv/own.raw", "base", state=InstanceState.RUNNING)
    state = picture(host("alpha"), pool(), volume("base"), loose, web("base", uuid="v", name="x"))
    (row,) = loose_disks(state).values()
    assert (row.host, row.path, row.pool, row.backing) == ("alpha", "/srv/own.raw", "", "/i/base")
    assert [use.name for use in uses_of(state, row)] == ["web"]
    untold = picture(host("alpha", listed=frozenset({"instances"})), pool(), loose)
    assert loose_disks(untold) == {}


def test_who_uses_a_volume_is_told_by_the_disk_and_how() -> None:
    user = web("top", "base", state=InstanceState.RUNNING)
    disk = replace(user.disks[0], read_only=True)
    other = replace(web("top", uuid="v", name="db"), disks=(
        replace(disk, read_only=False, shareable=True, target="sdb"),))  # fmt: skip
    state = picture(host("alpha"), pool(), volume("base"), volume("top", "base"),
                    replace(user, disks=(disk,)), other)  # fmt: skip
    found = uses_of(state, volume("top"))
    assert [(one.name, one.target, one.read_only, one.shared) for one in found] == [
        ("web", "vda", True, False), ("db", "sdb", False, True),
    ]  # fmt: skip
    assert [one.depth for one in uses_of(state, volume("base"))] == [1, 1]


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ("<host name='nas'/><dir path='/export'/><format type='nfs'/>", "nas: /export"),
        ("<host name='b' port='6789'/><host name='a'/><name>rbd</name>", "a: b:6789 rbd"),
        ("<host name='san'/><device path='iqn.x'/>", "san: iqn.x"),
        ("<host name='nas'/>", ""),
        ("<dir path='/export'/>", ""),
        ("<device path='/dev/sda'/><name>vg</name>", ""),
        ("", ""),
    ],
)
def test_a_source_on_the_network_has_a_server(source: str, wanted: str) -> None:
    xml = f"<pool type='netfs'><name>n</name><uuid>u</uuid><source>{source}</source></pool>"
    found = read_pool(xml, "alpha").source
    assert " ".join(found.split()) == wanted


def test_nothing_is_made_of_an_empty_state() -> None:
    empty: Any = MappingProxyType({})
    assert storage_rows(State(pools=empty)) == {}
