"""The networks screen, on the tape with networks put on its hosts."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from textual.pilot import Pilot

from console.screens.dialogs.menu import MenuDialog
from console.screens.networks.network import NetworkDialog
from console.screens.networks.networks import NetworksScreen
from console.shell.app import VirtdeckApp
from core.model import Delta, Network, ObjectKey
from core.model.network import DhcpHost, DnsHost
from core.model.observation import NetworkRead
from core.state.usage import instances_on
from tests.screens.conftest import SIZES, TAPE, Moment, press
from tests.screens.test_migrate_dialog import shown as text_of

Compare = Callable[..., bool]
NETWORKS = (
    Network(
        "alpha",
        "n1",
        "default",
        True,
        True,
        True,
        "virbr0",
        "nat",
        ("192.168.122.1/24",),
        dhcp_ranges=(("192.168.122.2", "192.168.122.99"),),
        dhcp_hosts=(DhcpHost("192.168.122.100", "52:54:00:00:00:01", "web"),),
        dns_hosts=(DnsHost("192.168.122.1", ("gateway", "ns")),),
        domain="lab.example",
    ),
    Network("alpha", "n2", "storage", False, False, True, "virbr1", "", ()),
    Network("alpha", "n3", "build-7", True, False, False, "virbr7", "route", ("10.7.0.1/16",)),
    Network("beta", "n4", "default", True, True, True, "virbr0", "nat", ("fd00:7::1/64",)),
    Network("beta", "n5", "lan", True, False, True, "br0", "bridge", ()),
)
LONG = {
    "storage": "storage-replication-between-frankfurt-and-amsterdam-production",
    "build-7": "构建网络-测试环境-东京-第一机房",
}


def tape_with(path: Path, names: dict[str, str]) -> Path:
    """The tape, its guests on a network of the name default, and each host with its networks.

    A host's listings, which have none, are followed by what the networks were read to be.
    """
    text = gzip.decompress(TAPE.read_bytes()).decode()
    lines = []
    for line in text.replace('"type":"user"', '"type":"network","source":"default"').splitlines():
        lines.append(line)
        told = json.loads(line)
        if told.get("event") == "listed":
            for one in NETWORKS:
                if one.host == told["host"]:
                    network = msgspec.structs.replace(one, name=names.get(one.name, one.name))
                    read = NetworkRead(one.host, told["at"], network)
                    lines.append(msgspec.json.encode(read).decode())
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture(scope="module")
def tapes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """By state: the tape with networks."""
    folder = tmp_path_factory.mktemp("networks")
    some = tape_with(folder / "some.jsonl", {})
    long = tape_with(folder / "long.jsonl", LONG)
    return {"loaded": some, "error": some, "lost": some, "long": long}


def opened(console: Any, tapes: dict[str, Path], state: str) -> Any:
    if state == "empty":
        return console("empty")
    return console("loaded" if state == "long" else state, tape=tapes[state])


async def to_networks(pilot: Pilot[None]) -> None:
    await press(pilot, "7")


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("state", ["loaded", "empty", "lost", "error", "long"])
def test_networks(
    snap_compare: Compare,
    console: Moment,
    tapes: dict[str, Path],
    state: str,
    size: tuple[int, int],
) -> None:
    app = opened(console, tapes, state)
    assert snap_compare(app, terminal_size=size, run_before=to_networks)


def shown(screen: NetworksScreen) -> list[str]:
    rows = screen.rows()
    return [rows[key].name for key in screen.table.keys_in_view]


def line(app: VirtdeckApp, key: ObjectKey) -> str:
    """The line of a network, as text."""
    network = app.view.state.networks[key]
    return next(
        each
        for each in text_of(app).splitlines()
        if f"{network.name} " in each and key.host in each
    )


async def test_what_the_screen_finds_marks_and_offers(
    console: Moment, tapes: dict[str, Path]
) -> None:
    app = opened(console, tapes, "loaded")
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "7")
        screen = app.screen
        assert isinstance(screen, NetworksScreen)
        assert shown(screen) == ["build-7", "default", "storage", "default", "lan"]
        await press(pilot, "slash", *"isolated", "enter")
        assert shown(screen) == ["storage"]
        await press(pilot, "escape", "slash", *"transient", "enter")
        assert shown(screen) == ["build-7"]
        await press(pilot, "escape", "asterisk")
        assert len(screen.chosen_subjects()) == 5
        await press(pilot, "a")
        assert isinstance(app.screen, MenuDialog)


async def test_enter_shows_a_network_and_then_who_is_on_it(
    console: Moment, tapes: dict[str, Path]
) -> None:
    app = opened(console, tapes, "loaded")
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "7", "down", "enter")
        assert isinstance(app.screen, NetworkDialog)
        await press(pilot, "enter")
        assert app.current_mode == "instances"
        assert app.screen.filter_text == "host:alpha network:default"
        table, there = app.screen.table, app.view.state.instances.values()
        everybody = {one.key for one in there if one.host == "alpha" and one.interfaces}
        assert len(everybody) > 1
        assert set(table.keys_in_view) == everybody
        await press(pilot, "7", "down", "enter", "enter")
        assert app.current_mode == "networks", "nobody is on storage"


async def test_who_is_on_a_network_is_right_after_an_undefine_and_a_define(
    console: Moment, tapes: dict[str, Path]
) -> None:
    app = opened(console, tapes, "loaded")
    async with app.run_test(size=(200, 50)) as pilot:
        await press(pilot, "7")
        screen, before = app.screen, app.view.state
        assert isinstance(screen, NetworksScreen)
        web = next(one for one in before.instances.values() if one.name == "web")
        users = next(
            key for key, row in before.networks.items() if web in instances_on(before, row)
        )
        assert "web" in line(app, users)
        left = {key: one for key, one in before.instances.items() if key != web.key}
        app.view.state = replace(before, instances=left)
        screen.take_news(Delta(before.revision, before.at, gone=frozenset({web.key})))
        await pilot.pause()
        assert "web" not in line(app, users)
        app.view.state = before
        told = Delta(before.revision, before.at, changed=frozenset({web.key}))
        screen.take_news(told)
        await pilot.pause()
        assert "web" in line(app, users)
        every = frozenset({*before.instances, *(host.key for host in before.hosts.values())})
        sampled = screen.changes(Delta(before.revision, before.at, changed=every))
        assert sampled == ({}, []), "a sample leaves the lines as they are"


async def to_network(pilot: Pilot[None]) -> None:
    await press(pilot, "7", "down", "enter")


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_one_network(
    snap_compare: Compare, console: Moment, tapes: dict[str, Path], size: tuple[int, int]
) -> None:
    app = opened(console, tapes, "loaded")
    assert snap_compare(app, terminal_size=size, run_before=to_network)
