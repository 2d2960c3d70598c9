"""A host read in pieces: whatever their order, the state is that of one full listing."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from core.hypervisor.observe.sampler import parts_of
from core.model import (
    SERIES,
    AgentState,
    Counters,
    Instance,
    InstanceState,
    Link,
    LinkStatus,
    ObjectKey,
    State,
    Volume,
)
from core.model.observation import (
    HostAdded,
    InstancesDescribed,
    LinkChanged,
    Listed,
    Observation,
    Sampled,
    VolumesDescribed,
)
from core.state.store import Store
from tests.unit.state_builders import HOST, UP, counters, instance, listings

START = (HostAdded(HOST, 1.0, "qemu:///x"), LinkChanged(HOST, 1.0, UP))


def told(state: State) -> object:
    return (
        dict(state.instances),
        list(state.instances),
        dict(state.pools),
        dict(state.volumes),
        list(state.volumes),
        dict(state.networks),
    )


def as_read(item: Instance) -> Instance:
    """An instance as one reading of all tells it: what is off has no agent connected."""
    agent = item.agent
    if not item.state.active and agent is not AgentState.NONE:
        agent = AgentState.DISCONNECTED
    return msgspec.structs.replace(item, described=True, agent=agent)


def named(item: Instance) -> Instance:
    """An instance as a listing without its XML has it."""
    bare = Instance(HOST, item.uuid, item.name)
    flags = ("state", "reason", "id", "persistent", "autostart", "managed_save")
    return msgspec.structs.replace(
        bare, described=False, **{field: getattr(item, field) for field in flags}
    )


def named_only(item: Volume) -> Volume:
    return Volume(HOST, item.pool, item.pool_name, item.name, item.path, described=False)


@given(listings, st.data())
def test_pieces_in_any_order_make_the_full_listing(listed: Listed, data: st.DataObject) -> None:
    whole = msgspec.structs.replace(
        listed,
        instances=tuple(map(as_read, listed.instances)),
    )
    lists: list[Observation] = [
        Listed(HOST, listed.at, instances=tuple(map(named, whole.instances)),
               kinds=frozenset({"instances"})),
        Listed(HOST, listed.at, networks=whole.networks, kinds=frozenset({"networks"})),
        Listed(HOST, listed.at, pools=whole.pools, volumes=tuple(map(named_only, whole.volumes)),
               kinds=frozenset({"pools", "volumes"})),
    ]  # fmt: skip
    pieces: list[Observation] = [
        InstancesDescribed(HOST, listed.at, (one,)) for one in whole.instances
    ] + [VolumesDescribed(HOST, listed.at, (one,)) for one in whole.volumes]
    order = data.draw(st.permutations(lists)) + data.draw(st.permutations(pieces))
    again = data.draw(st.sampled_from([*lists, None]))  # a sweep comes in between
    if again is not None:
        order.insert(data.draw(st.integers(len(lists), len(order))), again)
    in_pieces, at_once = Store(), Store()
    for one in (*START, *order):
        in_pieces.apply(one)
    for one in (*START, whole):
        at_once.apply(one)
    assert told(in_pieces.state) == told(at_once.state)


NAMES = ("web", "db", "cache", "mail", "batch")
samples = st.dictionaries(st.sampled_from([f"{name}-uuid" for name in NAMES]), counters)


@given(st.lists(samples, min_size=1, max_size=4), st.integers(1, 3), st.data())
def test_a_sample_in_parts_is_the_whole_sample(
    taken: list[dict[str, Counters]], most: int, data: st.DataObject
) -> None:
    there = tuple(instance(name) for name in NAMES)
    in_parts, at_once = Store(), Store()
    for one in (*START, Listed(HOST, 2.0, there)):
        in_parts.apply(one)
        at_once.apply(one)
    for number, found in enumerate(taken):
        silent = tuple(data.draw(st.sets(st.sampled_from([item.uuid for item in there]))))
        whole = Sampled(HOST, 10.0 + 2 * number, found, silent)
        at_once.apply(whole)
        for part in parts_of(whole, most):
            in_parts.apply(part)
    assert sampled(in_parts.state) == sampled(at_once.state)


def test_a_sample_that_broke_off_counts_for_nobody_in_the_next() -> None:
    store, counted = Store(), Counters(state=1, cpu_time=5)
    for one in (*START, Listed(HOST, 2.0, (instance("web"), instance("db")))):
        store.apply(one)
    both = Sampled(HOST, 10.0, {"web-uuid": counted, "db-uuid": counted})
    store.apply(both)
    store.apply(next(parts_of(msgspec.structs.replace(both, at=12.0), 1)))
    store.apply(Sampled(HOST, 14.0, {"db-uuid": counted}))
    assert [key.id for key in store.state.rates] == ["db-uuid"]


def test_a_sample_of_some_says_nothing_of_the_others() -> None:
    store = Store()
    there = tuple(instance(name, state=InstanceState.RUNNING, vcpus=1) for name in ("web", "db"))
    for one in (*START, Listed(HOST, 2.0, there)):
        store.apply(one)

    def counted(at: float, used: int, *names: str, some: bool = True) -> Sampled:
        counters = {f"{name}-uuid": Counters(state=1, cpu_time=used) for name in names}
        return Sampled(HOST, at, counters, some=some, interval=1.0)

    store.apply(counted(10.0, 0, "web", "db", some=False))
    for second in range(1, 4):
        store.apply(counted(10.0 + second, second * 10**9, "web"))
    web, db = (ObjectKey("instance", HOST, f"{name}-uuid") for name in ("web", "db"))
    assert store.state.rates[web].cpu == 100.0
    assert store.state.rates[db].at == 10.0
    store.apply(counted(14.0, 2 * 10**9, "db", some=False))
    assert web not in store.state.rates, "it is in no whole sample any more"
    assert store.state.rates[db].cpu == 50.0
    histories = store.state.histories
    assert histories is not None
    assert histories.series(db, "cpu") == [None, 50.0, 50.0, 50.0, 50.0], "a mean of four ticks"


def test_a_sample_that_came_before_the_link_was_up_is_forgotten_with_it() -> None:
    store = Store()
    there = (instance("web", state=InstanceState.RUNNING),)
    connecting = LinkChanged(HOST, 1.0, Link(LinkStatus.CONNECTING))
    for one in (START[0], connecting, Listed(HOST, 2.0, there)):
        store.apply(one)
    store.apply(Sampled(HOST, 2.0, {"web-uuid": Counters(state=1)}))
    assert store.state.rates
    store.apply(LinkChanged(HOST, 3.0, Link(LinkStatus.DOWN)))
    assert not store.state.rates


def sampled(state: State) -> object:
    series = {
        (key, name): state.histories.series(key, name) for key in state.instances for name in SERIES
    }
    return told(state), dict(state.rates), dict(state.alerts), dict(state.hosts), series
