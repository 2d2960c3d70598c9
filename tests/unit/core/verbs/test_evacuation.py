"""What speaks against an evacuation, and what becomes of a definition that is kept."""

from __future__ import annotations

import dataclasses
from types import MappingProxyType
from typing import Any

import pytest
from msgspec.structs import replace

from core.migration.preflight.lost_disk import against_disk
from core.model import (
    Host,
    HostFacts,
    Instance,
    InstanceState,
    Link,
    LinkStatus,
    Network,
    ObjectKey,
    OperationRecord,
    OperationStatus,
    Pool,
    PoolState,
    State,
    Volume,
)
from core.model.checkpoint import Checkpoint
from core.model.kept import KeptDefinition, KeptHost
from core.model.rewrites import Move
from core.state.checkpoints import known_names
from core.state.second_copy import copies, evacuated_to
from core.verbs.call import Call
from core.verbs.create.calls import DefineCall, ProveCall, TakeBackCall
from core.verbs.create.making import making
from core.verbs.create.plan import InstancePlan
from core.verbs.evacuation.evacuate import EVACUATE
from core.verbs.evacuation.plan import EvacuationPlan, planned
from core.verbs.evacuation.requests import DisksCall, Evacuate, LostDisk
from core.verbs.power.calls import CreateCall
from core.verbs.situation import Action, End, Progress, Send, Sent, Situation
from core.xml.definition.document import editable
from core.xml.definition.evacuated import disk_elements, evacuated, trial
from core.xml.made_mark import made_by, maker_in
from tests.verbs import check

S = InstanceState
HERE = ObjectKey("instance", "beta", "u")
DEAD = Link(LinkStatus.DOWN)
UP = Link(LinkStatus.UP)
XML = """
<domain type='kvm' id='7' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
  <name>web</name><uuid>5a4d2f2e-0b8e-4f0e-9a43-0a3d4b0f7a11</uuid>
  <memory unit='MiB'>64</memory>
  <os firmware='efi'><type arch='x86_64' machine='pc-q35-7.2'>hvm</type></os>
  <devices>
    <disk type='file' device='disk'>
      <driver name='qemu' type='qcow2'/><source file='/pool/web.qcow2'/>
      <target dev='vda' bus='sata'/>
    </disk>
    <disk type='file' device='cdrom'><source file='/iso/a.iso'/><target dev='sda'/></disk>
    <disk type='file' device='disk'>
      <source file='/pool/both.raw'/><target dev='vdb'/><shareable/>
    </disk>
    <interface type='network'><mac address='52:54:00:00:00:01'/><source network='lan'/></interface>
    <graphics type='vnc' passwd='s3cret' passwdValidTo='2030-01-01T00:00:00'>
      <listen type='address' address='0.0.0.0'/>
    </graphics>
  </devices>
</domain>
"""


def asked(**more: Any) -> Evacuate:
    given = {"source": "alpha", "fenced": "alpha", "name": "web", **more}
    return Evacuate(HERE, **given)


def picture(*rows: Instance, source: Link = DEAD, operations: tuple[Any, ...] = ()) -> State:
    hosts = [
        Host("alpha", "qemu://alpha/system", link=source),
        Host("beta", "qemu://b/system", link=UP),
    ]
    hosts.append(Host("gamma", "qemu://c/system", link=UP))
    return State(
        hosts=MappingProxyType({host.name: host for host in hosts}),
        instances=MappingProxyType({row.key: row for row in rows}),
        operations=MappingProxyType({one.id: one for one in operations}),
    )


def web(host: str, state: S) -> Instance:
    return Instance(host, "u", "web", state, id=7 if state.active else None)


