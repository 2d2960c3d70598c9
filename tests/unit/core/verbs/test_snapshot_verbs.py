"""Snapshots: what is refused and why, what is asked first, what is sent and how it is judged."""

from __future__ import annotations

import dataclasses
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from core.model import (
    AgentState,
    Disk,
    DiskSource,
    Host,
    HostFacts,
    Instance,
    InstanceState,
    Link,
    LinkStatus,
    OperationStatus,
    Request,
    Snapshot,
    SnapshotDisk,
    State,
    Volume,
)
from core.verbs import checks
from core.verbs.around import Around
from core.verbs.caution import Caution
from core.verbs.danger import danger, danger_of
from core.verbs.refusal import RefusalCode
from core.verbs.situation import Action, End, Progress, Send, Sent, Situation
from core.verbs.snapshot.create import CREATE, SnapshotCreate, SnapshotCreateCall
from core.verbs.snapshot.delete import DELETE, SnapshotDelete, SnapshotDeleteCall
from core.verbs.snapshot.family import below
from core.verbs.snapshot.files import files_of_volumes, memory_file, volume_paths
from core.verbs.snapshot.revert import REVERT, SnapshotRevert, SnapshotRevertCall

QCOW2 = DiskSource("file", "/pool/root.qcow2", format="qcow2")
RAW = DiskSource("file", "/pool/data.raw", format="raw")
VOLUME = DiskSource("volume", "default/data.qcow2", format="qcow2")
NETWORK = DiskSource("network", "rbd:data", format="raw")
BASE = Snapshot("base", host="alpha", uuid="u-web")
ABOVE = Snapshot("above", "base", external=True, host="alpha", uuid="u-web")
TOP = Snapshot("top", "above", host="alpha", uuid="u-web", current=True)
BESIDE = Snapshot("beside", "base", host="alpha", uuid="u-web")


def web(*sources: DiskSource | None, **changes: Any) -> Instance:
    disks = tuple(Disk(f"vd{'abc'[number]}", source=one) for number, one in enumerate(sources))
    known = {"state": InstanceState.RUNNING, "disks": disks, **changes}
    return Instance("alpha", "u-web", "web", **known)


def state(instance: Instance, *snapshots: Snapshot, libvirt: int = 11_003_000) -> State:
    version = f"{libvirt // 1_000_000}.{libvirt // 1000 % 1000}.0"
    facts = HostFacts(libvirt_version=version)
    host = Host("alpha", "qemu:///alpha", Link(LinkStatus.UP, 0.0), facts=facts)
    return State(
        hosts={"alpha": host},
        instances={instance.key: instance},
        snapshots={instance.key: snapshots},
    )


def against(state: State, request: Request) -> list[str]:
    return [str(one) for one in checks.check(state, request)]


def create(**options: Any) -> SnapshotCreate:
    return SnapshotCreate(web().key, **{"name": "new", **options})


@pytest.mark.parametrize(("source", "where", "words"), [
    (QCOW2, "internal", ""), (QCOW2, "external", ""), (RAW, "external", ""),
    (RAW, "internal", "vda of web cannot hold a snapshot inside: only qcow2 can: make an external"),
    (NETWORK, "external", "vda of web is no file or device of the host's"),
    (None, "external", "web has no disk that is written"), (None, "internal", ""),
])  # fmt: skip
def test_a_disk_can_hold_what_its_format_and_place_allow(
    source: DiskSource | None, where: str, words: str
) -> None:
    found = against(state(web(source)), create(where=where))
    assert len(found) == bool(words)
    assert all(words in one for one in found)


@pytest.mark.parametrize("drive", [
    Disk("sda", device="cdrom", source=RAW), Disk("vdb", source=RAW, read_only=True),
])  # fmt: skip
def test_what_is_never_written_is_left_out(drive: Disk) -> None:
    written = Disk("vda", source=QCOW2)
    assert against(state(web(disks=(written, drive))), create()) == []


def test_a_name_that_another_has_is_refused_and_so_is_one_that_libvirt_would_not_take() -> None:
    (refusal,) = checks.check(state(web(QCOW2), BASE), create(name="base"))
    assert str(refusal) == "web has a snapshot called base: choose another name."
    assert refusal.code is RefusalCode.PARAMETER
    for name in (".hidden", "a/b", "", "a\nb"):
        assert against(state(web(QCOW2)), create(name=name)), name


