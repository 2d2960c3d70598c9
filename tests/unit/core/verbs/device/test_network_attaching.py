"""Volumes by URL and connection_info, with limits and secrets: what is refused, what is sent."""

from __future__ import annotations

import json
import re
from dataclasses import replace as replaced
from typing import Any

import pytest
from msgspec.structs import replace

from core.engine.recovery import next_action
from core.model import Device, Disk, DiskSource, Instance, OperationStatus, Request
from core.model.connected_volume import HostEncryption
from core.model.secret_value import WITHHELD, Secret, without_secrets_of, written
from core.model.volume_secret import secret_uuid
from core.verbs.device.calls import AttachCall, DetachCall, DropSecretsCall, SecretsCall
from core.verbs.device.connecting import ConnectCall, DeviceAnswer, DisconnectCall
from core.verbs.device.requests import VolumeAttach, VolumeDetach
from core.verbs.preview import planned
from core.verbs.registry import verb_of
from core.verbs.situation import Action, Answered, Ask, End, Progress, Send, Sent, Situation
from core.xml.volume_secret import secret_xml, secrets_named
from tests.unit.core.verbs.device.test_attaching import against, other
from tests.unit.core.volumes.infos import VOLUME, document
from tests.unit.power_builders import WEB, S, T, ended, sent, step, web

NBD = "nbd://s/one"
"""A volume of a server."""
LUKS, PROOF = (secret_uuid(WEB.id, "vda", purpose) for purpose in ("luks", "proof"))


def attach(**options: Any) -> VolumeAttach:
    return VolumeAttach(WEB, **options)


def by_info(protocol: str, more: dict[str, Any] | None = None, **options: Any) -> VolumeAttach:
    given = Secret(document(protocol, more=more))
    return VolumeAttach(WEB, connection_info=given, **options)


def first(request: Request, instance: Instance | None = None) -> AttachCall | SecretsCall:
    action = step(request, instance=instance or web())
    assert isinstance(action, Send)
    assert isinstance(action.call, AttachCall | SecretsCall)
    return action.call


def on_network(target: str, path: str, *hosts: str) -> Disk:
    protocol = path.partition(":")[0]
    return Disk(target, "virtio", source=DiskSource("network", path, protocol=protocol,
                                                    hosts=hosts))  # fmt: skip


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (attach(volume="gluster://s/a"), "QEMU reaches no image by gluster: it reaches rbd"),
        (attach(volume="iscsi://a:b@s/iqn.a/1"), "has a password in it"),
        (attach(volume="iscsi://a@s/iqn.a/1"), "no password of theirs is given: give it by a file"),
        (attach(volume=NBD, password=Secret("x")), "libvirt passes no password on to a server of"),
        (attach(volume="/p", format="raw", password=Secret("x")), "nobody whose password it would"),
        (attach(volume="nfs://s/a"), "is not known: say raw or qcow2: --format"),
        (attach(volume="https://s/a", format="raw"), "QEMU only reads what it has by https"),
        (attach(volume=NBD, limits=("read_iops_sec_max=1",)), "there is no burst over no limit"),
        (
            attach(volume=NBD, limits=("speed=1",)),
            "Limits of 'speed=1' make no sense: give a name of libvirt's",
        ),
        (attach(volume=NBD, limit_group="a"), "A group shares limits, and none is given"),
        (attach(volume=NBD, logical_block=1000), "is no power of two"),
        (attach(volume=NBD, logical_block=4096, physical_block=512), "no less than a logical one"),
        (attach(volume=NBD, alias="mine"), "give ua- and letters"),
        (attach(volume=NBD, passphrase=Secret("x"), format="qcow2"), "where the volume is raw"),
        (by_info("iscsi", encryption="luks2"), "is opened with a passphrase: give it"),
        (by_info("iscsi", passphrase=Secret("x"), cipher="aes"), "has its cipher and the size of"),
        (by_info("iscsi", passphrase=Secret("x"), key_size=256), "has its cipher and the size of"),
        (attach(volume=NBD, passphrase=Secret("x"), encryption="luks2"), "opened by the host of a"),
        (by_info("local", passphrase=Secret("x"), encryption="plain"), "connects no local"),
        (by_info("nfs", passphrase=Secret("x"), encryption="luks2"), "A file of nfs is no device"),
        (by_info("local", volume=NBD), "A connection_info and a volume are both given"),
        (by_info("smbfs"), "Shares of SMB are mounted by nobody"),
        (attach(connection_info=Secret("{")), "The connection_info is no JSON"),
        (
            attach(connection_info=Secret(json.dumps({"driver_volume_type": "aoe", "data": {}}))),
            "A volume of aoe cannot be attached: os-brick has had no ATA over Ethernet since 4.0.0",
        ),
    ],
)
def test_what_makes_no_sense_is_refused_with_the_cure(request_: Request, words: str) -> None:
    told = against(request_, web())
    assert any(words in one for one in told), told


