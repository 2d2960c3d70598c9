"""Emptying a host on real QEMU: what moves, what stays and why; stopped; its console killed."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from core.errors import LabError, RefusedError, VirtdeckError
from core.fleet import Fleet
from core.lab import Lab, Wanted
from core.model import Migration, ObjectKey, OperationRecord, OperationStatus
from core.state.calls import calls_made
from core.verbs.migration.requests import Drain, Migrate
from tests.driver.command import Virtdeck
from tests.lab import burner
from tests.lab.burner import Burner
from tests.lab.migrating import found, opened, said, states, until

ALPHA = ObjectKey("host", "alpha", "alpha")
OPTIONS = Migrate(ObjectKey("instance", "", ""), policy="manual", auto_converge=False)
NAMES = ("one", "two", "three")


@pytest.fixture
async def fleet(uris: dict[str, str], tmp_path: Path) -> AsyncIterator[Fleet]:
    async with opened(uris, tmp_path / "journal.sqlite3") as made:
        yield made


@pytest.fixture(scope="module")
def quiet(lab: Lab) -> Iterator[tuple[str, ...]]:
    """The lab's own guests on alpha, off meanwhile: a drain leaves them."""
    alpha = lab.host("alpha")
    were = {name: state for name, state in alpha.instances().items() if state != "shut off"}
    for name in were:
        alpha.virsh("destroy", name)
    yield tuple(were)
    for name, state in were.items():
        alpha.virsh("start", name, *(["--paused"] if state == "paused" else []))