@pytest.mark.parametrize(("options", "changes", "words"), [
    ({"where": "external"}, {"agent": AgentState.CONNECTED}, ""),
    ({}, {"agent": AgentState.CONNECTED}, "freezes a guest for an external snapshot only"),
    ({"where": "external"}, {"agent": AgentState.NONE}, "web has no guest agent channel"),
    ({"where": "external"}, {"agent": AgentState.DISCONNECTED}, "no agent on it"),
    ({"where": "external"}, {"state": InstanceState.SHUTOFF}, "does not run"),
    ({"where": "external"}, {"state": InstanceState.PAUSED}, "does not run"),
])  # fmt: skip
def test_what_cannot_be_frozen_is_refused_before_anything_is_sent(
    options: dict[str, Any], changes: dict[str, Any], words: str
) -> None:
    found = against(state(web(QCOW2, **changes)), create(quiesce=True, **options))
    assert len(found) == bool(words)
    assert all(words in one for one in found)


@pytest.mark.parametrize(("options", "changes", "words"), [
    ({"where": "external"}, {}, ""),
    ({}, {}, "always has its memory"),
    ({"where": "external", "quiesce": True}, {"agent": AgentState.CONNECTED}, "freezes no guest"),
    ({"where": "external"}, {"state": InstanceState.SHUTOFF}, "it has no memory"),
])  # fmt: skip
def test_memory_is_kept_of_a_guest_that_runs_in_an_external_one(
    options: dict[str, Any], changes: dict[str, Any], words: str
) -> None:
    found = against(state(web(QCOW2, **changes)), create(memory=True, **options))
    assert len(found) == bool(words), found
    assert all(words in one for one in found)


DATA = Volume("alpha", "u-default", "default", "data.qcow2", "/pool/data.qcow2", "file")


def test_a_volume_of_a_pool_has_its_new_file_named_for_libvirt_names_none() -> None:
    known = state(web(QCOW2, VOLUME))
    (unread,) = against(known, create(where="external"))
    assert unread.startswith("vdb of web is a volume of the pool default, not read yet: refresh")
    read = replace(known, volumes={DATA.key: DATA})
    assert against(read, create(where="external")) == []
    remote = msgspec.structs.replace(DATA, type="network")
    network = replace(read, volumes={DATA.key: remote})
    assert "vdb of web is no file" in against(network, create(where="external"))[0]
    paths = volume_paths([DATA], "alpha")
    assert files_of_volumes(web(QCOW2, VOLUME), "new", paths) == (("vdb", "/pool/data.new"),)
    assert memory_file(web(QCOW2), "new", {}) == "/pool/web.new.memory"
    assert memory_file(web(VOLUME), "new", paths) == "/pool/web.new.memory"
    assert memory_file(web(NETWORK), "new", {}) == ""


def test_what_is_sent_is_what_virsh_does_the_same_with() -> None:
    call = SnapshotCreateCall("a", "external", files=(("vdb", "/p/x,y.a"),))
    assert " ".join(call.virsh("web")) == (
        "snapshot-create-as web a --disk-only --atomic --diskspec "
        "vdb,snapshot=external,file=/p/x,,y.a"
    )
    call = SnapshotCreateCall("a", "external", memory_file="/p/m")
    assert " ".join(call.virsh("web/base")) == (
        "snapshot-create-as web a --atomic --live --memspec file=/p/m,snapshot=external"
    )


def test_the_present_is_kept_before_a_revert_as_a_snapshot_of_the_same_kind() -> None:
    request = SnapshotRevert(BASE.key, keep="now")
    first = decided(request, subject=BASE, snapshots=(BASE,))
    assert isinstance(first, Send)
    assert first.call == SnapshotCreateCall("now", "internal")
    made = Sent(first.call, 1.0, 2.0)
    now = Snapshot("now", "base", host="alpha", uuid="u-web", current=True)
    second = decided(request, made, subject=BASE, snapshots=(BASE, now))
    assert isinstance(second, Send)
    assert second.call == SnapshotRevertCall()
    alone = Snapshot("base", external=True, host="alpha", uuid="u-web")
    first = decided(request, subject=alone, snapshots=(alone,))
    assert isinstance(first, Send)
    assert first.call == SnapshotCreateCall("now", "external")
    assert (
        "There is a snapshot called base"
        in against(state(web(QCOW2), BASE), SnapshotRevert(BASE.key, keep="base"))[0]
    )
    asked = danger(state(web(QCOW2), BASE), request)
    assert "what was written since is in now only" in asked.text


def test_a_chain_that_is_not_the_metadatas_is_left_alone() -> None:
    kept = SnapshotDisk("vda", "external", "/pool/root.one")
    one = Snapshot("one", external=True, host="alpha", uuid="u-web", current=True, disks=(kept,))
    disk = Disk("vda", source=QCOW2, backing=(DiskSource("file", "/pool/base.qcow2"),))
    known = state(web(disks=(disk,)), one)
    for request in (SnapshotDelete(one.key), SnapshotRevert(one.key)):
        (refusal,) = against(known, request)
        assert "/pool/root.one, which one was made with, is not in its chain" in refusal
    whole = Disk("vda", source=DiskSource("file", "/pool/root.one"), backing=(QCOW2,))
    assert against(state(web(disks=(whole,)), one), SnapshotDelete(one.key)) == []


