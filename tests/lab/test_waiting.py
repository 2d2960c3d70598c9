"""Waiting for real guests: those that restart instead, and what the operator chooses meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from core.errors import OperationFailedError
from core.fleet import Fleet
from core.lab import LabHost
from core.model import OperationRecord, OperationStatus
from core.source import Operation
from core.verbs.power.requests import HardReboot, Reboot, Shutdown
from tests.lab.one_host import do, domstate, opened, until
from tests.lab.seeing import key_of

DONE = OperationStatus.DONE


def calls(record: OperationRecord) -> list[str]:
    return [step.call for step in record.steps if step.call]


def _waits_on(record: OperationRecord) -> bool:
    return record.countdown is not None and record.countdown.until is None


async def choose(fleet: Fleet, operation: Operation, word: str) -> None:
    """Answer what is offered while it waits."""
    await until(lambda: operation.record.question is not None)
    assert operation.record.status is OperationStatus.VERIFYING
    await fleet.answer(operation.id, word)


async def test_a_guest_that_restarts_when_it_powers_off_is_noticed(
    fleet: Fleet,
    alpha: LabHost,
    guest: Callable[..., str],
    booted: Callable[..., None],
) -> None:
    """libvirt itself restarts it, by the same process: no event says that it was off."""
    vm = await key_of(fleet, guest("alpha", "phoenix"))
    alpha.virsh("set-lifecycle-action", "phoenix", "poweroff", "restart", "--live")
    await asyncio.to_thread(booted, "alpha", "phoenix")
    before = fleet.state.instances[vm].id
    shutdown = await fleet.submit(Shutdown(vm, timeout=20.0, then_stop=False))
    with pytest.raises(OperationFailedError, match="has restarted"):  # once, or again by then
        await shutdown
    texts = [step.text for step in shutdown.record.steps]
    assert "the guest has restarted instead of powering off" in texts
    assert domstate(alpha, "phoenix") == "running"
    assert fleet.state.instances[vm].id == before


async def test_a_guest_that_ignores_it_is_waited_for_until_the_operator_forces_it(
    fleet: Fleet,
    alpha: LabHost,
    guest: Callable[..., str],
    booted: Callable[..., None],
) -> None:
    vm = await key_of(fleet, guest("alpha", "stubborn", "vd.noshutdown"))
    await asyncio.to_thread(booted, "alpha", "stubborn")
    operation = await fleet.submit(Shutdown(vm, timeout=3600.0))
    await until(lambda: operation.record.countdown is not None)
    countdown = operation.record.countdown
    assert countdown is not None
    assert countdown.until == countdown.since + 3600.0
    await choose(fleet, operation, "wait-on")
    await until(lambda: _waits_on(operation.record))
    await choose(fleet, operation, "force-now")
    record = await operation
    assert record.outcome.startswith("stubborn is shut off; its power was cut, as ")
    assert calls(record)[-1] == "destroy"
    assert (record.question, record.countdown) == (None, None)
    assert domstate(alpha, "stubborn") == "shut off"


async def test_another_console_forces_what_this_one_waits_for(
    uris: dict[str, str],
    tmp_path: Path,
    alpha: LabHost,
    guest: Callable[..., str],
    booted: Callable[..., None],
) -> None:
    guest("alpha", "far", "vd.noshutdown")
    await asyncio.to_thread(booted, "alpha", "far")
    journal = tmp_path / "journal.sqlite3"
    async with opened(uris, journal) as here, opened(uris, journal) as there:
        operation = await here.submit(Shutdown(await key_of(here, "far"), timeout=3600.0))
        await until(lambda: operation.record.question is not None)
        await until(lambda: operation.id in there.state.operations)
        await until(lambda: there.state.operations[operation.id].question is not None)
        await there.answer(operation.id, "force-now")
        assert (await operation).status is DONE
    assert domstate(alpha, "far") == "shut off"


async def test_a_hard_reboot_starts_it_as_it_is_defined_now(
    fleet: Fleet,
    alpha: LabHost,
    guest: Callable[..., str],
) -> None:
    vm = await key_of(fleet, guest("alpha", "hard"))
    before = fleet.state.instances[vm].id
    alpha.virsh("desc", "hard", "--config", "--title", "--new-desc", "defined since")
    record = await do(fleet, HardReboot(vm))
    assert record.outcome == "hard is running"
    assert calls(record) == ["destroy", "create"]
    row = fleet.state.instances[vm]
    assert row.id not in (None, before)
    assert row.title == "defined since"


async def test_what_cannot_start_again_is_off_and_says_why(
    fleet: Fleet,
    alpha: LabHost,
    guest: Callable[..., str],
    tmp_path: Path,
) -> None:
    vm = await key_of(fleet, guest("alpha", "broken", disk="default/spare.raw"))
    xml = alpha.virsh("dumpxml", "--inactive", "broken")
    path = tmp_path / "broken.xml"
    path.write_text(xml.replace("spare.raw", "no-such.raw"))
    alpha.virsh("define", str(path))
    with pytest.raises(OperationFailedError, match=r"no-such\.raw") as caught:
        await do(fleet, HardReboot(vm))
    assert caught.value.message.rstrip(".").endswith("broken is shut off")


async def test_a_guest_that_ignores_a_reboot_is_rebooted_hard_where_that_was_asked_for(
    fleet: Fleet,
    alpha: LabHost,
    guest: Callable[..., str],
    booted: Callable[..., None],
) -> None:
    vm = await key_of(fleet, guest("alpha", "ignorant", "vd.noshutdown"))
    await asyncio.to_thread(booted, "alpha", "ignorant")
    before = fleet.state.instances[vm].id
    with pytest.raises(OperationFailedError, match="ignores the request"):
        await do(fleet, Reboot(vm, timeout=2.0))
    record = await do(fleet, Reboot(vm, timeout=2.0, then_hard=True))
    assert record.outcome == "ignorant is running"
    assert calls(record) == ["reboot", "destroy", "create"]
    assert fleet.state.instances[vm].id not in (None, before)
