"""A world for the tests of the engine: a state, a port that obeys the test, what is published."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import MappingProxyType
from typing import Any

import msgspec

from core.clock import SystemClock
from core.engine.progress import progress_json
from core.engine.runner import Runner
from core.errors import DeadlineError, VirtdeckError
from core.journal.entry import Entry
from core.journal.owner import Owner
from core.model import (
    Delta,
    Host,
    Instance,
    InstanceState,
    Link,
    LinkStatus,
    ObjectKey,
    OperationRecord,
    OperationStatus,
    State,
)
from core.model.event import LinkEvent
from core.model.observation import OperationChanged
from core.verbs.call import Call
from core.verbs.power.calls import CreateCall, DestroyCall, ResumeCall, SuspendCall
from core.verbs.situation import Progress, Sent

S = InstanceState
AFTER = {
    CreateCall(): S.RUNNING,
    DestroyCall(): S.SHUTOFF,
    SuspendCall(): S.PAUSED,
    ResumeCall(): S.RUNNING,
}


class World:
    """A state, a port and what was published; `hold` keeps calls from returning."""

    def __init__(self) -> None:
        self.hosts = {"alpha": Host("alpha", "test:///default", link=Link(LinkStatus.UP))}
        self.instances: dict[ObjectKey, Instance] = {}
        self.operations: dict[str, OperationRecord] = {}
        self.calls: list[tuple[str, Call]] = []
        self.in_flight = 0
        self.most_in_flight = 0
        self.hold = asyncio.Event()
        self.hold.set()
        self.errors: dict[Call, VirtdeckError] = {}
        self.obeys = True
        self.tells = True
        self.reading = asyncio.Event()
        self.reading.set()
        self.before_call: Callable[[], None] = lambda: None
        self.runner: Runner

    @property
    def state(self) -> State:
        return State(
            hosts=MappingProxyType(self.hosts),
            instances=MappingProxyType(self.instances),
            operations=MappingProxyType(self.operations),
        )

    def add(self, name: str, where: S) -> ObjectKey:
        key = ObjectKey("instance", "alpha", f"u-{name}")
        self.put(Instance("alpha", key.id, name, where, id=7 if where.active else None))
        return key

    def put(self, instance: Instance) -> None:
        self.instances[instance.key] = instance

    def change(self, key: ObjectKey, where: S) -> None:
        number = 7 if where.active else None
        self.put(msgspec.structs.replace(self.instances[key], state=where, id=number))
        self.runner.observe(Delta(1, 0.0, frozenset({key})))

    def link(self, status: LinkStatus) -> None:
        self.hosts["alpha"] = Host("alpha", "test:///default", link=Link(status))
        event = LinkEvent("alpha", 0.0, "", "alpha", status.value)
        self.runner.observe(Delta(1, 0.0, frozenset({self.hosts["alpha"].key}), events=(event,)))

    def publish(self, observation: object) -> None:
        assert isinstance(observation, OperationChanged)
        self.operations[observation.operation.id] = observation.operation

    async def call(self, subject: ObjectKey, call: Call, deadline: float) -> None:
        self.before_call()
        self.calls.append((subject.id, call))
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            await asyncio.sleep(0)
            await self.hold.wait()
        finally:
            self.in_flight -= 1
        if call in self.errors:
            raise self.errors[call]
        if self.obeys and call in AFTER:
            self.change(subject, AFTER[call])

    async def read(self, subject: ObjectKey, looks_at: object = ()) -> Instance | None:
        if not self.tells:
            raise DeadlineError(f"{subject.host} did not answer in 10 s.")
        await self.reading.wait()
        return self.instances.get(subject)


async def until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - any condition, of any object
            await asyncio.sleep(0.005)


def left_by(owner: Owner, key: ObjectKey, *calls: Sent, **more: Any) -> Entry:
    now = SystemClock().now()
    status = OperationStatus.VERIFYING if calls else OperationStatus.QUEUED
    record = OperationRecord(
        id="000000000001-aaaaaa",
        verb="shutdown",
        host="alpha",
        subject=key,
        name="web",
        author="bob@desk",
        created=now,
        status=status,
        options={"timeout": 60.0, "then_stop": False},
    )
    progress = progress_json(Progress(calls, before_id=7))
    return Entry(record, **{"owner": owner, "uri": "test:///default", "progress": progress, **more})