def test_what_others_are_based_on_is_not_merged_by_the_deletion_of_a_snapshot() -> None:
    kept = SnapshotDisk("vda", "external", "/pool/root.one")
    one = Snapshot("one", external=True, host="alpha", uuid="u-web", current=True, disks=(kept,))
    top = DiskSource("file", "/pool/root.one", format="qcow2")
    on = web(disks=(Disk("vda", source=top, backing=(QCOW2,)),))
    off = web(disks=(Disk("vda", source=top),), state=InstanceState.SHUTOFF)
    file = Volume("alpha", "u-p", "pool", "root.one", "/pool/root.one", backing="/pool/root.qcow2")
    for instance in (on, off):
        for image in (QCOW2, top):
            disk = Disk("vda", source=DiskSource("file", "/pool/db"), backing=(image,))
            db = Instance("alpha", "u-db", "db", state=InstanceState.RUNNING, disks=(disk,), id=3)
            known = dataclasses.replace(state(instance, one), volumes={file.key: file})
            assert against(known, SnapshotDelete(one.key)) == []
            both = dataclasses.replace(known, instances={**known.instances, db.key: db})
            (refusal,) = against(both, SnapshotDelete(one.key))
            assert image.path in refusal
            assert "is also what db is based on" in refusal


def test_the_memory_that_an_old_libvirt_leaves_is_named() -> None:
    one = Snapshot("one", external=True, host="alpha", uuid="u-web", memory_file="/p/m")
    old = danger(state(web(QCOW2), one, libvirt=9_000_000), SnapshotDelete(one.key))
    assert "leaves the memory in /p/m" in old.text
    new = danger(state(web(QCOW2), one, libvirt=9_001_000), SnapshotDelete(one.key))
    assert "/p/m" not in new.text


def test_what_lies_below_is_its_children_and_theirs() -> None:
    known = state(web(QCOW2), BASE, ABOVE, BESIDE, TOP)
    assert [one.name for one in below(known, BASE)] == ["above", "beside", "top"]
    assert [one.name for one in below(known, ABOVE)] == ["top"]
    assert below(known, TOP) == []


def test_libvirt_reverts_to_and_deletes_external_ones_from_a_version_on() -> None:
    for libvirt, deletes, reverts in (
        (8_010_000, False, False), (9_000_000, True, False), (9_009_000, True, True),
    ):  # fmt: skip
        alone = Snapshot("alone", external=True, host="alpha", uuid="u-web")
        known = state(web(QCOW2), alone, libvirt=libvirt)
        assert bool(against(known, SnapshotDelete(alone.key))) is not deletes
        found = against(known, SnapshotRevert(alone.key))
        assert bool(found) is not reverts
        assert reverts or "reverts to no external one: it takes libvirt 9.9" in found[0]


def test_an_internal_one_below_an_external_one_can_neither_be_reverted_to_nor_deleted() -> None:
    known = state(web(QCOW2), BASE, ABOVE)
    (revert,) = against(known, SnapshotRevert(BASE.key))
    assert revert.startswith("The external above lies over base and would be cut off: merge its")
    (delete,) = against(known, SnapshotDelete(BASE.key))
    assert delete.startswith("The external above lies over base: merge its file by `virsh block")


def test_an_external_one_made_after_an_internal_one_stays_and_that_is_said_before() -> None:
    known = state(web(QCOW2), BASE, ABOVE)
    (delete,) = against(known, SnapshotDelete(ABOVE.key))
    assert "no external snapshot made after the internal base: merge its file" in delete
    current = Snapshot("base", host="alpha", uuid="u-web", current=True)
    asked = danger(state(web(QCOW2), current), create(where="external"))
    assert asked.caution is Caution.CONFIRM
    assert "reverts to base no more, and deletes neither it nor the new one" in asked.text
    assert danger(state(web(QCOW2), current), create()).caution is Caution.NONE
    after = Snapshot("after", "base", external=True, host="alpha", uuid="u-web", current=True)
    asked = danger(state(web(QCOW2), BASE, after), create(where="external"))
    assert asked.caution is Caution.NONE


def test_an_external_one_whose_file_an_internal_one_is_kept_in_is_not_merged() -> None:
    first = Snapshot("first", external=True, host="alpha", uuid="u-web")
    inside = Snapshot("inside", "first", host="alpha", uuid="u-web")
    (refusal,) = against(state(web(QCOW2), first, inside), SnapshotDelete(first.key))
    assert refusal == (
        "The internal inside is kept in the file of first, and lost where that is merged: "
        "delete it first."
    )
    second = Snapshot("second", "first", external=True, host="alpha", uuid="u-web")
    kept = Snapshot("kept", "second", host="alpha", uuid="u-web")
    assert against(state(web(QCOW2), first, second, kept), SnapshotDelete(first.key)) == []


