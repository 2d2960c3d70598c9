"""What keys and mouse do, on the tape."""

from __future__ import annotations

import pytest
from textual.widgets import Input

from console.actions.registry import footer_entries
from console.screens.base import ConsoleScreen
from console.screens.dialogs.palette import PaletteDialog
from console.screens.events.events import EventsScreen
from console.screens.filter_bar import FilterBar
from console.screens.help import HelpScreen
from console.screens.instances.instance import InstanceScreen
from console.screens.instances.instances import InstancesScreen
from console.screens.listing import ListScreen
from console.screens.page import Page
from console.screens.parts import PartsLine
from console.shell.app import VirtdeckApp
from core.model import Delta
from tests.screens.conftest import Moment, press, settled, until


def listing(app: VirtdeckApp) -> ListScreen[object]:
    assert isinstance(app.screen, ListScreen)
    return app.screen


def line(app: VirtdeckApp, name: str) -> str:
    widget = app.screen.query_one(f"#{name}", PartsLine)
    return widget.render_line(0).text


@pytest.mark.parametrize("key", ["1", "3", "4", "6"])
async def test_the_footer_of_an_empty_list_promises_nothing(console: Moment, key: str) -> None:
    app = console("empty")
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, key)
        footer = line(app, "footer")
        assert "Help" in footer
        for word in ("Open", "Mark", "Sort", "Filter", "Cancel", "Report"):
            assert word not in footer


async def test_the_footer_of_a_list_that_the_filter_empties_has_the_filter(console: Moment) -> None:
    app = console("loaded")
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "1")
        assert "Open" in line(app, "footer")
        await press(pilot, "slash", *"nothing-like-it", "enter")
        footer = line(app, "footer")
        assert "Filter" in footer
        assert "Open" not in footer


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("2", "hosts"),
        ("3", "volumes"),
        ("4", "operations"),
        ("5", "events"),
        ("1", "instances"),
        ("7", "networks"),
    ],
)
async def test_number_keys_go_to_screens(console: Moment, key: str, name: str) -> None:
    app = console("loaded")
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "5", key)
        assert listing(app).registry_layer == name
        assert app.current_mode == name


async def test_a_tab_after_the_charts_shows_its_own_lines(console: Moment) -> None:
    app = console("loaded")
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "slash", *"mail", "enter", "enter", "tab", "tab")
        page = app.screen.query_one("#text", Page)
        shown = [page.render_line(y).text.rstrip() for y in range(page.size.height)]
        assert any("mail.qcow2" in line for line in shown)
        assert not any(line.split()[:1] == ["cpu"] for line in shown)


async def test_esc_peels_one_layer_at_a_time(console: Moment) -> None:
    app = console("loaded")
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "slash", *"host:alpha", "enter", "space", "slash", *" web")
        screen = listing(app)
        bar = screen.query_one(FilterBar)
        assert bar.editing
        await press(pilot, "escape")
        assert not bar.editing
        assert screen.filter_text == "host:alpha"
        await press(pilot, "escape")
        assert screen.table.counts.marked == 0
        assert screen.filter_text == "host:alpha"
        await press(pilot, "escape")
        assert screen.filter_text == ""
        await press(pilot, "enter", "escape")
        assert app.screen is screen
        await press(pilot, "3", "escape")
        assert app.current_mode == "instances"
        await press(pilot, "escape")
        assert app.is_running


async def test_a_filter_narrows_while_it_is_typed_and_a_mistake_changes_nothing(
    console: Moment,
) -> None:
    app = console("loaded")
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "slash", *"state:pau")
        screen = listing(app)
        assert screen.table.counts.visible == 1
        await press(pilot, "x")
        assert screen.table.counts.visible == 1
        sentence = screen.query_one("#sentence").render_line(0).text
        assert "paux" in sentence
        await press(pilot, "enter")
        assert not screen.table.has_focus, "a mistake is not taken for a filter"
        assert "paux" in screen.query_one("#sentence").render_line(0).text
        await press(pilot, "backspace", "enter")
        assert screen.filter_text == "state:pau"
        assert screen.table.has_focus


