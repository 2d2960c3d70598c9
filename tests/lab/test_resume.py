"""Resume on real QEMU: the guest's clock is set, and what a migration has paused is held."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from core.errors import RefusedError
from core.fleet import Fleet
from core.hypervisor.connection.options import LinkOptions
from core.lab import Guest, Lab, LabHost
from core.lab.furnish import ensure_guest
from core.model import AgentState, InstanceState, ObjectKey
from core.verbs.power.requests import Pause, Resume
from tests.lab.one_host import do, until
from tests.lab.seeing import key_of
from tests.patience import PATIENCE

HOUR = 3600


def in_guest(alpha: LabHost, name: str, *words: str) -> None:
    """Run a program in a guest, through its agent."""
    arguments = {"path": words[0], "arg": words[1:]}
    command = json.dumps({"execute": "guest-exec", "arguments": arguments})
    alpha.virsh("qemu-agent-command", name, command)


def late_by(alpha: LabHost, name: str) -> float:
    """Seconds the clock of a guest is behind this machine's."""
    return time.time() - int(alpha.virsh("domtime", name).split()[-1])


async def ready(fleet: Fleet, vm: ObjectKey, name: str, booted: Callable[..., None]) -> None:
    await asyncio.to_thread(booted, "alpha", name)
    await until(lambda: fleet.state.instances[vm].agent is AgentState.CONNECTED)


async def test_a_resumed_guest_has_the_time(
    fleet: Fleet,
    alpha: LabHost,
    guest: Callable[..., str],
    booted: Callable[..., None],
) -> None:
    vm = await key_of(fleet, guest("alpha", "late"))
    await ready(fleet, vm, "late", booted)
    in_guest(alpha, "late", "/bin/date", "-s", f"@{int(time.time()) - HOUR}")
    await until(lambda: late_by(alpha, "late") > HOUR / 2)
    await do(fleet, Pause(vm))
    record = await do(fleet, Resume(vm))
    assert record.outcome == "late is running, and its clock is set"
    assert late_by(alpha, "late") < HOUR / 2
    assert [step.call for step in record.steps if step.call] == ["resume", "sync-time"]


async def test_an_agent_that_does_not_answer_costs_the_clock_and_not_the_resume(
    fleet: Fleet,
    alpha: LabHost,
    guest: Callable[..., str],
    booted: Callable[..., None],
) -> None:
    vm = await key_of(fleet, guest("alpha", "mute"))
    await ready(fleet, vm, "mute", booted)
    in_guest(alpha, "mute", "/bin/sh", "-c", "sleep 1; kill -STOP $(pidof qemu-ga)")
    await asyncio.to_thread(until_mute, alpha, "mute")
    await do(fleet, Pause(vm))
    record = await do(fleet, Resume(vm))
    assert record.outcome.startswith("mute is running; its clock was not set: ")
    assert "`set-time`" in record.hint
    assert alpha.instances()["mute"] == "running"


def until_mute(alpha: LabHost, name: str) -> None:
    """Wait until the agent of a guest does not answer any more."""
    from core.lab.furnish import agent_answers

    while agent_answers(alpha, name):
        time.sleep(0.2)


async def test_what_a_stranger_moves_here_is_not_let_run_before_it_is_whole(
    lab: Lab,
    alpha: LabHost,
    beta: LabHost,
    uris: dict[str, str],
    tmp_path: Path,
    remove_guest: Callable[[str], None],
) -> None:
    """Only the destination is open, and no journal knows of it: two of it would run."""
    name = "halfway"
    ensure_guest(alpha, Guest(name, "Halfway", "Made by a test."), lab.root, lab.accelerator)
    words = ["virsh", "-c", alpha.uri, "migrate", "--live", "--p2p", "--bandwidth", "1"]
    moving = await asyncio.create_subprocess_exec(
        *words, name, beta.uri, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        fleet_here = Fleet.open(
            [f"beta={uris['beta']}"],
            options=LinkOptions(statistics_interval=0.5, sweep_interval=0),
            journal=tmp_path / "journal.sqlite3",
        )
        async with fleet_here as here:
            assert await here.ready(60 * PATIENCE)
            vm = await key_of(here, name)
            await until(lambda: here.state.instances[vm].state is InstanceState.PAUSED)
            await until(lambda: here.state.instances[vm].reason == "migrating")
            with pytest.raises(RefusedError, match="migration has paused it here"):
                await here.submit(Resume(vm))
            assert here.state.instances[vm].state is InstanceState.PAUSED
    finally:
        alpha.virsh("domjobabort", name)
        await moving.wait()
        remove_guest(name)
