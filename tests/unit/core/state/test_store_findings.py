"""A change is told once: by its event if there is one, whoever comes first, else as found."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from msgspec.structs import replace

from core.model import Counters, Network, PoolState
from core.model import event as ev
from core.model.observation import HostAdded, InstanceGone, InstanceRead, LinkChanged, Sampled
from core.state.findings import GRACE
from core.state.store import Store
from tests.unit.state_builders import (
    HOST,
    PAUSED,
    RUNNING,
    SHUTOFF,
    UP,
    instance,
    lifecycle,
    listed,
    pool,
    store,
    streams,
)

SAMPLED_PAUSED = Sampled(HOST, 60.0, {"web-uuid": Counters(state=3, reason=1)})
QUIET = Sampled(HOST, 60.0 + GRACE + 0.1, {})
LISTED_OFF = listed(instance(state=SHUTOFF), at=60.0)


def lines(made: Store) -> list[str]:
    """What the log says, in its order."""
    return [
        one.change if isinstance(one, ev.Found) else f"{one.change} {one.detail}".strip()
        for one in made.state.events
        if isinstance(one, ev.Found | ev.InstanceLifecycle)
    ]


def told(*observations: object, known: tuple[object, ...] = (instance(),)) -> list[str]:
    """What the log says in the end, of a host that was listed with `known`."""
    made = store(listed(*known), *observations)
    made.elapse(math.inf)
    return lines(made)


@pytest.mark.parametrize(
    ("finding", "event"),
    [
        (LISTED_OFF, ("stopped", "failed")),
        (SAMPLED_PAUSED, ("suspended", "ioerror")),
        (listed(at=60.0), ("undefined", "removed")),
    ],
    ids=["listed", "sampled", "vanished"],
)
def test_the_event_is_what_is_told_whichever_comes_first(finding, event):
    late = lifecycle(*event, at=60.05)
    early = lifecycle(*event, at=59.95)
    words = [" ".join(event)]
    assert told(finding, late) == words
    extra = () if event[0] != "undefined" else (lifecycle("stopped", "destroyed", 59.9),)
    assert told(*extra, early, finding)[len(extra) :] == words


def test_a_change_nobody_tells_is_told_after_the_grace_with_its_own_time():
    made = store(listed(instance()), LISTED_OFF)
    assert lines(made) == []
    assert made.waiting
    made.apply(Sampled(HOST, 60.0 + GRACE - 0.1, {}))
    assert lines(made) == []
    delta = made.apply(QUIET)
    assert [(one.change, one.at) for one in delta.events] == [("running -> shutoff", 60.0)]
    assert not made.waiting
    made.apply(lifecycle("stopped", "failed", QUIET.at + 1))
    assert lines(made) == ["running -> shutoff", "stopped failed"]


def test_the_state_does_not_wait():
    made = store(listed(instance()))
    assert instance().key in made.apply(LISTED_OFF).changed
    assert made.state.instances[instance().key].state is SHUTOFF


@pytest.mark.parametrize(
    "other",
    [
        lifecycle("stopped", "failed", 60.1, name="db"),
        lifecycle("defined", "updated", 60.1),
        lifecycle("unknown-9", "unknown-1", 60.1),
        ev.Rebooted(HOST, 60.1, "web-uuid", "web"),
        ev.AgentChanged(HOST, 60.1, "web-uuid", "web", "disconnected"),
    ],
    ids=["another instance", "its definition", "unknown", "reboot", "agent"],
)
def test_an_event_that_says_something_else_does_not_take_its_place(other):
    assert "running -> shutoff" in told(LISTED_OFF, other)


def test_an_end_that_was_missed_is_told_though_it_was_started_again_at_once():
    again = (lifecycle("resumed", "unpaused", 60.5), lifecycle("started", "booted", 60.5))
    read = InstanceRead(HOST, 60.6, instance())
    words = told(LISTED_OFF, *again, read)
    assert sorted(words) == ["resumed unpaused", "running -> shutoff", "started booted"]


def test_the_same_event_of_another_host_tells_nothing():
    elsewhere = replace(lifecycle("stopped", "failed", 60.1), host="beta")
    assert "running -> shutoff" in told(LISTED_OFF, elsewhere)


def test_of_two_findings_the_event_takes_the_place_of_its_own():
    off = listed(instance(state=SHUTOFF), at=61.0)
    assert told(SAMPLED_PAUSED, off, lifecycle("stopped", "failed", 61.1)) == [
        "stopped failed",
        "running -> paused",
    ]
    assert told(SAMPLED_PAUSED, off, lifecycle("suspended", "ioerror", 61.1)) == [
        "suspended ioerror",
        "paused -> shutoff",
    ]


def test_what_happens_twice_untold_is_told_twice_and_in_order():
    changes = [
        listed(instance(state=state), at=60.0 + 0.1 * tenth)
        for tenth, state in enumerate((PAUSED, RUNNING, PAUSED))
    ]
    assert told(*changes) == ["running -> paused", "paused -> running", "running -> paused"]


def test_what_no_event_tells_of_a_difference_does_not_wait():
    made = store(listed(instance(autostart=False)))
    delta = made.apply(listed(instance("web", state=SHUTOFF, autostart=True), at=60.0))
    assert [one.change for one in delta.events] == ["autostart on"]
    assert [one.change for one in made.elapse(70.0).events] == ["running -> shutoff"]


def test_a_new_instance_is_told_by_its_events():
    found = listed(instance(), instance("db"), at=60.0)
    born = (lifecycle("defined", "added", 60.1, "db"), lifecycle("started", "booted", 60.1, "db"))
    assert told(found, *born) == ["defined added", "started booted"]
    assert told(found, born[1]) == ["started booted"]
    assert told(found) == ["appeared"]


def test_a_transient_instance_that_vanished_is_told_by_its_stop():
    gone = listed(at=60.0)
    known = (instance(persistent=False),)
    assert told(gone, lifecycle("stopped", "destroyed", 60.1), known=known) == ["stopped destroyed"]


def test_a_listing_older_than_the_news_finds_nothing():
    stopped = lifecycle("stopped", "destroyed", 60.5)
    read = InstanceRead(HOST, 60.6, instance(state=SHUTOFF))
    assert told(stopped, listed(instance(), at=60.4), read) == ["stopped destroyed"]
    started = lifecycle("started", "booted", 60.5, "db")
    assert told(started, listed(instance(), at=60.4)) == ["started booted"]
    removed = lifecycle("undefined", "removed", 60.5)
    ended = (
        removed,
        listed(instance(state=SHUTOFF), at=60.4),
        InstanceGone(HOST, 60.6, "web-uuid"),
    )
    assert told(*ended, known=(instance(state=SHUTOFF),)) == ["undefined removed"]


def test_a_slow_listing_still_waits_for_its_event():
    later = Sampled(HOST, 65.0, {})
    made = store(listed(instance()), later, LISTED_OFF, lifecycle("stopped", "failed", 65.1))
    made.elapse(math.inf)
    assert lines(made) == ["stopped failed"]


@pytest.mark.parametrize("at", [-3600.0, 3600.0])
def test_a_clock_that_was_set_makes_nothing_wait_for_ever(at):
    made = store(listed(instance()), LISTED_OFF, Sampled(HOST, 60.0 + at, {}))
    assert lines(made) == ["running -> shutoff"]


@pytest.mark.parametrize(
    ("word", "state"), [("started", PoolState.ACTIVE), ("stopped", PoolState.INACTIVE)]
)
def test_pools_and_networks_are_told_once_as_well(word, state):
    active = state is PoolState.ACTIVE
    other = PoolState.INACTIVE if active else PoolState.ACTIVE
    before = listed(pools=(pool(state=other),), networks=(network(not active),), at=3.0)
    found = listed(pools=(pool(state=state),), networks=(network(active),), at=60.0)
    made = store(before, found)
    made.apply(ev.PoolLifecycle(HOST, 60.1, "p1", "images", word))
    made.apply(ev.NetworkLifecycle(HOST, 60.1, "n1", "default", word))
    made.elapse(math.inf)
    assert not [one for one in made.state.events if isinstance(one, ev.Found)]
    quiet = store(before, found)
    quiet.elapse(math.inf)
    assert len([one for one in quiet.state.events if isinstance(one, ev.Found)]) == 2


def network(active: bool) -> Network:
    return Network(HOST, "n1", "default", active, persistent=True)


@given(streams)
@settings(max_examples=50)
def test_what_waits_is_told_in_the_end_and_changes_nothing_else(stream):
    made = Store()
    for one in (HostAdded(HOST, 1.0, "qemu:///x"), LinkChanged(HOST, 1.0, UP), *stream):
        made.apply(one)
    before = made.state
    delta = made.elapse(math.inf)
    assert not made.waiting
    assert not delta.changed | delta.gone
    assert made.state.events[len(before.events) :] == delta.events
    assert all(isinstance(one, ev.Found) for one in delta.events)
    assert (made.state.instances, made.state.at) == (before.instances, before.at)
