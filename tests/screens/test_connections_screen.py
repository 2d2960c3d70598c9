"""The connections of volumes, on the tape with three attaches put into its journal."""

from __future__ import annotations

import asyncio
import gzip
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from console.screens.dialogs.confirm import ConfirmDialog
from console.screens.instances.instance import InstanceScreen
from console.screens.storage.connections import ConnectionsScreen
from console.settings import DisplaySettings, Settings
from console.shell.app import VirtdeckApp
from core.errors import UnreachableError, VirtdeckError
from core.model import Delta, ObjectKey, OperationRecord, OperationStatus
from core.model.connected_volume import ConnectedVolume
from core.model.instance_event import InstanceLifecycle
from core.model.observation import OperationChanged
from core.source import Source
from core.verbs.device.host_requests import DisconnectVolume
from tests.screens.conftest import MOMENTS, SIZES, TAPE, ZONE, press, settled, until
from tests.screens.migrate_source import Answering
from tests.screens.test_migrate_dialog import shown
from tests.screens.test_snapshots import Compare, presses

KEYS = ("3", "l")
DEVICE = "/dev/disk/by-id/dm-uuid-mpath-36001405a1"
USED = "/run/lab/shared/web.qcow2"


def attached(number: int, uuid: str, path: str, protocol: str, host: str = "alpha") -> Any:
    """A volume that was connected for an instance."""
    volume = ConnectedVolume(protocol, {}, {"path": path}, f"vd{'bcd'[number]}", f"vol-{number}")
    return OperationRecord(
        *(f"0{number}", "volume-attach", host, ObjectKey("instance", host, uuid), "x", "me@here"),
        *(1.0, OperationStatus.DONE),
        ended=2.0,
        result={"connected": msgspec.to_builtins(volume)},
    )


def tape_with(path: Path) -> Path:
    """The tape; once `alpha` is listed its journal has three attaches."""
    lines, added = [], False
    for line in gzip.decompress(TAPE.read_bytes()).decode().splitlines():
        lines.append(line)
        told = json.loads(line)
        if added or told.get("event") != "listed" or told.get("host") != "alpha":
            continue
        added = True
        uuids = {one["name"]: one["uuid"] for one in told["instances"]}
        for record in (
            attached(0, uuids["web"], USED, "nfs"),
            attached(1, uuids["db"], DEVICE, "iscsi"),
            attached(2, "gone-uuid", "/dev/sdq", "fibre_channel", "beta"),
        ):
            changed = OperationChanged(record.host, told["at"], record)
            lines.append(msgspec.json.encode(changed).decode())
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture(scope="module")
def tape(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tape_with(tmp_path_factory.mktemp("connections") / "some.jsonl")


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("state", ["loaded", "lost", "empty"])
def test_connections(
    snap_compare: Compare, console: Any, tape: Path, state: str, size: tuple[int, int]
) -> None:
    app = console("empty") if state == "empty" else console(state, tape=tape)
    assert snap_compare(app, terminal_size=size, run_before=presses(*KEYS))


async def test_a_leftover_is_asked_for_by_its_device(tape: Path) -> None:
    source = Answering.at(tape, MOMENTS["loaded"])
    source.definitions = NextStarts()
    settings = Settings(display=DisplaySettings(theme="dark", glyphs="unicode", refresh_rate=30))
    app = VirtdeckApp(lambda: source, settings, clock=source.clock, zone=ZONE)
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        await press(pilot, *KEYS)
        assert isinstance(app.screen, ConnectionsScreen)
        rows = {one.volume.target: one.standing for one in app.screen.rows().values()}
        assert rows == {"vdb": "in use", "vdc": "left over", "vdd": "left over"}
        await press(pilot, "d")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        assert "Disconnect a leftover: /dev/disk/by-id/dm-uuid-mpath-36001405a1" in shown(app)
        await press(pilot, "y")
        await until(pilot, lambda: bool(source.submitted))
        (asked,) = source.submitted
        assert asked == DisconnectVolume(
            ObjectKey("host", "alpha", "alpha"), "/dev/disk/by-id/dm-uuid-mpath-36001405a1"
        )
    source.close()


class NextStarts:
    """A `core.source.Definitions` that has some disks in the next start of each instance."""

    def __init__(self) -> None:
        self.disks = ""
        self.read: list[ObjectKey] = []
        self.error: VirtdeckError | None = None

    async def document(self, key: ObjectKey) -> str:
        self.read.append(key)
        if self.error is not None:
            raise self.error
        return (
            f"<domain type='kvm'><name>db</name><uuid>{key.id}</uuid>"
            f"<devices>{self.disks}</devices></domain>"
        )


async def test_what_the_next_start_has_is_read_again_when_the_definition_changes(
    tape: Path,
) -> None:
    source = Answering.at(tape, MOMENTS["loaded"])
    source.definitions = found = NextStarts()
    found.disks = of_device = (
        f"<disk type='block' device='disk'><source dev='{DEVICE}'/><target dev='vdc'/></disk>"
    )
    settings = Settings(display=DisplaySettings(theme="dark", glyphs="unicode", refresh_rate=30))
    app = VirtdeckApp(lambda: source, settings, clock=source.clock, zone=ZONE)
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        await press(pilot, *KEYS)
        screen = app.screen
        assert isinstance(screen, ConnectionsScreen)

        def standing() -> str:
            return next(one.standing for one in screen.rows().values() if one.volume.path == DEVICE)

        await until(pilot, lambda: standing() == "next start")
        (db,) = found.read  # neither what is in use nor what is gone is asked
        await press(pilot, "d")
        await settled(pilot)
        assert app.screen is screen
        assert source.submitted == []

        found.disks = ""
        event = InstanceLifecycle("alpha", source.state.at, db.id, "db", "defined")

        async def happens(_: Source) -> None:  # on the source's own loop
            source._mailroom.post(source.player._store.apply(event))

        await asyncio.wrap_future(app.bridge.ask(happens))
        await until(pilot, lambda: standing() == "left over")
        assert found.read == [db, db]
        found.disks = of_device
        screen.show_time()
        await settled(pilot)
        assert found.read == [db, db]  # it was read just now
        app.view.now = lambda: source.state.at + 9_999
        screen.show_time()
        await until(pilot, lambda: standing() == "next start")
        assert found.read == [db, db, db]
        found.error = UnreachableError("The link is lost.", "")
        await asyncio.wrap_future(app.bridge.ask(happens))
        await until(pilot, lambda: any("not be read" in one.why for one in screen.rows().values()))
    source.close()


async def test_enter_goes_to_whose_disk_it_is(console: Any, tape: Path) -> None:
    app = console("loaded", tape=tape)
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        await press(pilot, *KEYS, "enter")
        assert isinstance(app.screen, InstanceScreen)


async def test_a_sample_makes_no_line_anew_and_an_undefine_does(console: Any, tape: Path) -> None:
    app = console("loaded", tape=tape)
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        await press(pilot, *KEYS)
        screen, state = app.screen, app.view.state
        assert isinstance(screen, ConnectionsScreen)
        seen = frozenset({*state.instances, *(host.key for host in state.hosts.values())})
        assert screen.changes(Delta(state.revision, state.at, changed=seen)) == ({}, [])
        web = next(key for key, one in state.instances.items() if one.name == "web")
        left = {key: one for key, one in state.instances.items() if key != web}
        app.view.state = replace(state, instances=left)
        assert screen.changes(Delta(state.revision, state.at, gone=frozenset({web}))) is None
