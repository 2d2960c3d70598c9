"""Volumes that a host has connected, when their instance moves: refused, connected, let go of."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
from msgspec.structs import replace as changed

from core.migration.plan.connected import with_connected
from core.model import Disk, DiskSource, Host, Instance, ObjectKey, OperationStatus, Request, State
from core.model.connected_volume import ConnectedVolume, HostEncryption
from core.model.host import Link, LinkStatus
from core.model.rewrites import Move, Rewrites, VolumeRewrite
from core.model.secret_value import Secret
from core.state.connections import connections_of, ledger, share_used
from core.verbs.around import around
from core.verbs.cold.letting_go import STAYS, letting_go
from core.verbs.cold.requests import ColdMigrate, ConfirmColdMigration
from core.verbs.connected import left_behind, moves
from core.verbs.device.beforehand import VOLUME_CONNECT
from core.verbs.device.calls import AttachCall
from core.verbs.device.connecting import (
    ConnectCall,
    DeviceAnswer,
    DisconnectCall,
    LetGoAnswer,
    VolumeLeft,
    VolumeReached,
)
from core.verbs.device.family import VOLUME_ATTACH
from core.verbs.device.host_requests import ConnectVolume, DisconnectVolume
from core.verbs.device.requests import VolumeAttach
from core.verbs.evacuation.requests import Evacuate
from core.verbs.migration.requests import Migrate
from core.verbs.power.calls import CreateCall
from core.verbs.power.immediate import start
from core.verbs.power.requests import Start
from core.verbs.situation import (
    Action,
    Decide,
    End,
    Progress,
    Send,
    Sent,
    Situation,
    done,
    failed,
)
from core.verbs.undoing import against_forgetting
from core.xml import read_instance
from core.xml.definition.rescue import RescueDisk, rescue_document
from tests.unit.core.verbs.device.test_connecting import record
from tests.unit.power_builders import WEB, S, T, sent, web
from tests.verbs import check

UP = Link(LinkStatus.UP, 0.0)
ENTRY = ConnectedVolume("fibre_channel", {"target_lun": 1}, {"path": "/dev/sdc"}, "vdb", "v1")
LUN = {"target_portal": "10.0.0.1:3260", "target_iqn": "iqn.a", "target_lun": 1}
ISCSI = ConnectedVolume("iscsi", LUN, {"path": "/dev/sdc", "scsi_wwn": "3600"}, "vdb", "v1")
HAS = Disk("vdb", source=DiskSource("block", "/dev/sdc"))
REACHED = record("volume-attach", 1.0, VolumeReached(ENTRY).told())
THERE = ObjectKey("instance", "beta", WEB.id)
DEAD = Link(LinkStatus.DOWN, 0.0)


def picture(instance: Instance, *records: Any, alpha: Link = UP) -> State:
    hosts = {
        "alpha": Host("alpha", "qemu://a/system", alpha, listed=frozenset({"instances"})),
        "beta": Host("beta", "qemu://b/system", UP, listed=frozenset({"instances"})),
    }
    told = {one.id: one for one in (REACHED, *records)}
    return State(hosts=hosts, instances={instance.key: instance}, operations=told)


@pytest.mark.parametrize(
    ("request_", "instance", "alpha"),
    [
        (Migrate(WEB, to="beta"), web(disks=(HAS,)), UP),
        (Migrate(WEB, to="beta"), web(described=False), UP),
        (Migrate(WEB, to="beta", offline=True), web(S.SHUTOFF, disks=(HAS,)), UP),
        (ColdMigrate(WEB, to="beta"), web(S.SHUTOFF, disks=(HAS,)), UP),
        (Evacuate(THERE, "alpha", "alpha", "web"), web(disks=(HAS,)), DEAD),
    ],
)
def test_what_is_connected_at_the_source_alone_is_not_left_behind(
    request_: Request, instance: Instance, alpha: Link
) -> None:
    told = [str(one) for one in check(picture(instance, alpha=alpha), request_)]
    words = "vdb (the fibre_channel volume v1) of web is connected by alpha, and not by beta"
    assert [one for one in told if words in one], told
    without = changed(instance, disks=(), described=True)
    told = [str(one) for one in check(picture(without, alpha=alpha), request_)]
    assert not [one for one in told if "is connected by" in one]


def test_what_the_operator_says_of_it_there_is_theirs() -> None:
    state = picture(web(disks=(HAS,)))
    for said in (
        Rewrites(disks=(Move("/dev/sdc", "/dev/sdx"),)),
        Rewrites(volumes=(VolumeRewrite("v1", secret="5a4d2f2e-0b8e-4f0e-9a43-0a3d4b0f7a11"),)),
    ):
        assert left_behind(state, WEB, "beta", said) == {}
    assert list(left_behind(state, WEB, "beta")) == ["vdb"]


def test_a_device_that_is_gone_is_in_no_entry_of_its_host() -> None:
    """Two instances had it; the one that let go last took it away for both."""
    other = changed(record("volume-attach", 2.0, VolumeReached(ENTRY).told()), id="o2",
                    subject=ObjectKey("instance", "alpha", "db"))  # fmt: skip
    kept = changed(record("volume-detach", 3.0, VolumeLeft("vdb", "db").told()), id="o3")
    state = picture(web(disks=()), other, kept)
    assert connections_of(state, WEB) == {}
    assert [one.subject.id for one in ledger(state)] == ["db"]
    both = picture(web(disks=()), other)
    assert len(ledger(both)) == 2
    gone = changed(record("volume-detach", 3.0, VolumeLeft("vdb").told()), id="o3")
    assert ledger(picture(web(disks=()), other, gone)) == []


ALPHA, BETA = ObjectKey("host", "alpha", "alpha"), ObjectKey("host", "beta", "beta")
ASKED = ConnectVolume(BETA, "web", "vdb")


def known(entry: ConnectedVolume, *records: Any) -> State:
    state = picture(web(disks=(HAS,)), *records)
    reached = changed(REACHED, result=VolumeReached(entry).told())
    return replace_state(state, operations={**state.operations, reached.id: reached})


def replace_state(state: State, **changes: Any) -> State:
    return dataclasses.replace(state, **changes)


def decide(state: State, request: ConnectVolume, *calls: Sent) -> Action:
    seen = around(state, request.subject)
    now = Situation(request, request.subject.host, T + 9, Progress(calls), None, around=seen)
    assert VOLUME_CONNECT.decide is not None
    return VOLUME_CONNECT.decide(now)


def given(protocol: str, **data: Any) -> Secret:
    return Secret(json.dumps({"driver_volume_type": protocol, "data": {**LUN, **data}}))


def test_a_destination_connects_what_says_nothing_of_a_host_as_the_source_has() -> None:
    state = known(ISCSI)
    assert check(state, Migrate(WEB, to="beta")) == ()
    assert check(state, ASKED) == ()
    first = decide(state, ASKED)
    assert isinstance(first, Send)
    assert first.text == "having beta connect the iscsi volume v1"
    call = first.call
    assert isinstance(call, ConnectCall)
    assert (call.data, call.owner, call.alone, call.identity) == (LUN, WEB.id, True, "3600")
    came = changed(sent(call), answer=DeviceAnswer({"path": "/dev/sdx"}))
    end = decide(state, ASKED, came)
    assert isinstance(end, End)
    assert end.outcome == "the iscsi volume v1 is connected on beta (/dev/sdx) for web:vdb"
    assert isinstance(end.result, VolumeReached)
    there = changed(record("volume-connect", 2.0, end.result.told()), id="o2", subject=BETA)
    after = known(ISCSI, there)
    assert connections_of(after, THERE)["vdb"].path == "/dev/sdx"
    assert moves(after, WEB, "beta") == (Move("/dev/sdc", "/dev/sdx"),)
    assert left_behind(after, WEB, "beta") == {}
    (left,) = [one for one in ledger(after) if one.subject.host == "beta"]
    assert (left.standing, left.name) == ("left over", "web")
    assert left.why == "it is on alpha, nobody else has it"
    assert "beta has connected it for web:vdb already (/dev/sdx)" in str(check(after, ASKED)[0])


@pytest.mark.parametrize(
    ("entry", "info", "words"),
    [
        (ENTRY, None, "How a volume of fibre_channel is reached is another on each host"),
        (changed(ISCSI, data={**LUN, "auth_password": "withheld"}), None,
         "The secrets of the iscsi volume v1 are in no journal"),
        (ISCSI, given("iscsi", volume_id="v2"), "is of v2, not of the iscsi volume v1"),
        (ISCSI, given("local", device_path="/dev/sdx"), "Nobody connects a volume of local"),
        (ISCSI, Secret("{"), "is no JSON"),
    ],
)  # fmt: skip
def test_what_cannot_be_connected_so_is_refused_with_the_cure(
    entry: ConnectedVolume, info: Secret | None, words: str
) -> None:
    (told,) = check(known(entry), ConnectVolume(BETA, "web", "vdb", info))
    assert words in str(told)
    refused = decide(known(entry), ConnectVolume(BETA, WEB.id, "vdb", info))
    assert isinstance(refused, End)
    assert refused.status is OperationStatus.REFUSED
    if info is None:
        told_of = [str(one) for one in check(known(entry), Migrate(WEB, to="beta"))]
        (one,) = [each for each in told_of if "and not by beta" in each]
        assert "virtdeck volume connect beta --instance web --disk vdb" in one
        assert "--connection-info-file" in one


def test_its_own_host_connects_it_again_where_the_disk_has_it() -> None:
    """After a boot of the host: Nova connects what an instance has at each start."""
    asked = ConnectVolume(ALPHA, "web", "vdb")
    state = known(ISCSI)
    assert check(state, asked) == ()
    first = decide(state, asked)
    assert isinstance(first, Send)
    call = first.call
    assert isinstance(call, ConnectCall)
    assert (call.again, call.target, call.owner) == ("/dev/sdc", "vdb", WEB.id)
    end = decide(state, asked, changed(sent(call), answer=DeviceAnswer({"path": "/dev/sdc"})))
    assert isinstance(end, End)
    assert end.outcome == "the iscsi volume v1 is connected on alpha again (/dev/sdc) for web:vdb"
    # what became of one that was lost is not known, and the entry stays as it is
    assert VOLUME_CONNECT.leaves(asked, (Sent(call, T),)) is None
    secret = known(changed(ISCSI, data={**LUN, "auth_password": "withheld"}))
    (told,) = check(secret, asked)
    assert "The secrets of the iscsi volume v1 are in no journal" in str(told)
    assert check(secret, ConnectVolume(ALPHA, "web", "vdb", given("iscsi"))) == ()


def test_a_start_that_misses_a_volume_tells_how_its_host_connects_it_again() -> None:
    link = "/dev/disk/by-id/wwn-0x6001405"
    state = known(changed(ISCSI, device={"path": link, "os_path": "/dev/sdc"}))
    error, hint = f"There is no file {link} on alpha", "Put it there, or name another."
    failed = changed(Sent(CreateCall(), T), ended=T, error=error, hint=hint, certain=True)
    now = Situation(Start(WEB), "web", T + 9, Progress((failed,)), web(S.SHUTOFF),
                    around=around(state, WEB))  # fmt: skip
    end = start(now)
    assert isinstance(end, End)
    assert end.outcome.startswith(error)
    told = "virtdeck volume connect alpha --instance web --disk vdb"
    assert end.hint == f"Have its host connect it again: `{told}`."
    other = changed(failed, error="There is no file /pool/web on alpha")
    end = start(dataclasses.replace(now, progress=Progress((other,))))
    assert isinstance(end, End)
    assert end.hint == hint


def test_what_no_host_has_connected_is_connected_for_nobody() -> None:
    (told,) = check(known(ISCSI), ConnectVolume(BETA, "db", "vdb"))
    assert "No host has connected a volume for db:vdb" in str(told)
    gone = decide(known(ISCSI), ConnectVolume(BETA, "db", "vdb"))
    assert isinstance(gone, End)
    assert gone.outcome == "db:vdb is in no ledger any more"


def test_a_console_that_ended_while_a_host_connected_leaves_an_entry_without_a_device() -> None:
    state = known(ISCSI)
    first = decide(state, ASKED)
    assert isinstance(first, Send)
    lost = Sent(first.call, T)
    left = VOLUME_CONNECT.leaves(ASKED, (lost,))
    assert isinstance(left, VolumeReached)
    told = changed(
        record("volume-connect", 2.0, left.told()), id="o2", subject=BETA,
        status=OperationStatus.UNKNOWN,
    )  # fmt: skip
    after = known(ISCSI, told)
    (entry,) = [one for one in ledger(after) if one.subject.host == "beta"]
    assert (entry.standing, entry.volume.handle) == ("left over", "v1")
    assert "lost while it was connected" in entry.why
    assert check(after, DisconnectVolume(BETA, "v1")) == ()
    assert list(left_behind(after, WEB, "beta")) == ["vdb"]
    assert moves(after, WEB, "beta") == ()
    assert "virtdeck volume disconnect beta --device v1" in str(check(after, ASKED)[0])
    refused = changed(lost, ended=T, error="no device", certain=True)
    assert VOLUME_CONNECT.leaves(ASKED, (refused,)) is None


def test_what_a_lost_attach_has_left_connected_is_in_the_ledger() -> None:
    request = VolumeAttach(WEB, connection_info=given("iscsi", volume_id="v1"), target="vdb")
    call = ConnectCall("iscsi", LUN, volume_id="v1")
    connected = changed(sent(call), answer=DeviceAnswer({"path": "/dev/sdx"}))
    disk = Sent(AttachCall(live=True, config=True, kind="disk", name="vdb", xml="<disk/>"), T + 1)
    for calls in ((connected,), (connected, disk)):
        left = VOLUME_ATTACH.leaves(request, calls)
        assert isinstance(left, VolumeReached)
        assert (left.connected.path, left.connected.target) == ("/dev/sdx", "vdb")
    gone = changed(sent(DisconnectCall(left.connected), T + 2), answer=LetGoAnswer())
    assert VOLUME_ATTACH.leaves(request, (connected, disk, gone)) is None
    ended = record("volume-attach", 2.0, left.told())
    state = picture(web(disks=()), changed(ended, id="o2", status=OperationStatus.UNKNOWN))
    assert connections_of(state, WEB)["vdb"].path == "/dev/sdx"


def test_what_is_copied_is_not_what_both_hosts_have_connected() -> None:
    there = changed(record("volume-connect", 2.0, VolumeReached(ISCSI, WEB.id).told()), id="o2",
                    subject=BETA)  # fmt: skip
    own = Disk("vda", source=DiskSource("file", "/pool/web.raw"))
    state = known(ISCSI, there)
    state = replace_state(state, instances={WEB: web(disks=(own, HAS))})
    asked = with_connected(state, Migrate(WEB, to="beta", storage="copy-all"))
    assert (asked.disks, asked.storage) == (("vda",), "copy-all")
    state = replace_state(state, instances={WEB: web(disks=(HAS,))})
    asked = with_connected(state, Migrate(WEB, to="beta", storage="copy-all"))
    assert (asked.disks, asked.storage, asked.rewrites.disks) == ((), "shared", ())


def test_a_share_stays_mounted_while_another_volume_of_it_is_connected() -> None:
    one = ConnectedVolume("nfs", {}, {"path": "/m/abc/v1"}, "vdb", "v1")
    other = ConnectedVolume("nfs", {}, {"path": "/m/abc/v2"}, "vdc", "v2")
    ledger_ = {WEB: {"vdb": one, "vdc": other}}
    assert share_used(ledger_, "alpha", one, WEB.id)
    assert not share_used(ledger_, "beta", one)
    assert not share_used({WEB: {"vdb": one}}, "alpha", one, WEB.id)
    elsewhere = ConnectedVolume("nfs", {}, {"path": "/m/def/v2"}, "vdc", "v2")
    assert not share_used({WEB: {"vdb": one, "vdc": elsewhere}}, "alpha", one, WEB.id)


def test_a_rescue_keeps_what_is_connected_for_its_instance() -> None:
    """Its definition has the instance's own disks beside the image: nothing is left over."""
    document = (
        "<domain type='kvm'><name>web</name><memory>1</memory><os><type>hvm</type></os><devices>"
        "<disk type='block' device='disk'><source dev='/dev/sdc'/><target dev='vdb' bus='virtio'/>"
        "</disk></devices></domain>"
    )
    rescued = read_instance(rescue_document(document, RescueDisk("/r.raw", "disk", "raw")), "alpha")
    state = picture(changed(rescued, uuid="u", host="alpha"))
    assert [one.standing for one in ledger(state)] == ["in use"]


