"""Alerts: raised with their cause, kept with their time, cleared when the cause is gone."""

from __future__ import annotations

import pytest

from core.model import AgentState, Counters, OperationRecord, OperationStatus, Severity
from core.model import event as ev
from core.model.host import Link, LinkStatus
from core.model.observation import (
    InstanceRead,
    LinkChanged,
    OperationChanged,
    PoolGone,
    PoolRead,
    Sampled,
)
from tests.unit.state_builders import (
    HOST,
    PAUSED,
    RUNNING,
    SHUTOFF,
    alert,
    disk,
    instance,
    kinds,
    lifecycle,
    listed,
    pool,
    store,
)

KEY = instance().key
STAMP = (HOST, 20.0, "web-uuid", "web")


def test_io_error_names_disk_and_cause_and_goes_with_the_pause():
    made = store(listed(instance(disks=(disk(),))))
    made.apply(ev.IoError(*STAMP, "/pool/web.qcow2", "virtio-vda", "pause", "enospc"))
    assert not made.state.alerts
    made.apply(lifecycle("suspended", "ioerror", 21.0))
    found = alert(made.state, KEY)
    assert found.cause == "No space left on vda: paused (/pool/web.qcow2)."
    assert (found.severity, found.since) == (Severity.ERROR, 21.0)
    truth = instance(disks=(disk(),), state=PAUSED, reason="I/O error")
    made.apply(InstanceRead(HOST, 22.0, truth))
    assert alert(made.state, KEY) == found
    made.apply(lifecycle("resumed", "unpaused", 23.0))
    assert not made.state.alerts


def test_an_io_error_told_before_the_resumption_it_follows_is_kept():
    """libvirt tells what QEMU says before the end of its own call."""
    made = store(listed(instance(disks=(disk(),))))
    made.apply(ev.IoError(*STAMP, "/pool/web.qcow2", "virtio-vda", "pause", "enospc"))
    made.apply(lifecycle("suspended", "ioerror", 21.0))
    made.apply(
        ev.IoError(HOST, 22.0, *STAMP[2:], "/pool/web.qcow2", "virtio-vda", "pause", "enospc")
    )
    made.apply(lifecycle("resumed", "unpaused", 23.0))
    truth = instance(disks=(disk(),), state=PAUSED, reason="I/O error")
    made.apply(InstanceRead(HOST, 24.0, truth))
    assert alert(made.state, KEY).cause == "No space left on vda: paused (/pool/web.qcow2)."


def test_an_io_error_told_after_the_pause_names_its_disk():
    made = store(listed(instance(disks=(disk(),))), lifecycle("suspended", "ioerror", 20.0))
    assert alert(made.state, KEY).cause == "I/O error on one of its disks: paused."
    made.apply(
        ev.IoError(HOST, 21.0, *STAMP[2:], "/pool/web.qcow2", "virtio-vda", "pause", "enospc")
    )
    found = alert(made.state, KEY)
    assert (found.cause, found.since) == ("No space left on vda: paused (/pool/web.qcow2).", 20.0)


def test_an_io_error_before_a_link_was_lost_explains_no_later_pause():
    made = store(listed(instance(disks=(disk(),))))
    made.apply(ev.IoError(*STAMP, "/pool/web.qcow2", "virtio-vda", "pause", "enospc"))
    paused = instance(disks=(disk(),), state=PAUSED, reason="I/O error")
    made.apply(InstanceRead(HOST, 21.0, paused))
    told = alert(made.state, KEY).cause
    made.apply(LinkChanged(HOST, 22.0, Link(LinkStatus.DOWN, 22.0, "cut")))
    made.apply(LinkChanged(HOST, 23.0, Link(LinkStatus.UP, 23.0)))
    made.apply(InstanceRead(HOST, 24.0, paused))
    assert alert(made.state, KEY).cause == told
    made.apply(InstanceRead(HOST, 25.0, instance(disks=(disk(),))))
    made.apply(InstanceRead(HOST, 26.0, paused))
    assert alert(made.state, KEY).cause == "I/O error on one of its disks: paused."


def test_io_error_found_by_a_listing():
    made = store(listed(instance(state=PAUSED, reason="I/O error")))
    assert alert(made.state, KEY).cause == "I/O error on one of its disks: paused."


