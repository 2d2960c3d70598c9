"""The devices of a host, on the tape with devices put on one of its hosts."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from lxml import etree

from console.screens.dialogs.confirm import ConfirmDialog
from console.screens.dialogs.instance_choice import InstanceChoiceDialog, fitting
from console.screens.dialogs.verb_form import VerbFormDialog
from console.screens.hosts.devices import DevicesScreen
from console.screens.instances.instance import InstanceScreen
from console.settings import DisplaySettings, Settings
from console.shell.app import VirtdeckApp
from core.model.host_device import HostDevice
from core.model.observation import HostDevicesRead
from core.verbs.device.device_requests import DeviceAttach, DeviceDetach
from core.xml.node_device import read_node_device
from tests.screens.conftest import MOMENTS, SIZES, TAPE, ZONE, press, settled, until
from tests.screens.migrate_source import Answering
from tests.screens.test_snapshots import Compare, presses

RECORDED = Path(__file__).parents[1] / "data" / "devices"
KEYS = ("2", "d")
GIVEN = {
    "web": [{"kind": "hostdev", "summary": "pci 0000:3b:02.1"}],
    "archive": [{"kind": "hostdev", "summary": "usb 0x0781:0x5581"}],
    "db": [{"kind": "hostdev", "summary": "usb 0x0781:0x5581"}],
}
"""Who holds what."""


def devices() -> tuple[HostDevice, ...]:
    """Those of a server with a card of virtual functions, a graphics card in parts, and a stick."""
    root = etree.parse(RECORDED / "server.xml").getroot()
    found = (etree.tostring(one, encoding="unicode") for one in root.iterfind("device"))
    return tuple(map(read_node_device, found))


def tape_with(path: Path, devices: tuple[HostDevice, ...]) -> Path:
    """The tape; once a host is listed its devices were read."""
    lines = []
    for line in gzip.decompress(TAPE.read_bytes()).decode().splitlines():
        told = json.loads(line)
        for one in told.get("instances", ()) if isinstance(told.get("instances"), list) else ():
            one["devices"] = [*one.get("devices", ()), *GIVEN.get(one["name"], ())]
        if isinstance(one := told.get("instance"), dict):
            one["devices"] = [*one.get("devices", ()), *GIVEN.get(one["name"], ())]
        lines.append(json.dumps(told))
        if told.get("event") == "listed":
            read = HostDevicesRead(told["host"], told["at"], devices)
            lines.append(msgspec.json.encode(read).decode())
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture(scope="module")
def tape(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tape_with(tmp_path_factory.mktemp("devices") / "some.jsonl", devices())


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("state", ["loaded", "lost", "empty"])
def test_devices(
    snap_compare: Compare, console: Any, tape: Path, state: str, size: tuple[int, int]
) -> None:
    app = console("empty") if state == "empty" else console(state, tape=tape)
    assert snap_compare(app, terminal_size=size, run_before=presses(*KEYS, "j", "j"))


@pytest.fixture
def answering(tape: Path) -> Any:
    source = Answering.at(tape, MOMENTS["loaded"])
    yield source
    source.close()


def app_on(source: Answering) -> VirtdeckApp:
    settings = Settings(display=DisplaySettings(theme="dark", glyphs="unicode", refresh_rate=30))
    return VirtdeckApp(lambda: source, settings, clock=source.clock, zone=ZONE)


async def test_a_device_is_given_to_an_instance_that_is_typed(answering: Answering) -> None:
    app = app_on(answering)
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        await press(pilot, *KEYS, "slash", *"3b:02.3", "enter", "a")
        await until(pilot, lambda: isinstance(app.screen, InstanceChoiceDialog))
        await pilot.press(*"cach", "enter")
        await until(pilot, lambda: isinstance(app.screen, VerbFormDialog))
        await pilot.press("ctrl+s")  # its host's driver uses it: that is asked about
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        assert answering.submitted == []
        await press(pilot, "y")
        await until(pilot, lambda: bool(answering.submitted))
        (asked,) = answering.submitted
        key = next(one.key for one in app.view.state.instances.values() if one.name == "cache")
        assert asked == DeviceAttach(key, "pci:0000:3b:02.3")


async def test_who_holds_a_device_lets_go_of_it_from_its_line(answering: Answering) -> None:
    app = app_on(answering)
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        await press(pilot, *KEYS, "slash", *"3b:02.1", "enter", "d")
        await until(pilot, lambda: isinstance(app.screen, VerbFormDialog))
        await pilot.press("ctrl+s")
        await until(pilot, lambda: not isinstance(app.screen, VerbFormDialog | DevicesScreen))
        await press(pilot, "y")
        await until(pilot, lambda: bool(answering.submitted))
        (asked,) = answering.submitted
        assert isinstance(asked, DeviceDetach)
        assert asked.device == "pci:0000:3b:02.1"


async def test_enter_goes_to_who_holds_it_and_nobody_holds_a_bridge(
    console: Any, tape: Path
) -> None:
    app = console("loaded", tape=tape)
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        await press(pilot, *KEYS, "enter")
        assert isinstance(app.screen, DevicesScreen)
        await press(pilot, "slash", *"3b:02.1", "enter", "enter")
        assert isinstance(app.screen, InstanceScreen)


def test_an_instance_is_found_by_a_part_of_its_name_the_whole_one_first(console: Any) -> None:
    rows = list(console("loaded").bridge.state.instances.values()) or []
    assert fitting("no such", rows) == []