def let_go(decide: Decide, *calls: Sent, adopted: float | None = None) -> Action:
    state = picture(web(S.SHUTOFF, disks=(HAS,)))
    progress = Progress(calls, adopted=adopted)
    now = Situation(ConfirmColdMigration(THERE), "web", T + 9, progress, None,
                    around=around(state, THERE))  # fmt: skip
    return decide(now)


def test_once_a_cold_move_is_over_the_other_host_lets_go_whatever_becomes_of_that() -> None:
    decide = letting_go(lambda _: done("web is on beta"), lambda _: "alpha")
    first = let_go(decide)
    assert isinstance(first, Send)
    assert first.call == DisconnectCall(ENTRY, of=WEB.id, at="alpha")
    assert first.call.host == "alpha"
    assert first.text == "having alpha disconnect the fibre_channel volume v1"
    again = let_go(decide, Sent(first.call, T), adopted=T + 1)
    assert isinstance(again, Send)  # the next console has it done once more
    assert again.call == first.call
    end = let_go(decide, changed(sent(first.call), answer=LetGoAnswer()))
    assert isinstance(end, End)
    assert end.outcome == "web is on beta"
    assert end.result is not None
    over = changed(record("confirm-cold-migration", 2.0, end.result.told()), id="o2", subject=THERE)
    assert ledger(picture(web(disks=()), over)) == []
    used = let_go(decide, changed(sent(first.call), answer=LetGoAnswer("db")))
    assert isinstance(used, End)
    assert used.outcome.endswith("; the fibre_channel volume v1 stays connected on alpha for db")
    lost = let_go(decide, changed(sent(first.call), error="it ended.", certain=False))
    assert isinstance(lost, End)
    assert lost.status is OperationStatus.DONE
    assert lost.result is None
    assert "whether the fibre_channel volume v1 is disconnected from alpha is not" in lost.outcome