@pytest.mark.parametrize(
    ("request_", "rows", "source", "told"),
    [
        (asked(), (), DEAD, ""),
        (asked(), (web("alpha", S.RUNNING),), DEAD, ""),  # as it was last seen: it is fenced
        (asked(fenced=""), (), DEAD, "Nobody has stated that alpha is fenced"),
        (asked(fenced="beta"), (), DEAD, "Nobody has stated that alpha is fenced"),
        (asked(), (), UP, "alpha answers: it is not dead: drain it, or migrate what runs on alpha"),
        (asked(source="beta", fenced="beta"), (), DEAD, "beta cannot be evacuated to itself"),
        (asked(source="omega", fenced="omega"), (), DEAD, "omega is not open here"),
        (asked(), (web("gamma", S.RUNNING),), DEAD, "gamma has web already (running)"),
        (asked(), (web("gamma", S.SHUTOFF),), DEAD, "gamma has web already (shutoff)"),
        (asked(), (web("beta", S.SHUTOFF),), DEAD, "beta has web already (shutoff)"),
        (
            asked(),
            (replace(web("beta", S.SHUTOFF), uuid="other"),),
            DEAD,
            "There is another instance web on beta",
        ),
    ],
)
def test_what_speaks_against_it(
    request_: Evacuate, rows: tuple[Instance, ...], source: Link, told: str
) -> None:
    found = " ".join(check(picture(*rows, source=source), request_))
    assert told in found
    assert bool(found) == bool(told)


def did(status: OperationStatus, **options: Any) -> OperationRecord:
    return OperationRecord(
        "1", "evacuate", "beta", HERE, "web", "ann@desk", created=1.0, ended=2.0, status=status,
        options={"source": "alpha", **options},
    )  # fmt: skip


def test_what_was_evacuated_is_not_started_where_it_was() -> None:
    """Its new host is out of reach, and has never been seen by this console."""
    there = ObjectKey("instance", "alpha", "u")
    state = picture(web("alpha", S.SHUTOFF), source=UP, operations=(did(OperationStatus.DONE),))
    lost = dict(state.hosts)
    lost["beta"] = Host("beta", "qemu://b/system", link=DEAD)
    away = State(hosts=lost, instances=state.instances, operations=state.operations)
    (sign,) = copies(away, there)
    assert sign == "it last ran on beta as far as is known, and that is out of reach"
    assert evacuated_to(away, there) == "beta"
    assert evacuated_to(away, HERE) == ""
    off = State(
        hosts=lost,
        instances=state.instances,
        operations={"1": did(OperationStatus.DONE, start=False)},
    )
    assert copies(off, there) == ()  # it was defined there, and off
    under_way = picture(
        web("alpha", S.SHUTOFF), source=UP, operations=(did(OperationStatus.RUNNING),)
    )
    assert copies(under_way, there) == ("evacuate is running for it on beta",)


def plan(xml: str = XML, **more: Any) -> EvacuationPlan:
    kept = KeptHost(
        "qemu://alpha/system", 5.0, pools=(Pool("alpha", "p", "pool", "netfs", path="/pool"),)
    )
    definition = KeptDefinition("u", "web", editable(xml), 4.0, **more.pop("kept", {}))
    networks = more.pop("networks", (Network("beta", "n", "lan", active=True),))
    host = Host("beta", "qemu://b/system", link=UP, facts=HostFacts())
    return planned(asked(**more.pop("asked", {})), kept, definition, host, networks,
                   more.pop("volumes", ()), more.pop("moved", ()))  # fmt: skip


def test_the_plan_has_the_definition_and_the_disks_that_somebody_may_hold() -> None:
    found = plan()
    assert found.against == ""
    (disk,) = found.disks.disks
    assert (disk.target, disk.path, disk.format, disk.pool_type) == (
        *("vda", "/pool/web.qcow2", "qcow2"), "netfs",
    )  # fmt: skip
    assert not found.disks.one_machine
    assert any("password of its display" in note for note in found.notes)
    assert any("NVRAM" in note for note in found.notes)
    assert "s3cret" not in found.plan.xml + str(found)


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"networks": ()}, "beta has no network lan, which its interface 52:54:00:00:00:01 is on"),
        ({"networks": None}, ""),
        (
            {"networks": (Network("beta", "n", "lan", active=False),)},
            "the network lan of beta, which it is on, is not active: start it",
        ),
        ({"kept": {"later": "gamma"}}, "gamma has shown it since"),
        (
            {"volumes": (Volume("beta", "p", "pool", "o", "/pool/o", backing="/pool/web.qcow2"),)},
            "/pool/o on beta lies over its disk vda",
        ),
        ({"xml": "<domain"}, "what is kept cannot be read"),
        (
            {"xml": XML.replace("</devices>", "</devices><qemu:commandline><qemu:arg "
                                "value='password=x'/></qemu:commandline>")},
            "an argument of its own for QEMU holds a secret, which is not kept",
        ),
    ],
)  # fmt: skip
def test_what_speaks_against_a_plan(more: dict[str, Any], told: str) -> None:
    if more.get("xml") == "<domain":
        kept = KeptHost("qemu://alpha/system")
        definition = KeptDefinition("u", "web", "<domain", 4.0)
        found = planned(asked(), kept, definition, None, None, ())
    else:
        found = plan(**more)
    assert told in found.against
    assert bool(told) == bool(found.against)


