"""What undefine takes with it, and which disks it never deletes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

import pytest
from msgspec.structs import replace as evolve

from core.model import (
    Device,
    Disk,
    DiskSource,
    Host,
    Instance,
    InstanceState,
    Link,
    LinkStatus,
    ObjectKey,
    OperationRecord,
    OperationStatus,
    Pool,
    State,
    Volume,
)
from core.verbs import checks
from core.verbs.caution import Caution
from core.verbs.danger import danger
from core.verbs.device.calls import DropSecretsCall
from core.verbs.device.disk_secrets import drop_secrets
from core.verbs.preview import planned
from core.verbs.refusal import Refusal, RefusalCode
from core.verbs.situation import End, Progress, Send, Sent, Situation
from core.verbs.undefining import UNDEFINE, Undefine, UndefineCall, VolumeOfPathDeleteCall

MIB = 1 << 20


def up(name: str) -> Host:
    return Host(name, f"qemu:///{name}", Link(LinkStatus.UP, 0.0))


ROOT, DATA, BASE = "/pool/root.qcow2", "/pool/data.qcow2", "/pool/base.qcow2"


def disk(target: str, path: str, *below: str, device: str = "disk") -> Disk:
    source = DiskSource("file", path) if path else None
    return Disk(target, device=device, source=source, backing=tuple(
        DiskSource("file", each) for each in below))  # fmt: skip


def web(**changes: Any) -> Instance:
    disks = (disk("vda", ROOT, BASE), disk("vdb", DATA), disk("sda", "/iso", device="cdrom"))
    known = {"state": InstanceState.SHUTOFF, "disks": disks, **changes}
    return Instance("alpha", "u-web", "web", **known)


def volume(path: str, backing: str = "", host: str = "alpha", **more: Any) -> Volume:
    name = path.rpartition("/")[2]
    return Volume(host, "u-pool", "pool", name, path, allocation=5 * MIB, backing=backing, **more)


def state(*instances: Instance, volumes: tuple[Volume, ...] | None = None) -> State:
    if volumes is None:
        volumes = (volume(ROOT, BASE), volume(DATA), volume(BASE))
    pools = [Pool(host, "u-pool", "pool", "dir", path="/pool") for host in ("alpha", "beta")]
    return State(
        hosts={name: up(name) for name in ("alpha", "beta")},
        instances={each.key: each for each in instances or (web(),)},
        pools={each.key: each for each in pools},
        volumes={each.key: each for each in volumes},
    )


def against(state: State, *disks: str) -> list[Refusal]:
    return list(checks.check(state, Undefine(web().key, disks)))


def test_a_definition_can_go_with_the_disks_that_are_its_own() -> None:
    assert against(state()) == []
    assert against(state(), "vda", "vdb") == []


@pytest.mark.parametrize(("target", "other", "word"), [
    ("vda", Instance("alpha", "u-db", "db", disks=(disk("vda", "/pool/new", ROOT),)), "db"),
    ("vdb", Instance("alpha", "u-db", "db", disks=(disk("sda", DATA),)), "db"),
    ("vdb", Instance("beta", "u-db", "db", disks=(disk("sda", DATA),)), "db on beta"),
])  # fmt: skip
def test_a_disk_that_another_uses_is_not_deleted(target: str, other: Instance, word: str) -> None:
    (refusal,) = against(state(web(), other), target)
    assert refusal.code is RefusalCode.STATE
    assert f"is used by {word}" in refusal.text
    assert against(state(web(), other)) == [], "the definition alone may go"


def test_a_disk_below_a_volume_is_not_deleted() -> None:
    above = volume("/pool/new.qcow2", backing=DATA)
    (refusal,) = against(state(volumes=(volume(ROOT), volume(DATA), above)), "vdb")
    assert "/pool/new.qcow2, which is based on it" in refusal.text


def test_an_image_may_go_with_what_is_based_on_it() -> None:
    based = web(disks=(disk("vda", BASE), disk("vdb", DATA), disk("vdc", "pool/root.qcow2")))
    chain = (volume(ROOT, backing=DATA), volume(DATA, backing=BASE), volume(BASE))
    known = state(based, volumes=chain)
    assert against(known, "vda", "vdb", "vdc") == []
    (refusal,) = against(known, "vda", "vdc")
    assert f"is used by {DATA}, which is based on it" in refusal.text
    sends = planned(known, Undefine(based.key, ("vda", "vdb", "vdc")))
    assert [send.call for send in sends[1:]] == [
        VolumeOfPathDeleteCall(path) for path in ("pool/root.qcow2", DATA, BASE)
    ], "none is left without its base"


@pytest.mark.parametrize(("pools", "told"), [
    ("shared", True), ("never read", True), ("others", False),
])  # fmt: skip
def test_a_host_out_of_reach_that_may_use_a_disk_is_named(pools: str, told: bool) -> None:
    known = state()
    down = Host("beta", "qemu:///beta", Link(LinkStatus.DOWN, 0.0))
    theirs = {key: pool for key, pool in known.pools.items() if key.host == "beta"}
    others = {"shared": theirs, "never read": {}}.get(
        pools, {key: evolve(pool, path="/other") for key, pool in theirs.items()}
    )
    here = {key: pool for key, pool in known.pools.items() if key.host == "alpha"}
    seen = replace(known, hosts={**known.hosts, "beta": down}, pools={**here, **others})
    sentence = "Whether instances on beta use what is deleted is not known: it is out of reach."
    assert (sentence in danger(seen, Undefine(web().key, ("vdb",))).text) is told
    assert sentence not in danger(seen, Undefine(web().key)).text
    assert against(seen, "vdb") == []


def test_another_host_with_its_pool_is_to_be_read_too() -> None:
    unread = Instance("beta", "u-db", "db", described=False)
    (refusal,) = against(state(web(), unread), "vdb")
    assert str(refusal).endswith("wait until all that is on beta was read.")


def test_what_is_not_known_yet_is_not_deleted() -> None:
    unread = Instance("alpha", "u-db", "db", described=False)
    (refusal,) = against(state(web(), unread), "vdb")
    assert "is not known yet" in refusal.text
    unsized = volume("/pool/new.qcow2", described=False)
    (refusal,) = against(state(volumes=(volume(DATA), unsized)), "vdb")
    assert "is not known yet" in refusal.text


@pytest.mark.parametrize(("target", "words"), [
    ("sda", "is no disk, but a cdrom"), ("vdz", "has no disk vdz: it has vda, vdb, sda"),
])  # fmt: skip
def test_what_is_no_disk_of_its_own_is_refused(target: str, words: str) -> None:
    (refusal,) = against(state(), target)
    assert words in str(refusal)


def test_a_disk_in_no_pool_is_left_to_the_operator() -> None:
    (refusal,) = against(state(volumes=()), "vdb")
    assert f"is {DATA}, in no pool as read: start its pool: " in str(refusal)
    assert str(refusal).endswith("`virtdeck pool start alpha/pool`; or leave it out.")


@pytest.mark.parametrize("changes", [{"state": InstanceState.RUNNING}, {"persistent": False}])
def test_one_that_runs_or_is_transient_is_not_undefined(changes: dict[str, Any]) -> None:
    assert against(state(web(**changes)))


def test_the_question_names_what_goes_and_what_stays() -> None:
    asked = danger(state(web(managed_save=True)), Undefine(web().key, ("vdb",)))
    assert asked.caution is Caution.TYPE
    assert asked.word == "web"
    assert asked.text.splitlines() == [
        "Removes the definition of web on alpha: its host no longer knows it.",
        "The saved memory of web is lost: what its guest had not written goes with it.",
        f"Deletes vdb of web: {DATA}, 5.0M on disk.",
        f"Stays where it is: vda ({ROOT}, 5.0M on disk) and sda (/iso).",
    ]


@pytest.mark.parametrize(("fate", "lines"), [
    ("remove", ["Removes the UEFI variables of web: what its firmware boots is forgotten.",
                "Removes the TPM's state of web: what is sealed by it stays sealed."]),
    ("keep", ["Kept on alpha: NVRAM and TPM of web."]),
])  # fmt: skip
def test_the_question_says_what_becomes_of_what_lies_in_no_disk(
    fate: Literal["remove", "keep"], lines: list[str]
) -> None:
    efi = web(firmware="efi", devices=(Device("tpm", "tpm0"),), disks=())
    asked = danger(state(efi), Undefine(efi.key, nvram=fate, tpm=fate))
    assert asked.text.splitlines()[1:] == lines
    assert danger(state(web(disks=())), Undefine(efi.key)).text.count("\n") == 0


def situation(*sent: Sent, subject: Instance | None, disks: tuple[str, ...] = ()) -> Situation:
    request = Undefine(ObjectKey("instance", "alpha", "u-web"), disks)
    return Situation(request, "web", 10.0, Progress(sent), subject)


def test_the_volumes_are_deleted_after_the_definition_which_tells_them_no_more() -> None:
    efi = web(firmware="efi", managed_save=True)
    assert UNDEFINE.decide is not None
    first = UNDEFINE.decide(situation(subject=efi, disks=("vda", "vdb")))
    assert isinstance(first, Send)
    assert first.call == UndefineCall("remove", "", True, (ROOT, DATA))
    sent = [Sent(first.call, 1.0, 2.0)]
    for path in (ROOT, DATA):
        after = UNDEFINE.decide(situation(*sent, subject=None, disks=("vda", "vdb")))
        assert isinstance(after, Send)
        assert after.call == VolumeOfPathDeleteCall(path)
        sent.append(Sent(after.call, 3.0, 4.0))
    end = UNDEFINE.decide(situation(*sent, subject=None, disks=("vda", "vdb")))
    assert isinstance(end, End)
    assert end.outcome == "web is no longer defined, 2 of its disks deleted"


def test_virsh_does_the_same() -> None:
    call = UndefineCall("keep", "remove", True)
    assert call.virsh("web") == (
        *("undefine", "web", "--keep-nvram", "--tpm", "--managed-save"),
        *("--snapshots-metadata", "--checkpoints-metadata"),
    )
    assert VolumeOfPathDeleteCall(ROOT).virsh("web") == ("vol-delete", ROOT)
    named = VolumeOfPathDeleteCall("default/root.qcow2").virsh("web")
    assert named == ("vol-delete", "root.qcow2", "--pool", "default")


def test_the_secrets_of_its_disks_go_with_its_definition() -> None:
    disks = (disk("vda", ROOT), evolve(disk("vdb", DATA), encrypted=True))
    first = planned(state(web(disks=disks)), Undefine(web().key))
    calls = [step.call for step in first]
    assert [type(call) for call in calls] == [UndefineCall, DropSecretsCall]
    assert calls[1] == drop_secrets(web().key, "vdb")


def test_what_its_host_has_connected_is_to_be_detached_first() -> None:
    record = OperationRecord(
        "o1", "volume-attach", "alpha", web().key, "web", "me", 1.0, OperationStatus.DONE,
        result={"connected": {"protocol": "iscsi", "data": {}, "device": {"path": "/dev/sdb"},
                              "target": "vdb", "volume_id": "v-1"}},
    )  # fmt: skip
    (refusal,) = against(replace(state(), operations={"o1": record}))
    assert str(refusal) == (
        "alpha has the iscsi volume v-1 connected for its vdb: "
        "detach vdb first: that lets go of it."
    )
