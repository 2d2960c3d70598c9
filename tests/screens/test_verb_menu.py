"""The menu of verbs: letters, refusals with their reasons, many rows, a console that only reads."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace

import pytest
from msgspec.structs import replace as evolve
from textual.pilot import Pilot

from console.actions.registry import action
from console.screens.dialogs.confirm import ConfirmDialog
from console.screens.dialogs.menu import MenuDialog
from console.screens.dialogs.migrate import MigrateDialog
from console.screens.dialogs.palette import PaletteDialog
from console.screens.dialogs.question import TypedQuestionDialog
from console.screens.help import HelpScreen
from console.screens.instances.instances import InstancesScreen
from console.settings import DisplaySettings, Settings
from console.shell.app import VirtdeckApp
from core.errors import DeadlineError
from core.model import AgentState, Instance, InstanceState
from core.source import Source
from core.verbs.power.requests import Start, Stop
from core.verbs.registry import VERBS
from tests.declared import POKE, Poke, declared, only
from tests.screens.checking_source import Checking
from tests.screens.conftest import MOMENTS, TAPE, ZONE, Moment, press, settled, until
from tests.screens.migrate_source import names
from tests.screens.test_migrate_dialog import messages

ONE = ("slash", *"name:web", "enter")
OFF = ("slash", *"state:shutoff", "enter")


@pytest.fixture
def source() -> Iterator[Checking]:
    source = Checking.at(TAPE, MOMENTS["loaded"])
    yield source
    source.close()


@pytest.fixture
def poke() -> Iterator[None]:
    with declared(POKE):
        yield


def menu(app: VirtdeckApp) -> MenuDialog:
    assert isinstance(app.screen, MenuDialog)
    return app.screen


def text(app: VirtdeckApp) -> list[str]:
    """What the screen in view says, line by line."""
    strips = app.screen._compositor.render_strips()
    return ["".join(segment.text for segment in strip).rstrip() for strip in strips]


def line_of(app: VirtdeckApp, title: str) -> str:
    return next(line for line in text(app) if f"  {title}" in line)


async def opened(pilot: Pilot[None], app: VirtdeckApp, *keys: str) -> None:
    await press(pilot, *keys, "a")
    await until(pilot, lambda: isinstance(app.screen, MenuDialog))
    await settled(pilot)


async def test_two_letters_ask_for_a_verb(app: VirtdeckApp, source: Checking) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app, *ONE)
        await press(pilot, "p")
        assert "Power" in "\n".join(text(app))
        await press(pilot, "F")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        await press(pilot, *"web", "enter")
        await until(pilot, lambda: bool(source.submitted))
        assert isinstance(source.submitted[0], Stop)
        assert names(source.submitted, source) == ["web"]


async def test_cursor_and_enter_do_the_same(app: VirtdeckApp, source: Checking) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app, *OFF)
        await press(pilot, "down", "up", "enter", "down", "up", "enter")
        await until(pilot, lambda: bool(source.submitted))
        assert isinstance(source.submitted[0], Start)


async def test_a_click_does_the_same(app: VirtdeckApp, source: Checking) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app, *OFF)
        await pilot.click("MenuList", offset=(5, 0))
        await settled(pilot)
        await pilot.click("MenuList", offset=(5, 0))
        await until(pilot, lambda: bool(source.submitted))
        assert isinstance(source.submitted[0], Start)


async def test_what_cannot_be_is_grey_says_why_and_stays(
    app: VirtdeckApp, source: Checking
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app, *ONE)
        await press(pilot, "p")
        assert "web is already running: reboot restarts it." in line_of(app, "Start")
        assert "Ask the guest to reboot." in line_of(app, "Reboot")
        await press(pilot, "o")
        assert menu(app).verdicts["start"].able == 0
        assert sum("web is already running: reboot restarts it." in line for line in text(app)) >= 2
        assert source.submitted == []


async def test_a_wrong_key_says_so_and_changes_nothing(app: VirtdeckApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app, *ONE)
        await press(pilot, "Z")
        assert any("Z is nothing here: esc closes." in line for line in text(app))
        await press(pilot, "p", "7")
        assert any("7 is nothing here: esc goes back." in line for line in text(app))
        await press(pilot, "q", "1")
        assert app.is_running
        assert menu(app)
        await press(pilot, "down")
        assert not any("nothing here" in line for line in text(app))


async def test_the_cursor_begins_on_what_can_be_done(app: VirtdeckApp, source: Checking) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app, *ONE)
        await press(pilot, "p")
        assert "web is already running" in line_of(app, "Start")
        assert ">" not in line_of(app, "Start")
        assert ">" in line_of(app, "Shut down")
        await press(pilot, "up")
        assert ">" in line_of(app, "Start"), "the operator may look at what cannot be done"
        await press(pilot, "enter")
        assert menu(app)
        assert source.submitted == []


async def test_a_key_without_a_letter_says_so_too(app: VirtdeckApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app, *ONE)
        for key, label in (("f5", "f5"), ("delete", "delete"), ("ctrl+r", "^r")):
            await press(pilot, key)
            assert any(f"{label} is nothing here: esc closes." in line for line in text(app))
            assert menu(app)


async def test_escape_goes_back_a_level(app: VirtdeckApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app, *ONE)
        await press(pilot, "m", "escape")
        assert any("Power" in line for line in text(app))
        await press(pilot, "escape")
        assert isinstance(app.screen, InstancesScreen)


async def test_of_several_it_says_how_many_can(app: VirtdeckApp, source: Checking) -> None:
    rows = list(source.state.instances.values())
    running = sum(row.state is InstanceState.RUNNING for row in rows)
    off = sum(row.state is InstanceState.SHUTOFF for row in rows)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app, "asterisk")
        await press(pilot, "p")
        assert any(f"{len(rows)} instances" in line for line in text(app))
        assert f"{off} of {len(rows)}" in line_of(app, "Start")
        assert f"{running} of {len(rows)}" in line_of(app, "Pause")
        await press(pilot, "o")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        await press(pilot, "y")
        await until(pilot, lambda: len(source.submitted) == off)


async def test_a_thousand_marked_rows_are_looked_at_by_the_group_that_is_opened(
    app: VirtdeckApp, source: Checking
) -> None:
    row = next(iter(source.state.instances.values()))
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        many = [
            Instance(row.host, f"u-{n}", f"many{n}", InstanceState.RUNNING, type="kvm")
            for n in range(1000)
        ]
        source.crowd = replace(source.state, instances={each.key: each for each in many})
        app.push_screen(MenuDialog([each.key for each in many]))
        await until(pilot, lambda: isinstance(app.screen, MenuDialog))
        await settled(pilot)
        assert menu(app).verdicts == {}
        await press(pilot, "p")
        assert (menu(app).verdicts["pause"].able, menu(app).verdicts["pause"].of) == (1000, 1000)
        assert menu(app).verdicts["start"].able == 0
        assert "migrate" not in menu(app).verdicts


async def test_verbs_with_a_dialog_of_their_own_open_it(app: VirtdeckApp) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app, *ONE)
        await press(pilot, "m")
        assert "Migrate…" in "\n".join(text(app))
        await press(pilot, "m")
        await until(pilot, lambda: isinstance(app.screen, MigrateDialog))


async def test_hosts_have_their_own(app: VirtdeckApp) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app, "2", "slash", *"alpha", "enter")
        assert not any("Power" in line for line in text(app))
        await press(pilot, "m")
        assert "Drain…" in "\n".join(text(app))
        await press(pilot, "d")
        await until(pilot, lambda: isinstance(app.screen, TypedQuestionDialog))


async def test_pools_have_their_own_and_volumes_none_yet(app: VirtdeckApp) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app, "3", "g")
        assert any("Pools" in line for line in text(app))
        await press(pilot, "escape", "down")
        with only(*(name for name, verb in VERBS.items() if verb.subject != "volume")):
            await press(pilot, "a")
            await until(pilot, lambda: "can be done to a volume." in messages(app))


async def test_a_console_that_only_reads_shows_it_and_says_why_nothing_can_be(
    console: Moment,
) -> None:
    app = console("loaded")
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app, *ONE)
        assert any("read-only" in line for line in text(app)[4:])
        await press(pilot, "p", "F")
        assert menu(app)
        assert "This console is read-only" in line_of(app, "Force off")


async def test_with_nothing_to_choose_it_says_so(console: Moment) -> None:
    app = console("empty")
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "a")
        await until(pilot, lambda: "Choose an instance first." in messages(app))


@pytest.mark.usefixtures("poke")
async def test_a_verb_declared_at_run_time_is_in_the_menu_and_asks_as_it_says(
    app: VirtdeckApp, source: Checking
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app, *ONE)
        await press(pilot, *action("power.poke").menu)
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        assert any("Pokes web on " in line for line in text(app))
        await press(pilot, "y")
        await until(pilot, lambda: bool(source.submitted))
        assert source.submitted == [Poke(subject=source.submitted[0].subject)]


@pytest.mark.usefixtures("poke")
async def test_a_verb_declared_at_run_time_is_in_the_palette_and_the_help(
    source: Checking,
) -> None:
    settings = Settings(display=DisplaySettings(theme="dark", glyphs="unicode", refresh_rate=30))
    app = VirtdeckApp(lambda: source, settings, clock=source.clock, zone=ZONE)
    async with app.run_test(size=(120, 160)) as pilot:  # the help has a line for each verb
        await press(pilot, *ONE, "colon", *"poke")
        await until(pilot, lambda: isinstance(app.screen, PaletteDialog))
        assert any("guest: Poke" in line for line in text(app))
        await press(pilot, "enter")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        await press(pilot, "escape", "question_mark")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen))
        assert any(
            " ".join(("a", *action("power.poke").menu)) in line and "Poke" in line
            for line in text(app)
        )


def undescribed(source: Checking, **told: object) -> None:
    """Have nobody know what the XML of web says, until it is read: that it has `told`."""
    rows = source.state.instances
    web = next(row for row in rows.values() if row.name == "web")
    source.unread = replace(
        source.state, instances={**rows, web.key: evolve(web, described=True, **told)}
    )
    unread = evolve(web, described=False, agent=AgentState.UNKNOWN)
    source.crowd = replace(source.state, instances={**rows, web.key: unread})


async def test_what_depends_on_xml_that_nobody_has_read_says_so_until_it_is_read(
    app: VirtdeckApp, source: Checking
) -> None:
    undescribed(source, agent=AgentState.NONE)
    source.reading = held = asyncio.Event()

    async def release(_: Source) -> None:  # on the loop that waits for it
        held.set()

    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, *ONE)
        await pilot.press("a")
        await until(pilot, lambda: isinstance(app.screen, MenuDialog))
        await pilot.press("g")
        await until(pilot, lambda: any("  Set its clock" in line for line in text(app)))
        assert "not read yet" in line_of(app, "Set its clock")
        assert "not read yet" not in line_of(app, "Send NMI")
        app.bridge.ask(release)
        await until(
            pilot, lambda: "web has no guest agent channel" in line_of(app, "Set its clock")
        )
        assert menu(app).verdicts["set-time"].able == 0


async def test_xml_that_cannot_be_read_is_told_in_the_menu(
    app: VirtdeckApp, source: Checking
) -> None:
    undescribed(source)
    source.against_reading = DeadlineError("alpha did not answer in time.")
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app, *ONE)
        await press(pilot, "g")
        assert "not read yet" in line_of(app, "Set its clock")
        unread = menu(app).verdicts["set-time"].unread
        assert unread.endswith("the XML could not be read: alpha did not answer in time.")
