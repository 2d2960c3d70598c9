"""The screen of an instance's snapshots: on a real daemon of the test driver, and on the tape."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from textual.pilot import Pilot

from console.screens.dialogs.confirm import ConfirmDialog
from console.screens.dialogs.menu import MenuDialog
from console.screens.dialogs.verb_form import VerbFormDialog
from console.screens.instances.instance import InstanceScreen
from console.screens.operations.operations import OperationsScreen
from console.screens.snapshots.snapshots import SnapshotsScreen
from console.shell.app import VirtdeckApp
from core.model import OperationStatus, Snapshot
from tests.driver.private_daemon import PrivateDaemon
from tests.screens import test_live as live
from tests.screens.conftest import SIZES, TAPE, Moment, press
from tests.screens.test_live import until
from tests.screens.test_verb_menu import text

SNAPSHOT = "<domainsnapshot><name>{}</name><description>{}</description></domainsnapshot>"
app = live.app


@pytest.fixture
def daemon() -> Iterator[PrivateDaemon]:
    with PrivateDaemon(instances=3, running=3) as private:
        guest = private.keeper.lookupByName("vm0001")
        first = guest.snapshotCreateXML(SNAPSHOT.format("base", "before the upgrade"), 0)
        guest.snapshotCreateXML(SNAPSHOT.format("tried", ""), 0)
        guest.revertToSnapshot(first)
        guest.snapshotCreateXML(SNAPSHOT.format("kept", ""), 0)
        yield private


def snapshots_screen(app: VirtdeckApp) -> SnapshotsScreen:
    assert isinstance(app.screen, SnapshotsScreen)
    return app.screen


def branches(app: VirtdeckApp) -> list[str]:
    """What the table says of each snapshot, from its top."""
    screen = snapshots_screen(app)
    rows = screen.table.model.rows
    return [rows[key].branch for key in screen.table.keys_in_view]


async def opened(pilot: Pilot[None], app: VirtdeckApp, *keys: str) -> None:
    await live.opened(pilot, app)
    await pilot.press(*keys or ("t",))
    await until(pilot, lambda: isinstance(app.screen, SnapshotsScreen))
    await until(pilot, lambda: len(branches(app)) == 3)


TREE = ["base", "└─ kept", "└─ tried"]


@pytest.mark.parametrize(
    "keys", [("t",), ("a", "s", "l"), ("enter", "t"), ("enter", "a", "s", "l")]
)
async def test_the_tree_opens_by_its_key_and_by_the_menu(
    app: VirtdeckApp, keys: tuple[str, ...]
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await live.opened(pilot, app)
        for key in keys:
            before = app.screen
            await pilot.press(key)
            inside = isinstance(before, MenuDialog) and key == "s"
            await until(pilot, lambda: inside or app.screen is not before)  # noqa: B023
            await until(pilot, lambda: not app.asking)
        await until(pilot, lambda: isinstance(app.screen, SnapshotsScreen))
        await until(pilot, lambda: branches(app) == TREE)
        screen = snapshots_screen(app)
        (current,) = [
            line.snapshot.name for line in screen.table.model.rows.values() if line.snapshot.current
        ]
        assert current == "kept"
        assert "before the upgrade" in "\n".join(text(app))
        await pilot.press("c")
        await until(pilot, lambda: app.clipboard == "base")
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, SnapshotsScreen))
        assert isinstance(app.screen, InstanceScreen) is (keys[0] == "enter")


async def test_enter_on_the_tab_opens_the_list_and_there_what_can_be_done(
    app: VirtdeckApp,
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await live.opened(pilot, app)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, InstanceScreen))
        await pilot.press("enter")  # there is nothing to open on this tab
        assert isinstance(app.screen, InstanceScreen)
        for _ in range(6):
            await pilot.press("tab")
        await until(pilot, lambda: "enter opens the list" in "\n".join(text(app)))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, SnapshotsScreen))
        await until(pilot, lambda: branches(app) == TREE)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, MenuDialog))
        assert "base on alpha" in "\n".join(text(app))


async def test_what_others_change_is_read_when_it_is_looked_at_again(
    app: VirtdeckApp, daemon: PrivateDaemon
) -> None:
    guest = daemon.keeper.lookupByName("vm0001")
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app)
        guest.snapshotCreateXML(SNAPSHOT.format("later", ""), 0)
        await pilot.press("ctrl+r")
        await until(pilot, lambda: any("later" in one for one in branches(app)))
        guest.snapshotLookupByName("tried").delete(0)
        await pilot.press("question_mark")
        await until(pilot, lambda: not isinstance(app.screen, SnapshotsScreen))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, SnapshotsScreen))
        await until(pilot, lambda: not any("tried" in one for one in branches(app)))


async def test_a_lost_link_greys_them_and_they_are_read_when_it_is_back(
    app: VirtdeckApp, daemon: PrivateDaemon
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app)
        daemon.kill()
        await until(pilot, lambda: app.view.stale("alpha"))
        assert branches(app) == TREE
        daemon.start()  # another world: its instance has the UUID of before, and no snapshot
        await until(pilot, lambda: not app.view.stale("alpha"))
        await until(pilot, lambda: "vm0001 has no snapshot." in "\n".join(text(app)))


async def test_what_can_be_done_to_one_is_offered(app: VirtdeckApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app)
        await pilot.press("a", "s")
        await until(pilot, lambda: isinstance(app.screen, MenuDialog))
        await until(pilot, lambda: {"Revert", "Delete"} <= set("\n".join(text(app)).split()))


async def test_another_is_made_from_the_screen_and_the_first_of_an_instance_too(
    app: VirtdeckApp, daemon: PrivateDaemon
) -> None:
    guest = daemon.keeper.lookupByName("vm0001")
    for name in ("tried", "kept", "base"):
        guest.snapshotLookupByName(name).delete(0)
    async with app.run_test(size=(80, 24)) as pilot:
        await live.opened(pilot, app)
        await pilot.press("t")
        await until(pilot, lambda: "n makes one." in "\n".join(text(app)))
        for number, name in enumerate(("first", "second"), start=1):
            await pilot.press("n")
            await until(pilot, lambda: isinstance(app.screen, VerbFormDialog))
            await pilot.press(*name, "ctrl+s")
            await until(pilot, lambda: isinstance(app.screen, SnapshotsScreen))
            await until(pilot, lambda: len(branches(app)) == number)  # noqa: B023
        assert branches(app) == ["first", "└─ second"]


async def test_marked_ones_are_the_subjects_of_the_menu_and_stand_with_the_operations(
    app: VirtdeckApp,
) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app)
        await pilot.press("down", "space", "space")
        await until(pilot, lambda: len(snapshots_screen(app).chosen_subjects()) == 2)
        await pilot.press("a")
        await until(pilot, lambda: isinstance(app.screen, MenuDialog))
        await until(pilot, lambda: not app.asking)
        assert "2 snapshots" in "\n".join(text(app))
        await pilot.press("s", "d")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        asked = "\n".join(text(app))
        assert "vm0001/tried" in asked
        assert "vm0001/kept" in asked
        await pilot.press("2", "enter")
        await until(pilot, lambda: branches(app) == ["base"])
        records = list(app.view.state.operations.values())
        await until(pilot, lambda: all(
            one.status is OperationStatus.DONE for one in app.view.state.operations.values()
        ))  # fmt: skip
        assert {one.name for one in records} == {"vm0001/tried", "vm0001/kept"}
        await pilot.press("4")
        await until(pilot, lambda: isinstance(app.screen, OperationsScreen))
        await until(pilot, lambda: "vm0001/kept" in "\n".join(text(app)))


async def test_an_operation_on_one_leads_to_it(app: VirtdeckApp) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app)
        await pilot.press("a")
        await until(pilot, lambda: isinstance(app.screen, MenuDialog) and not app.asking)
        await pilot.press("s", "v")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        assert "what was written since is lost" in " ".join(" ".join(text(app)).split())
        await pilot.press(*"vm0001/base", "enter")
        await until(pilot, lambda: any(
            one.status is OperationStatus.DONE for one in app.view.state.operations.values()
        ))  # fmt: skip
        await pilot.press("4")
        await until(pilot, lambda: isinstance(app.screen, OperationsScreen))
        await until(pilot, lambda: "vm0001/base" in "\n".join(text(app)))
        await pilot.press("x", "i")
        await until(pilot, lambda: isinstance(app.screen, SnapshotsScreen))
        await until(pilot, lambda: branches(app) == TREE)


READ = (
    Snapshot("installed", "", 1.7e9, "shutoff", "right after the installation", memory="no"),
    Snapshot("before-upgrade", "installed", 1.7e9 + 86_400, "running", memory="internal"),
    Snapshot("upgraded", "before-upgrade", 1.7e9 + 90_000, "running", "works", True,
             memory="internal"),
    Snapshot("nightly", "installed", 1.7e9 + 172_800, "disk-snapshot", "by the backup", False, True,
             memory="no"),
)  # fmt: skip
LONG = {
    "nightly": "nightly-before-the-replication-between-frankfurt-and-amsterdam-of-production",
    "installed": "安装完成之后-测试环境-东京-第一机房",
}


def tape_with(path: Path, names: dict[str, str]) -> Path:
    """The tape, on which web has the snapshots, and nobody has looked at mail."""
    read = [
        msgspec.structs.replace(
            one, name=names.get(one.name, one.name), parent=names.get(one.parent, one.parent)
        )
        for one in READ
    ]
    lines = gzip.decompress(TAPE.read_bytes()).decode().splitlines()
    uuids = {
        one["name"]: one["uuid"]
        for told in map(json.loads, lines[1:])
        if told["event"] == "listed"
        for one in told.get("instances", ())
    }
    kept = lines[:1]
    for line in lines[1:]:
        told = json.loads(line)
        whose = told["detail"]["uuid"] if told["event"] == "detail-read" else ""
        if whose == uuids["web"]:
            told["detail"]["snapshots"] = msgspec.to_builtins(read)
            line = json.dumps(told, ensure_ascii=False)
        if whose != uuids["mail"]:
            kept.append(line)
    path.write_text("\n".join(kept) + "\n")
    return path


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("state", ["loaded", "empty", "lost", "error", "long"])
def test_snapshots_of_one(
    snap_compare: Callable[..., bool],
    console: Moment,
    tmp_path: Path,
    state: str,
    size: tuple[int, int],
) -> None:
    """`empty` is an instance without any, `error` one of which they cannot be read."""
    tape: Any = tape_with(tmp_path / "tape.jsonl", LONG if state == "long" else {})
    moment = state if state == "lost" else "loaded"
    name = {"empty": "db", "error": "mail"}.get(state, "web")

    async def to_snapshots(pilot: Pilot[None]) -> None:
        await press(pilot, "slash", *f"name:{name}", "enter", "t", "down")

    app = console(moment, tape=tape)
    assert snap_compare(app, terminal_size=size, run_before=to_snapshots)
