"""A password in an instance's XML travels with its migration, and is written nowhere on the way."""

from __future__ import annotations

import base64
import logging
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from core.errors import RefusedError
from core.lab import LabHost, Wanted
from core.migration.report.report import as_text, report
from core.model import Observation
from core.model.secret_value import Secret
from core.state.calls import calls_made
from core.verbs.migration.requests import Migrate
from tests.lab.migrating import found, opened, other, start, told
from tests.lab.test_devices import done
from tests.lab.test_network_disks import WORD, encrypted, secrets, served

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


async def test_the_secret_of_a_disk_must_be_at_the_destination_and_goes_from_the_source(
    uris: dict[str, str],
    guest: Callable[..., str],
    alpha: LabHost,
    beta: LabHost,
    tmp_path: Path,
) -> None:
    image, name = tmp_path / "opened.luks", guest("alpha", "opened")
    encrypted(image, tmp_path)
    async with opened(uris, tmp_path / "journal.sqlite3") as fleet:
        with served(image, "one") as port:
            key = await found(fleet, name)
            url = f"nbd://127.0.0.1:{port}/one"
            options = {"volume": url, "encryption": "luks", "passphrase": Secret(WORD)}
            await done(fleet, "volume-attach", key, **options)
            (line,) = secrets(alpha)
            uuid = line.split()[0]
            with pytest.raises(RefusedError, match=rf"`virsh secret-set-value {uuid} --file FILE`"):
                await (await fleet.submit(Migrate(key, to="beta")))
            xml = tmp_path.parent / f"{uuid}.xml"
            xml.write_text(alpha.virsh("secret-dumpxml", uuid))
            beta.virsh("secret-define", str(xml))
            try:
                word = base64.b64encode(WORD.encode()).decode()
                beta.virsh("secret-set-value", uuid, "--base64", word)
                moved = await start(fleet, name)
                await moved.ends()
                assert name in beta.instances(), told(moved.now)
                assert name not in alpha.instances(), told(moved.now)
                assert secrets(alpha) == []
                assert uuid in "".join(secrets(beta))
            finally:
                beta.virsh("destroy", name)
                beta.virsh("secret-undefine", uuid)