def test_an_image_of_another_server_is_another_one() -> None:
    there = on_network("vda", "nbd:one", "t:10809")
    assert against(attach(volume=NBD), web(), other(disks=(there,))) == []
    same = on_network("vda", "nbd:one", "s:10809")
    told = against(attach(volume=NBD), web(), replace(other(disks=(same,)), host="beta"))
    assert [one for one in told if "is used by db on beta (vda)" in one]


def test_a_multiattached_volume_is_shared_with_those_that_share_it() -> None:
    theirs = Disk("vda", source=DiskSource("block", "/dev/vg/volume-1"), shareable=True)
    shared = {"multiattach": True}
    assert against(by_info("local", shared), web(), other(disks=(theirs,))) == []
    told = against(by_info("local"), web(), other(disks=(theirs,)))
    assert [one for one in told if "is used by db" in one]
    call = first(by_info("local", shared))
    assert isinstance(call, AttachCall)
    assert call.alone == ()


def test_nobody_else_may_use_an_image_of_that_server() -> None:
    call = first(attach(volume=NBD))
    assert isinstance(call, AttachCall)
    assert call.alone == ("nbd:one@s:10809", NBD)
    assert call.what == ""


def test_what_came_by_a_connection_info_is_called_by_its_id() -> None:
    call = first(by_info("local"))
    assert isinstance(call, AttachCall)
    assert call.what == f"the local volume {VOLUME}"
    assert f'<alias name="ua-{VOLUME}"/>' in call.xml
    assert "discard" not in call.xml


@pytest.mark.parametrize(
    ("devices", "unit"),
    [
        ((Device("controller", "scsi 0 virtio-scsi"),), "5"),
        # a device of the host has a unit as a disk has
        ((Device("controller", "scsi 0 virtio-scsi"),
          Device("hostdev", "scsi 0:0:0", address="drive 0:0:0:5")), "6"),
        ((Device("controller", "scsi 0 virtio-scsi"),
          Device("hostdev", "scsi 0:0:0", address="drive 1:0:0:9")), "5"),
        # the unit is on the first controller, which has seven here
        ((Device("controller", "scsi 0 lsilogic"), Device("controller", "scsi 1 virtio-scsi")), ""),
    ],
    ids=["disks", "host devices", "of another controller", "few units"],
)  # fmt: skip
def test_a_disk_of_scsi_has_the_unit_after_the_highest(
    devices: tuple[Device, ...], unit: str
) -> None:
    disks = (Disk("sda", "scsi", address="drive 0:0:0:4"),)
    call = first(by_info("local", bus="scsi"), web(disks=disks, devices=devices))
    assert isinstance(call, AttachCall)
    assert re.findall(r'unit="(\d+)"', call.xml) == [unit] * bool(unit)


