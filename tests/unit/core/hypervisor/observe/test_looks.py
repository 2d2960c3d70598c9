"""What is read because somebody looks: an event that comes during the first reading is not lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from core.clock import SystemClock
from core.hypervisor.observe.device_looks import DeviceLooks
from core.hypervisor.observe.looks import InstanceLooks
from core.model import Snapshot
from core.model.event import InstanceLifecycle, NodeDeviceLifecycle
from core.model.host_device import HostDevice
from core.model.observation import HostDevicesRead, Observation, SnapshotsRead

NEW = NodeDeviceLifecycle("a", 5.0, "", "usb_1_2", "created")
REVERTED = InstanceLifecycle("a", 5.0, "u", "web", "started", "from-snapshot")


class Host:
    """Answers one call after the other, each when a test says so."""

    def __init__(self, *answers: Any) -> None:
        self._answers = list(answers)
        self._turn = asyncio.Lock()
        self.made = 0
        self.asked = asyncio.Event()
        self.may_answer = asyncio.Event()
        self.seen: list[Observation] = []

    async def call(self, function: Callable[[Any], Any], *, uuid: str = "") -> Any:
        async with self._turn:
            answer = self._answers[self.made]
            self.made += 1
            self.asked.set()
            await self.may_answer.wait()
            return answer

    async def reread(self, uuid: str) -> None:
        pass


def devices(*names: str) -> tuple[HostDevice, ...]:
    return tuple(HostDevice(name, "usb_device") for name in names)


async def ended(*looks: asyncio.Task[Any]) -> None:
    """Wait for these, and for all that followed of them."""
    await asyncio.gather(*looks)
    while others := asyncio.all_tasks() - {asyncio.current_task()}:  # type: ignore[arg-type]
        await asyncio.wait(others)


async def test_a_device_that_comes_during_the_first_reading_is_read_after_it() -> None:
    host = Host(devices("usb_1_1"), (devices("usb_1_2"), ()))
    looks = DeviceLooks("a", host.call, SystemClock(), host.seen.append)
    first = asyncio.create_task(looks.read())
    await host.asked.wait()
    looks.notice(NEW)
    looks.notice(NEW)
    host.may_answer.set()
    await ended(first)
    first_read, then = host.seen
    assert isinstance(first_read, HostDevicesRead)
    assert isinstance(then, HostDevicesRead)
    assert first_read.whole
    assert (then.devices, then.whole) == (devices("usb_1_2"), False)
    assert host.made == 2, "once for all that it was told meanwhile"


async def test_devices_that_nobody_looked_at_are_not_read_for_an_event() -> None:
    host = Host()
    DeviceLooks("a", host.call, SystemClock(), host.seen.append).notice(NEW)
    await ended()
    assert host.made == 0


async def test_devices_that_were_read_through_a_link_that_is_lost_are_not_handed_over() -> None:
    host = Host(devices("usb_1_1"))
    looks = DeviceLooks("a", host.call, SystemClock(), host.seen.append)
    reading = asyncio.create_task(looks.read())
    await host.asked.wait()
    looks.forget()
    host.may_answer.set()
    await ended(reading)
    assert host.seen == []
    looks.notice(NEW)
    await ended()
    assert host.made == 1


async def test_snapshots_that_an_event_tells_of_during_their_first_reading_are_read_again() -> None:
    old, new = (Snapshot("one", current=True),), (Snapshot("two", current=True),)
    host = Host(old, new)
    looks = InstanceLooks("a", host.call, host.reread, SystemClock(), host.seen.append)
    first = asyncio.create_task(looks.snapshots("u"))
    await host.asked.wait()
    looks.notice(REVERTED)
    host.may_answer.set()
    await ended(first)
    told = [one.snapshots for one in host.seen if isinstance(one, SnapshotsRead)]
    assert told == [old, new]
    assert host.made == 2
    looks.notice(REVERTED)
    await ended()
    assert host.made == 2, "nobody knows of them: they were only handed over here"
