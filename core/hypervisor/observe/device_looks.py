"""The devices of a host: read because somebody looks at them, then kept up by their events."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from functools import partial
from typing import Protocol, TypeVar

from core.clock import Clock
from core.hypervisor.connection.binding import Connection
from core.hypervisor.observe.stale_reads import StaleReads
from core.model.event import NodeDeviceLifecycle, NodeDeviceUpdated
from core.model.host_device import HostDevice
from core.model.observation import HostDevicesRead, Observation

T = TypeVar("T")
_KINDS = ("pci_", "usb_", "mdev_", "css_", "ap_")
"""How libvirt names what an instance can be given, and what that is made of."""


class DeviceCalling(Protocol):
    """How a function gets to a connection of the host."""

    def __call__(self, function: Callable[[Connection], T]) -> Awaitable[T]:
        """Run `function(conn)`."""
        ...


def outdated_with(device: HostDevice, known: Mapping[str, HostDevice]) -> set[str]:
    """Return what else is otherwise now that a device came or went. Pure.

    A physical function tells its virtual ones, and a device how many mediated ones it has left.
    """
    names = {one.name for one in known.values() if one.place == device.physical_function != ""}
    parent = known.get(device.parent)
    if device.kind == "mdev" and parent is not None:
        names.add(parent.name)
    return names


class DeviceLooks:
    """Reads a host's devices, and reads again what an event tells of. On the core's loop."""

    def __init__(
        self, host: str, call: DeviceCalling, clock: Clock, sink: Callable[[Observation], None]
    ) -> None:
        self._host = host
        self._call = call
        self._clock = clock
        self._sink = sink
        self._known: dict[str, HostDevice] | None = None
        """By name; None: nobody has looked at them."""
        self._stale = StaleReads("devices", self.read_some)
        self._turn = asyncio.Lock()
        """One reading after the other: a later one is not overtaken by an earlier."""
        self._links = 0
        """How many links were lost."""

    async def read(self, *, every: bool = False) -> tuple[HostDevice, ...] | None:
        """Read the devices now and hand them over; None: this driver tells none.

        Raises as `Hypervisor.call` does. Where `every` one is read, they are not handed over.
        """
        from core.hypervisor.observe.host_devices import read_host_devices

        if every:
            return await self._call(partial(read_host_devices, every=True))
        async with self._turn:
            at, links = self._clock.now(), self._links
            read = await self._call(read_host_devices)
            if links != self._links:
                return read  # the link was lost meanwhile: nobody told what changed since
            self._known = {one.name: one for one in read or ()}
            self._sink(HostDevicesRead(self._host, at, read or ()))
        return read

    async def read_some(self, names: Collection[str]) -> None:
        """Read these again and hand them over, where the host was looked at; raises likewise."""
        from core.hypervisor.observe.host_devices import read_some_devices

        async with self._turn:
            if not self._looked_at:
                return
            at = self._clock.now()
            read, gone = await self._call(lambda conn: read_some_devices(conn, names))
            if (known := self._known) is None:
                return  # the link was lost meanwhile
            changed = [one for one in read if one.name not in known]
            changed += [known[name] for name in gone if name in known]
            others = set().union(*(outdated_with(one, known) for one in changed)) - set(names)
            known.update((one.name, one) for one in read)
            for name in gone:
                known.pop(name, None)
            self._sink(HostDevicesRead(self._host, at, read, gone, whole=False))
        self._stale.add(others)

    @property
    def _looked_at(self) -> bool:
        return self._known is not None

    def notice(self, observation: Observation) -> None:
        """Note what an event made out of date, be it while all are read for the first time."""
        told = isinstance(observation, NodeDeviceLifecycle | NodeDeviceUpdated)
        name = getattr(observation, "name", "") if told else ""
        if (self._looked_at or self._turn.locked()) and name.startswith(_KINDS):
            self._stale.add({name})

    def forget(self) -> None:
        """Forget what was read: the link is lost."""
        self._known = None
        self._links += 1
        self._stale.forget()

    async def close(self) -> None:
        """Read nothing again any more."""
        self.forget()
        await self._stale.close()
