"""Instances made on libvirt's test driver: from their XML, refused, taken back, seen in no file."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest

from core.errors import OperationFailedError, RefusedError
from core.fleet import Fleet
from core.hypervisor.calls.table import make as make_call
from core.hypervisor.connection.tolerance import unless_gone
from core.model import ObjectKey, OperationRecord, OperationStatus
from core.model.secret_value import Secret
from core.verbs.create.calls import DefineCall, TakeBackCall
from core.verbs.create.from_xml import CREATE_FROM_XML
from core.verbs.preview import planned
from core.verbs.undefining import Undefine
from core.verbs.undoing import undoing
from core.xml import read_instance
from core.xml.authored import completed
from core.xml.made_mark import made_by
from tests.driver.command import Virtdeck
from tests.driver.private_daemon import PrivateDaemon
from tests.driver.watching import until
from tests.driver.worlds import uuid_of
from tests.patience import PATIENCE

HOST = ObjectKey("host", "alpha", "alpha")
XML = (
    "<domain type='test'><name>made</name><memory>8192</memory><os><type>hvm</type></os>"
    "<devices><graphics type='vnc' passwd='s3cret'/></devices></domain>"
)


@pytest.fixture
async def fleet(daemon: PrivateDaemon, tmp_path: Path) -> AsyncIterator[Fleet]:
    async with Fleet.open([f"alpha={daemon.uri}"], journal=tmp_path / "j.db") as found:
        assert await found.ready(20 * PATIENCE)
        await until(lambda: bool(found.state.instances))
        yield found


async def make(fleet: Fleet, xml: str, **options: object) -> OperationRecord:
    request = CREATE_FROM_XML.at(HOST, str(uuid4()), {"xml": Secret(xml), **options})
    record = await (await fleet.submit(request))
    assert isinstance(record, OperationRecord)
    return record


async def test_an_instance_is_made_from_its_xml_and_started(
    fleet: Fleet, daemon: PrivateDaemon, tmp_path: Path
) -> None:
    record = await make(fleet, XML, start=True, autostart=True)
    assert (record.name, record.outcome) == ("made", "made runs on alpha")
    assert [step.call for step in record.steps if step.call] == [
        *("prove", "define", "autostart", "create"),
    ]
    found = daemon.keeper.lookupByName("made")
    assert found.UUIDString() == record.subject.id
    assert found.isActive()
    assert found.autostart()
    assert "passwd='s3cret'" in found.XMLDesc(1)
    assert fleet.state.instances[record.subject].name == "made"
    assert undoing(record) == Undefine(record.subject)
    kept = await asyncio.to_thread(lambda: [one.read_bytes() for one in tmp_path.iterdir()])
    assert kept
    assert not any(b"s3cret" in each for each in kept)


async def test_a_uuid_of_its_own_is_kept(fleet: Fleet) -> None:
    uuid = str(uuid4())
    record = await make(fleet, XML.replace("</name>", f"</name><uuid>{uuid.upper()}</uuid>"))
    assert record.subject.id == uuid
    assert record.outcome == "made is defined on alpha"


@pytest.mark.parametrize(
    ("xml", "told"),
    [
        ("<domain type='test'>", "not well-formed in line 1: .* correct it"),
        ("<pool/>", "is a <pool>, not a <domain>: give the definition of an instance"),
        (XML.replace("<name>made</name>", ""), "has no name: give it a <name>"),
        (XML.replace(">made<", ">vm0001<"), "an instance vm0001 on alpha already: choose another"),
        (
            XML.replace("</name>", f"</name><uuid>{uuid_of(1)}</uuid>"),
            "vm0001 on alpha has the UUID .* leave <uuid> out",
        ),
    ],
)
async def test_what_cannot_be_is_refused_with_its_cure(fleet: Fleet, xml: str, told: str) -> None:
    before = len(fleet.state.instances)
    with pytest.raises(RefusedError, match=told):
        await make(fleet, xml)
    assert len(fleet.state.instances) == before


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (("<os>", "<bogus/><os>"), "not what libvirt's schema has: .*bogus.* Correct that"),
        (("type='test'", "type='nonsense'"), "not what libvirt's schema has"),
    ],
)
async def test_what_libvirt_does_not_take_is_found_before_anything_is_made(
    fleet: Fleet, daemon: PrivateDaemon, wrong: tuple[str, str], told: str
) -> None:
    before = daemon.keeper.numOfDomains() + daemon.keeper.numOfDefinedDomains()
    with pytest.raises(OperationFailedError, match=told):
        await make(fleet, XML.replace(*wrong))
    (record,) = fleet.state.operations.values()
    assert [step.call for step in record.steps if step.call] == ["prove"]
    assert daemon.keeper.numOfDomains() + daemon.keeper.numOfDefinedDomains() == before


async def test_one_that_somebody_made_meanwhile_is_not_touched(
    fleet: Fleet, daemon: PrivateDaemon
) -> None:
    """The name is free when it is asked for, and taken when it is sent."""
    request = CREATE_FROM_XML.at(HOST, str(uuid4()), {"xml": Secret(XML)})
    assert not fleet.check(request)
    other = daemon.keeper.defineXML(XML)
    operation = await fleet.submit(request)
    with pytest.raises(OperationFailedError, match=r"already exists.* Choose another name"):
        await operation
    assert daemon.keeper.lookupByName("made").UUIDString() == other.UUIDString()
    assert request.subject not in fleet.state.instances


async def test_what_is_made_is_shown_before_it_is_made(fleet: Fleet) -> None:
    request = CREATE_FROM_XML.at(HOST, str(uuid4()), {"xml": Secret(XML), "start": True})
    sends = planned(fleet.state, request)
    assert [send.call.word for send in sends] == ["prove", "define", "create"]
    assert request.subject.id in sends[0].call.text
    assert "s3cret" not in sends[0].call.text
    await fleet.links.ask(request.subject, [sends[0].call])
    assert request.subject not in fleet.state.instances


def test_only_what_its_operation_defined_is_taken_back(daemon: PrivateDaemon) -> None:
    uuid, conn = str(uuid4()), daemon.keeper
    text, _ = completed(XML, uuid)
    key = ObjectKey("instance", "alpha", uuid)
    make_call(conn, key, DefineCall(made_by(text, "1-a")))
    assert read_instance(conn.lookupByUUIDString(uuid).XMLDesc(0), host="alpha").maker == "1-a"
    make_call(conn, key, TakeBackCall("2-b"))
    assert conn.lookupByUUIDString(uuid).name() == "made"
    make_call(conn, key, TakeBackCall("1-a"))
    assert unless_gone(lambda: conn.lookupByUUIDString(uuid)) is None


async def test_two_of_one_name_are_not_made_at_once(fleet: Fleet) -> None:
    first = await fleet.submit(CREATE_FROM_XML.at(HOST, str(uuid4()), {"xml": Secret(XML)}))
    with pytest.raises(RefusedError, match=r"create-from-xml of made is .*: wait for it"):
        await make(fleet, XML)
    assert (await first).status is OperationStatus.DONE


def test_the_command_makes_one_and_rehearses_it(daemon: PrivateDaemon, tmp_path: Path) -> None:
    virtdeck = Virtdeck(tmp_path)
    file = tmp_path / "made.xml"
    file.write_text(XML)
    words = ("-c", f"alpha={daemon.uri}", "create-from-xml", str(file))
    done = virtdeck(*words, "--dry-run")
    assert done.status == 0
    assert "made on alpha: having libvirt check the definition of made" in done.out
    assert "<memory>8192</memory>" in done.out
    assert "s3cret" not in done.out
    done = virtdeck(*words, "--start")
    assert (done.status, "made: done: made runs on alpha" in done.out) == (0, True)
    done = virtdeck(*words)
    assert done.status == 1
    assert "There is an instance made on alpha already: choose another name." in done.err
    file.write_text(XML.replace("<os>", "<bogus/><os>").replace(">made<", ">other<"))
    done = virtdeck(*words, "--dry-run")
    assert done.status == 1
    assert "would be refused: The XML is not what libvirt's schema has" in done.out
    done = virtdeck("-c", f"alpha={daemon.uri}", "-c", "beta=test:///default", *words[2:])
    assert done.status == 2
    assert "On which host is it to be made?" in done.err
