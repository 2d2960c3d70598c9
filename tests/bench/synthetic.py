"""A console on a made-up fleet of any size: measures the screen, not libvirt.

`python -m tests.bench.synthetic --instances 10000 --events 1000` opens the real app on a source
whose store is fed by a generator, because no test driver sends a thousand events a second from
ten thousand instances with statistics.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import time
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from core.errors import RefusedError
from core.journal.replay import TapeConsoles, TapeDiagnostics, TapeMigrations
from core.journal.tape_links import TapeLinks
from core.mailbox import Mailroom
from core.model import (
    Counters,
    Delta,
    DiskCounters,
    Instance,
    InstanceDetail,
    InstanceState,
    InterfaceCounters,
    Link,
    LinkStatus,
    ObjectKey,
    Request,
    State,
)
from core.model.event import InstanceLifecycle
from core.model.observation import HostAdded, LinkChanged, Listed, Observation, Sampled
from core.source import Operation
from core.state.store import Store
from core.verbs.refusal import Refusal, RefusalCode

HOSTS = ("alpha", "beta", "gamma", "delta")


class SyntheticSource:
    """Instances spread over four hosts; events at a steady rate, a sample every two seconds."""

    read_only = True
    migrations = TapeMigrations()  # nothing can be changed here either
    links = TapeLinks()
    consoles: object = TapeConsoles()
    diagnostics = TapeDiagnostics()

    def __init__(self, instances: int, events_per_second: float, *, still: bool) -> None:
        self._random = random.Random(1)
        self._still = still
        self._rate = events_per_second
        self._store = Store()
        self._mailroom = Mailroom()
        self._instances = [self._instance(number) for number in range(instances)]
        self._paused: set[str] = set()
        self._cpu = {instance.uuid: 0 for instance in self._instances}
        self._begin()

    @property
    def state(self) -> State:
        return self._store.state

    @property
    def notices(self) -> tuple[str, ...]:
        return ()

    def prefer(self, keys: Sequence[ObjectKey]) -> None:
        """Do nothing: all is read."""
        del keys

    def changes(self) -> AsyncIterator[Delta]:
        return self._mailroom.subscribe()

    def check(self, request: Request) -> tuple[Refusal, ...]:
        return (Refusal(RefusalCode.UNSUPPORTED, "this fleet is made up"),)

    async def submit(self, request: Request) -> Operation:
        raise RefusedError("This fleet is made up.")

    async def cancel(self, operation_id: str) -> None:
        raise RefusedError("This fleet is made up.")

    async def answer(self, operation_id: str, word: str) -> None:
        raise RefusedError("This fleet is made up.")

    async def forget(self, operation_id: str) -> None:
        raise RefusedError("This fleet is made up.")

    async def detail(self, key: ObjectKey) -> InstanceDetail:
        return InstanceDetail(host=key.host, uuid=key.id, at=time.time())

    async def read(self, key: ObjectKey, *, jobs: bool = False) -> Instance | None:
        return self.state.instances.get(key)

    async def run(self) -> None:
        """Send events and samples for ever."""
        started, sent, sampled = time.monotonic(), 0, 0.0
        while True:
            now = time.monotonic()
            if now - sampled >= 2.0:
                sampled = now
                self._sample()
            due = int((now - started) * self._rate) - sent
            for _ in range(due):
                self._event()
            sent += due
            await asyncio.sleep(0.01)

    def _instance(self, number: int) -> Instance:
        return Instance(
            host=HOSTS[number % len(HOSTS)],
            uuid=str(uuid.UUID(int=number + 1)),
            name=f"instance-{number:05}",
            state=InstanceState.RUNNING,
            vcpus=2,
            memory=2 << 30,
            memory_maximum=2 << 30,
        )

    def _apply(self, observation: Observation) -> None:
        self._mailroom.post(self._store.apply(observation))

    def _begin(self) -> None:
        now = time.time()
        for host in HOSTS:
            self._apply(HostAdded(host=host, at=now, uri=f"synthetic://{host}/"))
            self._apply(LinkChanged(host=host, at=now, link=Link(status=LinkStatus.UP, since=now)))
            mine = tuple(instance for instance in self._instances if instance.host == host)
            self._apply(Listed(host=host, at=now, instances=mine))

    def _event(self) -> None:
        instance = self._random.choice(self._instances)
        paused = instance.uuid in self._paused
        (self._paused.discard if paused else self._paused.add)(instance.uuid)
        self._apply(
            InstanceLifecycle(
                host=instance.host,
                at=time.time(),
                uuid=instance.uuid,
                name=instance.name,
                change="resumed" if paused else "suspended",
                detail="unpaused" if paused else "paused",
            )
        )

    def _sample(self) -> None:
        now = time.time()
        for host in HOSTS:
            counters = {
                instance.uuid: self._counters(instance)
                for instance in self._instances
                if instance.host == host
            }
            self._apply(Sampled(host=host, at=now, instances=counters))

    def _counters(self, instance: Instance) -> Counters:
        paused = instance.uuid in self._paused
        total = self._cpu[instance.uuid]
        if not paused and not self._still:
            total += int(self._random.random() * 4e9)
        self._cpu[instance.uuid] = total
        return Counters(
            state=3 if paused else 1,
            reason=1,
            cpu_time=total,
            vcpus=2,
            balloon=2 << 30,
            rss=1 << 30,
            disks=(DiskCounters("vda", read_bytes=total // 100, write_bytes=total // 200),),
            interfaces=(
                InterfaceCounters("vnet0", received_bytes=total // 300, sent_bytes=total // 400),
            ),
        )


@asynccontextmanager
async def opened(
    instances: int, events_per_second: float, *, still: bool
) -> AsyncIterator[SyntheticSource]:
    """The source with its generator running."""
    source = SyntheticSource(instances, events_per_second, still=still)
    running = asyncio.create_task(source.run())
    yield source
    running.cancel()


def main() -> int:
    """Open the console on the made-up fleet."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--instances", type=int, default=1000)
    parser.add_argument("--events", type=float, default=100)
    parser.add_argument("--still", action="store_true", help="no figure moves")
    options = parser.parse_args()

    from console.settings import Settings
    from console.shell.app import VirtdeckApp

    app = VirtdeckApp(
        lambda: opened(options.instances, options.events, still=options.still), Settings()
    )
    app.run()
    return app.return_code or 0


if __name__ == "__main__":
    sys.exit(main())