def test_a_cold_move_that_fails_has_its_destination_let_go_and_keeps_its_error() -> None:
    decide = letting_go(lambda _: failed("no space"), lambda _: "alpha", STAYS)
    first = let_go(decide)
    assert isinstance(first, Send)
    end = let_go(decide, changed(sent(first.call), answer=LetGoAnswer()))
    assert isinstance(end, End)
    assert (end.status, end.outcome) == (OperationStatus.FAILED, "no space")
    refused = letting_go(lambda _: End(OperationStatus.REFUSED, "no"), lambda _: "alpha", STAYS)
    assert let_go(refused) == End(OperationStatus.REFUSED, "no")


def test_an_operation_that_the_ledger_is_made_of_is_not_forgotten() -> None:
    """Without the one that let go, what it let go of would seem connected again."""
    for brought in (VolumeReached(ENTRY), VolumeLeft("vdb")):
        assert "virtdeck connections" in against_forgetting(record("any", 1.0, brought.told()))
    assert against_forgetting(changed(REACHED, result={})) == ""


def test_one_that_has_just_moved_waits_for_its_old_host_to_let_go() -> None:
    moving = changed(record("migrate", 2.0, {}), id="o3", subject=THERE,
                     status=OperationStatus.RUNNING)  # fmt: skip
    told = [str(one) for one in check(known(ISCSI, moving), Migrate(WEB, to="beta"))]
    assert told == ["beta has not let go yet of the volumes of web: wait for o3."]
    over = changed(moving, status=OperationStatus.DONE)
    assert check(known(ISCSI, over), Migrate(WEB, to="beta")) == ()


def test_a_destination_opens_what_its_source_has_opened_with_a_passphrase_of_its_own() -> None:
    state = known(changed(ISCSI, encryption=HostEncryption("luks2")))
    told = [str(one) for one in check(state, ASKED)]
    assert told == ["web:vdb is encrypted (luks2), and its host opens it: give --passphrase-file."]
    request = changed(ASKED, passphrase=Secret("ph"))
    assert check(state, request) == ()
    first = decide(state, request)
    assert isinstance(first, Send)
    assert isinstance(first.call, ConnectCall)
    assert (first.call.encryption, first.call.passphrase) == (HostEncryption("luks2"), Secret("ph"))
