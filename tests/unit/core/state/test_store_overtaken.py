"""What events told while a listing was made: the listing, which is older, has no say in it."""

from __future__ import annotations

from msgspec.structs import replace

from core.model import InstanceState, Network, ObjectKey, Pool, PoolState, Volume
from core.model.event import Found, NetworkLifecycle, PoolLifecycle
from core.model.observation import Listed, PoolRead
from core.state.store import Store
from tests.unit.state_builders import HOST, SHUTOFF, instance, lifecycle, listed, store

POOL = Pool(HOST, "p", "small", state=PoolState.ACTIVE, persistent=True)
OTHER = Pool(HOST, "o", "other", state=PoolState.ACTIVE, persistent=True)
NET = Network(HOST, "n", "lan", active=True, persistent=True)


def pools(*found: Pool, overtaken: tuple[ObjectKey, ...] = (), at: float = 10.0) -> Listed:
    volumes = tuple(Volume(HOST, pool.uuid, pool.name, "one.raw") for pool in found)
    kinds = frozenset({"pools", "volumes"})
    return Listed(HOST, at, pools=found, volumes=volumes, kinds=kinds, overtaken=overtaken)


def findings(made: Store) -> list[Found]:
    made.elapse(1000.0)
    return [event for event in made.state.events if isinstance(event, Found)]


def test_an_instance_that_has_come_stays_and_one_that_is_gone_does_not_come_back() -> None:
    gone, come, same = instance("gone"), instance("come"), instance("same")
    made = store(listed(gone, same), lifecycle("undefined", name="other"))
    made.apply(lifecycle("stopped", "destroyed", 11.0, "gone"))
    made.apply(lifecycle("undefined", "removed", 11.1, "gone"))
    made.apply(lifecycle("defined", "added", 11.2, "come"))
    made.apply(lifecycle("started", "booted", 11.3, "come"))
    late = listed(gone, replace(same, state=SHUTOFF), at=10.0, overtaken=(gone.key, come.key))
    made.apply(late)
    state = made.state
    assert {row.name: row.state for row in state.instances.values()} == {
        "same": SHUTOFF,
        "come": InstanceState.RUNNING,
    }
    assert [(one.name, one.change) for one in findings(made)] == [("same", "running -> shutoff")]


def test_an_instance_that_starts_does_not_stop_for_a_moment() -> None:
    """What belongs to a run would be forgotten."""
    made = store(listed(instance(state=SHUTOFF)), lifecycle("started", "booted", 11.0))
    before = made.state.instances
    late = listed(instance(state=SHUTOFF), at=10.0, overtaken=(instance().key,))
    assert not made.apply(late).changed
    assert made.state.instances is before


def test_a_pool_and_its_volumes_stay_as_events_left_them() -> None:
    made = store(pools(POOL, OTHER, at=2.0))
    made.apply(PoolLifecycle(HOST, 11.0, "p", "small", "stopped"))
    made.apply(PoolLifecycle(HOST, 11.1, "p", "small", "undefined"))
    new = replace(POOL, uuid="q", name="new")
    made.apply(PoolRead(HOST, 11.2, new, (Volume(HOST, "q", "new", "its.raw"),)))
    made.apply(pools(POOL, OTHER, overtaken=(POOL.key, new.key)))
    assert [pool.name for pool in made.state.pools.values()] == ["other", "new"]
    assert [volume.name for volume in made.state.volumes.values()] == ["one.raw", "its.raw"]
    assert findings(made) == []


def test_a_network_stays_as_events_left_it() -> None:
    nets = frozenset({"networks"})
    made = store(Listed(HOST, 2.0, networks=(NET,), kinds=nets))
    made.apply(NetworkLifecycle(HOST, 11.0, "n", "lan", "stopped"))
    late = Listed(HOST, 10.0, networks=(NET,), kinds=nets, overtaken=(NET.key,))
    made.apply(late)
    assert [net.active for net in made.state.networks.values()] == [False]
    made.apply(NetworkLifecycle(HOST, 11.0, "n", "lan", "undefined"))
    made.apply(late)
    assert not made.state.networks
    assert findings(made) == []


def test_the_order_is_that_of_the_listing_with_what_it_lacks_at_the_end() -> None:
    made = store(listed(instance("a"), instance("b")))
    made.apply(lifecycle("defined", "added", 11.0, "c"))
    keys = (instance("a").key, instance("c").key)
    made.apply(listed(instance("b"), instance("a"), at=10.0, overtaken=keys))
    assert [row.name for row in made.state.instances.values()] == ["b", "a", "c"]
