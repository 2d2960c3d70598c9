"""What hosts have connected: how each stands, and how a leftover is let go of."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from core.model import (
    Disk,
    DiskSource,
    Host,
    Instance,
    InstanceState,
    ObjectKey,
    OperationStatus,
    State,
)
from core.model.connected_volume import ConnectedVolume
from core.model.host import Link, LinkStatus
from core.model.secret_value import Secret
from core.state.connections import connections_of, ledger
from core.verbs.around import around
from core.verbs.caution import Caution
from core.verbs.checks import check
from core.verbs.danger import danger
from core.verbs.device.connecting import DisconnectCall, LetGoAnswer, VolumeLeft, VolumeReached
from core.verbs.device.host_requests import DisconnectVolume
from core.verbs.device.leftover import VOLUME_DISCONNECT
from core.verbs.situation import Action, End, Progress, Send, Sent, Situation
from tests.unit.core.verbs.device.test_connecting import record
from tests.unit.core.volumes.infos import document
from tests.unit.power_builders import WEB, T, sent, web

HOST = ObjectKey("host", "alpha", "alpha")
UP = Host("alpha", "qemu:///system", Link(LinkStatus.UP, 0.0), listed=frozenset({"instances"}))
ENTRY = ConnectedVolume("iscsi", {}, {"path": "/dev/sdc"}, "vdb", "v1")
HAS = Disk("vdb", source=DiskSource("block", "/dev/sdc"))
ASKED = DisconnectVolume(HOST, "/dev/sdc")
REACHED = record("volume-attach", 1.0, VolumeReached(ENTRY).told())


def state(*instances: Instance, host: Host = UP, **more: Any) -> State:
    return State(
        hosts={"alpha": host},
        instances={one.key: one for one in instances},
        operations={REACHED.id: REACHED, **more},
    )


LEFT = state(web(disks=()))


@pytest.mark.parametrize(
    ("picture", "standing", "why"),
    [
        (state(web(disks=(HAS,))), "in use", "it is the disk of web:vdb"),
        (LEFT, "left over", "the instance has no such disk, nobody else has it"),
        (state(), "left over", "the instance is gone, nobody else has it"),
        (state(web(disks=(), described=False)), "not known", "not every instance of alpha was"),
        (state(host=replace(UP, listed=frozenset())), "not known", "not every instance of alpha"),
        (state(host=replace(UP, link=Link(LinkStatus.DOWN, 0.0))), "not known", "out of reach"),
    ],
)
def test_how_an_entry_stands(picture: State, standing: str, why: str) -> None:
    (entry,) = ledger(picture)
    assert (entry.standing, entry.volume) == (standing, ENTRY)
    assert why in entry.why


def test_only_a_leftover_is_disconnected_and_its_device_is_named() -> None:
    assert check(LEFT, ASKED) == ()
    asked = danger(LEFT, ASKED)
    assert asked.caution is Caution.CONFIRM
    assert asked.text == (
        "Takes /dev/sdc away from alpha: whoever uses it there loses it.\n"
        "It is the iscsi volume v1, connected for web:vdb; the instance has no such disk, nobody "
        "else has it."
    )
    for picture, words in (
        (state(web(disks=(HAS,))), "/dev/sdc is not left over: it is the disk of web:vdb"),
        (state(web(described=False)), "is not left over: not every instance"),
    ):
        assert words in str(check(picture, ASKED)[0])
    other = DisconnectVolume(HOST, "/dev/sdx")
    assert "knows of no volume at /dev/sdx" in str(check(LEFT, other)[0])


def test_what_its_storage_is_asked_with_is_given_where_no_ledger_has_it() -> None:
    text = document("iscsi", volume_id="v1", auth_password="chap-word")
    request = replace(ASKED, connection_info=Secret(text))
    action = decide(request=request)
    assert isinstance(action, Send)
    assert isinstance(action.call, DisconnectCall)
    assert dict(action.call.secrets) == {"auth_password": Secret("chap-word")}
    other = decide(request=replace(ASKED, connection_info=Secret(document("iscsi"))))
    assert isinstance(other, End)
    assert "not of the iscsi volume v1" in other.outcome


def decide(*calls: Sent, request: DisconnectVolume = ASKED) -> Action:
    now = Situation(request, "alpha", T + 9, Progress(calls), UP, around=around(LEFT, HOST))
    assert VOLUME_DISCONNECT.decide is not None
    return VOLUME_DISCONNECT.decide(now)


def test_its_host_lets_go_and_the_ledger_has_it_no_more() -> None:
    first = decide()
    assert isinstance(first, Send)
    assert first.call == DisconnectCall(ENTRY, of=WEB.id)
    assert first.text == "having alpha disconnect the iscsi volume v1"
    end = decide(replace(sent(first.call), answer=LetGoAnswer()))
    assert isinstance(end, End)
    assert end.outcome == "the iscsi volume v1 (/dev/sdc) is disconnected from alpha"
    assert isinstance(end.result, VolumeLeft)
    left = changed_subject(end.result)
    after = state(web(disks=()), **{left.id: left})
    assert connections_of(after, WEB) == {}
    assert ledger(after) == []


def changed_subject(result: VolumeLeft) -> Any:
    return replace(record("volume-disconnect", 2.0, result.told()), subject=HOST)


def test_one_that_somebody_has_after_all_stays() -> None:
    call = DisconnectCall(ENTRY, of=WEB.id)
    end = decide(replace(sent(call), answer=LetGoAnswer("db")))
    assert isinstance(end, End)
    assert end.status is OperationStatus.FAILED
    assert end.outcome == "db has the iscsi volume v1 (/dev/sdc): it stays connected"
    failed = decide(replace(sent(call), error="busy.", certain=True))
    assert isinstance(failed, End)
    assert failed.status is OperationStatus.FAILED
    lost = decide(replace(sent(call), error="it ended", certain=False))
    assert isinstance(lost, End)
    assert lost.status is OperationStatus.UNKNOWN


@pytest.mark.parametrize(
    ("path", "refused"), [("/dev/sdc", True), ("/dev//sdc", True), ("/dev/sdd", False)]
)
def test_one_that_the_next_start_has_is_refused_by_the_definition(path: str, refused: bool) -> None:
    definition = (
        f"<domain type='kvm'><name>web</name><uuid>{WEB.id}</uuid><devices>"
        f"<disk type='block' device='disk'><source dev='{path}'/><target dev='vdc'/></disk>"
        "</devices></domain>"
    )
    now = Situation(
        ASKED, "alpha", T, Progress(), UP, document=definition, around=around(LEFT, HOST)
    )
    assert VOLUME_DISCONNECT.decide is not None
    action = VOLUME_DISCONNECT.decide(now)
    if not refused:
        assert isinstance(action, Send)
        return
    assert isinstance(action, End)
    assert (action.status, action.outcome) == (
        OperationStatus.REFUSED,
        "/dev/sdc is not left over: the next start of web has it as vdc: "
        "detach it there from the next start on: that disconnects it.",
    )


def test_only_the_definition_of_whoever_runs_without_it_is_read() -> None:
    runs = replace(web(disks=()), state=InstanceState.RUNNING)
    off = replace(runs, state=InstanceState.SHUTOFF)
    of = VOLUME_DISCONNECT.document_of
    assert [of(state(one), ASKED) for one in (runs, off)] == [WEB, None]
    assert of(state(), ASKED) is None
    assert of(state(replace(runs, disks=(HAS,))), ASKED) is None
