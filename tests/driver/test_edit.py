"""The whole definition of an instance edited, on the test driver: by the core and by command."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from core.errors import OperationFailedError, RefusedError
from core.fleet import Fleet
from core.hypervisor.connection.options import LinkOptions
from core.model import ObjectKey, OperationRecord, OperationStatus
from core.verbs.danger import danger
from core.verbs.editing import edited
from core.verbs.undoing import undoing
from tests.driver.command import Virtdeck
from tests.driver.private_daemon import PrivateDaemon
from tests.driver.watching import until
from tests.driver.worlds import uuid_of
from tests.patience import PATIENCE

KEY = ObjectKey("instance", "alpha", uuid_of(1))
PASSWORD, OTHER = "tell-n0body-4711", "nor-th1s-one"
VNC = "<graphics type='vnc' port='5999' autoport='no' passwd='{}'/>"
SECURE, INACTIVE = 1, 2
"""VIR_DOMAIN_XML_SECURE, VIR_DOMAIN_XML_INACTIVE."""


@pytest.fixture
def virtdeck(tmp_path: Path) -> Virtdeck:
    return Virtdeck(tmp_path)


@pytest.fixture
async def fleet(daemon: PrivateDaemon, virtdeck: Virtdeck) -> AsyncIterator[Fleet]:
    """A host with one instance that has a secret."""
    xml = defined(daemon).replace("</devices>", f"{VNC.format(PASSWORD)}</devices>")
    daemon.keeper.defineXML(xml)
    journal = virtdeck.home / "journal.db"
    options = LinkOptions(statistics_interval=3600, sweep_interval=0)
    async with Fleet.open([f"alpha={daemon.uri}"], journal=journal, options=options) as made:
        assert await made.ready(20 * PATIENCE)
        await until(lambda: made.state.instances[KEY].described)
        yield made


def defined(daemon: PrivateDaemon) -> str:
    return str(daemon.keeper.lookupByUUIDString(KEY.id).XMLDesc(SECURE | INACTIVE))


async def changed(fleet: Fleet, *pairs: tuple[str, str], **more: bool) -> OperationRecord:
    """Edit the definition by replacing words of it."""
    base = await fleet.definitions.document(KEY)
    text = base
    for before, after in pairs:
        assert before in text
        text = text.replace(before, after, 1)
    record = await (await fleet.submit(edited(KEY, text, base, **more)))
    assert isinstance(record, OperationRecord)
    return record


def everything(directory: Path) -> bytes:
    return b"".join(file.read_bytes() for file in directory.rglob("*") if file.is_file())


async def test_what_is_edited_is_defined_and_its_secrets_stay(
    daemon: PrivateDaemon, fleet: Fleet, virtdeck: Virtdeck
) -> None:
    assert PASSWORD not in await fleet.definitions.document(KEY)
    record = await changed(fleet, (">restart</on_reboot>", ">destroy</on_reboot>"))
    assert record.outcome == "vm0001 is defined anew"
    assert "<on_reboot>destroy</on_reboot>" in defined(daemon)
    assert f"passwd='{PASSWORD}'" in defined(daemon)
    assert PASSWORD.encode() not in everything(virtdeck.home)


async def test_a_secret_that_is_typed_is_set_and_written_nowhere(
    daemon: PrivateDaemon, fleet: Fleet, virtdeck: Virtdeck
) -> None:
    record = await changed(fleet, ('passwd="***"', f'passwd="{OTHER}"'))
    assert record.status is OperationStatus.DONE
    assert f"passwd='{OTHER}'" in defined(daemon)
    assert OTHER not in str(record)
    assert OTHER.encode() not in everything(virtdeck.home)


async def test_of_one_that_runs_it_counts_from_its_next_start(
    daemon: PrivateDaemon, fleet: Fleet
) -> None:
    daemon.keeper.lookupByUUIDString(KEY.id).create()
    await until(lambda: fleet.state.instances[KEY].state.active)
    base = await fleet.definitions.document(KEY)
    request = edited(KEY, base.replace("65536", "131072"), base)
    assert danger(fleet.state, request).text.splitlines() == [
        "Replaces the definition of vm0001 on alpha: memory: 65536 KiB → 131072 KiB; "
        "currentMemory: 65536 KiB → 131072 KiB.",
        "vm0001 runs on as it is: all of it counts from its next start.",
        "At once: set-memory.",
    ]
    record = await (await fleet.submit(request))
    assert record.outcome == "vm0001 is defined anew, from its next start on"
    assert "131072" in defined(daemon)
    assert "131072" not in daemon.keeper.lookupByUUIDString(KEY.id).XMLDesc(0)


async def test_what_somebody_changed_meanwhile_is_not_overwritten(
    daemon: PrivateDaemon, fleet: Fleet
) -> None:
    base = await fleet.definitions.document(KEY)
    daemon.keeper.defineXML(defined(daemon).replace("<vcpu ", "<title>theirs</title><vcpu ", 1))
    before = defined(daemon)
    text = base.replace(">restart</on_reboot>", ">destroy</on_reboot>")
    with pytest.raises(OperationFailedError) as caught:
        await (await fleet.submit(edited(KEY, text, base)))
    assert "was changed meanwhile, and is not overwritten: title is new: theirs" in str(
        caught.value
    )
    assert "Edit it again" in caught.value.hint
    assert defined(daemon) == before


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("<name>vm0001<", "<name>other<", "The name is other, and was vm0001: leave it, and use"),
        (">a0", ">b0", "leave it: another one is a clone's"),
        ("</devices>", "</device>", "Opening and ending tag mismatch"),
        ("<vcpu", "<vcpu", "Nothing was changed"),
    ],
)
async def test_what_makes_no_sense_is_refused_before(
    fleet: Fleet, daemon: PrivateDaemon, before: str, after: str, said: str
) -> None:
    there = defined(daemon)
    with pytest.raises(RefusedError, match=said):
        await changed(fleet, (before, after))
    assert defined(daemon) == there


async def test_what_libvirt_refuses_has_its_line(fleet: Fleet, daemon: PrivateDaemon) -> None:
    there = defined(daemon)
    text = (await fleet.definitions.document(KEY)).splitlines()
    line = 1 + next(at for at, words in enumerate(text) if "<on_reboot>" in words)
    with pytest.raises(OperationFailedError, match=f"Line {line}: libvirt's schema refuses it"):
        await changed(fleet, (">restart</on_reboot>", ">rastart</on_reboot>"))
    assert defined(daemon) == there


async def test_classes_and_numbers_that_are_booted_by_are_told_apart(fleet: Fleet) -> None:
    card = "<interface type='user'><mac address='52:54:00:00:00:0{}'/><boot order='1'/></interface>"
    both = (("</os>", "<boot dev='hd'/></os>"), ("</devices>", f"{card.format(8)}</devices>"))
    with pytest.raises(OperationFailedError, match="per-device boot elements") as caught:
        await changed(fleet, *both)
    assert "boot by classes, the <boot dev='...'/> of <os>, or by numbers" in caught.value.hint
    twice = ("</devices>", f"{card.format(8)}{card.format(9)}</devices>")
    with pytest.raises(OperationFailedError) as caught:
        await changed(fleet, twice)
    assert "give each device a number of its own" in caught.value.hint


async def test_without_the_schema_what_it_does_not_know_is_taken(fleet: Fleet) -> None:
    with pytest.raises(OperationFailedError, match="wombat"):
        await changed(fleet, ("<on_reboot>", "<wombat/><on_reboot>"))
    record = await changed(fleet, ("<on_reboot>", "<wombat/><on_reboot>"), unchecked=True)
    assert record.status is OperationStatus.DONE


async def test_its_undo_puts_back_what_was_unless_somebody_changed_it_since(
    daemon: PrivateDaemon, fleet: Fleet
) -> None:
    before = defined(daemon)
    record = await changed(fleet, (">restart</on_reboot>", ">destroy</on_reboot>"))
    request = undoing(record)
    assert request is not None
    undone = await (await fleet.submit(request))
    assert (undone.status, defined(daemon)) == (OperationStatus.DONE, before)
    record = await changed(fleet, (">restart</on_reboot>", ">destroy</on_reboot>"))
    daemon.keeper.defineXML(defined(daemon).replace("<vcpu ", "<title>theirs</title><vcpu ", 1))
    request = undoing(record)
    assert request is not None
    with pytest.raises(OperationFailedError, match="title is new: theirs"):
        await (await fleet.submit(request))


# -- by command ------------------------------------------------------------------------------------


EDITOR = """#!{python}
import pathlib, stat, sys
file = pathlib.Path(sys.argv[1])
assert stat.S_IMODE(file.stat().st_mode) == 0o600
plan = pathlib.Path({plan!r})
(before, after), *rest = eval(plan.read_text())
plan.write_text(repr(rest))
text = file.read_text()
with open({seen!r}, "a") as seen:
    seen.write(text + "=====")
