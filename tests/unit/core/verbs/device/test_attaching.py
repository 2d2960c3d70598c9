"""Attaching: what is refused, and the XML that is sent."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace as struct_replace

from core.model import (
    Device,
    Disk,
    DiskSource,
    Host,
    Instance,
    Interface,
    OperationStatus,
    Pool,
    PoolState,
    Request,
    State,
    Volume,
)
from core.model.host import Link, LinkStatus
from core.verbs.around import Around
from core.verbs.checks import check
from core.verbs.device.calls import AttachCall
from core.verbs.device.device_requests import DeviceAttach
from core.verbs.device.disk import free_target
from core.verbs.device.media import ChangeMedia
from core.verbs.device.requests import InterfaceAttach, InterfaceDetach, VolumeAttach, VolumeDetach
from core.verbs.registry import verb_of
from core.verbs.situation import Action, Progress, Send, Situation
from tests.unit.power_builders import WEB, S, T, ended, step, web
from tests.unit.power_builders import sent as call_sent

PATH = "/p/data.raw"
"""A file that is in no pool: its format is said."""


def disk(target: str, path: str = "", **more: Any) -> Disk:
    return Disk(target, "virtio", source=DiskSource("file", path) if path else None, **more)


def other(**more: Any) -> Instance:
    return Instance("alpha", "v", "db", S.RUNNING, **{"id": 8, "type": "qemu", **more})


def against(request: Request, *instances: Instance, volumes: tuple[Volume, ...] = ()) -> list[str]:
    state = State(
        hosts={"alpha": Host("alpha", "qemu:///system", Link(LinkStatus.UP, 0.0))},
        instances={one.key: one for one in instances},
        volumes={one.key: one for one in volumes},
    )
    return [str(reason) for reason in check(state, request)]


def asked(**options: Any) -> VolumeAttach:
    return VolumeAttach(WEB, **{"volume": PATH, "format": "raw", **options})


def sent(request: Request, instance: Instance, **more: Any) -> AttachCall:
    situation = Situation(request, "web", 1.0, Progress(), instance, **more)
    decide = verb_of(request).decide
    assert decide is not None
    action = decide(situation)
    assert isinstance(action, Send)
    assert isinstance(action.call, AttachCall)
    return action.call


@pytest.mark.parametrize(
    ("request_", "instances", "words"),
    [
        (asked(format="as-known"), [web()], "What format /p/data.raw has is not known"),
        (asked(volume=""), [web()], "Which volume is not said"),
        (
            asked(target="vda"),
            [web(disks=(disk("vda", "/a"),))],
            "has a disk vda already: take vdb",
        ),
        (asked(target="sdb"), [web()], "A disk on virtio is not called sdb"),
        (asked(bus="sata"), [web()], "on sata cannot be attached while web runs"),
        (asked(bus="scsi"), [web()], "web has no SCSI controller"),
        (asked(), [web(disks=(disk("vdc", PATH),))], "web has it already, as vdc"),
        (asked(), [web(), other(disks=(disk("vda", PATH),))], "is used by db (vda)"),
        (
            asked(volume="/dev/mapper/vg--a-data"),
            [web(), other(disks=(disk("vda", "/dev/vg-a/data"),))],
            "is used by db (vda)",
        ),
        (
            asked(),
            [web(), other(disks=(disk("vda", "/o", backing=(DiskSource("file", PATH),)),))],
            "lies below a disk of db (vda)",
        ),
        (
            asked(access="read-only"),
            [web(), other(disks=(disk("vda", PATH),))],
            "is written to by db (vda)",
        ),
        (asked(format="qcow2", shareable=True), [web()], "only where it is raw, not qcow2"),
        (asked(when="now"), [web(S.SHUTOFF)], "web is shut off: nothing of it runs now"),
    ],
)
def test_what_cannot_be_attached_is_refused_with_the_cure(
    request_: Request, instances: list[Instance], words: str
) -> None:
    assert any(words in told for told in against(request_, *instances)), against(
        request_, *instances
    )


@pytest.mark.parametrize(
    ("request_", "disks"),
    [
        (asked(access="read-only"), (disk("vda", PATH, read_only=True),)),
        (asked(access="read-only"), (disk("vda", "/o", backing=(DiskSource("file", PATH),)),)),
        (asked(shareable=True), (disk("vda", PATH, shareable=True),)),
        (asked(), (disk("vda", "/another"),)),
    ],
)
def test_those_who_get_along_share_an_image(request_: Request, disks: tuple[Disk, ...]) -> None:
    assert against(request_, web(), other(disks=disks)) == []


def test_what_lies_below_a_volume_is_not_written_to() -> None:
    over = Volume("alpha", "p", "pool", "over.qcow2", "/pool/over.qcow2", backing=PATH)
    told = against(asked(), web(), volumes=(over,))
    assert told == [
        "/p/data.raw lies below pool/over.qcow2: what is written to it destroys that: let it only "
        "be read, or take another."
    ]
    assert against(asked(access="read-only"), web(), volumes=(over,)) == []


def test_a_disk_is_called_as_neither_what_runs_nor_what_is_defined_has_one() -> None:
    call = sent(asked(serial="s 1"), web(disks=(disk("vda"),)), defined=web(disks=(disk("vdb"),)))
    assert (call.name, call.live, call.config) == ("vdc", True, True)
    assert call.xml == (
        '<disk type="file" device="disk">\n'
        '  <driver name="qemu" type="raw" discard="unmap"/>\n'
        '  <source file="/p/data.raw"/>\n'
        '  <target dev="vdc" bus="virtio"/>\n'
        "  <serial>s 1</serial>\n"
        "</disk>"
    )
    many = [web(disks=tuple(disk(f"sd{a}") for a in "abcdefghijklmnopqrstuvwxyz"))]
    assert free_target("usb", many) == "sdaa"


def test_a_device_of_the_host_goes_past_its_page_cache() -> None:
    call = sent(
        asked(volume="/dev/vg/data", io="native", access="read-only"), web(persistent=False)
    )
    assert (call.live, call.config) == (True, False)
    assert '<disk type="block" device="disk">' in call.xml
    assert 'cache="none" io="native"' in call.xml
    assert '<source dev="/dev/vg/data"/>' in call.xml
    assert "<readonly/>" in call.xml


def test_nobody_else_may_use_what_is_written_to() -> None:
    assert sent(asked(), web()).alone == (PATH, PATH)
    assert sent(asked(access="read-only"), web()).alone == ()
    assert sent(asked(shareable=True), web()).alone == ()


def test_a_medium_is_an_image_that_a_guest_can_read_and_nobody_writes_to() -> None:
    drive = web(disks=(Disk("sda", "sata", "cdrom"),))
    (told,) = against(ChangeMedia(WEB, "sda", PATH), drive, other(disks=(disk("vda", PATH),)))
    assert "is written to by db (vda)" in told
    assert against(ChangeMedia(WEB, "sda", PATH), drive) == []
    (told,) = against(ChangeMedia(WEB, "vda", PATH), drive)
    assert told == "web has no drive vda: it has sda."


@pytest.mark.parametrize(
    ("answer", "status", "words"),
    [
        ({"error": "target vda duplicated"}, OperationStatus.FAILED, "target vda duplicated"),
        ({"error": "the link was lost", "certain": False}, OperationStatus.UNKNOWN, "not known"),
        ({"ended": None}, OperationStatus.FAILED, "did not take effect"),
    ],
    ids=["refused", "lost", "killed"],
)
def test_a_disk_of_another_that_took_its_target_is_not_taken_for_its_own(
    answer: dict[str, Any], status: OperationStatus, words: str
) -> None:
    call = sent(asked(), web(), defined=web(S.SHUTOFF))
    calls = call_sent(call, **answer)

    def seen(path: str) -> Action:
        disks = (disk(call.name, path),)
        there = {"instance": web(disks=disks), "defined": web(S.SHUTOFF, disks=disks)}
        return step(asked(), calls, now=T + 30, looked=T + 29, adopted=T + 1, **there)

    assert words in ended(seen("/p/of-another.raw"), status).outcome
    if answer.keys() != {"error"}:  # what was refused may be there until the guest gives it back
        status, words = OperationStatus.DONE, f"{PATH} is attached to web as vda"
    assert words in ended(seen(PATH), status).outcome


def test_a_format_that_only_the_image_tells_is_not_believed_where_it_names_a_file() -> None:
    """A guest that has a raw disk writes what its pool takes the format from."""
    pool = Pool("alpha", "p", "default", "dir", PoolState.ACTIVE, "/p")
    kind = Volume("alpha", "p", "default", "data", "/p/data", "file", "qcow2")
    site: dict[str, Any] = {"pools": {pool.key: pool}}

    def told(name: str, backing: str = "", **more: Any) -> str:
        volume = struct_replace(kind, name=name, path=f"/p/{name}", backing=backing)
        state = State(
            hosts={"alpha": Host("alpha", "qemu:///system", Link(LinkStatus.UP, 0.0))},
            instances={WEB: web()}, volumes={volume.key: volume}, **site,
        )  # fmt: skip
        request = VolumeAttach(WEB, f"default/{name}", **more)
        reasons = " ".join(map(str, check(state, request)))
        if reasons:
            return reasons
        around = Around(volumes=state.volumes, pools=state.pools, instance=web())
        return sent(request, web(), around=around).found

    assert told("data.qcow2", "/p/base.qcow2") == ""
    assert told("cloud.img") == "/p/cloud.img"
    assert told("cloud.img", format="qcow2") == ""
    refused = told("data.raw", "/etc/hostname")
    assert "default/data.raw reads as qcow2 over /etc/hostname" in refused
    assert refused.endswith("say in which it was made, raw or qcow2: --format.")
    assert told("data.raw", "/etc/hostname", format="raw") == ""


ALIAS = "ua-vd-0001-ab"


@pytest.mark.parametrize(
    "answer",
    [{"error": "the link was lost", "certain": False}, {"ended": None}],
    ids=["lost", "killed"],
)
@pytest.mark.parametrize(
    ("request_", "kind"),
    [(InterfaceAttach(WEB, "user"), "interface"), (DeviceAttach(WEB, "rng:/dev/urandom"), "rng")],
)
def test_a_device_of_another_of_its_name_is_not_taken_for_its_own(
    request_: Request, kind: str, answer: dict[str, Any]
) -> None:
    call = sent(request_, web(), defined=web(S.SHUTOFF), operation="0001-ab")
    assert call.alias == ALIAS
    assert f'<alias name="{ALIAS}"/>' in call.xml
    assert "<alias" not in sent(request_, web(), defined=web(S.SHUTOFF)).xml, "a rehearsal"

    def seen(alias: str) -> Action:
        has: dict[str, Any] = {"interfaces": (Interface(call.name, "user", alias=alias),)}
        if kind == "rng":
            has = {"devices": (Device("rng", source="/dev/urandom", alias=alias),)}
        there = {"instance": web(**has), "defined": web(S.SHUTOFF, **has)}
        late = {"now": T + 30, "looked": T + 29, "adopted": T + 1}
        return step(request_, call_sent(call, **answer), **late, **there)

    status = OperationStatus.UNKNOWN if "error" in answer else OperationStatus.FAILED
    ended(seen("net0"), status)
    ended(seen(ALIAS), OperationStatus.DONE)


def test_attaching_is_undone_by_detaching_the_same() -> None:
    instance = web(disks=(disk("vda"),))
    situation = Situation(asked(when="now"), "web", 1.0, Progress(), instance)
    undo = verb_of(situation.request).undo
    assert undo is not None
    assert undo(situation) == VolumeDetach(WEB, "vdb", "now")
    wired = InterfaceAttach(WEB, "user")
    situation = Situation(wired, "web", 1.0, Progress(), instance)
    undo = verb_of(wired).undo
    assert undo is not None
    back = undo(situation)
    assert isinstance(back, InterfaceDetach)
    assert back.interface == sent(wired, instance).name
