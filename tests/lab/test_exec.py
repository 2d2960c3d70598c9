"""A command in a real guest: its outputs and its end, a console that ends before it does."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest

from console.cli.root import run
from core.engine.progress import progress_of
from core.errors import OperationCancelledError, OperationFailedError, RefusedError
from core.fleet import Fleet
from core.journal.ledger import Ledger
from core.lab import LabHost
from core.model import AgentState, ObjectKey, OperationStatus
from core.verbs.agent.execute import Exec
from core.verbs.registry import VERBS
from tests.lab.asking_guests import in_guest
from tests.lab.one_host import opened, until
from tests.lab.seeing import key_of

NAME = "commanded"
MARKER = "tell-n0body-4711"


@pytest.fixture
def commanded(guest: Callable[..., str], booted: Callable[..., None]) -> str:
    guest("alpha", NAME)
    booted("alpha", NAME)
    return NAME


async def found(fleet: Fleet) -> ObjectKey:
    key = await key_of(fleet, NAME)
    await until(lambda: fleet.state.instances[key].agent is AgentState.CONNECTED)
    return key


def test_the_command_line_passes_on_what_it_prints_and_how_it_ends(
    lab: object,
    uris: dict[str, str],
    commanded: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    monkeypatch.setenv("VIRTDECK_JOURNAL", str(tmp_path / "journal.db"))

    def exec_(*words: str) -> tuple[int, bytes, bytes]:
        status = run(("-c", uris["alpha"], "exec", *words))
        printed = capfdbinary.readouterr()
        return status, printed.out, printed.err

    assert exec_(commanded, "--", "echo", "a  b", "-n") == (0, b"a  b -n\n", b"")
    shell = exec_(commanded, "--shell", "--", "printf '\\377\\n'; echo oh >&2; exit 7")
    assert shell == (7, b"\xff\n", b"oh\n")
    assert exec_(commanded, "--", "sh", "-c", "kill -9 $$")[0] == 137
    status, out, err = exec_(commanded, "--", "/no/such")
    assert (status, out) == (1, b"")
    assert b"No such file" in err
    status, out, err = exec_(commanded, "--shell", "--", "yes | head -c 1500000")
    assert (status, len(out)) == (0, 1 << 20)
    assert b"Only 1 MiB" in err
    assert exec_(commanded, "--", "")[0] == 2
    assert exec_(commanded)[0] == 2

    monkeypatch.setattr("sys.stdin", StringIO(f"{MARKER}\n"))
    assert exec_(commanded, "--input-file", "-", "--", "cat") == (0, f"{MARKER}\n".encode(), b"")
    status, out, _ = exec_(commanded, "--json", "--private", "--", "echo", "un", "kept")
    last = json.loads(out.splitlines()[-1])
    assert (status, last["status"], last["result"]["stdout"]) == (0, "done", "un kept\n")
    kept = b"".join(file.read_bytes() for file in tmp_path.glob("journal*"))
    assert MARKER.encode() not in kept
    assert b"a  b -n" in kept, "what others print is there"
    assert b"un kept\n" not in kept


async def test_one_that_takes_longer_goes_on_and_can_be_ended(
    uris: dict[str, str], alpha: LabHost, commanded: str, tmp_path: Path
) -> None:
    async with opened(uris, tmp_path / "journal.sqlite3") as fleet:
        key = await found(fleet)
        operation = await fleet.submit(Exec(key, "sleep 1000", timeout=1))
        with pytest.raises(OperationFailedError, match="goes on in commanded as process") as late:
            await operation
        pid = late.value.hint.split("kill ")[1].split("`")[0]
        listed = await asyncio.to_thread(in_guest, alpha, commanded, "ps")
        assert f"{pid} root" in listed
        operation = await fleet.submit(Exec(key, f"kill {pid}"))
        assert (await operation).outcome == "kill in commanded ended with exit status 0"
        # the signal was sent: what it ends is gone a moment later
        await until(lambda: "sleep 1000" not in in_guest(alpha, commanded, "ps"))

        operation = await fleet.submit(Exec(key, "sleep 1000"))
        await until(lambda: operation.record.status is OperationStatus.VERIFYING)
        await fleet.cancel(operation.id)
        with pytest.raises(OperationCancelledError, match="goes on in commanded as process"):
            await operation


def is_kept(journal: Path) -> bool:
    """Whether a journal has the guest's answer that it was started."""
    ledger = Ledger.open(journal)
    entries = ledger.recent(1)
    ledger.close()
    progress = progress_of(VERBS["exec"], entries[0].progress) if entries else None
    return progress is not None and any(sent.ended for sent in progress.sent)


async def test_the_next_console_asks_what_a_command_of_one_that_ended_came_to(
    uris: dict[str, str], alpha: LabHost, commanded: str, tmp_path: Path
) -> None:
    journal = tmp_path / "journal.sqlite3"
    async with opened(uris, journal) as fleet:
        key = await found(fleet)
        waits = "until [ -e /run/go ]; do sleep 0.1; done; echo finished; exit 3"
        operation = await fleet.submit(Exec(key, waits, shell=True))
        await until(lambda: is_kept(journal))
    await asyncio.to_thread(in_guest, alpha, commanded, "touch", "/run/go")
    async with opened(uris, journal) as fleet:
        await until(lambda: operation.id in fleet.state.operations)
        await until(lambda: fleet.state.operations[operation.id].status.final)
        record = fleet.state.operations[operation.id]
    assert record.status is OperationStatus.DONE, record
    assert "ended with exit status 3" in record.outcome
    assert record.result["stdout"] == "finished\n"


async def test_a_guest_without_an_agent_runs_nothing(
    uris: dict[str, str], guest: Callable[..., str], tmp_path: Path
) -> None:
    async with opened(uris, tmp_path / "journal.sqlite3") as fleet:
        key = await key_of(fleet, guest("alpha", "agentless", "vd.noagent"))
        await until(lambda: fleet.state.instances[key].described)
        with pytest.raises(RefusedError, match="no agent on it"):
            await fleet.submit(Exec(key, "true"))
