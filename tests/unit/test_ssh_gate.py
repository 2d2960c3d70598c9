"""Which sshd a connection logs in at first, and how many do at once."""

from __future__ import annotations

import asyncio

import pytest

from core.hypervisor.ssh_gate import SshGate, first_sshd
from core.hypervisor.uri import HostAddress, parse_uri


@pytest.mark.parametrize(
    ("uri", "settings", "first"),
    [
        ("qemu+ssh://root@web1/system", {}, "web1:22"),
        ("qemu+ssh://root@web1:2222/system", {}, "web1:2222"),
        ("qemu+ssh://web1/system", {"hostname": "10.0.0.1", "port": "22"}, "10.0.0.1:22"),
        ("qemu+ssh://web1/system", {"proxyjump": "none", "hostname": "web1"}, "web1:22"),
        ("qemu+ssh://web1/system", {"proxyjump": "me@gate"}, "gate:22"),
        ("qemu+ssh://web1/system", {"proxyjump": "ssh://me@gate:2200,me@inner"}, "gate:2200"),
    ],
)
def test_the_first_sshd(uri: str, settings: dict[str, str], first: str) -> None:
    assert first_sshd(parse_uri(uri), settings) == first


async def test_so_many_at_once_go_one_way_and_others_are_not_held_up() -> None:
    asked: list[str] = []

    async def settings_of(address: HostAddress) -> dict[str, str]:
        asked.append(address.hostname)
        return {} if address.hostname == "apart" else {"proxyjump": "gate"}

    gate = SshGate(2, settings_of)
    inside: list[str] = []
    most = 0
    leave = asyncio.Event()

    async def go(name: str) -> None:
        nonlocal most
        async with gate.turn(parse_uri(f"qemu+ssh://{name}/system")):
            inside.append(name)
            most = max(most, sum(one != "apart" for one in inside))
            await leave.wait()
            inside.remove(name)

    names = [f"web{number}" for number in range(5)]
    tasks = [asyncio.create_task(go(name)) for name in [*names, *names, "apart"]]
    for _ in range(100):  # as far as they get
        await asyncio.sleep(0)
    assert (len(inside), inside.count("apart")) == (3, 1)
    leave.set()
    await asyncio.gather(*tasks)
    assert most == 2
    assert sorted(asked) == sorted([*names, "apart"])  # once each
