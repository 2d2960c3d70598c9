"""The link to real hosts: a daemon that dies, one that hangs, a guest that hangs, a real ssh."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from msgspec.structs import replace

from core.clock import SystemClock
from core.errors import DeadlineError
from core.hypervisor.connection import event_loop
from core.hypervisor.connection.binding import libvirt
from core.hypervisor.connection.options import LinkOptions
from core.hypervisor.session import Hypervisor
from core.lab import LabHost
from core.model.event import InstanceLifecycle
from core.model.host import LinkStatus
from core.model.instance import Instance, InstanceState
from core.model.observation import HostRead, LinkChanged, Sampled
from tests.driver.watching import Collector, until
from tests.driver.worlds import read_listing
from tests.lab.private_sshd import PrivateSshd

OPTIONS = LinkOptions(
    keepalive_interval=2,
    keepalive_count=2,
    connect_timeout=20,
    statistics_interval=0.5,
    sweep_interval=0,
    backoff_first=0.1,
    backoff_limit_local=0.5,
)

PATIENT = LinkOptions(connect_timeout=30, statistics_interval=0.5)


class Watched:
    """One host under watch."""

    def __init__(self, lab_host: LabHost, uri: str, options: LinkOptions) -> None:
        self.seen = Collector()
        self.lab_host = lab_host
        self.host = Hypervisor(
            lab_host.name, uri, sink=self.seen, clock=SystemClock(), options=options
        )

    def find(self, name: str) -> Instance | None:
        return next((i for i in self.seen.instances.values() if i.name == name), None)

    def state(self, name: str) -> InstanceState | None:
        found = self.find(name)
        return found.state if found else None

    def described(self) -> bool:
        up = self.seen.status is LinkStatus.UP
        return up and all(i.described for i in self.seen.instances.values())

    def changes(self, name: str) -> list[str]:
        return [e.change for e in self.seen.of(InstanceLifecycle) if e.name == name]

    def sample(self) -> Sampled:
        samples = self.seen.of(Sampled)
        return samples[-1] if samples else Sampled(self.lab_host.name, 0, {})

    async def equals_a_fresh_listing(self) -> None:
        event_loop.ensure_running()
        conn = await asyncio.to_thread(libvirt.open, self.lab_host.uri)
        try:

            def same() -> bool:
                fresh = read_listing(conn, self.lab_host.name, 0)
                return {(i.uuid, i.name, i.state, i.id) for i in fresh.instances} == {
                    (i.uuid, i.name, i.state, i.id) for i in self.seen.instances.values()
                }

            await until(same, 20)
        finally:
            conn.close()


@asynccontextmanager
async def watching(
    *hosts: LabHost, uri: str = "", options: LinkOptions = OPTIONS
) -> AsyncIterator[list[Watched]]:
    async with AsyncExitStack() as stack:
        watched = [Watched(host, uri or host.uri, options) for host in hosts]
        for one in watched:
            await one.host.start()
            stack.push_async_callback(one.host.close)
        for one in watched:
            await until(one.described, 30)
        yield watched


async def keeps_moving(watched: Watched) -> None:
    """Return when three more samples came and the link never left `up`."""
    before = len(watched.seen.of(Sampled))
    await until(lambda: len(watched.seen.of(Sampled)) >= before + 3, 20)
    assert watched.seen.statuses == [LinkStatus.CONNECTING, LinkStatus.UP]


async def test_real_guests_are_listed_described_sampled_and_change_by_events(
    alpha: LabHost, guest: Callable[..., str], virsh: Callable[..., str]
) -> None:
    name = await asyncio.to_thread(guest, "alpha", "linked")
    async with watching(alpha) as (one,):
        found = one.find(name)
        assert found is not None
        assert found.devices
        await until(lambda: one.seen.of(HostRead), 30)
        assert one.seen.last(HostRead).facts.hypervisor == "QEMU"
        await until(lambda: found.uuid in one.sample().instances)
        await asyncio.to_thread(virsh, "alpha", "suspend", name)
        await until(lambda: one.state(name) is InstanceState.PAUSED)
        await asyncio.to_thread(virsh, "alpha", "resume", name)
        await until(lambda: one.state(name) is InstanceState.RUNNING)
        await asyncio.to_thread(virsh, "alpha", "destroy", name)
        await until(lambda: one.state(name) in (InstanceState.SHUTOFF, None))
        # Each once: a callback registered twice would show here.
        await one.host.refresh()
        changes = one.changes(name)
        assert changes.count("suspended") == changes.count("resumed") == 1
        assert changes.count("stopped") == 1


async def test_a_killed_daemon_loses_nothing_while_the_other_host_keeps_moving(
    alpha: LabHost,
    beta: LabHost,
    guest: Callable[..., str],
    qemu_pid: Callable[[str, str], int],
) -> None:
    name = await asyncio.to_thread(guest, "alpha", "orphan")
    swept = replace(OPTIONS, sweep_interval=60, sweep_after_loss=2)
    async with watching(alpha, beta, options=swept) as (one, other):
        qemu = qemu_pid("alpha", name)
        assert alpha.pid is not None
        os.kill(alpha.pid, signal.SIGKILL)
        try:
            await until(lambda: one.seen.status is LinkStatus.DOWN, 2)
            # Nobody is there to tell of this death: the resynchronisation has to find it, or, where
            # the new daemon has not found it out by then, the listing after it.
            os.kill(qemu, signal.SIGKILL)
            await keeps_moving(other)
        finally:
            await asyncio.to_thread(alpha.ensure_daemon)
        await until(one.described, 30)
        await until(lambda: one.state(name) in (InstanceState.SHUTOFF, InstanceState.CRASHED), 20)
        await one.equals_a_fresh_listing()
        assert one.seen.listings("instances") >= 2


async def test_a_frozen_daemon_is_noticed_in_keepalive_time_and_the_other_keeps_moving(
    alpha: LabHost, beta: LabHost
) -> None:
    async with watching(alpha, beta) as (one, other):
        pid = alpha.pid
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        try:
            await until(lambda: one.seen.status is LinkStatus.DOWN, 6)
            down = [c.link for c in one.seen.of(LinkChanged) if c.link.status is LinkStatus.DOWN]
            assert "keepalive" in down[0].error
            await keeps_moving(other)
        finally:
            os.kill(pid, signal.SIGCONT)
        await until(one.described, 30)
        await one.equals_a_fresh_listing()


async def test_a_hung_guest_costs_only_the_calls_made_to_it(
    alpha: LabHost, guest: Callable[..., str], qemu_pid: Callable[[str, str], int]
) -> None:
    name = await asyncio.to_thread(guest, "alpha", "hung")
    async with watching(alpha) as (one,):
        found = one.find(name)
        assert found is not None
        pid = qemu_pid("alpha", name)
        os.kill(pid, signal.SIGSTOP)
        try:

            def ask(conn: object) -> object:
                return conn.lookupByUUIDString(found.uuid).memoryStats()  # type: ignore[attr-defined]

            with pytest.raises(DeadlineError):
                await one.host.call(ask, uuid=found.uuid, deadline=1)
            # Reads that wait for no process still work, and so do calls to others.
            again = await one.host.reread(found.uuid)
            assert again is not None
            assert await one.host.call(lambda conn: conn.getType(), uuid=found.uuid) == "QEMU"
            await until(lambda: found.uuid in one.sample().silent, 30)
            assert one.seen.statuses == [LinkStatus.CONNECTING, LinkStatus.UP]
        finally:
            os.kill(pid, signal.SIGCONT)
        await until(lambda: found.uuid not in one.sample().silent, 30)


async def test_a_real_host_through_a_real_ssh(alpha: LabHost, virsh: Callable[..., str]) -> None:
    with PrivateSshd() as sshd:
        async with watching(alpha, uri=sshd.uri(alpha.socket), options=PATIENT) as (one,):
            assert one.state("cache") is InstanceState.PAUSED
            assert len(sshd.clients()) >= 1
            await until(lambda: one.seen.of(Sampled), 20)
            await asyncio.to_thread(virsh, "alpha", "desc", "web", "--live", "Seen through ssh")
            await until(lambda: "Seen through ssh" in getattr(one.find("web"), "description", ""))