@pytest.mark.parametrize(
    ("change", "detail", "cause"),
    [
        ("crashed", "panicked", "The guest panicked."),
        ("stopped", "failed", "Its hypervisor process ended unexpectedly."),
        ("stopped", "crashed", "Its hypervisor process ended unexpectedly."),
    ],
)
def test_crash_until_the_next_start(change, detail, cause):
    made = store(listed(instance()), lifecycle(change, detail, 20.0))
    assert (alert(made.state, KEY).kind, alert(made.state, KEY).cause) == ("crashed", cause)
    made.apply(lifecycle("started", "booted", 30.0))
    assert not made.state.alerts


def test_a_start_that_failed_is_no_crash():
    made = store(listed(instance(state=SHUTOFF)), lifecycle("stopped", "failed"))
    assert not made.state.alerts


def test_watchdog_pause():
    made = store(listed(instance()), ev.WatchdogFired(*STAMP, "pause"))
    made.apply(lifecycle("suspended", "watchdog", 20.1))
    assert alert(made.state, KEY).cause == "Its watchdog fired and paused it."
    made.apply(lifecycle("resumed", "unpaused", 30.0))
    assert not made.state.alerts


def test_watchdog_reset_stays_through_its_own_reboot_and_goes_with_the_next():
    made = store(listed(instance()), ev.WatchdogFired(*STAMP, "reset"))
    made.apply(ev.Rebooted(HOST, 20.1, "web-uuid", "web"))
    assert alert(made.state, KEY).severity is Severity.WARNING
    made.apply(ev.Rebooted(HOST, 300.0, "web-uuid", "web"))
    assert not made.state.alerts


def test_memory_failure_until_the_instance_stops():
    made = store(listed(instance()), ev.MemoryFailure(*STAMP, "guest", "fatal"))
    assert alert(made.state, KEY).severity is Severity.ERROR
    made.apply(lifecycle("suspended", "paused", 21.0))
    made.apply(lifecycle("resumed", "unpaused", 22.0))
    assert kinds(made.state, KEY) == ["memory-failure"]
    made.apply(lifecycle("stopped", "shutdown", 23.0))
    assert not made.state.alerts


def agent(state, reason="channel", at=20.0):
    return ev.AgentChanged(HOST, at, "web-uuid", "web", state, reason)


def test_a_lost_agent_until_it_is_back():
    made = store(listed(instance(agent=AgentState.CONNECTED)), agent("disconnected"))
    assert (kinds(made.state, KEY), alert(made.state, KEY).since) == (["agent-lost"], 20.0)
    made.apply(agent("connected", at=30.0))
    assert not made.state.alerts


def test_an_agent_that_never_was_is_not_lost():
    made = store(listed(instance(agent=AgentState.UNKNOWN)), agent("disconnected"))
    assert made.state.instances[KEY].agent is AgentState.DISCONNECTED
    assert not made.state.alerts


def test_an_agent_that_goes_with_its_guest_is_not_lost():
    made = store(listed(instance(agent=AgentState.CONNECTED)), lifecycle("shutdown", "guest"))
    made.apply(agent("disconnected"))
    assert not made.state.alerts
    made.apply(lifecycle("stopped", "shutdown", 21.0))
    assert not made.state.alerts


def test_an_agent_that_goes_a_moment_before_its_guest_is_not_lost_any_more():
    made = store(listed(instance(agent=AgentState.CONNECTED)), agent("disconnected"))
    assert kinds(made.state, KEY) == ["agent-lost"]
    made.apply(lifecycle("shutdown", "guest", 20.1))
    assert not made.state.alerts


def test_an_agent_that_goes_with_a_reboot_is_not_lost():
    made = store(listed(instance(agent=AgentState.CONNECTED)), agent("disconnected"))
    made.apply(ev.Rebooted(HOST, 21.0, "web-uuid", "web"))
    assert not made.state.alerts


def asked(verb, status, at=19.0):
    record = OperationRecord("op", verb, HOST, KEY, "web", "ann@desk", 19.0, status)
    return OperationChanged(HOST, at, record)


