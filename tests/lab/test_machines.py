"""Two hosts are one machine by what their daemons say, not by the address they are open at.

Real daemons with a network of their own each; behind a forwarder they look like this machine's.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core.errors import LabError
from core.fleet import Fleet
from core.hypervisor.connection.uri import parse_uri
from core.lab.command import run
from core.model import Finding, Level, ObjectKey
from core.verbs.migration.requests import Migrate
from tests.lab import burner
from tests.lab.burner import Burner
from tests.lab.migrating import found, opened
from tests.lab.networked import NetworkedHosts
from tests.lab.private_sshd import PrivateSshd
from tests.servers import ServerProcess, free_port

QUIET = Burner("quiet", memory=32, writes=1, rate=1)


@pytest.fixture
def sshd() -> Iterator[PrivateSshd]:
    with PrivateSshd() as private:
        yield private


@pytest.fixture(params=["port", "socket"])
def forwarded(
    request: pytest.FixtureRequest,
    networked: NetworkedHosts,
    sshd: PrivateSshd,
) -> Iterator[str]:
    """The address of beta by a port, or by a socket, that a real `ssh -L` forwards."""
    port, path = free_port(), sshd.directory / "forwarded"
    if request.param == "port":
        near, uri = f"127.0.0.1:{port}", f"qemu+tcp://127.0.0.1:{port}/system"
    else:
        near, uri = str(path), f"qemu+unix:///system?socket={path}"
    words = ["-i", str(sshd.key), "-p", str(sshd.port), f"{sshd.user}@127.0.0.1"]
    forward = f"{near}:{networked.host('beta').socket}"
    ssh = (f"{sshd.directory}/bin/ssh", "-N", "-o", "ExitOnForwardFailure=yes", "-L", forward)
    with ServerProcess((*ssh, *words), sshd.directory / "forward.log") as forwarding:
        forwarding.wait_until(lambda: _answers(uri), 60.0)
        yield uri


def _answers(uri: str) -> bool:
    try:
        run(["virsh", "--quiet", "--connect", uri, "version"], deadline=20.0)
    except LabError:
        return False
    return True


@pytest.fixture
def quiet(networked: NetworkedHosts) -> Iterator[str]:
    name = burner.start(networked, "alpha", QUIET)
    yield name
    burner.remove(networked, name)


async def look(fleet: Fleet, key: ObjectKey, **options: Any) -> dict[str, Finding]:
    seen = await fleet.migrations.preflight(Migrate(key, to="beta", **options))
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
        plan = await fleet.migrations.plan(Migrate(key, to="beta", unsafe=True))
        assert "127.0.0.1" not in f"{plan.uri} {plan.parameters.get('migrate_uri')}"
        assert parse_uri(forwarded).local is (forwarded.startswith("qemu+unix"))
        told = networked.way("beta")["destination_uri"]
        assert await move(fleet, key, destination_uri=told) == f"{quiet} runs on beta"