def test_a_display_without_its_password_is_open_to_nobody_else() -> None:
    xml = evacuated(editable(XML)).xml
    assert "passwd" not in xml
    assert "***" not in xml
    assert "0.0.0.0" not in xml
    assert 'listen="127.0.0.1"' in xml
    assert "<uuid>5a4d2f2e-0b8e-4f0e-9a43-0a3d4b0f7a11</uuid>" in xml
    assert 'startupPolicy="optional"' in xml
    assert " id=" not in xml.splitlines()[0]


def test_disks_are_looked_at_read_only_and_by_an_instance_that_never_runs() -> None:
    elements = disk_elements(XML)
    assert set(elements) == {"vda"}
    xml = trial("look", "kvm", "x86_64", (elements["vda"],) * 28)
    assert xml.count("<readonly/>") == 28
    assert 'dev="vdab" bus="virtio"' in xml
    assert "sata" not in xml


POOL = Pool("", "p", "pool", "netfs", PoolState.ACTIVE, "/pool", capacity=10)
VOLUME = Volume("", "p", "pool", "web", "/pool/web", format="qcow2")
FILE = LostDisk("vda", "file", "/pool/web", "qcow2", "netfs", 10)


@pytest.mark.parametrize(
    ("disk", "pool", "volume", "stated", "told"),
    [
        (FILE, POOL, VOLUME, False, ""),
        (FILE, None, None, False, "cannot be seen"),
        (FILE, None, None, True, ""),
        (replace(FILE, pool_type="dir"), replace(POOL, type="dir"), VOLUME, False, ""),
        (replace(FILE, pool_type="dir", pool_capacity=11), replace(POOL, type="dir"), VOLUME, False,
         "cannot be seen"),
        (replace(FILE, pool_type="dir"), POOL, VOLUME, False, "cannot be seen"),
        (FILE, POOL, replace(VOLUME, format="raw"), True, "another image on beta: raw, not qcow2"),
        (replace(FILE, type="volume", path="pool/web"), None, None, True, "has no pool pool"),
        (replace(FILE, type="volume"), replace(POOL, state=PoolState.INACTIVE), None, True,
         "is inactive"),
        (replace(FILE, type="network"), None, None, False, ""),
        (replace(FILE, type="nvme"), None, None, True, "of its dead host alone"),
    ],
)  # fmt: skip
def test_whether_a_disk_is_shared(
    disk: LostDisk, pool: Pool | None, volume: Volume | None, stated: bool, told: str
) -> None:
    found = against_disk(disk, "beta", pool, volume, stated=stated)
    assert told in found
    assert bool(told) == bool(found)


def test_checkpoints_that_are_known_stay_behind_and_are_named() -> None:
    dead = ObjectKey("instance", "alpha", "u")

    def made(number: int, verb: str, **options: Any) -> OperationRecord:
        status = OperationStatus.FAILED if options.pop("fails", False) else OperationStatus.DONE
        named = (f"{number}", verb, "alpha", dead, "web", "me@here", 1.0)
        return OperationRecord(*named, status=status, options=options)

    journal = (
        made(1, "backup", name="full", checkpoint=True),
        made(2, "backup", name="bare", checkpoint=False),
        made(3, "backup", name="failed", fails=True),
        made(4, "checkpoint-create", name="mine"),
        made(5, "checkpoint-create", name="gone"),
        made(6, "checkpoint-delete", name="gone"),
        made(7, "backup", name=None),
    )
    assert known_names(picture(operations=journal), dead) == ("full", "mine")
    read = dataclasses.replace(
        picture(operations=journal), checkpoints=MappingProxyType({dead: (Checkpoint("read"),)})
    )
    assert known_names(read, dead) == ("read",)
    assert known_names(picture(), dead) == ()
    found = plan(asked={"checkpoints": ("full", "mine")})
    assert any("its checkpoints full and mine stay behind" in note for note in found.notes)
    assert not any("checkpoint" in note for note in plan().notes)


