"""One host behind one object: reading, calling, closing, and every way to reach it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from core.clock import SystemClock
from core.errors import DeadlineError, NotFoundError, ReadOnlyError, UnreachableError, UsageError
from core.hypervisor import session
from core.hypervisor.connection.binding import Connection
from core.hypervisor.connection.options import LinkOptions
from core.hypervisor.observe.detail import read_detail
from core.hypervisor.session import Hypervisor
from core.model.host import LinkStatus
from core.model.instance import InstanceDetail, InstanceState
from core.model.observation import (
    LISTED_KINDS,
    DetailRead,
    HostRead,
    LinkChanged,
)
from tests.driver.private_daemon import PrivateDaemon, uuid_of
from tests.driver.watching import Collector, described, linked, until
from tests.patience import PATIENCE

ROOT = Path(__file__).resolve().parents[2]
UP, DOWN, CONNECTING = LinkStatus.UP, LinkStatus.DOWN, LinkStatus.CONNECTING


async def test_closing_returns_while_a_call_hangs(daemon: PrivateDaemon) -> None:
    async with linked(daemon.uri) as (host, seen):
        await until(described(seen, 4))
        daemon.stop()
        stuck = asyncio.create_task(host.call(lambda conn: conn.getLibVersion(), deadline=60))
        await asyncio.sleep(0)
        began = time.monotonic()
        await host.close()
        assert time.monotonic() - began < 5 * PATIENCE  # and not as long as what hangs
        assert host.link.status is LinkStatus.CLOSED
        daemon.resume()
        with contextlib.suppress(UnreachableError):
            await stuck


async def test_closing_at_once_leaves_nobody_waiting() -> None:
    async with linked("test:///default") as (host, seen):
        waiting = asyncio.create_task(host.settled())
        await host.close()
        await asyncio.wait_for(waiting, 5 * PATIENCE)
        assert seen.status is LinkStatus.CLOSED


async def test_a_call_that_misses_its_deadline_leaves_the_link_up(daemon: PrivateDaemon) -> None:
    gate = threading.Event()
    async with linked(daemon.uri) as (host, seen):
        await until(described(seen, 4))
        with pytest.raises(DeadlineError):
            await host.call(lambda _conn: gate.wait(), uuid=uuid_of(1), deadline=0.1)
        assert await host.call(lambda conn: conn.getType(), uuid=uuid_of(1)) == "TEST"
        gate.set()
        assert seen.statuses == [CONNECTING, UP]


async def test_refresh_and_reread_on_demand(daemon: PrivateDaemon) -> None:
    async with linked(daemon.uri) as (host, seen):
        await until(described(seen, 4))
        await until(lambda: all(seen.listings(kind) == 1 for kind in LISTED_KINDS))
        await host.refresh()
        assert (seen.listings("instances"), seen.listings("networks")) == (2, 2)
        await until(lambda: (seen.listings("pools"), seen.listings("volumes")) == (2, 2))
        instance = await host.reread(uuid_of(1))
        assert instance is not None
        assert instance.name == "vm0001"
        assert await host.reread(uuid_of(77)) is None


async def test_a_read_only_link_sees_everything_and_writes_nothing(daemon: PrivateDaemon) -> None:
    options = LinkOptions(read_only=True, statistics_interval=0.1)
    async with linked(daemon.uri, options) as (host, seen):
        await until(described(seen, 4))
        assert host.link.read_only
        with pytest.raises(ReadOnlyError, match="read-only"):
            await host.call(lambda conn: conn.lookupByUUIDString(uuid_of(1)).create())
        daemon.keeper.lookupByUUIDString(uuid_of(1)).create()
        await until(lambda: seen.instances[uuid_of(1)].state is InstanceState.RUNNING)


async def test_the_local_test_driver_needs_no_daemon() -> None:
    async with linked("test:///default") as (host, seen):
        await until(lambda: any(i.described for i in seen.instances.values()))
        assert [i.name for i in seen.instances.values()] == ["test"]
        with pytest.raises(NotFoundError):
            await host.call(lambda conn: conn.lookupByName("nobody"))


async def test_a_reader_who_gives_up_does_not_cost_the_link(daemon: PrivateDaemon) -> None:
    async with linked(daemon.uri) as (host, seen):
        await until(described(seen, 4))
        for _ in range(20):
            reader = asyncio.create_task(host.reread(uuid_of(1)))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            reader.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await reader
        assert await host.reread(uuid_of(1)) is not None
        assert seen.statuses == [CONNECTING, UP]


async def test_the_host_describes_itself(daemon: PrivateDaemon) -> None:
    async with linked(daemon.uri) as (_host, seen):
        await until(lambda: seen.of(HostRead))
        facts = seen.last(HostRead).facts
        assert facts.hypervisor == "TEST"
        assert any("events of secrets" in limit.what for limit in facts.limitations)


async def test_a_sweep_reads_the_description_again(daemon: PrivateDaemon) -> None:
    async with linked(daemon.uri) as (host, seen):
        await until(lambda: seen.of(HostRead))
        await host.refresh()
        await until(lambda: len(seen.of(HostRead)) == 2)


async def test_detail_is_read_on_demand_and_told(daemon: PrivateDaemon) -> None:
    async with linked(daemon.uri) as (host, seen):
        await host.settled()
        detail = await host.detail(uuid_of(1))
        assert "<name>vm0001</name>" in detail.xml
        assert seen.last(DetailRead).detail == detail
        with pytest.raises(NotFoundError):
            await host.detail(uuid_of(77))


async def test_an_agent_that_never_answers_costs_the_detail_only_its_addresses(
    daemon: PrivateDaemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered, asked = threading.Event(), []

    def hanging(
        conn: Connection, host: str, uuid: str, at: float, *, ask_agent: bool
    ) -> InstanceDetail | None:
        asked.append(ask_agent)
        if ask_agent:
            answered.wait(30)
        return read_detail(conn, host, uuid, at, ask_agent=ask_agent)

    monkeypatch.setattr("core.hypervisor.observe.detail.read_detail", hanging)
    monkeypatch.setattr(session, "AGENT_SECONDS", 0.2)
    async with linked(daemon.uri) as (host, seen):
        await host.settled()
        detail = await host.detail(uuid_of(1))
        assert "<name>vm0001</name>" in detail.xml
        assert seen.of(DetailRead)[-1].detail == detail
        await host.detail(uuid_of(1))
        assert asked == [True, False, False]
        answered.set()


def run_python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=30
    )


def test_a_process_ends_at_once_though_its_host_hangs(daemon: PrivateDaemon) -> None:
    code = f"""
