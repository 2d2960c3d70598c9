"""Who gives a guest back what it let go of for a migration, and where."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

import pytest
from msgspec.structs import replace

from core.errors import OperationFailedError
from core.migration.execution.devices import MovedDevices
from core.model import MigrationStatus, ObjectKey, OperationRecord, OperationStatus, State
from core.model.detached_device import DetachedDevice
from core.verbs.device.released import DeviceReattach, DeviceRelease
from core.verbs.situation import End
from tests.unit.migration_builders import migration

WORD, THERE = "pci:0000:03:00.0", "pci:0000:06:00.1"
ROW = migration(released=(DetachedDevice(WORD, WORD, THERE),))
STATUS = OperationStatus


class Engine:
    """What an engine does with requests: notes them, and answers."""

    def __init__(self, error: str = "") -> None:
        self.asked: list[Any] = []
        self.cancelled: list[str] = []
        self.state = State()
        self.error = error

    async def submit(self, request: Any, waiting: Any = None, /) -> Awaitable[OperationRecord]:
        assert all(one.status.final for one in self.state.operations.values())
        self.asked.append(request)

        async def end() -> OperationRecord:
            if self.error:
                raise OperationFailedError(f"{self.error}.", "Look there.")
            return record(request.verb, STATUS.DONE)

        return end()

    async def cancel(self, operation_id: str, /) -> None:
        self.cancelled.append(operation_id)
        found = self.state.operations[operation_id]
        self.state.operations[operation_id] = replace(found, status=STATUS.CANCELLED)  # type: ignore[index]


def record(verb: str, status: OperationStatus) -> OperationRecord:
    return OperationRecord(
        *("op-1", verb, ROW.host, ROW.source_key, ROW.name, "me@here", 1.0), status=status
    )


async def settled(engine: Engine, status: OperationStatus, row: Any = ROW) -> End:
    moved = MovedDevices(engine, lambda: engine.state)
    return await moved.settle(row, End(status, "It ended."))


@pytest.mark.parametrize(
    ("status", "host"),
    [(STATUS.DONE, ROW.to), (STATUS.FAILED, ROW.host), (STATUS.CANCELLED, ROW.host),
     (STATUS.REFUSED, ROW.host)],
)  # fmt: skip
async def test_the_host_that_it_is_on_gives_it_back(status: OperationStatus, host: str) -> None:
    engine = Engine()
    end = await settled(engine, status)
    device = THERE if host == ROW.to else WORD
    assert engine.asked == [DeviceReattach(ObjectKey("instance", host, ROW.uuid), (device,))]
    assert end.outcome == f"It ended; pci:0000:03:00.0 is attached on {host}"
    assert end.status is status


@pytest.mark.parametrize(
    ("status", "row"),
    [(STATUS.UNKNOWN, ROW), (STATUS.FAILED, replace(ROW, status=MigrationStatus.POST_COPY_FAILED))],
)
async def test_nobody_gives_it_back_where_it_is_not_known_where_it_is(
    status: OperationStatus, row: Any
) -> None:
    engine = Engine()
    end = await settled(engine, status, row)
    assert engine.asked == []
    assert end.outcome == "It ended; pci:0000:03:00.0 left its guest"
    assert f"virtdeck device reattach {ROW.name}" in end.hint


async def test_what_cannot_be_given_back_is_said_with_the_cure_and_the_move_stays_done() -> None:
    end = await settled(Engine("no such device"), STATUS.DONE)
    assert end.status is STATUS.DONE
    assert f"could not be attached again on {ROW.to}: no such device" in end.outcome
    assert f"virtdeck device reattach {ROW.name}" in end.hint


async def test_a_guest_that_is_still_asked_is_asked_no_longer_first() -> None:
    engine = Engine()
    engine.state = State(operations={"op-1": record(DeviceRelease.verb, STATUS.RUNNING)})
    await settled(engine, STATUS.CANCELLED)
    assert engine.cancelled == ["op-1"]
    assert len(engine.asked) == 1


async def test_a_migration_that_took_nothing_gives_nothing_back() -> None:
    engine = Engine()
    assert await settled(engine, STATUS.DONE, replace(ROW, released=())) == End(
        STATUS.DONE, "It ended."
    )
    assert engine.asked == []
