"""When a host has been looked through for migrations that somebody else began."""

from __future__ import annotations

import asyncio
import gc
import warnings
from collections.abc import Callable
from types import MappingProxyType
from typing import Any

from core.clock import SystemClock
from core.errors import DeadlineError
from core.migration.execution.foreign import Foreign
from core.migration.execution.table import MigrationTable
from core.model import Host, Instance, InstanceState, Link, LinkStatus, Observation, State
from core.model.observation import MigrationChanged


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(100):
        while not condition():  # noqa: ASYNC110 - any condition
            await asyncio.sleep(0.01)


class World:
    """One host whose answers a test gives: a `MigrationHosts`, with the state beside."""

    def __init__(self) -> None:
        rows = [Instance("alpha", name, name, InstanceState.RUNNING) for name in ("u", "v")]
        hosts = {"alpha": Host("alpha", "", link=Link(LinkStatus.UP))}
        instances = {row.key: row for row in rows}
        self.now = State(hosts=MappingProxyType(hosts), instances=MappingProxyType(instances))
        self.answers: asyncio.Queue[dict[str, bool] | Exception] = asyncio.Queue()
        self.asked = 0
        self.shown: list[str] = []
        hosts_: Any = self
        self.table = MigrationTable(hosts_, SystemClock(), lambda: self.now, self.publish)
        self.foreign = Foreign(self.table, self.catch_up)

    def publish(self, observation: Observation) -> None:
        if isinstance(observation, MigrationChanged):
            self.shown.append(observation.migration.uuid)

    async def catch_up(self) -> None:
        await asyncio.sleep(0)

    async def migrating(self, host: str, uuids: tuple[str, ...]) -> dict[str, bool]:
        self.asked += 1
        answer = await self.answers.get()
        if isinstance(answer, Exception):
            raise answer
        return answer

    def line(self, host: str, uuid: str, label: str) -> Any:
        return self

    async def job(self, host: str, uuid: str) -> None:
        await asyncio.Event().wait()

    async def limits(self) -> None:
        await asyncio.Event().wait()

    async def close(self) -> None:
        return


async def test_a_look_that_ends_before_it_began_leaves_nothing_behind() -> None:
    world = World()
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        world.foreign.look_around()
        await world.table.close()
        gc.collect()
    assert [str(one.message) for one in told] == []
    assert world.asked == 0


async def test_a_host_is_looked_through_when_what_was_found_is_listed() -> None:
    world = World()
    assert world.foreign.looked_at("alpha") is False
    world.foreign.look_around()
    assert world.foreign.looked_at("alpha") is None
    await until(lambda: world.asked == 1)
    world.answers.put_nowait({"u": False})  # no time was left for the other
    await until(lambda: world.asked == 2)
    assert world.foreign.looked_at("alpha") is None
    world.answers.put_nowait({"v": True})
    await until(lambda: world.asked == 3)
    assert world.foreign.looked_at("alpha") is None
    assert world.shown == []
    world.answers.put_nowait({"v": True})
    await until(lambda: world.foreign.looked_at("alpha") is not None)
    assert world.foreign.looked_at("alpha") is True
    assert world.shown[0] == "v"
    await world.table.close()


async def test_a_host_that_does_not_answer_was_not_looked_through() -> None:
    world = World()
    world.foreign.look_around()
    world.answers.put_nowait(DeadlineError("alpha gave no answer."))
    await until(lambda: world.foreign.looked_at("alpha") is not None)
    assert world.foreign.looked_at("alpha") is False
