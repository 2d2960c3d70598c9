"""A password in an instance's XML travels with its migration, and is written nowhere on the way."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from core.lab import Wanted
from core.migration.report.report import as_text, report
from core.model import Observation
from core.state.calls import calls_made
from tests.lab.migrating import found, opened, other, start, told

MARKER = "n0b0dy47"
"""VNC has eight characters."""
SCREEN = f"<graphics type='vnc' autoport='yes' listen='127.0.0.1' passwd='{MARKER}'/>"


@pytest.fixture
def screened(guest: Callable[..., str], virsh: Callable[..., str], tmp_path: Path) -> str:
    """A running instance with a VNC password, also in its definition."""
    name = guest("alpha", "screened", wanted=Wanted.SHUT_OFF)
    defined = virsh("alpha", "dumpxml", name, "--security-info")
    file = tmp_path.parent / f"{tmp_path.name}.xml"
    file.write_text(defined.replace("</devices>", f"{SCREEN}</devices>"))
    virsh("alpha", "define", str(file))
    virsh("alpha", "start", name)
    return name


def password_there(virsh: Callable[..., str], host: str, name: str, *more: str) -> bool:
    return f"passwd='{MARKER}'" in virsh(host, "dumpxml", name, "--security-info", *more)


def everything(directory: Path) -> str:
    files = (file for file in directory.rglob("*") if file.is_file())
    return b"".join(file.read_bytes() for file in files).decode(errors="replace")


@pytest.mark.parametrize("fails", [False, True])
async def test_it_arrives_and_is_in_no_journal_call_report_log_or_tape(
    uris: dict[str, str],
    screened: str,
    virsh: Callable[..., str],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    fails: bool,
) -> None:
    caplog.set_level(logging.DEBUG)
    taped: list[Observation] = []
    async with opened(uris, tmp_path / "journal.sqlite3") as fleet:
        fleet.tap = taped.append
        key = await found(fleet, screened)
        there = other(key.host)
        # a port that is not the destination's: libvirt fails with all of its own words
        options = {"migrate_uri": "tcp://127.0.0.1:9"} if fails else {}
        moved = await start(fleet, screened, **options)
        await moved.ends()
        told_of = as_text(report(moved.now))
        made = calls_made(fleet.state, moved.operation.id)
        state = repr(fleet.state)
    assert password_there(virsh, key.host if fails else there, screened), told(moved.now)
    assert password_there(virsh, key.host if fails else there, screened, "--inactive")
    assert any(" migrate " in each.step.virsh for each in made), "its call is noted"
    kept = everything(tmp_path)
    tape = b"".join(map(msgspec.json.encode, taped))
    assert screened in kept
    assert screened.encode() in tape
    for text in (kept, tape.decode(), told_of, state, repr(made)):
        assert MARKER not in text
    assert MARKER not in caplog.text
