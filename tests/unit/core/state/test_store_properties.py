"""What holds of the store whatever it is fed, in whatever order."""

from __future__ import annotations

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from core.model import LinkStatus, State, merge
from core.model.observation import HostAdded, LinkChanged, Listed
from core.state.store import Store
from core.state.tables import StoreLimits
from tests.unit.state_builders import (
    HOST,
    UP,
    check_delta,
    keys_of,
    listings,
    observations,
    streams,
)

START = (HostAdded(HOST, 1.0, "qemu:///x"), LinkChanged(HOST, 1.0, UP))


def _described(listed: Listed) -> Listed:
    """The listing as it stands once every instance has been read."""
    some = tuple(msgspec.structs.replace(one, described=True) for one in listed.instances)
    return msgspec.structs.replace(listed, instances=some)


def _comparable(state: State) -> object:
    """What a listing tells; when a state began it cannot know."""
    instances = {
        key: msgspec.structs.replace(one, state_since=None) for key, one in state.instances.items()
    }
    return instances, dict(state.pools), dict(state.volumes), dict(state.networks)


@given(streams, listings)
def test_a_listing_after_anything_equals_a_fresh_listing(stream, listed):
    used, fresh, listed = Store(), Store(), _described(listed)
    for one in (*START, *stream, listed):
        used.apply(one)
    for one in (*START, listed):
        fresh.apply(one)
    assert _comparable(used.state) == _comparable(fresh.state)
    assert list(used.state.instances) == [one.key for one in listed.instances]
    assert list(used.state.volumes) == [one.key for one in listed.volumes]


@given(streams)
def test_every_difference_is_in_the_delta(stream):
    store = Store()
    before = store.state
    for one in (*START, *stream):
        delta = store.apply(one)
        after = store.state
        check_delta(before, after, delta)
        assert delta.revision == after.revision == before.revision + 1
        assert delta.events == after.events[len(before.events) :]
        before = after


@given(st.lists(observations, min_size=1, max_size=30))
def test_merged_deltas_say_what_one_delta_would(stream):
    store = Store()
    before = store.state
    merged = merge([store.apply(one) for one in (*START, *stream)])
    assert merged is not None
    check_delta(before, store.state, merged)
    assert merged.events == tuple(store.state.events)


@given(streams)
def test_an_earlier_state_never_changes(stream):
    store = Store()
    states = []
    for one in (*START, *stream):
        store.apply(one)
        states.append((store.state, repr(keys_of(store.state))))
    for state, words in states:
        assert repr(keys_of(state)) == words


@given(streams)
def test_every_row_belongs_to_something_that_exists(stream):
    store = Store()
    for one in (*START, *stream):
        store.apply(one)
    state = store.state
    assert state.rates.keys() <= state.instances.keys()
    assert state.jobs.keys() <= state.instances.keys()
    if state.hosts[HOST].link.status in (LinkStatus.DOWN, LinkStatus.CLOSED):
        assert not state.rates
    known = {*state.instances, *state.pools, *(host.key for host in state.hosts.values())}
    assert state.alerts.keys() <= known
    assert all(state.alerts.values())
    figures = ("cpu", "read", "write", "read_requests", "write_requests", "received", "sent")
    for rates in state.rates.values():
        values = [getattr(rates, name) for name in (*figures, "memory")]
        assert all(value is None or value >= 0 for value in values)


@given(streams)
@settings(max_examples=30)
def test_the_same_stream_gives_the_same_state(stream):
    one, other = Store(), Store()
    for observation in (*START, *stream):
        one.apply(observation)
        assert other.apply(observation).revision == one.state.revision
    assert keys_of(one.state) == keys_of(other.state)
    assert one.state.events == other.state.events


@given(st.lists(observations, min_size=10, max_size=40))
@settings(max_examples=30)
def test_what_is_remembered_is_bounded(stream):
    store = Store(StoreLimits(events=5, operations=2, link_changes=3))
    for one in stream:
        store.apply(one)
    state = store.state
    assert len(state.events) <= 5
    assert all(len(host.history) <= 3 for host in state.hosts.values())
    finished = [record for record in state.operations.values() if record.status.final]
    assert len(finished) <= 2 or len(state.operations) <= 2
    assert list(state.operations) == sorted(state.operations)