async def test_the_cursor_stays_on_its_instance_when_rows_move(console: Moment) -> None:
    app = console("loaded")
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "end")
        table = listing(app).table
        key = table.cursor.key
        await press(pilot, "S")
        assert table.cursor.key == key
        await press(pilot, "s", "s", "s")
        assert table.cursor.key == key


async def test_marks_survive_a_filter_and_are_counted_when_hidden(console: Moment) -> None:
    app = console("loaded")
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "space", "space", "slash", *"name:web", "enter")
        counts = listing(app).table.counts
        assert (counts.marked, counts.marked_hidden) == (2, 2)
        assert "2 marked (2 hidden)" in line(app, "tabs")


@pytest.mark.parametrize("key", [*list("123458"), "question_mark", "enter"])
@pytest.mark.parametrize("size", [(80, 24), (40, 10), (200, 50)])
async def test_every_screen_can_be_drawn_at_any_size(
    console: Moment, key: str, size: tuple[int, int]
) -> None:
    app = console("error")
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, key)
        await pilot.resize_terminal(*size)
        await settled(pilot)
        assert app.screen.size == size
        assert len(line(app, "footer")) == size[0]


async def test_the_footer_keeps_its_promises(console: Moment) -> None:
    """Every key in the footer of every screen is bound to something."""
    app = console("loaded")
    async with app.run_test(size=(200, 50)) as pilot:
        for key in "12345":
            await press(pilot, key)
            screen = app.screen
            assert isinstance(screen, ConsoleScreen)
            bound = set(app.active_bindings)
            for _, title, entry in footer_entries(screen.registry_layer, read_only=True):
                assert entry.keys[0] in bound, (screen.registry_layer, title)


async def test_keys_that_mean_nothing_do_nothing(console: Moment) -> None:
    app = console("loaded")
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "0", "9", "Z", "ctrl+y", "f9", "tab", "left", "right")
        assert listing(app).registry_layer == "instances"
        assert not app._notifications


async def test_a_read_only_console_explains_itself(console: Moment) -> None:
    app = console("loaded")
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "F")
        assert [toast.message for toast in app._notifications] == [
            "This console is read-only: it changes nothing."
        ]


async def test_the_mouse_opens_sorts_and_changes_screens(console: Moment) -> None:
    app = console("loaded")
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await pilot.click(offset=(16, 1))
        await settled(pilot)
        assert app.current_mode == "hosts"
        await pilot.click(offset=(3, 1))
        await settled(pilot)
        table = listing(app).table
        await pilot.click(table, offset=(20, 0))
        assert table.model.column is not None
        assert table.model.column.id == "host"
        await pilot.click(table, offset=(5, 3), times=2)
        await settled(pilot)
        assert isinstance(app.screen, InstanceScreen)
        await pilot.click(offset=(12, 2))
        await settled(pilot)
        assert "charts" in app.screen.query_one("#pages", PartsLine).render_line(0).text
        assert app.screen.query_one("#charts").display


async def test_a_capital_letter_finds_the_busiest(console: Moment) -> None:
    app = console("loaded")
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "C")
        table = listing(app).table
        rates = app.view.state.rates
        figures = [rates[key].cpu for key in table.model.order if key in rates]
        known = [figure for figure in figures if figure is not None]
        assert len(known) > 2
        assert known == sorted(known, reverse=True)
        assert table.cursor.key == table.model.order[0]
        await press(pilot, "C")
        assert not table.model.descending
        await press(pilot, "D")
        assert "▼DISK" in table.render_line(0).text
        await pilot.resize_terminal(140, 40)
        await settled(pilot)
        assert "▼READ" in table.render_line(0).text