@pytest.mark.parametrize("tried", [False, True], ids=["not yet", "tried"])
def test_what_runs_where_it_was_evacuated_to_is_not_taken_back(tried: bool) -> None:
    plan = InstancePlan("web", XML, start=True)
    calls = [ProveCall(plan), DisksCall("alpha", "", "", ()), DefineCall(XML)]
    sent = [Sent(call, 1.0, 2.0) for call in calls]
    if tried:
        sent.append(Sent(TakeBackCall(), 3.0, 4.0, "web runs by now", "", certain=True))
    progress = Progress(tuple(sent), adopted=2.5, first_adopted=2.5)

    def decide(row: Instance | None) -> Action:
        stop = "alpha answers: it is not dead"
        asked_for = asked(fenced="alpha")
        assert EVACUATE.decide is not None
        return EVACUATE.decide(
            Situation(asked_for, "web", 60.0, progress, row, stop=stop, link_up=True)
        )

    end = decide(web("beta", S.RUNNING))
    assert isinstance(end, End)
    assert end.status is OperationStatus.FAILED
    assert end.outcome == (
        "web runs on beta, where it was evacuated to, and was not taken back (alpha answers: it is "
        "not dead); alpha has a definition of it as well"
    )
    assert "`virtdeck undefine alpha/web`" in end.hint
    assert "`virtdeck undefine beta/web`" in end.hint
    again = decide(web("beta", S.SHUTOFF))
    assert isinstance(again, Send)
    assert isinstance(again.call, TakeBackCall)


def test_what_another_console_defined_of_it_is_neither_started_nor_taken_back() -> None:
    """Both evacuate the same UUID: libvirt's refusal of the second may be the lost answer."""
    assert plan().plan.given
    calls: list[Call] = [
        ProveCall(InstancePlan("web", XML, given=True)), DisksCall("alpha", "", "", ())
    ]  # fmt: skip

    def decide(row: Instance | None, *sent: Sent) -> Action:
        done = [Sent(call, 1.0, 2.0) for call in calls]
        progress = Progress((*done, *sent), adopted=3.5, first_adopted=3.5)
        asked_for = asked(fenced="alpha")
        assert EVACUATE.decide is not None
        return EVACUATE.decide(
            Situation(asked_for, "web", 60.0, progress, row, link_up=True, operation="1-a")
        )

    made = making(lambda _: (InstancePlan("web", XML, given=True), ()))
    begun = Progress((Sent(calls[0], 1.0, 2.0),))
    situation = Situation(asked(fenced="alpha"), "web", 5.0, begun, None, operation="1-a")
    define = next(step.call for step in made(situation) if isinstance(step.call, DefineCall))
    assert maker_in(define.xml) == "1-a"
    assert maker_in(made_by(define.xml, "2-b")) == "2-b"
    lost = Sent(define, 3.0, 3.2, "The link was lost.", certain=False)
    own = decide(replace(web("beta", S.SHUTOFF), maker="1-a"), lost)
    assert isinstance(own, Send)
    assert isinstance(own.call, CreateCall)
    back = decide(replace(web("beta", S.SHUTOFF), maker="2-b"), lost)
    assert isinstance(back, Send)
    assert back.call == TakeBackCall("1-a")


def test_a_volume_that_its_new_host_has_connected_is_at_the_path_it_has_there() -> None:
    found = plan(moved=(Move("/pool/both.raw", "/dev/sdx"),))
    assert "/dev/sdx" in found.plan.xml
    assert "/pool/both.raw" not in found.plan.xml
    assert "/pool/web.qcow2" in found.plan.xml
