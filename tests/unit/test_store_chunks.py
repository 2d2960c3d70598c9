"""A host read in pieces: whatever their order, the state is that of one full listing."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from state_builders import HOST, UP, listings

from core.model import AgentState, Instance, State, Volume
from core.model.observation import (
    HostAdded,
    InstancesDescribed,
    LinkChanged,
    Listed,
    Observation,
    VolumesDescribed,
)
from core.state.store import Store

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