async def test_help_lists_the_keys_of_where_one_came_from(console: Moment) -> None:
    app = console("loaded")
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "5", "question_mark")
        assert isinstance(app.screen, HelpScreen)
        text = "\n".join(
            app.screen.query_one("Page").render_line(y).text
            for y in range(app.screen.query_one("Page").size.height)
        )
        assert "Hold still" in text
        assert "Force off" not in text
        await press(pilot, "escape")
        assert isinstance(app.screen, EventsScreen)


async def test_the_palette_runs_what_it_finds(console: Moment) -> None:
    app = console("loaded")
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "colon", *"volum", "enter")
        assert app.current_mode == "volumes"
        await press(pilot, "1", "colon", *"mail", "enter")
        assert isinstance(app.screen, InstanceScreen)
        await press(pilot, "colon", "escape")
        assert not isinstance(app.screen, PaletteDialog)
        await press(pilot, "escape", "colon", *"last", "enter")
        table = listing(app).table
        assert table.cursor.key == table.model.order[-1]


async def test_search_goes_from_match_to_match(console: Moment) -> None:
    app = console("loaded")
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "end", "y", "slash", *"DISK", "enter")
        screen = app.screen
        assert isinstance(screen, InstanceScreen)
        first = screen._search.line
        await press(pilot, "n")
        second = screen._search.line
        assert first is not None
        assert second is not None
        assert second > first
        await press(pilot, "N")
        assert screen._search.line == first
        await press(pilot, "escape")
        assert screen._search.text == ""
        assert app.screen is screen


async def test_events_follow_hold_and_stay(console: Moment) -> None:
    app = console("lost")
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "5")
        table = listing(app).table
        assert table.cursor.key == table.model.order[-1]
        assert "following" in line(app, "tabs")
        await press(pilot, "up")
        assert "following" not in line(app, "tabs")
        kept = table.cursor.key
        replay = app.tape.replay
        assert replay is not None
        await press(pilot, "z", "t")
        assert "following" in line(app, "tabs")
        assert table.cursor.key != kept


async def test_news_that_is_older_than_the_picture_is_not_listed_twice(console: Moment) -> None:
    """The picture is taken a moment after the news: what came in between is in the next news."""
    app = console("lost")
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "5")
        screen = listing(app)
        events = app.view.state.events
        late = Delta(app.view.state.revision, app.view.state.at, events=tuple(events[-2:]))
        for keys in ((), ("z",), ("z",)):
            await press(pilot, *keys)
            screen.show_change(late)
            await pilot.pause()
            assert screen.table.counts.total == len(events)


async def test_a_tape_plays_seeks_and_changes_speed(console: Moment) -> None:
    app = console("loaded")
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "ctrl+left")
        replay = app.tape.replay
        assert replay is not None
        player = replay.player
        await until(pilot, lambda: player.position == pytest.approx(22, abs=0.01))
        await press(pilot, "ctrl+right", "ctrl+up")
        await until(pilot, lambda: player.position == pytest.approx(32, abs=0.01))
        await until(pilot, lambda: player.speed == 2)
        await pilot.press("P")
        await until(pilot, lambda: not player.paused)


async def test_going_back_on_a_tape_takes_events_back(console: Moment) -> None:
    app = console("lost")
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "5")
        table = listing(app).table
        before = table.counts.total
        assert before == len(app.view.state.events)
        await press(pilot, "ctrl+left")
        await until(pilot, lambda: table.counts.total == len(app.view.state.events) < before)
        await press(pilot, "ctrl+right")
        await until(pilot, lambda: table.counts.total == before)


async def test_opening_a_host_shows_its_instances(console: Moment) -> None:
    app = console("loaded")
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "2", "down", "enter")
        assert isinstance(app.screen, InstancesScreen)
        assert app.screen.filter_text == "host:beta"
        assert app.screen.query_one(Input).value == "host:beta"


async def test_leaving_asks_while_an_operation_runs(console: Moment) -> None:
    app = console("operating")
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "q")
        assert app.is_running
        await press(pilot, "enter")
        assert len(app.screen_stack) == 1
        await pilot.press("q", "y")
    assert app.return_code == 0
