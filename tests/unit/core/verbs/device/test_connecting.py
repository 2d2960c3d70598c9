"""Volumes that a host connects first: what is sent, taken back, kept in the ledger, let go of."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from core.model import (
    Disk,
    DiskSource,
    Host,
    Instance,
    OperationRecord,
    OperationStatus,
    State,
)
from core.model.connected_volume import ConnectedVolume, VolumeConnecting
from core.model.secret_value import Secret
from core.state.connections import connections_of, leftovers
from core.verbs.around import Around
from core.verbs.device.calls import AttachCall, DetachCall
from core.verbs.device.connecting import (
    CONNECTING,
    ConnectCall,
    DeviceAnswer,
    DisconnectCall,
    LetGoAnswer,
    VolumeLeft,
    VolumeReached,
)
from core.verbs.device.family import VOLUME_ATTACH
from core.verbs.device.requests import VolumeAttach, VolumeDetach
from core.verbs.situation import Action, End, Progress, Send, Sent, Situation
from tests.unit.core.verbs.device.test_attaching import against, other
from tests.unit.core.volumes.infos import DEVICES, VOLUME, document
from tests.unit.power_builders import WEB, S, T, ended, sent, step, web

REQUEST = VolumeAttach(WEB, connection_info=Secret(document("iscsi")))
DEVICE = DEVICES["iscsi"]
ENTRY = ConnectedVolume("fibre_channel", {"target_lun": 1}, {"path": "/dev/dm-3"}, "vdb", VOLUME)


def sends(action: Action) -> Send:
    assert isinstance(action, Send), action
    return action


def connected() -> Sent:
    call = sends(step(REQUEST, instance=web())).call
    return replace(sent(call), answer=DeviceAnswer(DEVICE))


def test_the_host_connects_it_first() -> None:
    first = sends(step(REQUEST, instance=web()))
    assert isinstance(first.call, ConnectCall)
    assert first.text == f"having alpha connect the iscsi volume {VOLUME}"
    assert first.call.data["auth_password"] == "withheld"
    assert dict(first.call.secrets)["auth_password"] == Secret("chap-word")
    assert "chap-word" not in repr(first.call)


def test_it_is_connected_as_it_is_set_for_its_host_and_let_go_of_likewise() -> None:
    how = VolumeConnecting(multipath=True, scan_attempts=7, python="/opt/python")
    around = Around(instance=web(), host=Host("alpha", "qemu:///system", connecting=how))
    call = sends(step(REQUEST, instance=web(), around=around)).call
    assert isinstance(call, ConnectCall)
    assert (call.multipath, call.how) == (True, how)
    one = replace(sent(call), answer=DeviceAnswer(DEVICE))
    disk = sends(step(REQUEST, one, instance=web(), now=T + 1)).call  # it is set anew meanwhile
    refused = replace(sent(disk, T + 1), error="no more slots", certain=True)
    back = sends(step(REQUEST, one, refused, instance=web(), now=T + 2)).call
    assert isinstance(back, DisconnectCall)
    assert (back.connected.multipath, back.connected.python) == (True, "/opt/python")


def test_the_disk_is_of_the_device_that_came_up_and_the_ledger_has_it() -> None:
    one = connected()
    then = sends(step(REQUEST, one, instance=web(), now=T + 1))
    assert isinstance(then.call, AttachCall)
    assert '<source dev="/dev/sdc"/>' in then.call.xml
    assert f"<serial>{VOLUME}</serial>" in then.call.xml
    assert "/dev/sdc" in then.call.alone
    end = ended(step(REQUEST, one, sent(then.call, T + 1), instance=web(), now=T + 2),
                OperationStatus.DONE)  # fmt: skip
    assert end.outcome == f"the iscsi volume {VOLUME} is attached to web as vda"
    assert isinstance(end.result, VolumeReached)
    entry = end.result.connected
    assert (entry.path, entry.target, entry.volume_id) == ("/dev/sdc", "vda", VOLUME)
    assert entry.data["auth_password"] == "withheld"


def test_the_disk_is_what_its_undo_names_though_another_came_meanwhile() -> None:
    first = Situation(REQUEST, "web", T, Progress(()), None, around=Around(instance=web(disks=())))
    assert VOLUME_ATTACH.undo is not None
    assert VOLUME_ATTACH.undo(first) == VolumeDetach(WEB, "vda")
    came = web(disks=(Disk("vda", source=DiskSource("file", "/x")),))
    then = sends(step(REQUEST, connected(), instance=came, now=T + 1))
    assert isinstance(then.call, AttachCall)
    assert then.call.name == "vda"  # libvirt refuses that, and what was done is undone
    named = VolumeAttach(WEB, connection_info=REQUEST.connection_info, target="vdz")
    call = sends(step(named, instance=web())).call
    assert isinstance(call, ConnectCall)
    assert call.target == "vdz"


def test_where_the_disk_is_refused_the_host_lets_go_and_the_first_error_stays() -> None:
    one = connected()
    disk = sends(step(REQUEST, one, instance=web(), now=T + 1)).call
    refused = replace(sent(disk, T + 1), error="no more slots", certain=True)
    back = sends(step(REQUEST, one, refused, instance=web(), now=T + 2))
    assert isinstance(back.call, DisconnectCall)
    assert back.call.connected.device == DEVICE
    assert back.deadline == CONNECTING
    gone = replace(sent(back.call, T + 2), answer=LetGoAnswer())
    end = ended(step(REQUEST, one, refused, gone, instance=web(), now=T + 3),
                OperationStatus.FAILED)  # fmt: skip
    assert end.outcome == "no more slots; what was done before was undone"
    failed = replace(sent(back.call, T + 2), error="busy.", certain=True)
    end = ended(step(REQUEST, one, refused, failed, instance=web(), now=T + 3),
                OperationStatus.FAILED)  # fmt: skip
    assert end.outcome == "no more slots; what was done before could not be undone: busy"


def test_a_host_that_could_not_connect_it_has_nothing_to_let_go_of() -> None:
    call = sends(step(REQUEST, instance=web())).call
    refused = replace(sent(call), error="no device", hint="look", certain=True)
    end = ended(step(REQUEST, refused, instance=web(), now=T + 1), OperationStatus.FAILED)
    assert (end.outcome, end.hint) == ("no device", "look")


def test_one_that_was_lost_while_it_connected_is_not_known() -> None:
    call = sends(step(REQUEST, instance=web())).call
    lost = replace(sent(call), error="it ended in the middle of connect", certain=False)
    end = ended(step(REQUEST, lost, instance=web(), now=T + 1), OperationStatus.UNKNOWN)
    assert "ended in the middle of connect" in end.outcome


def test_a_console_that_takes_over_knows_what_is_connected() -> None:
    gone = VolumeAttach(WEB, connection_info=Secret(None))
    then = sends(step(gone, connected(), instance=web(), now=T + 1))
    assert isinstance(then.call, AttachCall)
    assert '<source dev="/dev/sdc"/>' in then.call.xml


def test_a_volume_that_somebody_has_is_connected_for_nobody_else() -> None:
    theirs = Disk("vdc", source=DiskSource("block", "/dev/sdx"), serial=VOLUME, shareable=True)
    told = against(REQUEST, web(), other(disks=(theirs,)))
    assert [one for one in told if "is used by db on alpha (vdc)" in one]
    shared = Secret(document("iscsi", more={"multiattach": True}))
    both = VolumeAttach(WEB, connection_info=shared)
    assert against(both, web(), other(disks=(theirs,))) == []
    again = against(both, web(disks=(theirs,)))
    assert [one for one in again if "is used by web" in one]


@pytest.mark.parametrize("protocol", ["gpfs", "local", "nfs"])
def test_nor_is_one_that_nobody_has_to_connect_attached_to_anybody_else(protocol: str) -> None:
    request = VolumeAttach(WEB, connection_info=Secret(document(protocol)))
    assert [one for one in against(request, web(), other()) if "is used by" in one] == []
    theirs = Disk("vdc", source=DiskSource("file", "/elsewhere/v"), serial=VOLUME)
    told = against(request, web(), other(disks=(theirs,)))
    assert [one for one in told if "is used by db on alpha (vdc)" in one]


def test_who_uses_a_volume_is_read_before_a_connection_info_is_judged() -> None:
    assert {"volume", "connection_info"} <= set(VOLUME_ATTACH.storage_for)


HAS = Disk("vdb", "virtio", source=DiskSource("block", "/dev/dm-3"))
DETACH = VolumeDetach(WEB, "vdb")


def detached(*more: Sent, **known: Any) -> Action:
    begun = DetachCall("disk", "vdb", "/dev/dm-3", live=False)
    around = Around(connections={"vdb": ENTRY})
    options = {"instance": web(S.SHUTOFF, disks=()), "around": around, "now": T + 3, **known}
    return step(DETACH, sent(begun), *more, **options)


def test_it_is_let_go_of_after_the_removal_is_proven_and_not_before() -> None:
    still = web(S.SHUTOFF, disks=(HAS,))
    begun = sends(step(DETACH, instance=still, around=Around(connections={"vdb": ENTRY})))
    assert isinstance(begun.call, DetachCall)
    then = sends(detached())
    assert then.call == DisconnectCall(ENTRY)
    assert then.text == f"having alpha disconnect the fibre_channel volume {VOLUME}"
    gone = replace(sent(then.call, T + 1), answer=LetGoAnswer())
    end = ended(detached(gone), OperationStatus.DONE)
    assert end.outcome == "vdb (/dev/dm-3) is detached from web"
    assert end.result == VolumeLeft("vdb")


def test_it_stays_for_another_user_and_what_fails_is_told() -> None:
    call = DisconnectCall(ENTRY)
    kept = replace(sent(call, T + 1), answer=LetGoAnswer("db"))
    end = ended(detached(kept), OperationStatus.DONE)
    assert end.outcome.endswith(f"; the fibre_channel volume {VOLUME} stays connected for db")
    failed = replace(sent(call, T + 1), error="it is busy.", certain=True)
    end = ended(detached(failed), OperationStatus.DONE)
    assert end.outcome.endswith("is disconnected is not known: it is busy")
    assert end.result is None


def test_its_entry_stays_as_long_as_the_instance_itself_has_the_device() -> None:
    own = replace(sent(DisconnectCall(ENTRY), T + 1), answer=LetGoAnswer("web"))
    end = ended(detached(own), OperationStatus.DONE)
    assert end.outcome == "vdb (/dev/dm-3) is detached from web"
    assert end.result is None


def test_what_no_ledger_knows_is_just_detached() -> None:
    end = ended(detached(around=Around()), OperationStatus.DONE)
    assert isinstance(end, End)
    assert end.result is None


def record(verb: str, at: float, result: dict[str, Any]) -> OperationRecord:
    return OperationRecord(f"{verb}-{at}", verb, "alpha", WEB, "web", "me", at,
                           status=OperationStatus.DONE, ended=at, result=result)  # fmt: skip


def state_of(instance: Instance, *records: OperationRecord) -> State:
    return State(instances={instance.key: instance}, operations={one.id: one for one in records})


def test_the_ledger_is_what_the_journal_has_of_attaches_and_detaches() -> None:
    reached = record("volume-attach", 1.0, VolumeReached(ENTRY).told())
    left = record("volume-detach", 2.0, VolumeLeft("vdb").told())
    state = state_of(web(disks=(HAS,)), reached)
    assert connections_of(state, WEB) == {"vdb": ENTRY}
    assert leftovers(state) == ()
    assert leftovers(state_of(web(disks=()), reached)) == ((WEB, ENTRY),)
    assert connections_of(state_of(web(), left, reached), WEB) == {}
    odd = record("volume-attach", 3.0, {"connected": 3})
    assert connections_of(state_of(web(), odd), WEB) == {}
