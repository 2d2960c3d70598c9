"""All connections to a host go through one ssh connection: a real sshd counts the logins."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from msgspec.structs import replace

from core.errors import NotSentError
from core.hypervisor.connection import ssh_sharing
from core.hypervisor.connection.connector import Connector
from core.hypervisor.connection.lane import Lane
from core.hypervisor.connection.options import LinkOptions
from core.hypervisor.connection.uri import parse_uri
from core.hypervisor.session import Hypervisor
from core.model.host import LinkStatus
from core.model.observation import LinkChanged
from tests.driver.private_daemon import PrivateDaemon
from tests.driver.watching import linked, until
from tests.lab.private_sshd import PrivateSshd

OPTIONS = LinkOptions(
    connect_timeout=30,
    statistics_interval=0.5,
    sweep_interval=0,
    backoff_first=0.05,
    backoff_limit=0.5,
)

CONSOLE = """
import asyncio, sys
from core.fleet import Fleet
from core.hypervisor.connection import ssh_sharing
ssh_sharing.PERSIST_SECONDS = 1
async def main():
    async with Fleet.open([sys.argv[1]], operations=False) as fleet:
        await fleet.ready()
        print("up", flush=True)
        await asyncio.sleep(3600)
asyncio.run(main())
"""


@pytest.fixture(params=[""])
def sshd(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[PrivateSshd]:
    with PrivateSshd(request.param) as private:
        for name, value in private.environment.items():
            monkeypatch.setenv(name, value)
        yield private


@pytest.fixture
def daemon() -> Iterator[PrivateDaemon]:
    with PrivateDaemon(instances=3) as private:
        yield private


@pytest.fixture
def uri(sshd: PrivateSshd, daemon: PrivateDaemon) -> str:
    return sshd.plain_uri(daemon.socket, "test", "default")


def sockets(sshd: PrivateSshd) -> list[Path]:
    """The sockets of our masters."""
    return [path for path in sshd.directory.glob("virtdeck/ssh/*") if path.is_socket()]


def master(sshd: PrivateSshd) -> psutil.Process:
    """The one master, as ssh itself names it."""
    (socket,) = sockets(sshd)
    asked = ["ssh", "-o", f"ControlPath={socket}", "-O", "check", "127.0.0.1"]
    told = subprocess.run(asked, capture_output=True, text=True, check=True).stderr
    found = re.search(r"pid=(\d+)", told)
    assert found, told
    return psutil.Process(int(found[1]))


async def use_lanes(host: Hypervisor, lanes: int) -> None:
    """Have so many connections open at the same time."""
    meeting = asyncio.Barrier(lanes)
    loop = asyncio.get_running_loop()

    def meet(conn: object) -> None:
        asyncio.run_coroutine_threadsafe(meeting.wait(), loop).result()

    await asyncio.gather(*(host.call(meet, deadline=300) for _ in range(lanes)))


def at_rest(host: Hypervisor) -> bool:
    return host.unread is not None and host.unread.at_rest


async def test_all_connections_log_in_once_and_nothing_is_left(
    uri: str, sshd: PrivateSshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ssh_sharing, "PERSIST_SECONDS", 3600)  # it leaves because it is told to
    async with linked(uri, OPTIONS) as (host, _):
        await until(lambda: at_rest(host))
        await use_lanes(host, 4)
        assert len(sshd.clients()) >= 5
        assert sshd.logins == len(sshd.connections()) == 1
        assert len(sockets(sshd)) == 1
    await until(lambda: not sshd.clients())
    await until(lambda: not sshd.connections())
    assert sockets(sshd) == []


async def test_connections_that_open_at_the_same_time_make_one_master(
    uri: str, sshd: PrivateSshd
) -> None:
    connector = Connector(parse_uri(uri), OPTIONS)
    lanes = [Lane(f"lane-{number}", connector) for number in range(5)]
    kinds = await asyncio.gather(
        *(lane.call(lambda conn: conn.getType(), deadline=300) for lane in lanes)
    )
    assert kinds == ["TEST"] * 5
    assert sshd.logins == len(sshd.connections()) == 1
    for lane in lanes:
        lane.close()
    await connector.log_in_anew()
    await until(lambda: not sshd.connections())


async def test_who_closes_ends_no_session_of_another_fleet(
    uri: str, sshd: PrivateSshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two fleets of one process have one socket: who closes ends no session of the other."""
    monkeypatch.setattr(ssh_sharing, "PERSIST_SECONDS", 3600)
    async with linked(uri, OPTIONS) as (first, _):
        await until(lambda: at_rest(first))
        async with linked(uri, OPTIONS) as (second, _):
            await until(lambda: at_rest(second))
            assert sshd.logins == 1
        assert await first.call(lambda conn: conn.getType()) == "TEST"
        assert first.link.status is LinkStatus.UP
    await until(lambda: not sshd.connections())


async def test_what_a_killed_console_leaves_goes_by_itself(uri: str, sshd: PrivateSshd) -> None:
    killed = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", CONSOLE, uri), stdout=asyncio.subprocess.PIPE
    )
    try:
        assert killed.stdout is not None
        assert await killed.stdout.readline() == b"up\n"
        assert sshd.logins == len(sshd.connections()) == 1
    finally:
        killed.kill()
        await killed.wait()
    await until(lambda: not sshd.connections() and not sockets(sshd))


