"""The power verbs on real QEMU: guests that obey, ignore, hang and run out of disk."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from core.errors import OperationCancelledError, OperationFailedError
from core.fleet import Fleet
from core.lab import Lab, LabHost, Wanted
from core.model import InstanceState, OperationStatus
from core.model.event import Rebooted
from core.verbs.power.requests import Pause, Reboot, Reset, Resume, Shutdown, Start, Stop
from tests.lab.full_disk import FullDisk
from tests.lab.one_host import do, domstate, opened, until
from tests.lab.seeing import key_of

ROOT = Path(__file__).resolve().parents[2]
S = InstanceState
DONE = OperationStatus.DONE


async def test_start_pause_resume_reset_stop(
    fleet: Fleet, alpha: LabHost, guest: Callable[..., str]
) -> None:
    vm = await key_of(fleet, guest("alpha", "lively", wanted=Wanted.SHUT_OFF))
    steps = [
        (Start(vm), "running"),
        (Pause(vm), "paused"),
        (Resume(vm), "running"),
        (Reset(vm), "running"),
        (Stop(vm), "shut off"),
    ]
    for request, word in steps:
        record = await do(fleet, request)
        assert record.status is DONE, record
        assert domstate(alpha, "lively") == word
    reset = next(each for each in fleet.state.operations.values() if each.verb == "reset")
    assert reset.outcome == "lively was reset"
    assert any(isinstance(event, Rebooted) and event.uuid == vm.id for event in fleet.state.events)


async def test_reset_and_stop_of_a_paused_one(fleet: Fleet, guest: Callable[..., str]) -> None:
    vm = await key_of(fleet, guest("alpha", "frozen", wanted=Wanted.PAUSED))
    record = await do(fleet, Reset(vm))
    assert record.outcome == "frozen was reset"
    assert fleet.state.instances[vm].state is S.PAUSED
    assert (await do(fleet, Stop(vm))).outcome == "frozen is shut off"


async def test_a_guest_that_obeys_reboots_and_shuts_down(
    fleet: Fleet, alpha: LabHost, guest: Callable[..., str], booted: Callable[..., None]
) -> None:
    vm = await key_of(fleet, guest("alpha", "obedient"))
    await asyncio.to_thread(booted, "alpha", "obedient")
    record = await do(fleet, Reboot(vm))
    assert record.outcome == "obedient has rebooted"
    await asyncio.to_thread(booted, "alpha", "obedient")
    record = await do(fleet, Shutdown(vm))
    assert record.outcome == "obedient is shut off"
    assert domstate(alpha, "obedient") == "shut off"
    requests = [step for step in record.steps if "ask" in step.text]
    assert len(requests) == 1


async def test_a_guest_that_ignores_it(
    fleet: Fleet, alpha: LabHost, guest: Callable[..., str], booted: Callable[..., None]
) -> None:
    vm = await key_of(fleet, guest("alpha", "deaf", "vd.noshutdown"))
    await asyncio.to_thread(booted, "alpha", "deaf")
    with pytest.raises(OperationFailedError, match="asked 2 times") as caught:
        await do(fleet, Shutdown(vm, timeout=12.0, then_stop=False))
    assert "`stop`" in caught.value.hint
    assert domstate(alpha, "deaf") == "running"

    left = await fleet.submit(Shutdown(vm))
    await until(lambda: left.record.status is OperationStatus.VERIFYING)
    await fleet.cancel(left.id)
    with pytest.raises(OperationCancelledError, match="may still obey"):
        await left
    assert domstate(alpha, "deaf") == "running"

    record = await do(fleet, Shutdown(vm, timeout=2.0))
    assert record.status is DONE
    assert any("cutting its power" in step.text for step in record.steps)
    assert domstate(alpha, "deaf") == "shut off"


async def test_the_power_is_cut_while_a_shutdown_waits(
    fleet: Fleet, alpha: LabHost, guest: Callable[..., str]
) -> None:
    vm = await key_of(fleet, guest("alpha", "waited"))
    shutdown = await fleet.submit(Shutdown(vm))
    await until(lambda: shutdown.record.status is OperationStatus.VERIFYING)
    assert (await do(fleet, Stop(vm))).status is DONE
    await until(lambda: shutdown.record.status.final)
    assert domstate(alpha, "waited") == "shut off"


async def test_stop_helps_when_the_hypervisor_process_hangs(
    fleet: Fleet, guest: Callable[..., str], qemu_pid: Callable[[str, str], int]
) -> None:
    vm = await key_of(fleet, guest("alpha", "hung"))
    os.kill(qemu_pid("alpha", "hung"), signal.SIGSTOP)
    pause = await fleet.submit(Pause(vm))
    await until(lambda: pause.record.status is OperationStatus.RUNNING)
    record = await do(fleet, Stop(vm))
    assert record.outcome == "hung is shut off"
    await until(lambda: pause.record.status.final)
    assert pause.record.status in (OperationStatus.FAILED, OperationStatus.UNKNOWN)


async def test_resume_on_a_full_disk_fails_with_the_cause(
    fleet: Fleet, lab: Lab, alpha: LabHost, remove_guest: Callable[[str], None]
) -> None:
    disk = FullDisk(lab, alpha)
    try:
        disk.start("writer")
        vm = await key_of(fleet, "writer")
        await until(lambda: fleet.state.instances[vm].reason == "I/O error")
        with pytest.raises(OperationFailedError, match="no space left") as caught:
            await do(fleet, Resume(vm))
        assert str(disk.image) in caught.value.message
        assert "Make room" in caught.value.hint
        assert fleet.state.instances[vm].state is S.PAUSED
        assert (await do(fleet, Stop(vm))).status is DONE
    finally:
        remove_guest("writer")
        disk.remove()


CONSOLE = """
import asyncio, sys
from pathlib import Path
from core.fleet import Fleet
from core.verbs.power.requests import Shutdown

