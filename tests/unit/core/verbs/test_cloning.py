"""A clone whose original is started meanwhile: undone, and told why."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.model import Disk, DiskSource, Event, Instance, InstanceState, ObjectKey, OperationStatus
from core.model.instance_event import InstanceLifecycle
from core.verbs.cloning import CLONE, Clone, CloneDefineCall, CloneDiskCall
from core.verbs.situation import Action, End, Progress, Send, Sent, Situation, Wait
from core.verbs.undefining import VolumeOfPathDeleteCall

UUID = "6695eb01-f6a4-8304-79aa-97f2502e193f"
KEY = ObjectKey("instance", "alpha", UUID)
XML = f"""
<domain type='qemu'><name>web</name><uuid>{UUID}</uuid><memory>8192</memory>
  <os><type>hvm</type></os>
  <devices>
    <disk type='volume' device='disk'>
      <source pool='default' volume='web.raw'/><target dev='vda'/>
    </disk>
    <disk type='volume' device='disk'>
      <source pool='default' volume='web-data.raw'/><target dev='vdb'/>
    </disk>
  </devices>
</domain>
"""
T = 1000.0
FIRST = CloneDiskCall("default/web.raw", "web2.raw", "copy", "raw")
SECOND = CloneDiskCall("default/web-data.raw", "web2-data.raw", "copy", "raw")
TORN = (
    "web was started while it was being cloned: what is copied from disks that are written to is "
    "torn"
)


def web(state: InstanceState) -> Instance:
    disks = tuple(
        Disk(target, source=DiskSource("volume", path, "raw"))
        for target, path in (("vda", FIRST.source), ("vdb", SECOND.source))
    )
    return Instance("alpha", UUID, "web", state, disks=disks, described=True)


def started(at: float) -> Event:
    return InstanceLifecycle("alpha", at, "web", UUID, "started", "booted")


def decide(
    *calls: Sent,
    state: InstanceState = InstanceState.SHUTOFF,
    events: tuple[Event, ...] = (),
    link_up: bool = True,
) -> Action:
    situation = Situation(
        Clone(KEY, "web2"), "web", T + 9, Progress(calls), web(state), document=XML, events=events
    )
    assert CLONE.decide is not None
    return CLONE.decide(replace(situation, link_up=link_up))


def copied(call: CloneDiskCall) -> Sent:
    return Sent(call, T, T + 5)


def test_each_disk_is_copied_while_it_is_off() -> None:
    assert isinstance(first := decide(), Send)
    assert first.call == FIRST
    assert isinstance(second := decide(copied(FIRST), events=(started(T - 1),)), Send)
    assert second.call == SECOND
    assert isinstance(last := decide(copied(FIRST), copied(SECOND)), Send)
    assert isinstance(last.call, CloneDefineCall)


@pytest.mark.parametrize("calls", [(), (FIRST,), (FIRST, SECOND)])
def test_nothing_is_copied_or_defined_of_one_that_runs(calls: tuple[CloneDiskCall, ...]) -> None:
    _undone(calls, InstanceState.RUNNING, ())


@pytest.mark.parametrize("calls", [(FIRST,), (FIRST, SECOND)])
def test_one_that_ran_meanwhile_and_is_off_again_is_torn_as_well(
    calls: tuple[CloneDiskCall, ...],
) -> None:
    _undone(calls, InstanceState.SHUTOFF, (started(T + 1),))


def _undone(
    calls: tuple[CloneDiskCall, ...], state: InstanceState, events: tuple[Event, ...]
) -> None:
    sent = [copied(call) for call in calls]
    for call in reversed(calls):
        action = decide(*sent, state=state, events=events)
        assert isinstance(action, Send)
        assert action.call == VolumeOfPathDeleteCall(f"default/{call.name}")
        sent.append(Sent(action.call, T + 6, T + 7))
    end = decide(*sent, state=state, events=events)
    assert isinstance(end, End)
    assert end.status is OperationStatus.FAILED
    assert end.outcome == TORN + ("; what was done before was undone" if calls else "")


def test_a_host_that_does_not_tell_is_waited_for() -> None:
    assert isinstance(decide(copied(FIRST), link_up=False), Wait)
