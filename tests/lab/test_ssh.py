"""A link through a real ssh and sshd: it works; each failure is a sentence, never a prompt."""

from __future__ import annotations

import os
import pty
import select
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress

import psutil
import pytest
from msgspec.structs import replace

from core.clock import SystemClock
from core.fleet import Fleet
from core.hypervisor.connection import ssh_gate
from core.hypervisor.connection.options import LinkOptions, Reading
from core.hypervisor.connection.ssh_gate import AT_ONCE
from core.hypervisor.session import Hypervisor
from core.model.host import LinkStatus
from core.model.instance import InstanceState
from core.model.observation import HostRead, LinkChanged, Observation
from tests.driver.private_daemon import PrivateDaemon, uuid_of
from tests.driver.watching import Collector, until
from tests.lab.private_sshd import PrivateSshd
from tests.patience import PATIENCE

OPTIONS = LinkOptions(
    connect_timeout=30,
    statistics_interval=0,
    sweep_interval=0,
    backoff_first=0.05,
    backoff_limit=0.5,
)


@pytest.fixture
def sshd() -> Iterator[PrivateSshd]:
    with PrivateSshd() as private:
        yield private


@pytest.fixture
def daemon() -> Iterator[PrivateDaemon]:
    with PrivateDaemon(instances=3) as private:
        yield private


@pytest.fixture(params=["shared", "each its own"])
def uri(
    request: pytest.FixtureRequest,
    sshd: PrivateSshd,
    daemon: PrivateDaemon,
    monkeypatch: pytest.MonkeyPatch,
) -> str:
    """All connections through one ssh connection, and with a program that shares none."""
    if request.param == "each its own":
        return sshd.uri(daemon.socket, "test", "default")
    for name, value in sshd.environment.items():
        monkeypatch.setenv(name, value)
    return sshd.plain_uri(daemon.socket, "test", "default")


@pytest.fixture
def terminal() -> Iterator[int]:
    """The reading end of a terminal that is this process's standard input, output and error."""
    reader, tty = pty.openpty()
    saved = [os.dup(number) for number in (0, 1, 2)]
    for number in (0, 1, 2):
        os.dup2(tty, number)
    try:
        yield reader
    finally:
        for number, copy in enumerate(saved):
            os.dup2(copy, number)
            os.close(copy)
        os.close(tty)
        os.close(reader)


def written(reader: int) -> bytes:
    return os.read(reader, 65536) if select.select([reader], [], [], 0.2)[0] else b""


def zombies() -> list[psutil.Process]:
    def zombie(child: psutil.Process) -> bool:
        with suppress(psutil.NoSuchProcess):  # it was reaped while we looked
            return child.status() == psutil.STATUS_ZOMBIE
        return False

    return [child for child in psutil.Process().children() if zombie(child)]


@asynccontextmanager
async def linked(
    uri: str, options: LinkOptions = OPTIONS
) -> AsyncIterator[tuple[Hypervisor, Collector]]:
    seen = Collector()
    host = Hypervisor("far", uri, sink=seen, clock=SystemClock(), options=options)
    await host.start()
    try:
        yield host, seen
    finally:
        await host.close()


async def test_a_link_through_ssh_lists_reads_acts_and_sees_events(
    uri: str, daemon: PrivateDaemon, sshd: PrivateSshd
) -> None:
    async with linked(uri) as (host, seen):
        await host.settled()
        assert seen.statuses == [LinkStatus.CONNECTING, LinkStatus.UP]
        assert len(seen.instances) == 4
        await host.call(
            lambda conn: conn.lookupByUUIDString(uuid_of(1)).create(), uuid=uuid_of(1), deadline=20
        )
        await until(lambda: seen.instances[uuid_of(1)].state is InstanceState.RUNNING)
        daemon.keeper.lookupByUUIDString(uuid_of(2)).create()
        await until(lambda: seen.instances[uuid_of(2)].state is InstanceState.RUNNING)
    await until(lambda: not sshd.clients())


