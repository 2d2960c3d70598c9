"""Ends that are told as a crash is: of a destination when its migration ends, of a shutdown."""

from __future__ import annotations

import pytest

from core.model import Answer, Instance, InstanceState, MigrationStatus, SteerKind
from core.model import event as ev
from core.model.event import ControlError, InstanceLifecycle
from core.model.observation import HostAdded, LinkChanged, MigrationChanged
from core.state.event_text import describe, severity
from core.state.store import Store
from tests.unit.migration_builders import START, migration, record
from tests.unit.state_builders import UP, instance, listed

STAMP = ("beta", START + 5, "web-uuid", "web")
STOPPED = InstanceLifecycle(*STAMP, "stopped", "failed")
SHUTDOWN = InstanceLifecycle(*STAMP, "shutdown", "host")
"""What libvirt 11.3 tells before the stop."""


def destination(*migrations: object, persistent: bool = False) -> Store:
    """A store in which web waits at beta for its memory."""
    made = Store()
    seen = (
        HostAdded("beta", START, "qemu:///x"),
        LinkChanged("beta", START, UP),
        listed(*([instance("web", host="beta", state=InstanceState.SHUTOFF)] if persistent else []),
               host="beta"),
        InstanceLifecycle("beta", START, "web-uuid", "web", "started", "migrated"),
        *(MigrationChanged("alpha", START, row) for row in migrations),
    )  # fmt: skip
    for one in seen:
        made.apply(one)
    return made


def told(store: Store, *events: ev.Event) -> list[tuple[str, str]]:
    return [
        (describe(line), severity(line)) for event in events for line in store.apply(event).events
    ]


ASKED = migration(steering=(record(SteerKind.ABORT, answer=Answer.REQUESTED),))
OVER = migration(status=MigrationStatus.ABORTED, ended=START + 4)


@pytest.mark.parametrize("before", [(), (SHUTDOWN,)])
@pytest.mark.parametrize("row", [ASKED, OVER])
def test_a_deliberate_abort_raises_nothing_at_the_destination(row, before):
    store = destination(row)
    told(store, *before)
    for text, grade in told(store, ControlError(*STAMP), STOPPED, ControlError(*STAMP)):
        assert "its migration was aborted" in text
        assert "monitor" not in text
        assert grade == "info"
    assert not store.state.alerts


def test_a_guest_that_stands_still_at_its_source_waits_for_nothing():
    store = destination(migration(host="beta", to="alpha"))
    assert told(store, ControlError(*STAMP)) == [
        ("web lost the monitor of its hypervisor process", "error")
    ]


@pytest.mark.parametrize("before", [(), (SHUTDOWN,)])
def test_an_abort_of_somebody_else_is_not_called_a_fault_either(before):
    store = destination(migration())
    told(store, *before)
    (_, first), (text, second) = told(store, ControlError(*STAMP), STOPPED)
    assert text == "web ended where it waited for its memory: its migration was aborted or failed"
    assert first == second == "warning"


@pytest.mark.parametrize("before", [(), (SHUTDOWN,)])
def test_a_definition_that_waited_there_is_not_said_to_have_crashed(before):
    store = destination(ASKED, persistent=True)
    told(store, *before, STOPPED)
    left: Instance = store.state.instances[STOPPED.subject]
    assert (left.state, left.reason) == (InstanceState.SHUTOFF, "failed")
    assert not store.state.alerts


@pytest.mark.parametrize(
    "rows",
    [
        (),
        (migration(steering=(record(SteerKind.ABORT, answer=Answer.REFUSED),)),),
        (migration(status=MigrationStatus.COMPLETED, ended=START + 1),),
    ],
)
def test_a_guest_that_runs_there_and_loses_its_monitor_is_in_trouble(rows):
    store = destination(*rows)
    told(store, InstanceLifecycle("beta", START + 2, "web-uuid", "web", "resumed", "migrated"))
    assert told(store, ControlError(*STAMP)) == [
        ("web lost the monitor of its hypervisor process", "error")
    ]


def test_an_abort_long_ago_excuses_nothing():
    store = destination(migration(status=MigrationStatus.ABORTED, ended=START - 900))
    told(store, STOPPED)
    (line,) = told(store, ControlError(*STAMP))
    assert line == ("web lost the monitor of its hypervisor process", "error")


def test_a_guest_that_powers_off_has_not_lost_its_monitor():
    """Seen at a load of 26: libvirt was asking the process something when it ended."""
    store = Store()
    for one in (
        HostAdded("beta", START, "qemu:///x"),
        LinkChanged("beta", START, UP),
        listed(instance("web", host="beta", state=InstanceState.RUNNING), host="beta"),
    ):
        store.apply(one)
    assert told(store, ControlError(*STAMP)) == [
        ("web lost the monitor of its hypervisor process", "error")
    ]
    told(store, InstanceLifecycle(*STAMP, "shutdown", "guest"))
    assert told(store, ControlError(*STAMP)) == [
        ("web ends: its hypervisor process closed its monitor", "info")
    ]
    crashed = InstanceLifecycle(*STAMP, "stopped", "crashed")
    assert [grade for _, grade in told(store, crashed)] == ["error"]
