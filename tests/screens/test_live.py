"""The console on a real daemon of the test driver: power verbs, lost links, leaving."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from textual.pilot import Pilot

from console.screens.dialogs.confirm import ConfirmDialog
from console.screens.listing import ListScreen
from console.screens.parts import PartsLine
from console.settings import DisplaySettings, Settings
from console.shell.app import VirtdeckApp
from core.fleet import Fleet
from core.hypervisor.connection.options import LinkOptions
from core.model import Instance, InstanceState, LinkStatus, OperationStatus
from tests.driver.private_daemon import PrivateDaemon
from tests.patience import PATIENCE

QUICK = LinkOptions(
    keepalive_interval=1,
    keepalive_count=1,
    connect_timeout=1.0,
    statistics_interval=0.2,
    sweep_interval=0,
    backoff_first=0.05,
    backoff_limit_local=0.2,
)
SETTINGS = Settings(display=DisplaySettings(glyphs="unicode", refresh_rate=20))


@pytest.fixture
def daemon() -> Iterator[PrivateDaemon]:
    with PrivateDaemon(instances=3, running=3) as private:
        yield private


@pytest.fixture
def app(daemon: PrivateDaemon, tmp_path: Path) -> VirtdeckApp:
    def opened() -> Fleet:
        return Fleet.open(
            [f"alpha={daemon.uri}"], options=QUICK, journal=tmp_path / "journal.sqlite3"
        )

    return VirtdeckApp(opened, SETTINGS)


async def until(pilot: Pilot[None], condition: Callable[[], bool], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds * PATIENCE
    while not condition():
        assert time.monotonic() < end, "it did not come true in time"
        await pilot.pause(0.02)


def rows(app: VirtdeckApp) -> dict[str, Instance]:
    """The instances on the screen, by name."""
    screen = app.screen_stack[0]
    assert isinstance(screen, ListScreen)
    return {row.name: row for row in screen.table.model.rows.values()}


async def opened(pilot: Pilot[None], app: VirtdeckApp) -> None:
    await until(pilot, lambda: len(rows(app)) == 4)
    screen = app.screen
    assert isinstance(screen, ListScreen)
    await until(pilot, lambda: len(screen.table.model.order) == 4)
    screen.table.cursor.go_to(rows(app)["vm0001"].key)
    await pilot.pause()


def messages(app: VirtdeckApp) -> str:
    return "\n".join(f"{toast.title} {toast.message}" for toast in app._notifications)


async def test_pausing_asks_does_and_tells(app: VirtdeckApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app)
        await pilot.press("p")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        await pilot.press("y")
        await until(pilot, lambda: rows(app)["vm0001"].state is InstanceState.PAUSED)
        await until(pilot, lambda: "vm0001 is paused" in messages(app))
        record = list(app.view.state.operations.values())[-1]
        assert (record.verb, record.status) == ("pause", OperationStatus.DONE)


@pytest.mark.parametrize("keys", [("enter",), ("escape",), ("n",), ("tab", "tab", "enter")])
async def test_the_way_of_least_effort_is_no(app: VirtdeckApp, keys: tuple[str, ...]) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app)
        await pilot.press("f")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        await pilot.press(*keys)
        await until(pilot, lambda: not isinstance(app.screen, ConfirmDialog))
        assert not app.view.state.operations
        assert rows(app)["vm0001"].state is InstanceState.RUNNING


async def test_the_dangerous_wants_its_name_typed(app: VirtdeckApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app)
        await pilot.press("F")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        await pilot.press(*"vm000", "enter")
        assert isinstance(app.screen, ConfirmDialog)
        await pilot.press("1", "enter")
        await until(pilot, lambda: rows(app)["vm0001"].state is InstanceState.SHUTOFF)


async def test_the_shutdown_of_a_transient_instance_wants_its_name_typed(
    app: VirtdeckApp, daemon: PrivateDaemon
) -> None:
    daemon.keeper.lookupByName("vm0001").undefine()  # it runs: now it is transient
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app)
        await until(pilot, lambda: not rows(app)["vm0001"].persistent)
        await pilot.press("f")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        said = "vm0001 is transient: once off, it cannot be started again."
        strips = app.screen._compositor.render_strips()
        assert said in "\n".join("".join(piece.text for piece in line) for line in strips)
        await pilot.press("y", "enter")
        assert isinstance(app.screen, ConfirmDialog)
        await pilot.press("backspace", *"vm0001", "enter")
        await until(pilot, lambda: "vm0001" not in rows(app))


async def test_a_second_copy_wants_its_name_typed(daemon: PrivateDaemon, tmp_path: Path) -> None:
    journal = tmp_path / "journal.sqlite3"
    with PrivateDaemon(instances=3, running=0) as other:
        uris = [f"alpha={daemon.uri}", f"beta={other.uri}"]
        app = VirtdeckApp(lambda: Fleet.open(uris, options=QUICK, journal=journal), SETTINGS)

        def there(name: str) -> Instance:
            found = app.view.state.instances.values()
            return next(row for row in found if (row.host, row.name) == ("beta", name))

        async with app.run_test(size=(80, 24)) as pilot:
            screen = app.screen
            assert isinstance(screen, ListScreen)
            await until(pilot, lambda: len(screen.table.model.order) == 8)
            screen.table.cursor.go_to(there("vm0001").key)
            await pilot.pause()
            await pilot.press("space", "space", "o")  # of several none is started twice
            await until(pilot, lambda: "Start: not possible" in messages(app))
            assert "vm0001 must not run on beta too: it runs on alpha." in messages(app)
            await pilot.press("ctrl+backslash")
            screen.table.cursor.go_to(there("vm0001").key)
            await pilot.press("o")
            await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
            strips = app.screen._compositor.render_strips()
            said = " ".join("".join(piece.text for piece in line) for line in strips)
            assert "Lets vm0001 run on beta too: it runs on alpha." in said
            await pilot.press("y", "enter")
            assert isinstance(app.screen, ConfirmDialog)
            assert there("vm0001").state is InstanceState.SHUTOFF
            await pilot.press("backspace", *"vm0001", "enter")
            await until(pilot, lambda: there("vm0001").state is InstanceState.RUNNING)


async def test_what_cannot_be_done_is_explained(app: VirtdeckApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app)
        await pilot.press("o")
        await until(pilot, lambda: "Start: not possible" in messages(app))
        assert "vm0001 is" in messages(app)
        assert not app.view.state.operations


async def test_the_footer_offers_what_fits_the_row(app: VirtdeckApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app)
        footer = app.screen.query_one("#footer", PartsLine)
        await until(pilot, lambda: " f Shut down " in footer.render_line(0).text)
        assert "Start" not in footer.render_line(0).text
        await pilot.press("F")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        await pilot.press(*"vm0001", "enter")
        await until(pilot, lambda: " o Start " in footer.render_line(0).text)
        assert "Shut down" not in footer.render_line(0).text


async def test_marked_instances_are_all_meant(app: VirtdeckApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app)
        await pilot.press("space", "space", "slash", *"name:vm0003", "enter", "F")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        await pilot.press("2", "enter")
        for name in ("vm0001", "vm0002"):
            await until(pilot, lambda: rows(app)[name].state is InstanceState.SHUTOFF)  # noqa: B023
        assert rows(app)["vm0003"].state is InstanceState.RUNNING


async def test_a_change_from_outside_is_seen(app: VirtdeckApp, daemon: PrivateDaemon) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app)
        domain = daemon.keeper.lookupByName("vm0002")
        await asyncio.to_thread(domain.suspend)
        await until(pilot, lambda: rows(app)["vm0002"].state is InstanceState.PAUSED)


async def test_a_lost_link_greys_its_rows_until_it_is_back(
    app: VirtdeckApp, daemon: PrivateDaemon
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app)
        screen = app.screen
        assert isinstance(screen, ListScreen)
        await asyncio.to_thread(daemon.kill)
        await until(pilot, lambda: app.view.stale("alpha"))
        await until(pilot, lambda: "as of" in screen.table.render_line(1).text)
        assert len(rows(app)) == 4
        await asyncio.to_thread(daemon.start)
        await until(pilot, lambda: not app.view.stale("alpha"))
        await until(pilot, lambda: "as of" not in screen.table.render_line(1).text)


async def test_a_hung_host_keeps_nobody_from_leaving(
    app: VirtdeckApp, daemon: PrivateDaemon
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app)
        daemon.stop()
        try:
            await pilot.press("2", "1")
            assert app.current_mode == "instances"
            started = time.monotonic()
            await pilot.press("q")
            await until(pilot, lambda: not app.is_running)
            app.bridge.stop()
            assert time.monotonic() - started < 20  # a hung call would take its whole deadline
        finally:
            daemon.resume()


async def test_a_host_that_is_down_says_why_and_how_to_mend_it(tmp_path: Path) -> None:
    uri = f"alpha=test+unix:///default?socket={tmp_path}/nothing"
    app = VirtdeckApp(
        lambda: Fleet.open([uri], options=QUICK, journal=tmp_path / "journal.sqlite3"), SETTINGS
    )
    async with app.run_test(size=(80, 24)) as pilot:
        await until(
            pilot,
            lambda: (
                "alpha" in app.view.state.hosts
                and app.view.state.hosts["alpha"].link.status is LinkStatus.DOWN
            ),
        )
        await pilot.pause()
        screen = app.screen
        assert isinstance(screen, ListScreen)
        link = app.view.state.hosts["alpha"].link
        assert link.error
        text = "\n".join(screen.table.render_line(y).text for y in range(8))
        assert link.error[:20] in text
        await pilot.press("2", "R")
        await until(pilot, lambda: "Connecting to alpha again" in messages(app))


async def test_a_core_that_breaks_is_told_and_the_screen_stays(app: VirtdeckApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app)
        app.bridge._failed(RuntimeError("broken"))
        await until(pilot, lambda: "The core stopped" in messages(app))
        assert len(rows(app)) == 4
        kept = Path(messages(app).partition("Please report it with ")[2].split()[0].rstrip("."))
        text = await asyncio.to_thread(kept.read_text)
        assert "RuntimeError: broken" in text


async def test_a_damaged_journal_is_told(app: VirtdeckApp, tmp_path: Path) -> None:
    (tmp_path / "journal.sqlite3").write_bytes(b"no database at all" * 100)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "The journal was damaged" in messages(app))
        assert "journal.sqlite3.damaged-" in messages(app)
        await opened(pilot, app)
        assert messages(app).count("The journal was damaged") == 1