@pytest.mark.parametrize(
    ("fault", "says", "cure"),
    [
        ("refuse_keys", "ssh is not let in at", "ssh-copy-id -p"),
        ("forget_host_key", "ssh does not know the host key of", "compare the fingerprint"),
        ("change_host_key", "is not the one ssh knows", "ssh-keygen -R '[127.0.0.1]:"),
    ],
)
async def test_what_ssh_would_ask_or_refuse_is_an_error_with_its_cure_and_no_prompt(
    uri: str, sshd: PrivateSshd, terminal: int, fault: str, says: str, cure: str
) -> None:
    getattr(sshd, fault)()
    async with linked(uri) as (host, seen):
        await host.settled()
        link = seen.last(LinkChanged).link
        assert link.status is LinkStatus.DOWN
        assert says in link.error
        assert cure in link.hint
        assert written(terminal) == b""


async def test_a_host_without_libvirt_or_its_helper_says_so(
    uri: str, sshd: PrivateSshd, daemon: PrivateDaemon
) -> None:
    async with linked(uri.replace(f"{sshd.directory}/relay", "no-such-helper")) as (host, _):
        await host.settled()
        assert "lacks the program" in host.link.error


async def test_a_killed_ssh_is_seen_at_once_and_the_link_comes_back(
    uri: str, sshd: PrivateSshd, terminal: int
) -> None:
    # Storage has an ssh of its own, which ends when all is read.
    options = replace(OPTIONS, reads=frozenset(Reading) - {Reading.STORAGE, Reading.VOLUMES})
    async with linked(uri, options) as (host, seen):
        await until(lambda: seen.of(HostRead), 30)
        await host.call(lambda conn: conn.getType())  # on a lane, with an ssh of its own
        clients = sshd.clients()
        assert len(clients) == 2
        for client in clients:
            client.kill()
        await until(lambda: LinkStatus.DOWN in seen.statuses)
        down = next(c.link for c in seen.of(LinkChanged) if c.link.status is LinkStatus.DOWN)
        assert "The ssh connection to far broke off" in down.error
        await until(lambda: seen.status is LinkStatus.UP, 30)
        # libvirt reaps its own children: nothing of the first two is left, not even a zombie.
        await until(lambda: not any(client.is_running() for client in clients))
        assert len(sshd.clients()) <= 2
        assert written(terminal) == b""


async def test_an_sshd_that_never_greets_is_given_up_and_its_ssh_ended(
    uri: str, sshd: PrivateSshd
) -> None:
    sshd.freeze()
    hasty = LinkOptions(connect_timeout=0.5, backoff_first=30, statistics_interval=0)
    async with linked(uri, hasty) as (host, _seen):
        await host.settled()
        assert host.link.error == "far did not answer within 0.5 s."
        await until(lambda: not sshd.clients())
        await host.reconnect()
        await until(sshd.clients)
        began = time.monotonic()
        await host.close()
        assert time.monotonic() - began < 5 * PATIENCE  # and not as long as sshd stays frozen
    await until(lambda: not sshd.clients())
    await until(lambda: not zombies())


async def test_many_hosts_behind_one_sshd_that_drops_whom_it_has_no_time_for(
    daemon: PrivateDaemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It drops every connection from the seventh on that has not logged in."""
    # A busy machine takes longer than that to log in, and no jump host holds a place here.
    monkeypatch.setattr(ssh_gate, "LOGIN_SECONDS", 600.0)
    with PrivateSshd(f"MaxStartups {AT_ONCE}:100:{AT_ONCE}") as sshd:
        sockets = [daemon.directory / f"host{number}" for number in range(2 * AT_ONCE)]
        for socket in sockets:
            socket.symlink_to(daemon.socket)
        uris = [f"{each.name}={sshd.uri(each, 'test', 'default')}" for each in sockets]
        down: set[str] = set()

        def note(observation: Observation) -> None:
            if isinstance(observation, LinkChanged) and observation.link.error:
                down.add(f"{observation.host}: {observation.link.error}")

        fleet = Fleet.open(uris, options=replace(OPTIONS, connect_timeout=300), operations=False)
        fleet.tap = note
        async with fleet:
            await fleet.ready()
            hosts = fleet.state.hosts.values()
            assert [host.link.status for host in hosts] == [LinkStatus.UP] * len(uris)
            await until(
                lambda: all(seen and seen.at_rest for seen in fleet.links.unread.values()), 60
            )
        assert down == set()