@pytest.fixture
def three(lab: Lab, quiet: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Three guests that write little, smallest first."""
    for name, memory in zip(NAMES, (64, 80, 96), strict=True):
        burner.start(lab, "alpha", Burner(name, memory=memory, writes=40, rate=1))
    yield NAMES
    with ThreadPoolExecutor(len(NAMES)) as pool:  # libvirt takes two seconds for each
        list(pool.map(lambda name: remove(lab, name), NAMES))


def remove(lab: Lab, name: str) -> None:
    """Remove a guest from the host it is on."""
    for host in lab.hosts:
        if name in host.instances():
            with suppress(LabError):  # it is off
                host.virsh("destroy", name)
            host.virsh("undefine", name)


@pytest.fixture
def keeper(lab: Lab, guest: Callable[..., str]) -> Iterator[str]:
    """A running guest with a snapshot."""
    alpha = lab.host("alpha")
    name = guest("alpha", "keeper", wanted=Wanted.SHUT_OFF, disk="default/clone.qcow2")
    alpha.virsh("snapshot-create-as", name, "before")
    alpha.virsh("start", name)
    yield name
    alpha.virsh("destroy", name)
    alpha.virsh("snapshot-delete", name, "before")


def told(record: OperationRecord) -> str:
    lines = [f"{record.status}: {record.outcome} {record.hint}"]
    return "\n".join([*lines, *(f"  +{s.at - record.created:.2f} {s.text}" for s in record.steps)])


async def ended(fleet: Fleet, number: str, seconds: float = 60.0) -> OperationRecord:
    def over() -> OperationRecord | None:
        record = fleet.state.operations.get(number)
        return record if record is not None and record.status.final else None

    record = await until(over, "the drain ends", seconds)
    assert isinstance(record, OperationRecord)
    return record


def copying(fleet: Fleet) -> list[Migration]:
    return [row for row in fleet.state.migrations.values() if not row.status.final]


async def test_a_host_is_drained_of_all_but_one_that_cannot_move(
    fleet: Fleet,
    lab: Lab,
    three: tuple[str, ...],
    keeper: str,
    quiet: tuple[str, ...],
) -> None:
    for name in (*three, keeper):
        await found(fleet, name)
    request = Drain(ALPHA, at_a_time=2, bandwidth=24, order="smallest", options=OPTIONS)
    operation = await fleet.submit(request)
    with pytest.raises(RefusedError, match="drained already"):
        await fleet.submit(request)
    most, shares = 0, []
    while not fleet.state.operations[operation.id].status.final:
        running = copying(fleet)
        most = max(most, len(running))
        shares.append({row.name: row.limits.bandwidth for row in running})
        await asyncio.sleep(0.05)
    record = fleet.state.operations[operation.id]
    assert record.status is OperationStatus.FAILED, told(record)
    assert record.outcome.startswith("3 of 4 moved; 1 stays: keeper (keeper has 1 snapshot"), told(
        record
    )
    assert set(quiet) <= set(record.outcome.partition("do not run: ")[2].split(", "))
    assert most == 2, told(record)
    assert {"one": 12.0, "two": 12.0} in shares, shares
    assert {"three": 24.0} in shares, shares  # the last has all of it
    steered = [each for row in fleet.state.migrations.values() for each in row.steering]
    assert all(each.answer == "done" for each in steered), [said(each) for each in steered]
    order = [row.name for row in fleet.state.migrations.values()]
    assert order == ["one", "two", "three"]
    calls = calls_made(fleet.state, operation.id)
    assert {each.name for each in calls if each.step.call == "migrate"} == set(three)
    assert {each.name for each in calls if each.step.call == "bandwidth"} == {"three"}
    assert [states(lab.hosts, name) for name in three] == [{"beta": "running"}] * 3
    assert states(lab.hosts, keeper) == {"alpha": "running"}


async def test_a_drain_that_is_stopped_lets_what_is_under_way_end(
    fleet: Fleet, lab: Lab, three: tuple[str, ...]
) -> None:
    for name in three:
        await found(fleet, name)
    request = Drain(ALPHA, at_a_time=1, bandwidth=16, order="name", options=OPTIONS)
    operation: Any = await fleet.submit(request)
    await until(lambda: copying(fleet), "the first is under way")
    await fleet.cancel(operation.id)
    with pytest.raises(RefusedError, match="stopping already"):
        await fleet.cancel(operation.id)
    with suppress(VirtdeckError):
        await operation
    record = operation.record
    assert record.status is OperationStatus.CANCELLED, told(record)
    assert record.outcome.startswith("1 of 3 moved; 2 stay: three (the drain was stopped"), told(
        record
    )
    assert states(lab.hosts, "one") == {"beta": "running"}
    assert states(lab.hosts, "two") == {"alpha": "running"}


async def test_a_drain_whose_command_was_killed_goes_on(
    uris: dict[str, str], lab: Lab, three: tuple[str, ...], keeper: str, tmp_path: Path
) -> None:
    home = Virtdeck(tmp_path)
    hosts = [word for name, uri in uris.items() for word in ("-c", f"{name}={uri}")]
    drain = (*hosts, "drain", "alpha", "--order", "name", "--policy", "manual")
    looked = await asyncio.to_thread(home, *drain, "--dry-run")
    assert looked.status == 1, looked.out
    for words in ("moves 3 instances", "one, 64M, to beta", "keeper stays: keeper has 1 snapshot"):
        assert words in looked.out, looked.out
    command = home.begin(*drain, "--yes", "--at-a-time", "1", "--bandwidth", "24")
    assert command.stdout is not None
    said = ""
    while "one: running" not in said:
        line = await asyncio.to_thread(command.stdout.readline)
        assert line, said + command.communicate()[1]
        said += line
    command.send_signal(signal.SIGKILL)
    command.communicate()
    async with opened(uris, tmp_path / "journal.db") as fleet:
        await until(lambda: [row for row in fleet.state.operations.values()
                             if row.verb == "drain"], "the journal tells of it")  # fmt: skip
        (begun,) = [row for row in fleet.state.operations.values() if row.verb == "drain"]
        record = await ended(fleet, begun.id)
        assert record.status is OperationStatus.FAILED, told(record)
        assert record.outcome.startswith("3 of 4 moved; 1 stays: keeper"), told(record)
        assert any("taken over" in step.text for step in record.steps), told(record)
        moves = [row for row in fleet.state.operations.values() if row.verb == "migrate"]
        assert sorted(row.name for row in moves) == sorted(three), told(record)  # each once
        assert all(row.status is OperationStatus.DONE for row in moves)
    assert [states(lab.hosts, name) for name in three] == [{"beta": "running"}] * 3
