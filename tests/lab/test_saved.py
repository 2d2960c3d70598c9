"""Memory on disk on real QEMU: saved, restored, thrown away, dumped; cancelled, and left behind."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from core.errors import LabError, OperationCancelledError, OperationFailedError
from core.fleet import Fleet
from core.lab import Lab, LabHost
from core.model import InstanceState, ObjectKey, OperationStatus
from core.verbs.caution import Caution
from core.verbs.danger import danger
from core.verbs.power.requests import Start
from core.verbs.registry import VERBS
from tests.lab import burner
from tests.lab.burner import Burner
from tests.lab.one_host import domstate, opened, until
from tests.lab.seeing import key_of

ROOT = Path(__file__).resolve().parents[2]
LARGE = Burner("large", memory=1024, writes=4, rate=1, fills=1000)
"""A gigabyte that is not zeros: saving it takes seconds."""


@pytest.fixture
def large(lab: Lab, alpha: LabHost, eventually: Callable[..., object]) -> Iterator[str]:
    name = burner.start(lab, "alpha", LARGE)

    def filled() -> bool:
        told = dict(
            line.split() for line in alpha.virsh("dommemstat", name).splitlines() if line.strip()
        )
        return int(told.get("rss", 0)) > 1_000_000

    eventually(filled, "the guest has written its memory")
    yield name
    with suppress(LabError):
        alpha.virsh("managedsave-remove", name)
    burner.remove(lab, name)


async def done(fleet: Fleet, verb: str, key: ObjectKey, **options: object) -> str:
    record = await (await fleet.submit(VERBS[verb].request(subject=key, **options)))
    assert record.status is OperationStatus.DONE
    return record.outcome


async def test_memory_is_saved_restored_and_thrown_away(
    fleet: Fleet, alpha: LabHost, large: str
) -> None:
    vm = await key_of(fleet, large)
    assert await done(fleet, "save", vm) == "large is off, its memory is saved"
    assert domstate(alpha, large) == "shut off"
    assert fleet.state.instances[vm].managed_save
    assert "goes on from its saved memory" in await done(fleet, "restore", vm)
    assert domstate(alpha, large) == "running"
    assert not fleet.state.instances[vm].managed_save
    await done(fleet, "save", vm, then="paused")
    await done(fleet, "save-remove", vm)
    assert not fleet.state.instances[vm].managed_save
    (reason,) = fleet.check(VERBS["restore"].request(subject=vm))
    assert str(reason) == "large has no saved memory: start starts it."


async def test_memory_that_was_not_written_whole_is_not_said_to_be_restored(
    fleet: Fleet, alpha: LabHost, guest: Callable[..., str]
) -> None:
    """libvirt itself throws it away, boots, and says yes; a daemon that dies leaves it so."""
    vm = await key_of(fleet, guest("alpha", "half"))
    await done(fleet, "save", vm)
    (image,) = alpha.directory.rglob("half.save")
    with image.open("r+b") as file:
        assert file.read(16) == b"LibvirtQemudSave"
        file.seek(0)
        file.write(b"LibvirtQemudPart")
    operation = await fleet.submit(VERBS["restore"].request(subject=vm))
    with pytest.raises(OperationFailedError, match="half was booted afresh"):
        await operation
    assert alpha.virsh("domstate", "half", "--reason").strip() == "running (booted)"


async def test_saving_is_cancelled_and_the_guest_runs_on(
    fleet: Fleet, alpha: LabHost, large: str
) -> None:
    vm = await key_of(fleet, large)
    operation = await fleet.submit(VERBS["save"].request(subject=vm))
    async for record in operation:
        if record.status is OperationStatus.RUNNING and not record.steps[1:]:
            await until(lambda: fleet.state.instances[vm].state is InstanceState.PAUSED)
            await fleet.cancel(record.id)
    with pytest.raises(OperationCancelledError, match="save of large was cancelled"):
        await operation
    assert domstate(alpha, large) == "running"
    assert not fleet.state.instances[vm].managed_save


async def test_memory_is_dumped_for_a_debugger(
    fleet: Fleet, lab: Lab, alpha: LabHost, large: str
) -> None:
    vm = await key_of(fleet, large)
    file = lab.root / "large.core"
    outcome = await done(fleet, "core-dump", vm, to=str(file), format="kdump-zlib")
    assert outcome == f"the memory of large is in {file} on its host"
    assert file.stat().st_size > 1_000_000
    assert domstate(alpha, large) == "running"
    file.unlink()


CONSOLE = """
import asyncio, sys
from contextlib import suppress
from pathlib import Path
from core.fleet import Fleet
from core.verbs.saved import Save

async def main(uri, journal, name):
    async with Fleet.open([f"alpha={uri}"], journal=Path(journal)) as fleet:
        await fleet.ready(600)
        key = next(key for key, row in fleet.state.instances.items() if row.name == name)
        async for record in await fleet.submit(Save(key)):
            print(record.status.value, flush=True)

asyncio.run(main(*sys.argv[1:]))
"""


async def test_a_saved_guest_is_started_without_its_memory_and_paused_where_that_is_asked(
    fleet: Fleet, alpha: LabHost, guest: Callable[..., str]
) -> None:
    vm = await key_of(fleet, guest("alpha", "forgetful"))
    await done(fleet, "save", vm)
    asked = danger(fleet.state, Start(vm, forget_saved=True))
    assert (asked.caution, asked.word) == (Caution.TYPE, "forgetful")
    outcome = await done(fleet, "start", vm, paused=True, forget_saved=True)
    assert outcome == "forgetful is started, and paused as was asked"
    assert domstate(alpha, "forgetful") == "paused"
    assert not fleet.state.instances[vm].managed_save


async def test_a_console_killed_while_it_saves_is_taken_over(
    uris: dict[str, str], tmp_path: Path, alpha: LabHost, large: str
) -> None:
    journal = tmp_path / "journal.sqlite3"
    command = [sys.executable, "-c", CONSOLE, uris["alpha"], str(journal), large]
    child = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE, cwd=ROOT)
    assert child.stdout is not None
    while (line := await child.stdout.readline()).strip() != b"running":
        assert line, "it ended before it began to save"
    await until(lambda: domstate(alpha, large) == "paused")
    child.send_signal(signal.SIGKILL)
    await child.wait()
    async with opened(uris, journal) as fleet:
        await until(lambda: any(
            row.status.final or row.question is not None
            for row in fleet.state.operations.values()
        ))  # fmt: skip
        (record,) = fleet.state.operations.values()
        saved = domstate(alpha, large) == "shut off"
        assert record.status is (OperationStatus.DONE if saved else OperationStatus.ASKING)


async def test_a_daemon_killed_while_it_saves_leaves_a_guest_that_runs_and_that_is_told(
    fleet: Fleet, alpha: LabHost, large: str
) -> None:
    vm = await key_of(fleet, large)
    saving = await fleet.submit(VERBS["save"].request(subject=vm))
    await until(lambda: domstate(alpha, large) == "paused")
    pid = alpha.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    await asyncio.to_thread(alpha.ensure_daemon)
    with pytest.raises(
        OperationFailedError, match=f"memory of {large} did not take effect: "
    ) as told:
        await saving
    assert f"{large} was last seen running" in str(told.value)
    assert domstate(alpha, large) == "running"
