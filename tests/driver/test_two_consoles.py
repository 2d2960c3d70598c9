"""Two consoles, processes of their own, that ask for one instance in the same moment."""

from __future__ import annotations

import asyncio
import multiprocessing
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from core.engine import takeover
from core.engine.executor import Executor
from core.errors import RefusedError
from core.fleet import Fleet
from core.journal.ledger import Ledger
from core.model import OperationStatus, Request
from core.verbs.definition import SetAutostart, SetTitle
from core.verbs.snapshot.create import SnapshotCreate
from tests.driver.watching import until
from tests.patience import PATIENCE

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

ROUNDS = 25
TURN = 30.0 * PATIENCE
SPAWN = multiprocessing.get_context("spawn")


async def _race(console: int, journal: str, barrier: Barrier, kind: str) -> list[str]:
    """Ask in the same moment as the other console, again and again; how each asking ended."""
    commits = 0

    def at_commit() -> None:
        """Both are checked before either is written, and decided upon before either goes on.

        The second of an operation that is refused is that of the record of its refusal.
        """
        nonlocal commits
        commits += 1
        if commits <= 2:
            barrier.wait(TURN)

    Executor.at_commit = staticmethod(at_commit)  # type: ignore[method-assign]
    takeover.POLL = 0.02  # seconds
    ends = []
    async with Fleet.open(["alpha=test:///default"], journal=Path(journal)) as fleet:
        assert await fleet.ready(TURN)
        await until(lambda: all(row.described for row in fleet.state.instances.values()))
        await until(lambda: fleet.state.hosts["alpha"].facts is not None)
        (key,) = fleet.state.instances
        for turn in range(ROUNDS):
            request: Request = SetTitle(key, f"of console {console}, {turn}")
            if console and kind == "other":
                request = SetAutostart(key, off=bool(turn % 2))
            elif console and kind == "snapshot":
                request = SnapshotCreate(key, f"s{turn}")
            commits = 0
            try:
                operation = await fleet.submit(request)
            except RefusedError as error:
                ends.append(str(error))
            else:
                ends.append("accepted")
                await operation
            barrier.wait(TURN)
            # as in the journal, so in what each knows: the next round begins from rest
            await until(lambda: all(one.status.final for one in fleet.state.operations.values()))
    return ends


def _console(console: int, journal: str, barrier: Barrier, kind: str, told: Connection) -> None:
    told.send(asyncio.run(_race(console, journal, barrier, kind)))


@pytest.mark.parametrize("kind", ["same", "other", "snapshot"])
def test_of_two_consoles_that_ask_in_the_same_moment_one_is_accepted(
    tmp_path: Path, kind: str
) -> None:
    journal = tmp_path / "journal.sqlite3"
    Ledger.open(journal).close()
    barrier = SPAWN.Barrier(2)
    pipes = [SPAWN.Pipe(duplex=False) for _ in range(2)]
    consoles = [
        SPAWN.Process(target=_console, args=(one, str(journal), barrier, kind, pipes[one][1]))
        for one in range(2)
    ]
    for console in consoles:
        console.start()
    ends = []
    for (told, sent), console in zip(pipes, consoles, strict=True):
        sent.close()
        ends.append(told.recv())
        console.join()
    for pair in zip(*ends, strict=True):
        assert sorted(one == "accepted" for one in pair) == [False, True], pair
        (refusal,) = (one for one in pair if one != "accepted")
        assert "of test is queued (by " in refusal, refusal
    ledger = Ledger.open(journal, read_only=True)
    kept = [entry.record.status for entry in ledger.recent(10 * ROUNDS)]
    ledger.close()
    assert sorted(kept) == [OperationStatus.DONE] * ROUNDS + [OperationStatus.REFUSED] * ROUNDS
    assert {len([one for one in each if one == "accepted"]) > 0 for each in ends} == {True}, ends
