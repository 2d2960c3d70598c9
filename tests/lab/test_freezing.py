"""A real guest with a file system on a disk: frozen, and thawed whatever becomes of the console."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from core.errors import OperationCancelledError, OperationFailedError, OutcomeUnknownError
from core.fleet import Fleet
from core.lab import Lab, LabHost
from core.model import AgentState, ObjectKey, OperationRecord, OperationStatus
from core.verbs.agent import freezing
from core.verbs.agent.freezing import Freeze, Thaw
from tests.driver.killed_console import KILLED, Errand, starter
from tests.lab.asking_guests import ask_agent, in_guest
from tests.lab.one_host import opened, until
from tests.lab.seeing import key_of

NAME = "icy"


@pytest.fixture
def icy(guest: Callable[..., str], booted: Callable[..., None], alpha: LabHost) -> str:
    """A guest with a file system on its disk, at /data."""
    guest("alpha", NAME, disk="default/clone.qcow2")
    booted("alpha", NAME)
    mounted = "until grep -q ' /data ' /proc/mounts; do sleep 0.1; done; echo x > /data/x"
    in_guest(alpha, NAME, "sh", "-c", mounted)
    return NAME


async def found(fleet: Fleet) -> ObjectKey:
    key = await key_of(fleet, NAME)
    await until(lambda: fleet.state.instances[key].agent is AgentState.CONNECTED)
    return key


def frozen(alpha: LabHost) -> bool:
    return bool(
        ask_agent(alpha, NAME, json.dumps({"execute": "guest-fsfreeze-status"})) != "thawed"
    )


def guards(alpha: LabHost) -> int:
    return in_guest(alpha, NAME, "ps").count("command -v $program")


def writes(alpha: LabHost) -> bool:
    script = "echo y > /data/y && sync && cat /data/y"
    return in_guest(alpha, NAME, "sh", "-c", script) == "y\n"


async def over(fleet: Fleet, id_: str) -> OperationRecord:
    await until(lambda: id_ in fleet.state.operations and fleet.state.operations[id_].status.final)
    return fleet.state.operations[id_]


async def is_frozen(fleet: Fleet, id_: str, alpha: LabHost) -> None:
    """Wait until it is held still, and see that its agent says so too."""
    await until(
        lambda: (
            fleet.state.operations[id_].countdown is not None
            or fleet.state.operations[id_].status.final
        )
    )
    assert await asyncio.to_thread(frozen, alpha), fleet.state.operations[id_]


async def test_it_stands_still_for_so_long_and_then_goes_on(
    uris: dict[str, str], alpha: LabHost, icy: str, tmp_path: Path
) -> None:
    async with opened(uris, tmp_path / "journal.sqlite3") as fleet:
        key = await found(fleet)
        operation = await fleet.submit(Freeze(key, 6.0))
        assert (await operation).outcome.startswith("1 file system of icy stood still for")
        assert not await asyncio.to_thread(frozen, alpha)
        assert await asyncio.to_thread(writes, alpha)
        await until(lambda: guards(alpha) == 0)

        operation = await fleet.submit(Freeze(key, 600.0))
        await is_frozen(fleet, operation.id, alpha)
        assert fleet.state.operations[operation.id].doing == "frozen"
        thawed = await (await fleet.submit(Thaw(key)))
        assert thawed.outcome.startswith("icy is thawed")
        with suppress(OperationCancelledError):
            await operation
        assert await asyncio.to_thread(writes, alpha)
        await until(lambda: guards(alpha) == 0)  # long before it would end by itself

        alpha.virsh("domfsfreeze", NAME)
        with pytest.raises(OperationFailedError, match="frozen"):
            await (await fleet.submit(Freeze(key, 3.0)))
        assert await asyncio.to_thread(frozen, alpha), "somebody else has frozen it"
        assert (await (await fleet.submit(Thaw(key)))).outcome == "icy is thawed"
        assert await asyncio.to_thread(writes, alpha)


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The guest thaws itself soon after the console would have."""
    monkeypatch.setattr(freezing, "GRACE", 1.0)
    return


async def test_a_guest_thaws_itself_where_no_console_is_left(
    uris: dict[str, str], alpha: LabHost, lab: Lab, icy: str, tmp_path: Path, hasty: None
) -> None:
    journal, log = tmp_path / "journal.sqlite3", lab.root / f"logs/{NAME}.log"
    writing = "while sleep 0.2; do echo z > /data/z; sync; echo beat > /dev/ttyS0; done &"
    await asyncio.to_thread(in_guest, alpha, NAME, "sh", "-c", f"({writing}) > /dev/null 2>&1")
    await until(lambda: beats(log) > 1)
    async with opened(uris, journal) as fleet:
        key = await found(fleet)
        operation = await fleet.submit(Freeze(key, 8.0))
        await until(lambda: operation.record.countdown is not None)
    before = beats(log)
    assert await asyncio.to_thread(frozen, alpha)
    await until(lambda: beats(log) > before + 2)
    assert await asyncio.to_thread(frozen, alpha), "its agent noticed"
    async with opened(uris, journal) as fleet:
        record = await over(fleet, operation.id)
    assert record.outcome.startswith("1 file system of icy stood still"), record
    assert not await asyncio.to_thread(frozen, alpha)
    assert await asyncio.to_thread(writes, alpha)


def beats(log: Path) -> int:
    return log.read_text(errors="replace").count("beat")


async def test_a_console_killed_at_any_point_leaves_nothing_frozen(
    uris: dict[str, str], alpha: LabHost, icy: str, tmp_path: Path
) -> None:
    uuid = alpha.virsh("domuuid", NAME).strip()
    wrong = []
    with starter() as consoles:
        for point in range(1, 30):
            journal = tmp_path / f"{point}.sqlite3"
            errand = Errand(uris["alpha"], str(journal), "freeze", uuid, {"seconds": 1.0}, point)
            status = await consoles.run(errand)
            async with opened(uris, journal) as fleet:
                await until(lambda: all(
                    one.status.final for one in fleet.state.operations.values()
                ))  # fmt: skip
                ended = [one.status for one in fleet.state.operations.values()]
            if await asyncio.to_thread(frozen, alpha):
                wrong.append(f"frozen after point {point}: {ended}")
                await asyncio.to_thread(alpha.virsh, "domfsthaw", NAME)
            if status != KILLED:
                assert (status, ended) == (0, [OperationStatus.DONE])
                break
    assert not wrong, wrong
    assert point > 10
    assert await asyncio.to_thread(writes, alpha)


async def test_an_agent_that_stops_while_it_is_frozen_is_told_and_the_next_thaw_goes(
    uris: dict[str, str],
    alpha: LabHost,
    icy: str,
    tmp_path: Path,
    qemu_pid: Callable[[str, str], int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(freezing, "PATIENCE", 1.0)
    async with opened(uris, tmp_path / "journal.sqlite3") as fleet:
        key = await found(fleet)
        operation = await fleet.submit(Freeze(key, 600.0))
        await until(lambda: operation.record.countdown is not None)
        pid = qemu_pid("alpha", NAME)
        os.kill(pid, signal.SIGSTOP)  # its agent with it
        try:
            await fleet.cancel(operation.id)
            with pytest.raises(OutcomeUnknownError, match="may still be frozen") as unknown:
                await operation
        finally:
            os.kill(pid, signal.SIGCONT)
        assert "thaw" in unknown.value.hint
        await (await fleet.submit(Thaw(key)))
        assert not await asyncio.to_thread(frozen, alpha)
        assert await asyncio.to_thread(writes, alpha)
