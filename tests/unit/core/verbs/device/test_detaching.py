"""Detaching: what Nova's own tests of it ask for (nova-map 3.3), and what is done better."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from core.errors import XmlError
from core.model import (
    Disk,
    DiskSource,
    Host,
    Instance,
    InstanceRun,
    Interface,
    OperationRecord,
    OperationStatus,
    Request,
    State,
)
from core.model.host import Link, LinkStatus
from core.model.run import DeviceOutcome
from core.state.held_devices import bound_devices
from core.verbs.around import Around
from core.verbs.caution import Caution
from core.verbs.checks import check
from core.verbs.danger import danger
from core.verbs.device.calls import AttachCall, DetachCall
from core.verbs.device.device_requests import DeviceDetach
from core.verbs.device.devices import find
from core.verbs.device.requests import InterfaceDetach, VolumeDetach
from core.verbs.situation import Action, Answered, Ask, Send, Sent, Wait
from core.verbs.tuning.limit_requests import SetNetworkLimits
from core.verbs.tuning.link import SetLink
from core.xml.definition.tuning import device_with_link
from core.xml.instance import read_instance
from tests.unit.power_builders import WEB, S, T, ended, sent, step, web

DISK = Disk("vdb", "virtio", source=DiskSource("file", "/p/data.raw"), alias="virtio-disk1")
WIRED = Interface("52:54:00:00:00:01", "user", alias="net1")
XML = '<disk type="file"><source file="/p/data.raw"/><target dev="vdb"/></disk>'
DOCUMENT = f"<domain><devices>{XML}</devices></domain>"
REQUEST = VolumeDetach(WEB, "vdb")
CONFIG = DetachCall("disk", "vdb", "/p/data.raw", live=False, then_live=True, xml=XML)
LIVE = DetachCall("disk", "vdb", "/p/data.raw", live=True, alias="virtio-disk1")


def there(where: S = S.RUNNING, **more: Any) -> Instance:
    return web(where, **{"disks": (DISK,), **more})


def gone(where: S = S.RUNNING, **more: Any) -> Instance:
    return web(where, disks=(), **more)


def told(outcome: str, at: float) -> Around:
    return Around(run=InstanceRun(devices=(DeviceOutcome("virtio-disk1", outcome, at),)))


def detach(*calls: Sent, now: float = T + 0.2, request: Request = REQUEST, **more: Any) -> Action:
    known = {"instance": there(), "defined": there(S.SHUTOFF), "document": DOCUMENT, "looked": now}
    return step(request, *calls, now=now, **{**known, **more})


def test_a_persistent_one_is_detached_from_what_is_defined_first() -> None:
    first = detach()
    assert isinstance(first, Send)
    assert first.call == CONFIG
    then = detach(sent(CONFIG), defined=gone(S.SHUTOFF))
    assert isinstance(then, Send)
    assert then.call == LIVE
    assert LIVE.virsh("web") == ("detach-disk", "web", "vdb", "--live")


def test_what_is_off_is_detached_from_what_is_defined_alone() -> None:
    first = detach(instance=there(S.SHUTOFF), defined=None)
    assert isinstance(first, Send)
    assert isinstance(first.call, DetachCall)
    assert not first.call.then_live
    end = detach(sent(first.call), instance=gone(S.SHUTOFF), defined=None)
    assert ended(end, OperationStatus.DONE).outcome == "vdb (/p/data.raw) is detached from web"


@pytest.mark.parametrize(
    "known",
    [
        {"instance": there(persistent=False), "defined": None},
        {"request": VolumeDetach(WEB, "vdb", "now")},
        {"defined": gone(S.SHUTOFF)},
    ],
    ids=["transient", "now", "not defined with it"],
)
def test_only_what_runs_lets_go_where_no_definition_has_it(known: dict[str, Any]) -> None:
    first = detach(**known)
    assert isinstance(first, Send)
    assert first.call == LIVE


def test_one_that_nothing_has_is_named_and_nothing_is_sent() -> None:
    end = ended(detach(instance=gone(), defined=gone(S.SHUTOFF)), OperationStatus.REFUSED)
    assert end.outcome == "web has no disk vdb: see `virtdeck show`."


def test_libvirts_yes_proves_nothing() -> None:
    calls = (sent(CONFIG), sent(LIVE, T + 1))
    wait = detach(*calls, now=T + 2)
    assert isinstance(wait, Wait)
    assert wait.until == T + 1.1 + 20
    assert wait.countdown is not None
    assert wait.countdown.then == "it is asked again"


@pytest.mark.parametrize(
    "seen",
    [
        {"around": told("removed", T + 1.5)},
        {"instance": gone()},
        {"instance": gone(S.SHUTOFF), "defined": None},
        {"instance": None, "defined": None},
        {"instance": gone(id=8)},
    ],
    ids=["event", "what runs", "turned off", "undefined", "started anew"],
)
def test_it_is_detached_once_that_shows(seen: dict[str, Any]) -> None:
    calls = (sent(CONFIG), sent(LIVE, T + 1))
    end = detach(*calls, now=T + 2, **{"defined": gone(S.SHUTOFF), **seen})
    assert "vdb (/p/data.raw) is detached from web" in ended(end, OperationStatus.DONE).outcome


def test_what_was_read_before_the_call_returned_proves_nothing() -> None:
    calls = (sent(CONFIG), sent(LIVE, T + 1, ended=T + 3))
    assert isinstance(detach(*calls, now=T + 4, looked=T + 2, instance=gone()), Wait)
    before = told("removed", T - 5)  # of an earlier device of that alias
    assert isinstance(detach(*calls, now=T + 4, around=before), Wait)


def test_a_silent_guest_is_asked_again_then_the_operator() -> None:
    calls, now = [sent(CONFIG), sent(LIVE, T + 1)], T + 1.2
    while not isinstance(action := detach(*calls, now=now), Ask):
        if isinstance(action, Send):
            assert action.call == LIVE
            calls.append(sent(LIVE, now))
        else:
            assert isinstance(action, Wait)
            now = action.until
    assert len(calls) == 1 + 8
    assert now == pytest.approx(T + 1 + 8 * 20.1)
    question = action.question
    assert "asked 8 times" in question.text
    assert [one.word for one in question.choices] == ["ask-again", "wait-on", "leave"]

    again = Answered(question.key, "ask-again", "me@here")
    action = detach(*calls, now=now, answers=(again,))
    assert isinstance(action, Send)
    calls.append(sent(LIVE, now))
    assert isinstance(detach(*calls, now=now + 1, answers=(again,)), Wait)

    on = Answered(question.key, "wait-on", "me@here")
    action = detach(*calls[:-1], now=now, answers=(on,))
    assert isinstance(action, Wait)
    assert action.countdown is not None
    assert action.countdown.until is None
    assert action.question is not None
    leave = Answered(action.question.key, "leave", "me@here")
    end = ended(detach(*calls[:-1], now=now, answers=(on, leave)), OperationStatus.CANCELLED)
    assert "may still do so; web has vdb until it is off, and no more at its next start" in (
        end.outcome
    )


def test_a_request_that_is_still_pending_is_no_failure_and_its_event_counts() -> None:
    """The call says yes to "already in the process of unplug" (core.hypervisor.calls.device)."""
    calls = (sent(CONFIG), sent(LIVE, T + 1), sent(LIVE, T + 22))
    end = detach(*calls, now=T + 23, around=told("removed", T + 22.5))
    ended(end, OperationStatus.DONE)


def test_a_guest_that_refuses_is_believed_and_the_definition_has_it_again() -> None:
    calls = (sent(CONFIG), sent(LIVE, T + 1))
    back = detach(*calls, now=T + 2, around=told("removal-failed", T + 1.5))
    assert isinstance(back, Send)
    assert back.call == AttachCall(live=False, config=True, kind="disk", name="vdb", xml=XML)
    end = detach(*calls, sent(back.call, T + 2), now=T + 3, defined=there(S.SHUTOFF))
    outcome = ended(end, OperationStatus.FAILED).outcome
    assert outcome == "the guest of web refused to let go of vdb; its definition has vdb as before"


def test_an_error_of_libvirts_gives_it_back_and_is_kept() -> None:
    no = sent(LIVE, T + 1, error="unsupported", hint="do this")
    back = detach(sent(CONFIG), no, now=T + 2)
    assert isinstance(back, Send)
    refused = sent(back.call, T + 2, error="disk full")
    end = ended(detach(sent(CONFIG), no, refused, now=T + 3, defined=gone(S.SHUTOFF)),
                OperationStatus.FAILED)  # fmt: skip
    assert "unsupported; web has vdb until it is off, and no more at its next start" in end.outcome
    assert end.hint == "do this"


def test_an_error_of_the_definition_stops_everything() -> None:
    no = sent(CONFIG, error="read-only file system")
    end = ended(detach(no), OperationStatus.FAILED)
    assert end.outcome == "read-only file system"


def test_a_console_that_died_before_its_answer_is_followed() -> None:
    lost = sent(CONFIG, ended=None)
    again = detach(lost, now=T + 60, adopted=T + 50)
    assert isinstance(again, Send)
    assert again.call == CONFIG
    then = detach(lost, now=T + 60, adopted=T + 50, defined=gone(S.SHUTOFF))
    assert isinstance(then, Send)
    assert then.call == LIVE
    asked = (sent(CONFIG), sent(LIVE, T + 1, ended=None))
    ended(detach(*asked, now=T + 60, adopted=T + 50, instance=gone()), OperationStatus.DONE)


@pytest.mark.parametrize(
    ("twin", "status", "words"),
    [
        (there(), OperationStatus.FAILED, "runs on beta, where it has vdb"),
        (gone(described=False), OperationStatus.UNKNOWN, "whether it has vdb there is not known"),
        (gone(), OperationStatus.DONE, "vdb (/p/data.raw) is detached from web"),
        (there(S.SHUTOFF), OperationStatus.DONE, "vdb (/p/data.raw) is detached from web"),
    ],
    ids=["with it", "not read", "without it", "only defined there"],
)
@pytest.mark.parametrize("calls", [(sent(CONFIG),), (sent(CONFIG), sent(LIVE, T + 1))])
@pytest.mark.parametrize("left", [None, there(S.SHUTOFF)], ids=["gone", "still defined"])
def test_one_that_was_moved_meanwhile_has_it_on_its_new_host(
    twin: Instance,
    status: OperationStatus,
    words: str,
    calls: tuple[Sent, ...],
    left: Instance | None,
) -> None:
    known = Around(twins={"beta": replace(twin, host="beta")})
    end = ended(detach(*calls, now=T + 3, instance=left, defined=None, around=known), status)
    assert words in end.outcome


def test_a_paused_guest_is_waited_for_until_it_is_resumed() -> None:
    wait = detach(sent(CONFIG), sent(LIVE, T + 1), now=T + 100, instance=there(S.PAUSED))
    assert isinstance(wait, Wait)
    assert "lets go of vdb once it is resumed" in wait.text
    ask = detach(sent(CONFIG), sent(LIVE, T + 1), now=T + 500, instance=there(S.PAUSED))
    assert isinstance(ask, Ask)
    assert "is paused, and its guest lets go of vdb only once it is resumed" in ask.question.text


def test_a_cancelled_one_says_what_may_still_come() -> None:
    cancelled = {"cancelled": "cancelled by me"}
    end = detach(sent(CONFIG), sent(LIVE, T + 1), now=T + 2, **cancelled)
    assert "may still do so" in ended(end, OperationStatus.CANCELLED).outcome
    end = detach(sent(CONFIG), defined=gone(S.SHUTOFF), **cancelled)
    outcome = ended(end, OperationStatus.CANCELLED).outcome
    assert "may still" not in outcome
    assert "no more at its next start" in outcome


def test_an_interface_is_found_by_its_address_however_it_is_written() -> None:
    instance = web(interfaces=(WIRED,), persistent=False)
    first = detach(request=InterfaceDetach(WEB, "52:54:00:00:00:01".upper()), instance=instance)
    assert isinstance(first, Send)
    assert first.call == DetachCall(
        "interface", WIRED.mac, "", live=True, type="user", alias="net1"
    )


def against(request: Request, instance: Instance, *records: OperationRecord) -> list[str]:
    return [str(one) for one in check(known(instance, *records), request)]


def known(instance: Instance, *records: OperationRecord) -> State:
    return State(
        hosts={"alpha": Host("alpha", "qemu:///system", Link(LinkStatus.UP, 0.0))},
        instances={instance.key: instance},
        operations={one.id: one for one in records},
    )


def test_a_drive_and_a_disk_without_a_plug_stay_while_it_runs() -> None:
    drive = Disk("sda", "scsi", "cdrom")
    instance = web(disks=(drive, Disk("sdb", "sata"), DISK))
    (told,) = against(VolumeDetach(WEB, "sda"), instance)
    assert told.startswith("sda is a drive, which cannot be detached while web runs: take its")
    (told,) = against(VolumeDetach(WEB, "sdb"), instance)
    assert "have it detached from the next start on: --when next-start" in told
    assert against(VolumeDetach(WEB, "sda", "next-start"), instance) == []
    assert against(VolumeDetach(WEB, "vdb"), instance) == []


def test_the_disk_it_boots_from_goes_only_once_its_name_was_typed() -> None:
    root = Disk("vda", "virtio", source=DiskSource("file", "/p/root.qcow2"))
    instance = web(disks=(root, DISK))
    asked = danger(known(instance), VolumeDetach(WEB, "vda"))
    assert asked.caution is Caution.TYPE
    assert "vda is the disk it boots from." in asked.text
    assert danger(known(instance), REQUEST).caution is Caution.CONFIRM
    ordered = web(disks=(root, replace(DISK, boot_order=1)))
    assert danger(known(ordered), REQUEST).caution is Caution.TYPE
    assert danger(known(ordered), VolumeDetach(WEB, "vda")).caution is Caution.CONFIRM


def test_an_instance_with_a_kernel_of_its_host_boots_from_no_disk() -> None:
    root = Disk("vda", "virtio", source=DiskSource("file", "/p/root.qcow2"))
    alone = known(web(disks=(root,), boot=("/images/kernel",)))
    asked = danger(alone, VolumeDetach(WEB, "vda"))
    assert asked.caution is Caution.TYPE
    assert "vda is its only disk." in asked.text
    assert "boots" not in asked.text
    two = known(web(disks=(root, DISK), boot=("/images/kernel",)))
    asked = danger(two, VolumeDetach(WEB, "vda"))
    assert asked.caution is Caution.CONFIRM
    assert "is its only disk" not in asked.text
    xen = known(web(disks=(root, DISK), boot=("/usr/bin/pygrub",), type="xen"))
    asked = danger(xen, VolumeDetach(WEB, "vda"))
    assert asked.caution is Caution.TYPE
    assert "vda is the disk it boots from." in asked.text


@pytest.mark.parametrize(
    ("line", "target"),
    [
        ("console=ttyS0 root=/dev/vdb1 ro", "vdb"),
        ("root=/dev/vda root=/dev/vdb", "vdb"),
        ("root=/dev/vda12", "vda"),
        # what only the guest can tell, what is no disk of it, and what is no root
        ("root=UUID=6c8e-11 ro", ""),
        ("root=LABEL=vdb", ""),
        ("root=/dev/mapper/vg-root", ""),
        ("root=/dev/nfs nfsroot=10.0.0.1:/vdb", ""),
        ("root=/dev/vdc1", ""),
        ("rootwait realroot=/dev/vda", ""),
        ("", ""),
    ],
)
def test_the_root_that_a_kernel_is_told_of_goes_only_once_its_name_was_typed(
    line: str, target: str
) -> None:
    disks = "".join(
        f"<disk type='file' device='disk'><source file='/p/{one}'/><target dev='{one}'/></disk>"
        for one in ("vda", "vdb")
    )
    xml = (
        f"<domain type='kvm'><name>web</name><uuid>u</uuid><os><kernel>/k</kernel><cmdline>{line}"
        f"</cmdline></os><devices>{disks}</devices></domain>"
    )
    instance = read_instance(xml, "alpha")
    for one in ("vda", "vdb"):
        asked = danger(known(instance), VolumeDetach(instance.key, one))
        assert asked.caution is (Caution.TYPE if one == target else Caution.CONFIRM)
        told = f"{one} is the disk its kernel is told to have as root ({instance.kernel_root})."
        assert (told in asked.text) == (one == target)


def test_the_root_of_a_command_line_counts_with_a_kernel_alone() -> None:
    xml = (
        "<domain type='kvm'><os><cmdline>root=/dev/vdb</cmdline></os><devices><disk type='file'>"
        "<target dev='vda'/></disk><disk type='file'><target dev='vdb'/></disk></devices></domain>"
    )
    assert read_instance(xml).kernel_root == ""


def test_one_that_asks_is_answered_before_the_same_is_asked_for_again() -> None:
    asking = OperationRecord(
        "op-1", "volume-detach", "alpha", WEB, "web", "bob@desk", T, OperationStatus.ASKING,
        options={"disk": "vdb"},
    )  # fmt: skip
    (told,) = against(REQUEST, there(), asking)
    assert told == (
        "It is being detached already, by op-1: answer what that asks, or cancel it: `virtdeck "
        "operations cancel op-1`."
    )
    assert against(VolumeDetach(WEB, "vdc"), there(), asking) == []


def test_what_is_started_anew_without_it_is_not_said_to_have_it_again() -> None:
    now = VolumeDetach(WEB, "vdb", "now")
    end = detach(sent(LIVE), request=now, instance=gone(id=8), defined=gone(S.SHUTOFF))
    outcome = ended(end, OperationStatus.DONE).outcome
    assert outcome == "vdb (/p/data.raw) is detached from web with its power"
    end = detach(sent(LIVE), request=now, instance=there(id=8))
    assert "its next start has it again" in ended(end, OperationStatus.DONE).outcome


PAIR = """<interface type='network'><mac address='52:54:00:00:00:01'/><source network='default'/>
<model type='virtio'/><teaming type='persistent'/><alias name='ua-p'/></interface>
<interface type='hostdev' managed='yes'><mac address='52:54:00:00:00:01'/><source>
<address type='pci' domain='0x0000' bus='0x03' slot='0x10' function='0x1'/></source>
<teaming type='transient' persistent='ua-p'/><alias name='hostdev9'/></interface>"""


def stick(device: int) -> str:
    return (
        "<hostdev mode='subsystem' type='usb'><source><vendor id='0x0951'/><product id='0x1666'/>"
        f"<address bus='1' device='{device}'/></source><alias name='hostdev{device}'/></hostdev>"
    )


STICKS = stick(4) + stick(7)


def read(devices: str, where: S = S.RUNNING) -> tuple[Instance, str]:
    document = (
        f"<domain type='kvm'><name>web</name><uuid>{WEB.id}</uuid><devices>{devices}</devices>"
        "</domain>"
    )
    return replace(read_instance(document, WEB.host), state=where, described=True), document


@pytest.mark.parametrize(
    ("devices", "asked", "words"),
    [
        (
            PAIR,
            InterfaceDetach(WEB, "52:54:00:00:00:01"),
            "web has 2 interfaces 52:54:00:00:00:01: ua-p (default) and pci:0000:03:10.1: "
            "say which: ua-p or pci:0000:03:10.1.",
        ),
        (
            STICKS,
            DeviceDetach(WEB, "usb:0951:1666"),
            "web has 2 devices usb:0951:1666: usb:1.4 and usb:1.7: say which: usb:1.4 or usb:1.7.",
        ),
        (
            "<rng model='virtio'><backend model='random'>/r</backend><alias name='rng0'/></rng>"
            "<rng model='virtio'><backend model='random'>/r</backend><alias name='rng1'/></rng>",
            DeviceDetach(WEB, "rng:/r"),
            "web has 2 devices rng:/r: rng0 and rng1: take the other out of its XML: "
            "`virtdeck edit web`.",
        ),
    ],
)
def test_a_name_that_several_have_is_refused(devices: str, asked: Request, words: str) -> None:
    running, document = read(devices)
    off, _ = read(devices, S.SHUTOFF)
    assert against(asked, running) == against(asked, off) == [words]
    # what is defined is read after the check
    for only in ({"instance": web()}, {"defined": web(S.SHUTOFF)}):
        known: dict[str, Any] = {"instance": running, "defined": off, "document": document, **only}
        end = ended(detach(request=asked, **known), OperationStatus.REFUSED)
        assert end.outcome.startswith("web has 2 ")


@pytest.mark.parametrize(
    ("devices", "asked", "alias", "within"),
    [
        (PAIR, InterfaceDetach(WEB, "ua-p"), "ua-p", "persistent"),
        (PAIR, InterfaceDetach(WEB, "pci:0000:03:10.1"), "hostdev9", "transient"),
        (STICKS, DeviceDetach(WEB, "usb:1.7"), "hostdev7", 'device="7"'),
    ],
)
def test_of_several_the_one_goes_that_is_named(
    devices: str, asked: Request, alias: str, within: str
) -> None:
    running, document = read(devices)
    off, _ = read(devices, S.SHUTOFF)
    assert against(asked, running) == []
    first = detach(request=asked, instance=running, defined=off, document=document)
    assert isinstance(first, Send)
    assert isinstance(first.call, DetachCall)
    assert within in first.call.xml
    left, _ = read(devices, S.SHUTOFF)
    left = replace(
        left,
        interfaces=tuple(one for one in left.interfaces if one.alias != alias),
        devices=tuple(one for one in left.devices if one.alias != alias),
    )
    then = detach(sent(first.call), request=asked, instance=running, defined=left)
    assert isinstance(then, Send)
    assert isinstance(then.call, DetachCall)
    assert (then.call.alias, then.call.live) == (alias, True)
    assert then.call.virsh("web")[0] == "detach-device"


def test_before_a_save_the_function_of_a_failover_pair_leaves_and_not_its_card() -> None:
    """Its card is saved as any; by their address nothing would tell restore that one is missing."""
    running, _ = read(PAIR)
    (held,) = bound_devices(running)
    assert held == ("pci:0000:03:10.1", "interface", "pci:0000:03:10.1")
    without = replace(running, interfaces=running.interfaces[:1])
    assert find(without, held.kind, held.name) is None


@pytest.mark.parametrize(
    "asked",
    [SetLink(WEB, "52:54:00:00:00:01", "down"), SetNetworkLimits(WEB, "52:54:00:00:00:01")],
)
def test_of_a_failover_pair_no_other_verb_takes_the_first_either(asked: Request) -> None:
    running, document = read(PAIR)
    told = against(asked, running)
    assert any("web has 2 network devices 52:54:00:00:00:01: change the one" in one for one in told)
    with pytest.raises(XmlError, match="It has 2 network devices"):
        device_with_link(document, "52:54:00:00:00:01", up=False)