@pytest.mark.parametrize("how", ["setting", "ControlMaster no", "ControlPath none"])
async def test_each_connection_logs_in_where_sharing_is_not_wanted(
    uri: str, sshd: PrivateSshd, how: str
) -> None:
    if how != "setting":
        sshd.configure(how)
    async with linked(uri, replace(OPTIONS, share_ssh=how != "setting")) as (host, _):
        await until(lambda: at_rest(host))
        await use_lanes(host, 4)
        # the lane of what is read only now and then closes meanwhile, its ssh first
        await until(lambda: len(sshd.connections()) == len(sshd.clients()) >= 5)
        assert sshd.logins >= len(sshd.connections())
        assert sockets(sshd) == []


async def test_the_user_s_own_master_is_the_one_that_is_used(uri: str, sshd: PrivateSshd) -> None:
    own = sshd.directory / "own"
    sshd.configure(f"ControlMaster auto\nControlPath {own}\nControlPersist 3600")
    async with linked(uri, OPTIONS) as (host, _):
        await until(lambda: at_rest(host))
        await use_lanes(host, 4)
        assert sshd.logins == len(sshd.connections()) == 1
        assert sockets(sshd) == []
    await until(lambda: not sshd.clients())
    assert own.is_socket()  # it is not ours to end
    (left,) = sshd.connections()
    left.kill()


JUMP = """
Host 127.0.0.1
    ProxyJump jump
Host jump
    HostName 127.0.0.1
    Port {port}
    IdentityFile {key}
    BatchMode yes
    HostKeyAlias {alias}
Match all
"""


@pytest.mark.parametrize("share", [True, False])
async def test_what_a_jump_host_refuses_is_told_and_what_it_lets_through_is_shared(
    uri: str, sshd: PrivateSshd, share: bool
) -> None:
    """A master has what connects for it write nowhere: its reason must not be lost."""
    known = f"[127.0.0.1]:{sshd.port}"
    sshd.configure(JUMP.format(port=sshd.port, key=sshd.key, alias="stranger"))
    options = replace(OPTIONS, share_ssh=share)
    async with linked(uri, options) as (host, _):
        await host.settled()
        assert "ssh does not know the host key" in host.link.error
    sshd.configure(JUMP.format(port=sshd.port, key=sshd.key, alias=known))
    async with linked(uri, options) as (host, _):
        await until(lambda: at_rest(host))
        await use_lanes(host, 4)
        assert len(sockets(sshd)) == share
        assert sshd.logins == 2 if share else sshd.logins >= 10
    await until(lambda: not sshd.connections())


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
async def test_a_master_that_ends_takes_all_links_along_and_one_login_brings_them_back(
    uri: str, sshd: PrivateSshd, number: signal.Signals
) -> None:
    async with linked(uri, OPTIONS) as (host, seen):
        await until(lambda: at_rest(host))
        os.kill(master(sshd).pid, number)
        await until(lambda: LinkStatus.DOWN in seen.statuses)
        down = next(c.link for c in seen.of(LinkChanged) if c.link.status is LinkStatus.DOWN)
        assert "The ssh connection to host broke off" in down.error
        await until(lambda: seen.status is LinkStatus.UP and at_rest(host))
        await use_lanes(host, 4)
        assert sshd.logins == 2
        assert len(sockets(sshd)) == 1


async def test_a_link_whose_network_went_silent_does_not_wait_for_the_old_master(
    uri: str, sshd: PrivateSshd
) -> None:
    """The master would hold up every opening until it ends by itself."""
    options = replace(OPTIONS, keepalive_interval=1, keepalive_count=1)
    async with linked(uri, options) as (host, seen):
        await until(lambda: at_rest(host))
        (silent,) = sshd.connections()
        stopped = [silent, *silent.children(recursive=True)]
        for process in stopped:
            process.send_signal(signal.SIGSTOP)
        try:
            await until(lambda: LinkStatus.DOWN in seen.statuses)
            await until(lambda: seen.status is LinkStatus.UP and at_rest(host))
            assert sshd.logins == 2
            assert len(sockets(sshd)) == 1
        finally:
            for process in stopped:
                process.kill()
    await until(lambda: not sshd.connections())


@pytest.mark.parametrize("sshd", ["MaxSessions 2"], indirect=True)
async def test_what_a_full_master_refuses_connects_by_itself(uri: str, sshd: PrivateSshd) -> None:
    async with linked(uri, OPTIONS) as (host, seen):
        await until(lambda: at_rest(host))
        await use_lanes(host, 4)
        await until(lambda: 1 < len(sshd.connections()) < len(sshd.clients()))
        assert seen.status is LinkStatus.UP


async def test_a_session_that_fails_says_why_while_its_master_lives_on(
    uri: str, sshd: PrivateSshd
) -> None:
    """libvirt reads what ssh wrote until everybody has closed it: the master must not hold it."""
    async with linked(uri, replace(OPTIONS, statistics_interval=0)) as (host, seen):
        await until(lambda: at_rest(host))
        sshd.remove_relay()
        for _ in range(3):
            with pytest.raises(NotSentError, match="lacks the program"):
                await host.call(lambda conn: conn.getType(), deadline=300)
        assert host.link.status is LinkStatus.UP
        assert seen.statuses[-1] is LinkStatus.UP
        assert sshd.logins == 1
