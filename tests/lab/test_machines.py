"""Two hosts are one machine by what their daemons say, not by the address they are open at.

Real daemons with a network of their own each; behind a forwarder they look like this machine's.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from core.fleet import Fleet
from core.hypervisor.uri import parse_uri
from core.model import Finding, Level, Migrate, ObjectKey
from tests.lab import burner
from tests.lab.burner import Burner
from tests.lab.migrating import found, opened
from tests.lab.networked import NetworkedHosts

QUIET = Burner("quiet", memory=32, writes=1, rate=1)


@contextmanager
def forwarder(listener: socket.socket, target: Path) -> Iterator[None]:
    """Pass every connection on to a unix socket, as `ssh -L` does."""

    threads: list[threading.Thread] = []

    def begin(function: Callable[..., None], *given: socket.socket) -> threading.Thread:
        threads.append(threading.Thread(target=function, args=given, daemon=True))
        threads[-1].start()
        return threads[-1]

    def pump(one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while data := one.recv(1 << 16):
                other.sendall(data)
        for end in (one, other):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def connect(client: socket.socket) -> None:
        with client, socket.socket(socket.AF_UNIX) as daemon:
            daemon.connect(str(target))
            back = begin(pump, daemon, client)
            pump(client, daemon)
            back.join()

    def serve() -> None:
        with suppress(OSError):
            while True:
                begin(connect, listener.accept()[0])

    listener.listen()
    begin(serve)
    try:
        yield
    finally:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)  # it wakes accept
        for thread in threads:
            thread.join()
        listener.close()


@pytest.fixture(params=["port", "socket"])
def forwarded(
    request: pytest.FixtureRequest, networked: NetworkedHosts, tmp_path: Path
) -> Iterator[str]:
    """The address of beta by a forwarded port, or by a forwarded socket."""
    if request.param == "port":
        listener = socket.create_server(("127.0.0.1", 0))
        uri = f"qemu+tcp://127.0.0.1:{listener.getsockname()[1]}/system"
    else:
        listener, path = socket.socket(socket.AF_UNIX), tmp_path / "forwarded"
        listener.bind(str(path))
        uri = f"qemu+unix:///system?socket={path}"
    with forwarder(listener, networked.host("beta").socket):
        yield uri


@pytest.fixture
def quiet(networked: NetworkedHosts) -> Iterator[str]:
    name = burner.start(networked, "alpha", QUIET)
    yield name
    burner.remove(networked, name)


async def look(fleet: Fleet, key: ObjectKey, **options: Any) -> dict[str, Finding]:
    seen = await fleet.preflight(Migrate(key, to="beta", **options))
    return {finding.id: finding for finding in seen.findings}


async def move(fleet: Fleet, key: ObjectKey, **options: Any) -> str:
    return (await (await fleet.submit(Migrate(key, to="beta", unsafe=True, **options)))).outcome


async def test_two_hosts_under_one_kernel_with_a_network_each(
    networked: NetworkedHosts, quiet: str, tmp_path: Path
) -> None:
    """The loopback of one is not that of the other; libvirt finds the way by the name."""
    async with opened(networked.uris, tmp_path / "journal") as fleet:
        key = await found(fleet, quiet)
        seen = await look(fleet, key)
        assert seen["ports"].level is Level.UNKNOWN, "they do not share a loopback"
        assert seen["disk-vda"].level is Level.OK, "they do share files"
        assert await move(fleet, key) == f"{quiet} runs on beta"


async def test_a_forwarded_address_is_not_taken_for_this_machine(
    networked: NetworkedHosts, quiet: str, forwarded: str, tmp_path: Path
) -> None:
    uris = {"alpha": networked.host("alpha").uri, "beta": forwarded}
    async with opened(uris, tmp_path / "journal") as fleet:
        key = await found(fleet, quiet)
        seen = await look(fleet, key)
        assert seen["ports"].level is seen["address"].level is Level.UNKNOWN
        assert "qemu+ssh://beta/system" in seen["address"].text, "by its name, not by the forwarder"
        plan = await fleet.plan(Migrate(key, to="beta", unsafe=True))
        assert "127.0.0.1" not in f"{plan.uri} {plan.parameters.get('migrate_uri')}"
        assert parse_uri(forwarded).local is (forwarded.startswith("qemu+unix"))
        told = networked.way("beta")["destination_uri"]
        assert await move(fleet, key, destination_uri=told) == f"{quiet} runs on beta"