@pytest.mark.parametrize("verb", ["shutdown", "reboot"])
def test_an_agent_that_goes_because_its_guest_was_asked_to_end_is_not_lost(verb):
    """Seen at a load of 26: two seconds passed until the guest told that it was shutting down."""
    made = store(listed(instance(agent=AgentState.CONNECTED)))
    for one in (asked(verb, OperationStatus.RUNNING), agent("disconnected")):
        made.apply(one)
        assert not made.state.alerts
    made.apply(asked(verb, OperationStatus.DONE, at=30.0))
    assert not made.state.alerts


def test_an_agent_that_went_for_nothing_is_lost_when_that_is_known():
    made = store(listed(instance(agent=AgentState.CONNECTED)))
    made.apply(asked("shutdown", OperationStatus.RUNNING))
    made.apply(agent("disconnected"))
    made.apply(asked("shutdown", OperationStatus.FAILED, at=80.0))
    assert (kinds(made.state, KEY), alert(made.state, KEY).since) == (["agent-lost"], 20.0)


def test_an_agent_that_came_back_meanwhile_is_not_lost():
    made = store(listed(instance(agent=AgentState.CONNECTED)))
    made.apply(asked("shutdown", OperationStatus.RUNNING))
    made.apply(agent("disconnected"))
    made.apply(agent("connected", at=25.0))
    made.apply(asked("shutdown", OperationStatus.FAILED, at=80.0))
    assert not made.state.alerts


@pytest.mark.parametrize("verb", ["pause", "migrate"])
def test_another_operation_explains_no_lost_agent(verb):
    made = store(listed(instance(agent=AgentState.CONNECTED)))
    made.apply(asked(verb, OperationStatus.RUNNING))
    made.apply(agent("disconnected"))
    assert kinds(made.state, KEY) == ["agent-lost"]


def test_the_agent_of_a_new_run_is_not_lost():
    made = store(listed(instance(agent=AgentState.CONNECTED)))
    made.apply(agent("disconnected", "domain-started"))
    assert not made.state.alerts


def test_an_agent_lost_unseen_is_found_by_a_reading_of_the_same_run():
    first = instance(agent=AgentState.CONNECTED, id=3)
    lost = InstanceRead(HOST, 9.0, instance(agent=AgentState.DISCONNECTED, id=3))
    assert kinds(store(listed(first), lost).state, KEY) == ["agent-lost"]
    other = InstanceRead(HOST, 9.0, instance(agent=AgentState.DISCONNECTED, id=4))
    assert not store(listed(first), other).state.alerts


def test_a_silent_process_until_it_answers():
    made = store(listed(instance()))
    made.apply(Sampled(HOST, 30.0, {}, silent=("web-uuid",)))
    made.apply(Sampled(HOST, 32.0, {}, silent=("web-uuid",)))
    assert (kinds(made.state, KEY), alert(made.state, KEY).since) == (["not-answering"], 30.0)
    made.apply(Sampled(HOST, 34.0, {"web-uuid": Counters(1, 1)}))
    assert not made.state.alerts


def used(percent, at=5.0):
    return PoolRead(HOST, at, pool(capacity=100, allocation=percent))


def test_a_full_pool_with_hysteresis():
    made = store(used(90))
    key = pool().key
    assert not made.state.alerts
    made.apply(used(91, at=6.0))
    assert alert(made.state, key).cause == "91% of the pool is allocated."
    made.apply(used(89, at=7.0))
    assert alert(made.state, key).since == 6.0
    made.apply(used(87, at=8.0))
    assert not made.state.alerts
    made.apply(used(89, at=9.0))
    assert not made.state.alerts


def test_a_pool_that_is_gone_is_not_full():
    made = store(used(99), PoolGone(HOST, 6.0, "p1"))
    assert not made.state.alerts


def test_alerts_of_one_instance_stand_worst_first():
    made = store(listed(instance(agent=AgentState.CONNECTED)), agent("disconnected"))
    made.apply(lifecycle("suspended", "ioerror", 40.0))
    assert kinds(made.state, KEY) == ["io-error", "agent-lost"]
    made.apply(lifecycle("resumed", "unpaused", 41.0))
    assert kinds(made.state, KEY) == ["agent-lost"]
    assert made.state.instances[KEY].state is RUNNING
