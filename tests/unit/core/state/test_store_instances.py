"""How instances follow events, readings, listings and samples, libvirt's traps included."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from core.hypervisor.event_words import LIFECYCLE, LIFECYCLE_DETAILS
from core.model import AgentState, Counters, InstanceState
from core.model import event as ev
from core.model.observation import InstanceGone, InstanceRead, LinkChanged, Listed, Sampled
from core.model.state_code import decode_state
from core.state.store import Store
from core.state.tables import StoreLimits
from tests.unit.state_builders import (
    HOST,
    PAUSED,
    RUNNING,
    SHUTOFF,
    UP,
    disk,
    instance,
    lifecycle,
    listed,
    store,
)

KEY = instance().key


def after(*observations, start=RUNNING, **fields):
    """The instance after observations, having been listed as `start`."""
    made = store(listed(instance(state=start, **fields)))
    for one in observations:
        made.apply(one)
    return made.state.instances.get(KEY)


def test_create_sends_resumed_before_started():
    found = after(lifecycle("resumed", "unpaused", 10), lifecycle("started", "booted", 11),
                  start=SHUTOFF)  # fmt: skip
    assert (found.state, found.reason, found.state_since) == (RUNNING, "booted", 10)


def test_create_paused():
    found = after(lifecycle("started", "booted"), lifecycle("suspended", "paused"), start=SHUTOFF)
    assert (found.state, found.reason) == (PAUSED, "user")


def test_a_migration_arrives_paused_and_then_runs():
    made = store(listed())
    made.apply(lifecycle("started", "migrated", 10))
    assert made.state.instances[KEY].state is PAUSED
    assert not made.state.instances[KEY].described
    made.apply(lifecycle("defined", "added", 10))
    made.apply(lifecycle("resumed", "migrated", 11))
    found = made.state.instances[KEY]
    assert (found.state, found.persistent) == (RUNNING, True)


def test_a_stopped_transient_instance_is_gone():
    made = store(listed(instance(persistent=False)))
    delta = made.apply(lifecycle("stopped", "destroyed"))
    assert delta.gone == {KEY}
    assert KEY not in made.state.instances


def test_a_transient_instance_survives_a_revert():
    found = after(lifecycle("stopped", "from-snapshot"), persistent=False)
    assert (found.state, found.reason) == (SHUTOFF, "from snapshot")


def test_a_stopped_persistent_instance_is_shut_off():
    found = after(lifecycle("stopped", "shutdown", 20), id=7, agent=AgentState.CONNECTED)
    assert (found.state, found.reason, found.state_since) == (SHUTOFF, "shutdown", 20)
    assert found.id is None
    assert found.agent is AgentState.UNKNOWN


@pytest.mark.parametrize(
    ("change", "detail", "state", "reason"),
    [
        ("suspended", "ioerror", PAUSED, "I/O error"),
        ("suspended", "watchdog", PAUSED, "watchdog"),
        ("suspended", "migrated", PAUSED, "migrating"),
        ("suspended", "postcopy", PAUSED, "post-copy"),
        ("crashed", "panicked", InstanceState.CRASHED, "panicked"),
        ("stopped", "failed", SHUTOFF, "crashed"),
        ("stopped", "crashed", SHUTOFF, "crashed"),
        ("stopped", "migrated", SHUTOFF, "migrated"),
        ("shutdown", "guest", InstanceState.SHUTTING_DOWN, ""),
        ("pmsuspended", "disk", InstanceState.SUSPENDED, ""),
        ("started", "wakeup", RUNNING, "wakeup"),
    ],
)
def test_reasons_are_in_libvirts_words(change, detail, state, reason):
    found = after(lifecycle(change, detail))
    assert (found.state, found.reason) == (state, reason)


def test_events_and_samples_use_the_same_words():
    told = {decode_state(state, reason) for state in range(8) for reason in range(15)}
    for change, details in zip(LIFECYCLE, LIFECYCLE_DETAILS, strict=True):
        for detail in details:
            found = after(lifecycle(change, detail))
            assert found is None or (found.state, found.reason) in told


def test_shutdown_after_stopped_changes_nothing():
    assert after(lifecycle("shutdown", "host"), start=SHUTOFF).state is SHUTOFF


def test_rename_keeps_the_instance():
    made = store(listed(instance(title="shop")))
    made.apply(lifecycle("undefined", "renamed"))
    made.apply(ev.InstanceLifecycle(HOST, 11, "web-uuid", "shop1", "defined", "renamed"))
    assert (made.state.instances[KEY].name, made.state.instances[KEY].title) == ("shop1", "shop")


def test_undefine_of_a_running_instance_makes_it_transient():
    assert after(lifecycle("undefined", "removed")).persistent is False
    assert after(lifecycle("undefined", "removed"), start=SHUTOFF) is None


def test_a_reading_wins_over_what_an_event_made_us_guess():
    truth = instance(state=PAUSED, reason="user", title="new")
    found = after(lifecycle("resumed", "unpaused", 10), InstanceRead(HOST, 11, truth))
    assert (found.state, found.title, found.state_since) == (PAUSED, "new", 11)


def test_a_reading_in_the_same_state_keeps_its_beginning():
    found = after(lifecycle("suspended", "paused", 10),
                  InstanceRead(HOST, 30, instance(state=PAUSED)))  # fmt: skip
    assert found.state_since == 10


def test_when_a_first_listed_state_began_is_not_known():
    assert store(listed(instance())).state.instances[KEY].state_since is None


def test_an_undescribed_listing_keeps_the_description():
    known = instance(disks=(disk(),), title="shop", agent=AgentState.CONNECTED)
    bare = instance(state=PAUSED, reason="user", described=False)
    found = store(listed(known), listed(bare, at=5.0)).state.instances[KEY]
    assert (found.state, found.title, found.disks) == (PAUSED, "shop", known.disks)
    assert found.described


def test_a_first_listing_finds_nothing_worth_telling():
    assert not [one for one in store(listed(instance())).state.events if type(one) is ev.Found]


def test_a_listing_after_a_gap_tells_what_differs():
    made = store(listed(instance("web"), instance("db"), instance("cache")))
    made.apply(LinkChanged(HOST, 60.0, UP))
    cash = replace(instance("cache"), name="cash")
    paused = instance("web", state=PAUSED)
    delta = made.apply(listed(paused, cash, instance("mail"), at=60.0))
    later = made.elapse(70.0)
    found = {(event.name, event.change) for event in (*delta.events, *later.events)}
    assert found == {
        ("web", "running -> paused"),
        ("db", "vanished"),
        ("cash", "renamed from cache"),
        ("mail", "appeared"),
    }
    assert delta.gone == {instance("db").key}


def test_listing_order_is_kept_and_hosts_keep_their_place():
    made = store(listed(instance("web"), instance("db")))
    made.apply(Listed("beta", 3.0, instances=(instance("mail", host="beta"),)))
    made.apply(listed(instance("db"), instance("cache"), instance("web"), at=9.0))
    assert [one.name for one in made.state.instances.values()] == ["db", "cache", "web", "mail"]


def test_gone():
    made = store(listed(instance()))
    assert made.apply(InstanceGone(HOST, 5.0, "web-uuid")).gone == {KEY}
    assert made.apply(InstanceGone(HOST, 6.0, "web-uuid")).empty


def sample(at, **fields):
    return Sampled(HOST, at, {"web-uuid": Counters(**fields)})


def test_a_sample_corrects_a_state_nobody_told():
    made = store(listed(instance()))
    delta = made.apply(sample(60.0, state=3, reason=5))
    found = made.state.instances[KEY]
    assert (found.state, found.reason, found.state_since) == (PAUSED, "I/O error", 60.0)
    assert KEY in delta.changed
    assert [event.change for event in made.elapse(70.0).events] == ["running -> paused"]


def test_a_slow_sample_does_not_contradict_fresh_news():
    found = after(lifecycle("stopped", "destroyed", 60.0), sample(61.0, state=1, reason=1))
    assert found.state is SHUTOFF


def test_a_late_sample_gives_a_stopped_instance_no_rates():
    made = store(listed(instance()), lifecycle("stopped", "destroyed", 60.0))
    made.apply(sample(61.0, state=1, reason=1, cpu_time=5))
    assert not made.state.rates


def test_a_sample_tells_memory_and_vcpus():
    found = after(sample(60.0, state=1, reason=1, vcpus=4, balloon=2**30))
    assert (found.vcpus, found.memory, found.state) == (4, 2**30, RUNNING)


def test_balloon_event():
    assert after(ev.BalloonChanged(HOST, 9.0, "web-uuid", "web", 12345)).memory == 12345


def test_an_empty_state_and_a_cached_one():
    made = Store(StoreLimits())
    assert made.state is made.state
    assert made.state.instances == {}


def test_an_unchanged_table_is_shared_between_states():
    made = store(listed(instance()))
    before = made.state
    made.apply(ev.Rebooted(HOST, 9.0, "web-uuid", "web"))
    assert made.state.instances is before.instances
    assert len(made.state.events) == len(before.events) + 1
    with pytest.raises(TypeError):
        made.state.instances[KEY] = instance()
