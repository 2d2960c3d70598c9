"""Which sshd a connection logs in at first, and how many do at once."""

from __future__ import annotations

import asyncio

import pytest

from core.hypervisor.connection import ssh_gate
from core.hypervisor.connection.ssh_gate import SshGate, Way
from core.hypervisor.connection.uri import parse_uri

CONFIGURED = {
    "web1": {"hostname": "10.0.0.1", "port": "22"},
    "behind": {"hostname": "10.0.0.2", "proxyjump": "me@jump"},
    "jump": {"hostname": "192.0.2.1", "port": "2222"},
    "deep": {"proxyjump": "ssh://me@[fd00::1]:2200,jump"},
    "round": {"proxyjump": "round"},
}


async def settings_of(way: Way) -> dict[str, str]:
    return CONFIGURED.get(way.host, {})


@pytest.mark.parametrize(
    ("uri", "first"),
    [
        ("qemu+ssh://root@plain/system", "plain:22"),
        ("qemu+ssh://root@plain:2222/system", "plain:2222"),
        ("qemu+ssh://web1/system", "10.0.0.1:22"),
        ("qemu+ssh://behind/system", "192.0.2.1:2222"),
        ("qemu+ssh://jump/system", "192.0.2.1:2222"),
        ("qemu+ssh://deep/system", "fd00::1:2200"),
        ("qemu+ssh://round/system", "round:22"),
        ("qemu+libssh2://root@behind/system", "behind:22"),
        ("qemu+libssh://behind:2222/system", "behind:2222"),
    ],
)
async def test_the_first_sshd(uri: str, first: str) -> None:
    assert await SshGate(1, settings_of)._first_of(parse_uri(uri)) == first


async def test_so_many_at_once_go_one_way_and_others_are_not_held_up() -> None:
    asked: list[str] = []

    async def behind_one(way: Way) -> dict[str, str]:
        asked.append(way.host)
        return {} if way.host in ("apart", "gate") else {"proxyjump": "gate"}

    gate = SshGate(2, behind_one)
    inside: list[str] = []
    most = 0
    leave = asyncio.Event()

    async def go(name: str) -> None:
        nonlocal most
        release = await gate.turn(parse_uri(f"qemu+ssh://{name}/system"))
        inside.append(name)
        most = max(most, sum(one != "apart" for one in inside))
        await leave.wait()
        inside.remove(name)
        release()
        release()  # once more does nothing

    names = [f"web{number}" for number in range(5)]
    tasks = [asyncio.create_task(go(name)) for name in [*names, *names, "apart"]]
    for _ in range(200):  # as far as they get
        await asyncio.sleep(0)
    assert (len(inside), inside.count("apart")) == (3, 1)
    leave.set()
    await asyncio.gather(*tasks)
    assert most == 2
    assert sorted(asked) == sorted([*names, *["gate"] * 5, "apart"])  # once for each


async def test_who_waits_for_a_dead_host_keeps_nobody_else_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ssh_gate, "LOGIN_SECONDS", 0.01)
    gate = SshGate(1, settings_of)
    await gate.turn(parse_uri("qemu+ssh://behind/system"))  # and never gives its place back
    release = await gate.turn(parse_uri("qemu+ssh://jump/system"))
    release()


async def test_who_waits_is_told_for_what_and_when_the_turn_comes() -> None:
    told: list[str] = []
    gate = SshGate(1, settings_of)
    address = parse_uri("qemu+ssh://behind/system")
    release = await gate.turn(address)
    waiting = asyncio.create_task(gate.turn(address, told.append))
    for _ in range(20):  # as far as it gets
        await asyncio.sleep(0)
    assert told == ["its turn to log in at 192.0.2.1:2222, where 1 do at a time"]
    release()
    (await waiting)()
    assert told[1:] == [""]