import asyncio, os, signal
from core.clock import SystemClock
from core.hypervisor.session import Hypervisor

async def main():
    seen = []
    host = Hypervisor("h", {daemon.uri!r}, sink=seen.append, clock=SystemClock())
    await host.start()
    await host.settled()
    await host.call(lambda conn: conn.getType())
    os.kill({daemon.pid}, signal.SIGSTOP)
    calls = [asyncio.create_task(host.call(lambda conn: conn.getLibVersion())) for _ in range(2)]
    await asyncio.sleep(0.1)
    await host.close()
    print(seen[-1].link.status, *await asyncio.gather(*calls, return_exceptions=True), sep="|")

asyncio.run(main())
"""
    began = time.monotonic()
    result = run_python(code)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.split("|") == [
        "closed",
        "The link to h was closed during a call.",
        "The link to h was lost; nothing was sent. Ask again when it is back.\n",
    ]
    assert time.monotonic() - began < 15  # the stuck call would last for ever
    daemon.resume()


def test_without_libvirt_s_binding_the_host_is_down_and_says_what_to_install() -> None:
    code = """
import asyncio, sys
sys.modules["libvirt"] = None
from core.clock import SystemClock
from core.hypervisor.session import Hypervisor

async def main():
    host = Hypervisor("h", "test:///default", sink=lambda seen: None, clock=SystemClock())
    await host.start()
    await host.settled()
    print(host.link.status, host.link.hint)
    await host.close()

asyncio.run(main())
"""
    result = run_python(code)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith("down Install it: sudo apt install python3-libvirt")


@pytest.fixture
def certificates(tmp_path: Path) -> Path:
    """A certificate authority, and one certificate and key for 127.0.0.1 on both sides."""
    openssl = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    for name, extra in (
        ("ca", ["-addext", "keyUsage=critical,keyCertSign"]),
        ("peer", ["-CA", f"{tmp_path}/cacert.pem", "-CAkey", f"{tmp_path}/cakey.pem",
                  "-addext", "subjectAltName=IP:127.0.0.1", "-addext",
                  "basicConstraints=critical,CA:FALSE",
                  "-addext", "extendedKeyUsage=serverAuth,clientAuth"]),
    ):  # fmt: skip
        command = [*openssl, "-subj", f"/CN={name}", "-keyout", f"{tmp_path}/{name}key.pem",
                   "-out", f"{tmp_path}/{name}cert.pem", *extra]  # fmt: skip
        subprocess.run(command, check=True, capture_output=True)
    for side in ("client", "server"):
        for kind in ("cert", "key"):
            shutil.copy(tmp_path / f"peer{kind}.pem", tmp_path / f"{side}{kind}.pem")
    return tmp_path


async def test_a_link_over_tcp_and_over_tls(
    daemons: Callable[..., PrivateDaemon], certificates: Path
) -> None:
    far = daemons(listen=certificates)
    for uri in (
        f"test+tcp://127.0.0.1:{far.tcp_port}/default",
        f"test+tls://127.0.0.1:{far.tls_port}/default?pkipath={certificates}",
    ):
        async with linked(uri) as (host, seen):
            await host.settled()
            assert host.link.error == ""
            await until(described(seen, 4))
    (certificates / "cacert.pem").write_text((certificates / "peercert.pem").read_text())
    uri = f"test+tls://127.0.0.1:{far.tls_port}/default?pkipath={certificates}"
    async with linked(uri) as (host, _):
        await host.settled()
        assert "TLS with 127.0.0.1 failed" in host.link.error
        assert "virt-pki-validate" in host.link.hint


async def test_a_uri_without_sense_is_refused_before_anything_is_opened() -> None:
    with pytest.raises(UsageError, match="no driver 'qem'"):
        Hypervisor("host", "qem:///system", sink=Collector(), clock=SystemClock())


async def test_a_host_that_wants_a_password_is_refused_politely(tmp_path: os.PathLike[str]) -> None:
    node = f"{tmp_path}/node.xml"
    with open(node, "w") as file:  # noqa: ASYNC230, PTH123 - a few bytes, before anything runs
        file.write(
            "<node><cpu><mhz>1</mhz><model>x</model><active>1</active><nodes>1</nodes>"
            "<sockets>1</sockets><cores>1</cores><threads>1</threads></cpu><memory>1</memory>"
            "<auth><user password='secret'>alice</user></auth></node>"
        )
    async with linked(f"test://{node}") as (host, seen):
        await host.settled()
        link = seen.last(LinkChanged).link
        assert link.status is DOWN
        assert "wants you to log in" in link.error
        assert "auth.conf" in link.hint
