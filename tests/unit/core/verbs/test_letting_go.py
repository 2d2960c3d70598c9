"""Saving a guest with devices of its host, as Nova does it: detached before, attached after."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from msgspec.structs import replace as with_fields

from core.model import (
    Device,
    Host,
    Instance,
    InstanceState,
    Interface,
    Network,
    OperationStatus,
    State,
)
from core.model.host import HostFacts, Link, LinkStatus
from core.model.run import DeviceOutcome, InstanceRun
from core.state.held_devices import bound_devices
from core.verbs.around import Around
from core.verbs.checks import check
from core.verbs.device.calls import AttachCall, DetachCall
from core.verbs.letting_go import ATTEMPTS, PATIENCE, against, leaving
from core.verbs.power.requests import Start
from core.verbs.preview import planned
from core.verbs.saved import RESTORE, SAVE, Restore, RestoreCall, Save, SaveCall
from core.verbs.situation import Action, End, Progress, Send, Sent, Situation, Wait
from core.verbs.snapshot.create import SnapshotCreate
from tests.unit.power_builders import WEB, web

CARD = Device("hostdev", "pci 0000:03:00.0", "hostdev0")
USB = Device("hostdev", "usb 0x1d6b:0x0002", "hostdev1")
VF = Interface("52:54:00:00:00:07", "hostdev", "pci 0000:03:10.1", alias="hostdev2")
CARD_XML = (
    '<hostdev mode="subsystem" type="pci" managed="yes"><source><address domain="0x0000" '
    'bus="0x03" slot="0x00" function="0x0"/></source></hostdev>'
)
VF_XML = (
    '<interface type="hostdev" managed="yes"><mac address="52:54:00:00:00:07"/><source><address '
    'type="pci" domain="0x0000" bus="0x03" slot="0x10" function="0x1"/></source></interface>'
)
DOCUMENT = f"<domain><devices>{CARD_XML}{VF_XML}</devices></domain>"
WORDS = ["pci:0000:03:00.0", "52:54:00:00:00:07"]


def holding(*devices: Device, cards: tuple[Interface, ...] = (), **more: Any) -> Instance:
    return web(devices=devices, interfaces=cards, **more)


FULL = holding(CARD, USB, cards=(VF,))
BARE = holding(USB)
OFF = holding(CARD, USB, cards=(VF,), where=InstanceState.SHUTOFF, managed_save=True)


def at(
    instance: Instance, *sent: Sent, request: Any = None, now: float = 10.0, **more: Any
) -> Situation:
    return Situation(
        request or Save(WEB), "web", now, Progress(sent=sent), instance,
        document=DOCUMENT, defined=FULL, looked=now, **more,
    )  # fmt: skip


def send(action: Action) -> Any:
    assert isinstance(action, Send), action
    return action.call


def end(action: Action) -> End:
    assert isinstance(action, End), action
    return action


def ok(call: Any, when: float = 5.0) -> Sent:
    return Sent(call, when, ended=when + 1)


def wrong(call: Any, error: str, when: float = 5.0) -> Sent:
    return Sent(call, when, ended=when + 1, error=error, certain=True)


def detached() -> tuple[Sent, Sent]:
    first = send(SAVE.decide(at(FULL)))
    second = send(SAVE.decide(at(holding(USB, cards=(VF,)), ok(first))))
    return ok(first, 1.0), ok(second, 3.0)


def test_usb_stays_and_all_else_of_the_host_is_in_the_way() -> None:
    assert [one.name for one in bound_devices(FULL)] == WORDS


def test_each_is_detached_from_what_runs_alone_and_then_the_memory_is_saved() -> None:
    first = send(SAVE.decide(at(FULL)))
    assert first == DetachCall("device", WORDS[0], "", live=True, alias="hostdev0", xml=CARD_XML)
    waits = SAVE.decide(at(FULL, ok(first), now=10.0))
    assert isinstance(waits, Wait)
    assert waits.until == 6.0 + PATIENCE
    second = send(SAVE.decide(at(holding(USB, cards=(VF,)), ok(first))))
    assert (second.kind, second.name, second.xml) == ("interface", WORDS[1], VF_XML)
    assert send(SAVE.decide(at(BARE, *detached()))) == SaveCall()
    saved = end(SAVE.decide(at(OFF, *detached(), ok(SaveCall(), 8.0))))
    assert saved.status is OperationStatus.DONE
    assert saved.outcome.endswith(
        "without pci:0000:03:00.0 and the interface 52:54:00:00:00:07, which restore attaches again"
    )


def test_a_rehearsal_and_the_question_name_them() -> None:
    state = State(instances={FULL.key: FULL})
    assert [type(one.call) for one in planned(state, Save(FULL.key))] == [
        DetachCall,
        DetachCall,
        SaveCall,
    ]
    (line,) = leaving(state, [Save(FULL.key)])
    assert line.startswith("pci:0000:03:00.0 and the interface 52:54:00:00:00:07 leave web first")
    assert leaving(State(instances={BARE.key: BARE}), [Save(BARE.key)]) == []


def test_what_has_none_is_saved_at_once() -> None:
    assert send(SAVE.decide(at(BARE))) == SaveCall()


def test_a_guest_that_does_not_let_go_is_asked_again_and_then_nothing_is_saved() -> None:
    call = send(SAVE.decide(at(FULL)))
    asked = tuple(ok(call, number * PATIENCE) for number in range(ATTEMPTS))
    again = at(FULL, *asked[:1], now=PATIENCE + 1)
    assert send(SAVE.decide(again)) == call
    over = end(SAVE.decide(at(FULL, *asked, now=ATTEMPTS * PATIENCE + 1)))
    assert over.status is OperationStatus.FAILED
    assert "asked 8 times to let go of pci:0000:03:00.0, and has not" in over.outcome
    assert "virtdeck device detach web --device pci:0000:03:00.0" in over.hint


def test_a_guest_that_refuses_the_second_has_the_first_again() -> None:
    one, two = detached()
    news = (DeviceOutcome("hostdev2", "removal-failed", 4.5),)
    left = holding(USB, cards=(VF,))
    around = Around(run=InstanceRun(devices=news))
    back = send(SAVE.decide(at(left, one, two, around=around)))
    assert back == AttachCall(live=True, config=False, kind="device", name=WORDS[0], xml=CARD_XML)
    whole = end(SAVE.decide(at(FULL, one, two, ok(back), around=around)))
    assert whole.status is OperationStatus.FAILED
    assert "refused to let go of the interface 52:54:00:00:00:07" in whole.outcome
    assert whole.outcome.endswith("pci:0000:03:00.0 is attached again")
    lost = end(SAVE.decide(at(left, one, two, wrong(back, "It is busy."), around=around)))
    assert "pci:0000:03:00.0 could not be attached again: It is busy" in lost.outcome
    assert "virtdeck device attach web --device pci:0000:03:00.0 --when now" in lost.hint


def test_where_the_saving_fails_or_is_cancelled_they_are_attached_again() -> None:
    failed = (*detached(), wrong(SaveCall(), "The disk is full."))
    first = send(SAVE.decide(at(BARE, *failed)))
    second = send(SAVE.decide(at(holding(CARD, USB), *failed, ok(first))))
    assert (first.name, second.name) == tuple(WORDS)
    told = end(SAVE.decide(at(FULL, *failed, ok(first), ok(second))))
    assert told.status is OperationStatus.FAILED
    assert "The disk is full" in told.outcome
    cancels = at(BARE, *detached(), cancelled="me@here")
    assert isinstance(send(SAVE.decide(cancels)), AttachCall)


def test_what_only_runs_with_it_could_not_have_it_back_so_nothing_is_begun() -> None:
    alone = replace(at(FULL), document="<domain><devices/></domain>")
    told = end(SAVE.decide(alone))
    assert told.status is OperationStatus.FAILED
    assert "Detach it first" in told.hint


def test_one_that_is_paused_is_refused_for_its_guest_cannot_let_go() -> None:
    (refusal,) = against(with_fields(FULL, state=InstanceState.PAUSED))
    assert "resume it first" in str(refusal)
    assert not list(against(FULL))
    assert not list(against(with_fields(BARE, state=InstanceState.PAUSED)))


@pytest.mark.parametrize("error", ["", "The device is held by db."])
def test_restored_it_has_again_what_its_definition_has(error: str) -> None:
    def now(instance: Instance, *sent: Sent) -> Situation:
        return at(instance, *sent, request=Restore(WEB))

    runs = ok(RestoreCall())
    stale = replace(now(BARE, runs), looked=2.0)
    assert isinstance(RESTORE.decide(stale), Wait)
    first = send(RESTORE.decide(now(BARE, runs)))
    one = wrong(first, error) if error else ok(first)
    second = send(RESTORE.decide(now(BARE if error else holding(CARD, USB), runs, one)))
    left = holding(USB, cards=(VF,)) if error else FULL
    told = end(RESTORE.decide(now(left, runs, one, ok(second))))
    assert told.outcome.startswith("web goes on from its saved memory; ")
    if error:
        assert told.status is OperationStatus.FAILED
        assert "pci:0000:03:00.0 could not be attached again: The device is held by db" in (
            told.outcome
        )
    else:
        assert told.status is OperationStatus.DONE
        assert told.outcome.endswith("are attached again")


SHARE = Device("filesystem", "mount /srv data virtiofs", target="my data", bus="virtiofs")


def on(version: str, *devices: Device, where: InstanceState = InstanceState.RUNNING) -> State:
    facts = HostFacts(libvirt_version=version)
    host = Host("alpha", "qemu:///system", Link(LinkStatus.UP, 0.0), facts=facts)
    instance = holding(*devices, where=where)
    return State(hosts={"alpha": host}, instances={instance.key: instance})


def test_with_a_virtiofs_share_no_memory_is_saved_before_libvirt_10_6() -> None:
    internal = SnapshotCreate(WEB, "now")
    memory = SnapshotCreate(WEB, "now", where="external", memory=True)
    for request in (Save(WEB), internal, memory):
        told = " ".join(map(str, check(on("9.0.0", SHARE), request)))
        assert (
            "web has my data by virtiofs, with which libvirt 9.0.0 of alpha saves no memory (10.6 "
            "is the first that does): unmount it in its guest and detach it (`virtdeck device "
            "detach web --device 'share:my data'`), or shut its guest down instead."
        ) in told
        for other in (on("10.6.0", SHARE), on("", SHARE), on("9.0.0", USB)):
            assert "saves no memory" not in " ".join(map(str, check(other, request)))
    disks = SnapshotCreate(WEB, "now", where="external")
    off = on("9.0.0", SHARE, CARD, where=InstanceState.SHUTOFF)
    for state, request in ((on("9.0.0", SHARE, CARD), disks), (off, internal)):
        assert "no memory" not in " ".join(map(str, check(state, request)))


def test_whether_a_device_may_stay_in_a_snapshot_with_memory_is_left_to_libvirt() -> None:
    """It knows of teaming, and asks the QEMU that can tell."""
    assert "memory" not in " ".join(map(str, check(on("9.0.0", CARD), SnapshotCreate(WEB, "now"))))


LENT = Interface("52:54:00:00:00:07", "network", "sriov")
LENT_XML = (
    '<interface type="network"><mac address="52:54:00:00:00:07"/><source network="sriov"/>'
    "</interface>"
)
NETWORK = Network("alpha", "n", "sriov", forward="hostdev")
NETWORKS = {NETWORK.key: NETWORK}


def test_an_interface_for_which_a_network_lends_a_device_is_attached_again() -> None:
    """What runs has it as the device, the definition as an interface of the network."""
    document = f"<domain><devices>{LENT_XML}</devices></domain>"
    bare = holding(USB)
    now = at(bare, ok(RestoreCall()), request=Restore(WEB), around=Around(networks=NETWORKS))
    now = replace(now, defined=holding(USB, cards=(LENT,)), document=document)
    call = send(RESTORE.decide(now))
    assert isinstance(call, AttachCall)
    assert (call.kind, call.name, call.xml) == ("interface", LENT.mac, LENT_XML)
    bridged = Around(networks={NETWORK.key: with_fields(NETWORK, forward="bridge")})
    assert "goes on from its saved" in end(RESTORE.decide(replace(now, around=bridged))).outcome


def test_a_start_is_refused_that_would_go_on_without_what_left() -> None:
    def why(instance: Instance, **more: Any) -> str:
        up = Host("alpha", "qemu:///system", link=Link(LinkStatus.UP))
        state = State(hosts={"alpha": up}, instances={instance.key: instance}, networks=NETWORKS)
        return " ".join(map(str, check(state, Start(WEB, **more))))

    assert "goes on from it without pci:0000:03:00.0 and pci:0000:03:10.1: restore it" in why(OFF)
    lent = holding(cards=(LENT,), where=InstanceState.SHUTOFF, managed_save=True)
    assert "without network:sriov: restore it" in why(lent)
    assert "without" not in why(OFF, forget_saved=True)
    assert "without" not in why(with_fields(OFF, managed_save=False))
    usb = holding(USB, where=InstanceState.SHUTOFF, managed_save=True)
    assert "without" not in why(usb)