async def main(uri, journal, name):
    async with Fleet.open([f"alpha={uri}"], journal=Path(journal)) as fleet:
        assert await fleet.ready(200)
        vm = next(each.key for each in fleet.state.instances.values() if each.name == name)
        operation = await fleet.submit(Shutdown(vm, timeout=60.0))
        async for record in operation:
            print(record.status, flush=True)

asyncio.run(main(*sys.argv[1:]))
"""


def console_killed_while_waiting(uri: str, journal: Path, name: str) -> None:
    """Run a console that asks for a shutdown, and kill it -9 once the guest was asked."""
    process = subprocess.Popen(
        [sys.executable, "-c", CONSOLE, uri, str(journal), name],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if line.strip() == OperationStatus.VERIFYING:
            break
    process.kill()
    process.communicate()


async def test_what_a_killed_console_began_is_taken_over(
    uris: dict[str, str],
    tmp_path: Path,
    alpha: LabHost,
    guest: Callable[..., str],
    booted: Callable[..., None],
) -> None:
    guest("alpha", "orphan", "vd.slow=15")
    await asyncio.to_thread(booted, "alpha", "orphan")
    journal = tmp_path / "journal.sqlite3"
    await asyncio.to_thread(console_killed_while_waiting, uris["alpha"], journal, "orphan")
    assert domstate(alpha, "orphan") == "running"
    async with opened(uris, journal) as fleet:
        (record,) = fleet.state.operations.values()
        assert not record.status.final
        await until(lambda: fleet.state.operations[record.id].status.final)
        ended = fleet.state.operations[record.id]
        assert ended.status is DONE
        assert any("taken over" in step.text for step in ended.steps)
        assert ended.outcome == "orphan is shut off"
    assert domstate(alpha, "orphan") == "shut off"


async def test_what_ended_while_no_console_was_there_is_found(
    uris: dict[str, str],
    tmp_path: Path,
    alpha: LabHost,
    guest: Callable[..., str],
    booted: Callable[..., None],
) -> None:
    guest("alpha", "left", "vd.slow=2")
    await asyncio.to_thread(booted, "alpha", "left")
    journal = tmp_path / "journal.sqlite3"
    await asyncio.to_thread(console_killed_while_waiting, uris["alpha"], journal, "left")
    await until(lambda: domstate(alpha, "left") == "shut off")
    async with opened(uris, journal) as fleet:
        (record,) = fleet.state.operations.values()
        await until(lambda: fleet.state.operations[record.id].status is DONE)
        assert "had ended" in fleet.state.operations[record.id].outcome
