"""Calls to a migration: noted before they are made, and again when they have returned."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from core.clock import SystemClock
from core.errors import HypervisorError
from core.migration.execution.call_notes import CallNotes
from core.model import OperationStep
from core.model.operation import with_step

BEFORE = OperationStep(1.0, "looking")


class Log:
    def __init__(self) -> None:
        self.steps: tuple[OperationStep, ...] = (BEFORE,)
        self.notes = CallNotes(SystemClock(), {"alpha": "qemu+ssh://a b/system"}.get, self.note)  # type: ignore[arg-type]

    def note(self, step: OperationStep, begun: OperationStep | None) -> None:
        self.steps = with_step(self.steps, step, begun)


async def test_a_call_is_noted_before_it_is_made_and_its_answer_in_its_place() -> None:
    log = Log()

    async def call() -> int:
        assert log.steps[1].call == "abort"
        assert log.steps[1].took is None
        log.note(OperationStep(2.0, "meanwhile"), None)
        return 7

    made = log.notes.make("alpha", "abort", "aborting it", "virsh domjobabort web", call())
    assert await made == 7
    assert [step.text for step in log.steps] == ["looking", "aborting it", "meanwhile"]
    assert log.steps[1].virsh == "virsh -c 'qemu+ssh://a b/system' domjobabort web"
    assert log.steps[1].took is not None
    assert log.steps[1].error == ""


async def test_what_fails_is_noted_and_raised() -> None:
    log = Log()

    async def call() -> None:
        raise HypervisorError("no such job", "", 55)

    with pytest.raises(HypervisorError):
        await log.notes.make("alpha", "abort", "aborting it", "", call())
    assert (log.steps[1].error, log.steps[1].virsh) == ("no such job", "")
    assert log.steps[1].took is not None


async def test_a_call_that_is_left_alone_has_no_answer() -> None:
    log = Log()
    call = asyncio.create_task(log.notes.make("alpha", "migrate", "", "", asyncio.sleep(60)))
    await asyncio.sleep(0)
    call.cancel()
    with suppress(asyncio.CancelledError):
        await call
    assert (log.steps[1].took, log.steps[1].error) == (None, "")


@pytest.mark.parametrize(
    ("virsh", "host", "line"),
    [
        ("virsh -c qemu:///x migrate web", "alpha", "virsh -c qemu:///x migrate web"),
        ("virsh migrate web", "gone", "virsh migrate web"),
    ],
    ids=["has its host", "is not open"],
)
def test_a_host_is_named_once_and_where_it_is_known(virsh: str, host: str, line: str) -> None:
    log = Log()
    log.notes.begin(host, "migrate", "migrating", virsh)
    assert log.steps[1].virsh == line


def test_a_call_that_was_not_made_is_none() -> None:
    log = Log()
    log.notes.take_back(log.notes.begin("alpha", "migrate", "migrating", "virsh migrate web"))
    assert (log.steps[1].text, log.steps[1].call, log.steps[1].virsh) == ("migrating", "", "")