def test_external_ones_are_not_deleted_with_their_children() -> None:
    known = state(web(QCOW2), BASE, ABOVE, TOP)
    for one in (BASE, ABOVE):
        refusals = against(known, SnapshotDelete(one.key, children=True))
        assert any("the last first" in refusal for refusal in refusals)


def test_the_questions_say_what_is_lost() -> None:
    known = state(web(QCOW2), BASE, BESIDE)
    asked = danger(known, SnapshotRevert(BASE.key))
    assert asked.caution is Caution.TYPE
    assert "what was written since is lost" in asked.text
    asked = danger(known, SnapshotDelete(BASE.key, children=True))
    assert (asked.caution, asked.word) == (Caution.TYPE, "web/base")
    assert "there is no going back to it any more" in asked.text
    assert asked.text.endswith("Made from base: beside.")
    both = danger_of(known, [SnapshotDelete(BASE.key), SnapshotDelete(BESIDE.key)])
    assert both.word == "2"
    assert danger(known, create()).caution is Caution.NONE


def decided(
    request: Request, *sent: Sent, subject: Any = None, snapshots: tuple[Snapshot, ...] = ()
) -> Action:
    decide = {"snapshot-create": CREATE, "snapshot-revert": REVERT, "snapshot-delete": DELETE}
    verb = decide[request.verb].decide
    assert verb is not None
    name = "web" if request.verb == "snapshot-create" else "web/base"
    instance = web(QCOW2)
    there = instance if request.verb == "snapshot-create" else subject
    known = Around(instance, snapshots=snapshots)
    return verb(Situation(request, name, 100.0, Progress(sent), there, around=known))


def test_one_is_made_once_it_is_among_the_snapshots() -> None:
    call = SnapshotCreateCall("new", "internal", "why")
    first = decided(create(description="why"))
    assert isinstance(first, Send)
    assert first.call == call
    made = Snapshot("new", host="alpha", uuid="u-web")
    request = create(description="why")
    end = decided(request, Sent(call, 1.0, 2.0), snapshots=(made,))
    assert isinstance(end, End)
    assert (end.status, end.outcome) == (OperationStatus.DONE, "web has the snapshot new")
    end = decided(request, Sent(call, 1.0, None), snapshots=(made,))
    assert isinstance(end, End)
    assert end.status is OperationStatus.DONE, "no answer came, and there it is"
    end = decided(request, Sent(call, 1.0, 2.0, error="disk full"))
    assert isinstance(end, End)
    assert end.status is OperationStatus.FAILED


def test_one_that_is_current_is_not_taken_for_reverted_to_where_no_answer_came() -> None:
    current = Snapshot("base", host="alpha", uuid="u-web", current=True)
    request, call = SnapshotRevert(current.key), SnapshotRevertCall()
    end = decided(request, Sent(call, 1.0, 2.0), subject=current)
    assert isinstance(end, End)
    assert (end.status, end.outcome) == (OperationStatus.DONE, "the instance is back at web/base")
    timed_out = Sent(call, 1.0, 50.0, "timed out", certain=False)
    unheard = decided(request, timed_out, subject=current)
    assert isinstance(unheard, End)
    assert unheard.status is OperationStatus.UNKNOWN


def test_one_is_deleted_once_it_is_gone() -> None:
    request, call = SnapshotDelete(BASE.key), SnapshotDeleteCall()
    end = decided(request, Sent(call, 1.0, None))
    assert isinstance(end, End)
    assert (end.status, end.outcome) == (OperationStatus.DONE, "web/base is deleted")
    end = decided(request, Sent(call, 1.0, 2.0, error="it has children"), subject=BASE)
    assert isinstance(end, End)
    assert end.status is OperationStatus.FAILED


def test_virsh_does_the_same() -> None:
    assert SnapshotCreateCall("new", "external", "why").virsh("web") == (
        *("snapshot-create-as", "web", "new", "--description", "why"),
        *("--disk-only", "--atomic"),
    )
    quiesced = SnapshotCreateCall("new", "external", "", True)
    assert quiesced.virsh("web")[-3:] == ("--disk-only", "--atomic", "--quiesce")
    assert SnapshotRevertCall("paused").virsh("web/base") == (
        "snapshot-revert", "web", "base", "--paused",
    )  # fmt: skip
    assert SnapshotDeleteCall(True).virsh("web/base") == (
        "snapshot-delete", "web", "base", "--children",
    )  # fmt: skip


def test_their_commands_are_of_one_group() -> None:
    words = [verb.command for verb in (CREATE, REVERT, DELETE)]
    assert words == [("snapshot", "create"), ("snapshot", "revert"), ("snapshot", "delete")]