def test_secrets_are_made_first_and_taken_back_where_the_disk_is_refused() -> None:
    request = attach(volume="iscsi://joe@s/iqn.a/1", password=Secret("pw"), passphrase=Secret("ph"))
    call = first(request)
    assert isinstance(call, SecretsCall)
    assert [(one.uuid, one.type) for one in call.secrets] == [(LUKS, "volume"), (PROOF, "iscsi")]
    assert all(f'uuid="{one}"' in call.plan.xml for one in (LUKS, PROOF))
    then = step(request, sent(call), instance=web())
    assert isinstance(then, Send)
    assert then.call == call.plan
    refused = replace(sent(call.plan, T + 1), error="no", certain=True)
    back = step(request, sent(call), refused, now=T + 2, instance=web())
    assert isinstance(back, Send)
    assert isinstance(back.call, DropSecretsCall)
    assert set(back.call.uuids) == {LUKS, PROOF}
    dropped = sent(back.call, T + 2)
    end = ended(step(request, sent(call), refused, dropped, now=T + 3, instance=web()),
                OperationStatus.FAILED)  # fmt: skip
    assert end.outcome == "no; what was done before was undone"


def test_a_console_that_takes_over_goes_by_what_was_sent() -> None:
    call = first(by_info("iscsi", reached_by="qemu"))
    assert isinstance(call, SecretsCall)
    gone = VolumeAttach(WEB, connection_info=Secret(None), reached_by="qemu")
    then = step(gone, sent(call), instance=web())
    assert isinstance(then, Send)
    assert then.call == call.plan


def left(
    *calls: Sent, word: str = "leave", looked: float = T + 200, then: Sent | None = None
) -> Action:
    """Return what a console does that took an attach over, once it was told to leave it.

    `then` is what it has sent since.
    """
    request = attach(volume="iscsi://joe@s/iqn.a/1", password=Secret("pw"))
    progress = Progress(calls, 7, gap=True, adopted=T + 100, first_adopted=T + 100)
    now = Situation(request, "web", T + 201, progress, web(), defined=web(), looked=looked)
    verb = verb_of(request)
    asked = next_action(verb, now)
    assert isinstance(asked, Ask)
    answers = (Answered(asked.question.key, word, "bob@desk"),)
    since = replace(progress, sent=(*calls, then) if then else calls, answers=answers)
    return next_action(verb, replaced(now, progress=since))


def test_the_secrets_of_a_disk_go_where_it_is_left_unattached() -> None:
    made = first(attach(volume="iscsi://joe@s/iqn.a/1", password=Secret("pw")))
    assert isinstance(made, SecretsCall)
    lost, unheard = sent(made, ended=None), sent(made.plan, T + 1, ended=None)
    for calls in ((lost,), (sent(made),), (sent(made), unheard)):
        action = left(*calls)
        assert isinstance(action, Send), calls
        assert isinstance(action.call, DropSecretsCall)
        assert action.call.repeatable
        assert PROOF in action.call.uuids
        end = left(*calls, then=sent(action.call, T + 202))
        assert isinstance(end, End)
        assert end.outcome.endswith("; left as it is, as bob@desk said")
        failing = sent(action.call, T + 202, error="No such secret driver.")
        end = left(*calls, then=failing)
        assert isinstance(end, End)
        assert end.hint.endswith("No such secret driver.")


def test_the_secrets_of_a_disk_stay_while_it_may_be_attached() -> None:
    made = first(attach(volume="iscsi://joe@s/iqn.a/1", password=Secret("pw")))
    assert isinstance(made, SecretsCall)
    unheard = sent(made.plan, T + 1, ended=None)
    unread = left(sent(made), unheard, looked=T + 101)
    assert "is not known; left as it is" in ended(unread, OperationStatus.UNKNOWN).outcome
    again = left(sent(made), unheard, word="again")
    assert isinstance(again, Send)
    assert again.call == made.plan


def test_no_secret_is_written_down() -> None:
    call = first(by_info("iscsi", reached_by="qemu"))
    assert isinstance(call, SecretsCall)
    assert "chap-word" not in call.plan.xml + call.text + repr(call)
    assert written(call.secrets[0].value) == "withheld"
    nested = replace(call, secrets=call.secrets)
    assert without_secrets_of(nested, "it said chap-word") == "it said withheld"