assert before in text, text
file.write_text(text.replace(before, after, 1))
"""


class Terminal:
    """`virtdeck edit` at a terminal of its own, with an editor that does as planned."""

    def __init__(self, virtdeck: Virtdeck, *plan: tuple[str, str]) -> None:
        self.virtdeck = virtdeck
        self.seen, steps = virtdeck.home / "seen", virtdeck.home / "plan"
        steps.write_text(repr(plan))
        editor = virtdeck.home / "editor"
        made = EDITOR.format(python=sys.executable, plan=str(steps), seen=str(self.seen))
        editor.write_text(made)
        editor.chmod(0o755)
        self.environment = {
            **virtdeck.environment,
            "EDITOR": str(editor),
            "TMPDIR": str(self.drafts),
        }

    @property
    def drafts(self) -> Path:
        """Where the drafts are."""
        place = self.virtdeck.home / "drafts"
        place.mkdir(exist_ok=True)
        return place

    def run(self, typed: str, *arguments: str) -> tuple[int, str]:
        """Run it, type this, and return its status and all that it wrote."""
        leader, follower = pty.openpty()
        process = subprocess.Popen(
            [sys.executable, "-m", "console", *arguments],
            stdin=follower, stdout=follower, stderr=follower, env=self.environment,
            cwd=self.virtdeck.home, start_new_session=True,
        )  # fmt: skip
        os.close(follower)
        os.write(leader, typed.encode())
        wrote = b""
        while True:
            try:
                some = os.read(leader, 65536)
            except OSError:  # the terminal's end
                break
            wrote += some
            if not some:
                break
        os.close(leader)
        return process.wait(60 * PATIENCE), wrote.decode()


async def test_it_opens_in_the_editor_until_libvirt_takes_it(
    daemon: PrivateDaemon, fleet: Fleet, virtdeck: Virtdeck
) -> None:
    terminal = Terminal(
        virtdeck,
        ("</on_reboot>", "</on_rebot>"),
        ("</on_rebot>", "</on_reboot>"),
        (">restart</on_reboot>", ">restrt</on_reboot>"),
        (">restrt</on_reboot>", ">destroy</on_reboot>"),
    )
    status, wrote = terminal.run("y\n" * 8, "-c", f"alpha={daemon.uri}", "edit", "vm0001")
    # the second draft is as it was defined
    assert (status, "was not changed" in wrote) == (0, True), wrote
    assert "Opening and ending tag mismatch" in wrote
    status, wrote = terminal.run("y\n" * 8, "-c", f"alpha={daemon.uri}", "edit", "vm0001")
    assert status == 0, wrote
    assert "libvirt's schema refuses it" in wrote
    assert "+  <on_reboot>destroy</on_reboot>" in wrote
    assert "<on_reboot>destroy</on_reboot>" in defined(daemon)
    assert PASSWORD not in terminal.seen.read_text()
    assert not list(terminal.drafts.iterdir())


async def test_what_was_typed_is_kept_where_the_editor_fails(
    daemon: PrivateDaemon, fleet: Fleet, virtdeck: Virtdeck
) -> None:
    terminal = Terminal(virtdeck, ("not there", ""))
    there = defined(daemon)
    status, wrote = terminal.run("", "-c", f"alpha={daemon.uri}", "edit", "vm0001")
    assert status == 2
    (kept,) = terminal.drafts.iterdir()
    assert f"What was edited is kept in {kept}" in wrote.replace("\r\n", "")
    assert defined(daemon) == there


async def test_a_file_is_taken_with_a_yes(
    daemon: PrivateDaemon, fleet: Fleet, virtdeck: Virtdeck
) -> None:
    file = virtdeck.home / "new.xml"
    document = await fleet.definitions.document(KEY)
    file.write_text(document.replace(">restart</on_reboot>", ">destroy</on_reboot>"))
    command = ("-c", f"alpha={daemon.uri}", "edit", "vm0001", "--xml-file", str(file))
    asked = virtdeck(*command)
    assert (asked.status, "Add --yes to do it." in asked.err) == (1, True)
    dry = virtdeck(*command, "--dry-run")
    assert "+  <on_reboot>destroy</on_reboot>" in dry.out
    assert "define FILE --validate" in dry.out
    assert ">restart</on_reboot>" in defined(daemon)
    assert virtdeck(*command, "--yes").status == 0
    assert "<on_reboot>destroy</on_reboot>" in defined(daemon)
    again = virtdeck(*command, "--yes", "--json")
    assert (again.status, "Nothing was changed" in again.err) == (1, True)


def test_without_a_terminal_a_file_must_be_given(virtdeck: Virtdeck) -> None:
    result = virtdeck("-c", "test:///default", "edit", "test")
    assert (result.status, "--xml-file" in result.err) == (2, True)
