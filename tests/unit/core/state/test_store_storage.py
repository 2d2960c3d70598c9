"""Pools, volumes and networks in the store."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from core.model import Counters, DiskCounters, Network, PoolState
from core.model import event as ev
from core.model.observation import (
    NetworkGone,
    NetworkRead,
    NetworksDescribed,
    PoolGone,
    PoolRead,
    Sampled,
)
from tests.unit.state_builders import HOST, instance, listed, pool, store, volume


def read(*volumes, at=5.0):
    return PoolRead(HOST, at, pool(), volumes)


def test_reading_a_pool_again_drops_what_it_has_no_more():
    made = store(read(volume("a"), volume("b"), volume("c")))
    delta = made.apply(read(volume("c"), volume("a"), at=6.0))
    assert delta.gone == {volume("b").key}
    assert [one.name for one in made.state.volumes.values()] == ["c", "a"]


def test_a_pool_that_goes_takes_its_volumes_along():
    made = store(read(volume("a")))
    assert made.apply(PoolGone(HOST, 6.0, "p1")).gone == {pool().key, volume("a").key}


@pytest.mark.parametrize(
    ("before", "change", "after"),
    [
        (pool(state=PoolState.INACTIVE), "started", pool()),
        (pool(), "stopped", pool(state=PoolState.INACTIVE)),
        (pool(persistent=False), "stopped", None),
        (pool(), "undefined", pool(persistent=False)),
        (pool(state=PoolState.INACTIVE), "undefined", None),
        (pool(persistent=False), "defined", pool()),
        (pool(), "created", pool()),
    ],
)
def test_pool_events(before, change, after):
    made = store(PoolRead(HOST, 5.0, before), ev.PoolLifecycle(HOST, 6.0, "p1", "images", change))
    assert made.state.pools.get(pool().key) == after


@pytest.mark.parametrize(("at", "state"), [(5.5, PoolState.ACTIVE), (6.5, PoolState.INACTIVE)])
def test_a_reading_begun_before_an_event_does_not_take_its_word_back(at, state):
    off = pool(state=PoolState.INACTIVE)
    started = ev.PoolLifecycle(HOST, 6.0, "p1", "images", "started")
    made = store(PoolRead(HOST, 5.0, off), started)
    made.apply(PoolRead(HOST, at, off, (volume("a"),)))
    assert made.state.pools[off.key].state is state
    assert [one.name for one in made.state.volumes.values()] == ["a"], "its volumes are new"


@pytest.mark.parametrize(("at", "active"), [(5.5, True), (6.5, False)])
def test_a_networks_reading_does_not_take_an_events_word_back(at, active):
    off = Network(HOST, "n1", "default", active=False, persistent=True)
    started = ev.NetworkLifecycle(HOST, 6.0, "n1", "default", "started")
    made = store(NetworkRead(HOST, 5.0, off), started)
    made.apply(NetworkRead(HOST, at, off))
    assert made.state.networks[off.key].active is active


@pytest.mark.parametrize(
    ("active", "persistent", "change", "after"),
    [
        (False, True, "started", (True, True)),
        (True, True, "stopped", (False, True)),
        (True, False, "stopped", None),
        (True, True, "undefined", (True, False)),
        (False, True, "undefined", None),
        (True, False, "defined", (True, True)),
    ],
)
def test_network_events(active, persistent, change, after):
    network = Network(HOST, "n1", "default", active, persistent=persistent)
    made = store(NetworkRead(HOST, 5.0, network))
    made.apply(ev.NetworkLifecycle(HOST, 6.0, "n1", "default", change))
    found = made.state.networks.get(network.key)
    assert after == (None if found is None else (found.active, found.persistent))
    made.apply(NetworkGone(HOST, 7.0, "n1"))
    assert not made.state.networks


def test_a_listing_keeps_what_the_xml_of_a_network_told():
    named = Network(HOST, "n1", "lan", True, described=False)
    told = Network(HOST, "n1", "lan", bridge="virbr7", forward="nat", addresses=("10.7.0.1/24",))
    made = store(listed(networks=(named,)))
    assert not made.state.networks[named.key].described
    made.apply(NetworksDescribed(HOST, 6.0, (told, Network(HOST, "n2", "gone meanwhile"))))
    assert made.state.networks == {named.key: replace(told, active=True)}
    made.apply(listed(networks=(replace(named, active=False, autostart=True),), at=7.0))
    assert made.state.networks == {named.key: replace(told, autostart=True)}


def grown(kind, before, **fields):
    known = volume(type="file", format=kind, allocation=before)
    made = store(listed(instance(), volumes=(known,)))
    counters = Counters(disks=(DiskCounters("vda", "/pool/web.qcow2", **fields),))
    made.apply(Sampled(HOST, 9.0, {"web-uuid": counters}))
    return made.state.volumes[volume().key]


def test_an_attached_disk_grows_its_volume():
    for kind in ("qcow2", "raw"):
        found = grown(kind, 100, physical=500, capacity=1000)
        assert (found.allocation, found.capacity) == (500, 1000)


def test_a_disk_whose_guest_trims_it_shrinks_its_volume():
    assert grown("qcow2", 100, physical=7, capacity=1000).allocation == 7


def test_the_length_of_a_file_that_takes_nothing_is_no_growth():
    assert grown("raw", 0, physical=1000, capacity=1000).allocation == 0


def test_a_block_device_takes_what_its_pool_says():
    made = store(listed(instance(), volumes=(volume(type="block", allocation=100),)))
    disks = (DiskCounters("vda", "/pool/web.qcow2", physical=500, capacity=1000),)
    made.apply(Sampled(HOST, 9.0, {"web-uuid": Counters(disks=disks)}))
    assert made.state.volumes[volume().key].allocation == 100


def test_unknown_figures_change_nothing():
    assert grown("qcow2", None).allocation is None
    assert grown("qcow2", 100).allocation == 100


def test_a_path_that_moved_to_another_volume():
    made = store(read(volume("a", path="/x", type="file")))
    made.apply(read(volume("a", path="/y", type="file"), volume("b", path="/x"), at=6.0))
    made.apply(read(volume("b", path="/x", type="file"), at=7.0))
    made.apply(listed(instance(), volumes=(volume("b", path="/x", type="file"),), at=8.0))
    disks = (DiskCounters("vda", "/x", physical=9), DiskCounters("vdb", "/y", physical=8))
    made.apply(Sampled(HOST, 9.0, {"web-uuid": Counters(disks=disks)}))
    assert [one.allocation for one in made.state.volumes.values()] == [9]


def test_a_path_a_volume_has_left_is_not_its_own_any_more():
    made = store(listed(instance(), volumes=(volume("a", path="/x", type="file"),)))
    made.apply(read(volume("a", path="/y", type="file")))
    disks = (DiskCounters("vda", "/x", physical=9),)
    assert (
        volume("a").key
        not in made.apply(Sampled(HOST, 9.0, {"web-uuid": Counters(disks=disks)})).changed
    )


def test_a_listing_by_name_keeps_what_was_described():
    known = volume(format="qcow2", capacity=10, allocation=5)
    made = store(listed(volumes=(known,)))
    made.apply(listed(volumes=(volume(described=False),), at=9.0))
    assert made.state.volumes[known.key] == known
    moved = volume(path="/elsewhere/web.qcow2", described=False)
    made.apply(listed(volumes=(moved,), at=10.0))
    assert made.state.volumes[known.key] == moved


def test_volumes_of_a_pool_that_stopped_did_not_vanish():
    made = store(listed(pools=(pool(),), volumes=(volume(),)))
    made.apply(listed(pools=(pool(state=PoolState.INACTIVE),), at=9.0))
    made.elapse(20.0)
    assert [event.change for event in made.state.events if type(event) is ev.Found] == [
        "active -> inactive"
    ]