def test_the_xml_of_a_secret_has_its_name_and_no_value() -> None:
    call = first(by_info("iscsi", reached_by="qemu", when="now"))
    assert isinstance(call, SecretsCall)
    xml = secret_xml(call.secrets[0])
    assert f"<uuid>{PROOF}</uuid>" in xml
    assert '<usage type="iscsi"><target>virtdeck' in xml
    assert 'ephemeral="yes"' in xml
    assert "chap-word" not in xml
    assert secrets_named(f"<domain><devices>{call.plan.xml}</devices></domain>") == {PROOF}


CRYPT = Disk("vdb", "virtio", source=DiskSource("file", "/p/data.raw"), encrypted=True)


def test_the_secrets_of_a_disk_go_once_it_is_detached() -> None:
    request = VolumeDetach(WEB, "vdb")
    has = web(S.SHUTOFF, disks=(CRYPT,))
    begun = step(request, instance=has)
    assert isinstance(begun, Send)
    assert isinstance(begun.call, DetachCall)
    assert begun.call.secrets
    none = web(S.SHUTOFF, disks=())
    then = step(request, sent(begun.call), instance=none)
    assert isinstance(then, Send)
    assert isinstance(then.call, DropSecretsCall)
    end = step(request, sent(begun.call), sent(then.call, T + 1), instance=none, now=T + 2)
    assert ended(end, OperationStatus.DONE).outcome == "vdb (/p/data.raw) is detached from web"
    failed = replace(sent(then.call, T + 1), error="it is stuck.", certain=True)
    end = step(request, sent(begun.call), failed, instance=none, now=T + 2)
    assert (
        "whether its secrets are gone is not known: it is stuck"
        in ended(end, OperationStatus.DONE).outcome
    )


def test_a_rehearsal_looks_for_what_only_the_definition_may_have() -> None:
    from core.model import Host, State
    from core.model.host import Link, LinkStatus

    runs = web(disks=())
    state = State(hosts={"alpha": Host("alpha", "u", Link(LinkStatus.UP, 0.0))},
                  instances={runs.key: runs})  # fmt: skip
    calls = [send.call for send in planned(state, VolumeDetach(WEB, "vdb"))]
    assert [call.word for call in calls] == ["find-device", "detach"]
    assert calls[0].probe
    told = against(VolumeDetach(WEB, "vdb", "now"), runs)
    assert told == ["web has no disk vdb: it has none."]


def test_a_help_needs_no_volumes() -> None:
    assert verb_of(attach(volume=NBD)).refusals is not None


def test_what_its_host_opens_has_no_secret_of_libvirt() -> None:
    given = {"passphrase": Secret("ph"), "encryption": "plain", "cipher": "aes", "key_size": 256}
    request = by_info("iscsi", **given)
    action = step(request, instance=web())
    assert isinstance(action, Send)
    call = action.call
    assert isinstance(call, ConnectCall)
    assert call.encryption == HostEncryption("plain", "aes", 256)
    assert call.passphrase == Secret("ph")
    device = DeviceAnswer({"type": "block", "path": "/dev/disk/by-id/os-brick+dev+sda"})
    then = step(request, replace(sent(call), answer=device), instance=web())
    assert isinstance(then, Send)
    assert isinstance(then.call, AttachCall)
    assert "os-brick+dev+sda" in then.call.xml
    assert "encryption" not in then.call.xml
    refused = replace(sent(then.call, T + 1), error="no", certain=True)
    back = step(request, replace(sent(call), answer=device), refused, now=T + 2, instance=web())
    assert isinstance(back, Send)
    assert isinstance(back.call, DisconnectCall)
    assert back.call.connected.encryption == call.encryption
    assert written(call.passphrase) == WITHHELD


def test_what_is_of_ceph_is_waited_for_as_long_as_its_library_waits_for_monitors() -> None:
    for url, longer in (("rbd:///pool/image", True), (NBD, False)):
        action = step(attach(volume=url), instance=web())
        assert isinstance(action, Send)
        assert (action.deadline > 300) is longer
