"""How fast pools and volumes grow, from what they took at earlier times."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as some
from msgspec.structs import replace

from core.hypervisor.observe.stats_counters import read_counters
from core.model import Instance, ObjectKey, Pool, PoolState, State, Volume
from core.model.observation import Listed, PoolRead, Sampled, VolumesDescribed
from core.model.storage import SizeReading
from core.state.growth import (
    MOST,
    SPACING,
    WINDOW,
    Growth,
    SizeReadings,
    growth,
    growth_of,
    with_reading,
)
from core.state.store import Store

GIB = 1 << 30
HOUR = 3600.0


def read(*told: tuple[float, int]) -> SizeReadings:
    found: SizeReadings = ()
    for at, allocation in told:
        found = with_reading(found, at, allocation)
    return found


@pytest.mark.parametrize(
    ("told", "now", "room", "wanted"),
    [
        ([], 0.0, None, None),
        ([(0.0, 5)], HOUR, None, None),
        ([(0.0, 0), (10.0, 100)], 10.0, None, None),  # too short for an hour
        ([(0.0, 0), (HOUR, GIB)], HOUR, 2 * GIB, Growth(GIB, 2 * HOUR)),
        ([(0.0, 0), (HOUR, GIB)], 2 * HOUR, GIB, Growth(GIB / 2, 2 * HOUR)),  # none since
        ([(0.0, GIB), (HOUR, 0)], HOUR, GIB, Growth(-GIB)),
        ([(0.0, 0), (HOUR, GIB)], HOUR, None, Growth(GIB)),
        ([(0.0, 0), (HOUR, GIB)], HOUR, 0, Growth(GIB)),  # it is full already
    ],
)
def test_growth_is_what_changed_since_the_oldest_reading(
    told: list[tuple[float, int]], now: float, room: int | None, wanted: Growth | None
) -> None:
    assert growth(read(*told), now, room) == wanted


def test_what_was_so_a_day_ago_still_counts_from_then_on() -> None:
    old = read((0.0, 0), (3 * WINDOW, GIB))
    found = growth(old, 3 * WINDOW + HOUR)
    assert found is not None
    assert found.per_hour == pytest.approx(GIB / 24)
    gone = growth(old, 5 * WINDOW)
    assert gone is not None
    assert gone.per_hour == 0


@given(some.lists(some.tuples(some.floats(0, 200), some.integers(0, 1 << 40)), max_size=300))
def test_the_readings_stay_few_and_the_newest_is_kept(steps: list[tuple[float, int]]) -> None:
    at, readings = 0.0, SizeReadings()
    for seconds, allocation in steps:
        at += seconds
        readings = with_reading(readings, at, allocation)
        assert readings[-1] == SizeReading(at, allocation)
    assert len(readings) <= MOST + 1
    between = [after.at - before.at for before, after in pairwise(readings[:-1])]
    assert all(seconds >= SPACING for seconds in between)


def test_the_store_remembers_what_changed_and_a_pool_grows_by_its_volumes_at_least() -> None:
    store = Store()
    pool = Pool("a", "p", "pool", "dir", PoolState.ACTIVE, "/p", allocation=0, available=4 * GIB)
    disk = Volume("a", "p", "pool", "d", "/p/d", format="qcow2", capacity=4 * GIB, allocation=0)
    store.apply(PoolRead("a", 0.0, pool, (disk,)))
    for hours in (1, 2):
        grown = Volume("a", "p", "pool", "d", "/p/d", format="qcow2", capacity=4 * GIB,
                       allocation=hours * GIB)  # fmt: skip
        store.apply(VolumesDescribed("a", hours * HOUR, (grown,)))
    state = store.state
    assert [one.allocation for one in state.growth[disk.key]] == [0, GIB, 2 * GIB]
    assert len(state.growth[pool.key]) == 1
    grown = state.volumes[disk.key]
    assert growth_of(state, grown, 2 * HOUR) == Growth(GIB, 4 * HOUR)  # when its pool is full
    assert growth_of(state, pool, 2 * HOUR) == Growth(GIB, 4 * HOUR)
    store.apply(PoolRead("a", 2 * HOUR, pool, ()))
    assert disk.key not in store.state.growth


def test_a_volume_is_stopped_by_its_pool_and_by_all_that_grows_there() -> None:
    store = Store()
    pool = Pool("a", "p", "pool", "dir", PoolState.ACTIVE, "/p", allocation=0, available=12 * GIB)
    names = ("d", "e", "still")
    new = [Volume("a", "p", "pool", one, f"/p/{one}", capacity=9 * GIB, allocation=0)
           for one in names]  # fmt: skip
    store.apply(PoolRead("a", 0.0, pool, tuple(new)))
    d, e, still = (replace(one, allocation=more * GIB)
                   for one, more in zip(new, (1, 2, 0), strict=True))  # fmt: skip
    store.apply(VolumesDescribed("a", HOUR, (d, e, still)))
    state = store.state
    assert growth_of(state, d, HOUR) == Growth(GIB, 4 * HOUR)
    assert growth_of(state, e, HOUR) == Growth(2 * GIB, 4 * HOUR)
    assert growth_of(state, still, HOUR) is None


def test_a_file_with_holes_whose_guest_writes_far_behind_them_does_not_grow() -> None:
    """As libvirt tells it of a guest that trims: 20 GiB are the highest offset, 5 are taken."""
    store = Store()
    pool = Pool("a", "p", "pool", "dir", PoolState.ACTIVE, "/p", allocation=50 * GIB,
                available=50 * GIB)  # fmt: skip
    disk = Volume("a", "p", "pool", "d", "/p/d", "file", "qcow2", 40 * GIB, 5 * GIB)
    store.apply(Listed("a", 0.0, (Instance("a", "u", "web"),), (pool,), (disk,)))
    for at in range(10, 3600, 10):
        record = {"block.count": 1, "block.0.name": "vda", "block.0.path": "/p/d",
                  "block.0.allocation": min(at, 2000) * GIB // 100,
                  "block.0.capacity": 40 * GIB, "block.0.physical": 5 * GIB}  # fmt: skip
        store.apply(Sampled("a", float(at), {"u": read_counters(record, asked=True)}))
        if at % 300 == 0:
            store.apply(VolumesDescribed("a", float(at), (disk,)))
    state = store.state
    assert [one.allocation for one in state.growth[disk.key]] == [5 * GIB]
    assert growth_of(state, state.volumes[disk.key], HOUR) is None
    assert growth_of(state, state.pools[pool.key], HOUR) is None


def test_a_pool_is_as_full_as_its_volumes_were_seen_to_make_it_until_libvirt_tells_anew() -> None:
    store = Store()
    pool = Pool("a", "p", "pool", "dir", PoolState.ACTIVE, "/p", capacity=90 * GIB,
                allocation=10 * GIB, available=80 * GIB)  # fmt: skip
    disk = Volume("a", "p", "pool", "d", "/p/d", "file", "qcow2", 200 * GIB, GIB)
    store.apply(Listed("a", 0.0, (Instance("a", "u", "web"),), (pool,), (disk,)))

    def grows(at: float, gib: int) -> Pool:
        record = {"block.count": 1, "block.0.name": "vda", "block.0.path": "/p/d",
                  "block.0.capacity": 200 * GIB, "block.0.physical": gib * GIB}  # fmt: skip
        store.apply(Sampled("a", at, {"u": read_counters(record, asked=True)}))
        return store.state.pools[pool.key]

    grown = grows(HOUR, 41)
    assert (grown.allocation, grown.available) == (50 * GIB, 40 * GIB)
    assert growth_of(store.state, grown, HOUR) == Growth(40 * GIB, HOUR)
    store.apply(PoolRead("a", HOUR + 1, pool, (disk,)))  # libvirt has not looked since
    assert store.state.pools[pool.key] == grown
    full = grows(HOUR + 2, 300)  # others have let go of some: there is no more than all of it
    assert (full.allocation, full.available) == (90 * GIB, 0)
    assert store.state.alerts[pool.key]
    looked = replace(pool, allocation=60 * GIB, available=30 * GIB)
    store.apply(PoolRead("a", HOUR + 3, looked, (disk,)))
    assert store.state.pools[pool.key] == looked


def test_of_what_was_never_read_nothing_is_known() -> None:
    row = Pool("a", "p", "pool")
    assert growth_of(State(), row, 5.0) is None
    assert ObjectKey("pool", "a", "p") not in State().growth
