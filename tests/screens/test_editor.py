"""The editor of a definition: typed into, checked, confirmed by its diff, and nothing lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from textual.pilot import Pilot

from console.screens.dialogs.leave import LeaveDialog
from console.screens.dialogs.question import QuestionDialog
from console.screens.editor.editor import EditorScreen
from console.screens.instances.instances import InstancesScreen
from console.settings import DisplaySettings, Settings
from console.shell.app import VirtdeckApp
from core.model import OperationStatus
from core.verbs.editing import Edit
from tests.screens.conftest import MOMENTS, SIZES, TAPE, ZONE, press, settled, until
from tests.screens.editing_source import Editing
from tests.screens.editor_pilot import opened, put, shown_diff
from tests.screens.test_verb_menu import text

Compare = Callable[..., bool]
WEB = ("slash", *"name:web", "enter", "e")


@pytest.fixture
def source() -> Iterator[Editing]:
    source = Editing.at(TAPE, MOMENTS["loaded"])
    yield source
    source.close()


async def test_what_is_typed_is_shown_as_a_diff_and_defined_with_a_yes(
    app: VirtdeckApp, source: Editing
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot, app, *WEB)
        await press(pilot, *["down"] * 5, "end", *["left"] * 7, "backspace", "8")
        assert '<vcpu placement="static">8</vcpu>' in screen._area.text
        assert any("changed" in line for line in text(app))
        shown = await shown_diff(pilot, app)
        assert '-  <vcpu placement="static">2</vcpu>' in shown
        assert '+  <vcpu placement="static">8</vcpu>' in shown
        assert "vcpu: 2 → 8" in shown
        assert not source.submitted
        await press(pilot, "y")
        await until(pilot, lambda: isinstance(app.screen, InstancesScreen))
        (request,) = source.submitted
        assert isinstance(request, Edit)
        assert "8</vcpu>" in request.xml
        assert "2</vcpu>" in request.base


async def test_keys_are_typed_that_do_something_elsewhere(
    app: VirtdeckApp, source: Editing
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot, app, *WEB)
        await press(pilot, "end", *"q4F?:eD", "tab", "x")
        assert screen._area.text.splitlines()[0] == '<domain type="kvm">q4F?:eD  x'
        assert app.screen is screen
        footer = text(app)[-1]
        assert "^s Save" in footer
        assert "^p Commands" in footer
        assert "q Quit" not in footer.replace("^q Quit", "")


async def test_escape_asks_before_it_throws_anything_away(
    app: VirtdeckApp, source: Editing
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot, app, *WEB)
        await press(pilot, "end", "x", "escape")
        assert isinstance(app.screen, QuestionDialog)
        await press(pilot, "n")
        assert app.screen is screen
        await press(pilot, "ctrl+z", "escape")  # undone: nothing is lost
        await until(pilot, lambda: isinstance(app.screen, InstancesScreen))
        await press(pilot, "e")
        await until(pilot, lambda: isinstance(app.screen, EditorScreen))
        await until(pilot, lambda: not app.screen._area.read_only)  # type: ignore[attr-defined]
        await press(pilot, "x", "escape", "y")
        await until(pilot, lambda: isinstance(app.screen, InstancesScreen))
        assert not source.submitted


async def test_leaving_virtdeck_asks_before_what_was_edited_is_lost(
    app: VirtdeckApp, source: Editing
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot, app, *WEB)
        await press(pilot, "end", "x", "ctrl+q")
        assert isinstance(app.screen, LeaveDialog)
        told = "\n".join(strip.text for strip in app.screen._compositor.render_strips())
        assert "Leave, and lose what was edited?" in told
        assert "not saved, and lost: the definition of" in told
        await press(pilot, "n")
        assert app.screen is screen
        await press(pilot, "ctrl+q", "y")
        await until(pilot, lambda: not app.is_running)
        assert not source.submitted


async def test_what_is_not_well_formed_is_shown_at_its_line(
    app: VirtdeckApp, source: Editing
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot, app, *WEB)
        await put(pilot, screen, "</on_reboot>", "</on_rebot>")
        await press(pilot, "ctrl+s")
        assert app.screen is screen
        assert screen._area.cursor_location[0] == 14
        assert any("Line 15: Opening and ending tag mismatch" in line for line in text(app))


async def test_what_the_check_refuses_is_told(app: VirtdeckApp, source: Editing) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot, app, *WEB)
        await put(pilot, screen, "<name>web<", "<name>wab<")
        await press(pilot, "ctrl+s")
        await until(pilot, lambda: any("use rename" in line for line in text(app)))
        assert app.screen is screen


async def test_what_libvirt_refuses_is_shown_at_its_line_and_can_be_set_right(
    app: VirtdeckApp, source: Editing
) -> None:
    why = "Line 16: libvirt's schema refuses it: Extra element on_crash in interleave"
    source.ending = OperationStatus.FAILED, why
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot, app, *WEB)
        await put(pilot, screen, ">destroy</on_crash>", ">destry</on_crash>")
        await press(pilot, "ctrl+s", "y")
        await until(pilot, lambda: any("schema refuses it" in line for line in text(app)))
        assert app.screen is screen
        assert screen._area.cursor_location[0] == 15
        assert not screen._area.read_only
        source.ending = OperationStatus.DONE, "web is defined anew"
        await put(pilot, screen, ">destry</on_crash>", ">restart</on_crash>")
        await press(pilot, "ctrl+s", "y")
        await until(pilot, lambda: isinstance(app.screen, InstancesScreen))


async def test_what_others_changed_meanwhile_comes_into_the_text(
    app: VirtdeckApp, source: Editing
) -> None:
    source.ending = OperationStatus.FAILED, "The definition of web was changed meanwhile"
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot, app, *WEB)
        await put(pilot, screen, ">2</vcpu>", ">4</vcpu>")
        source.documents.document_now = source.documents.document_now.replace(
            ">destroy</on_crash>", ">restart</on_crash>"
        )
        await press(pilot, "ctrl+s", "y")
        await until(pilot, lambda: any("It was changed meanwhile" in line for line in text(app)))
        assert ">4</vcpu>" in screen._area.text
        assert ">restart</on_crash>" in screen._area.text
        assert screen._base is not None
        assert ">restart</on_crash>" in screen._base


async def test_a_secret_that_is_typed_does_not_stand_in_the_request(
    app: VirtdeckApp, source: Editing
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot, app, *WEB)
        await put(pilot, screen, 'passwd="***"', 'passwd="s3cret"')
        await shown_diff(pilot, app)
        assert "s3cret" not in "\n".join(text(app))
        await press(pilot, "y")
        (request,) = source.submitted
        assert isinstance(request, Edit)
        assert "s3cret" not in str(request)
        assert [secret.reveal() for secret in request.secrets] == ["s3cret"]


CASES: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "text": (">2</vcpu>", ">8</vcpu>", ("ctrl+n",)),
    "fault": ("</on_reboot>", "</on_rebot>", ("ctrl+s",)),
    "diff": (">2</vcpu>", ">8</vcpu>", ("ctrl+s",)),
}


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("case", CASES)
def test_snapshot(snap_compare: Compare, source: Editing, case: str, size: Any) -> None:
    before, after, keys = CASES[case]
    display = DisplaySettings(theme="dark", glyphs="unicode", refresh_rate=30)
    app = VirtdeckApp(lambda: source, Settings(display=display), clock=source.clock, zone=ZONE)

    async def run_before(pilot: Pilot[None]) -> None:
        screen = await opened(pilot, app, *WEB)
        await put(pilot, screen, before, after)
        await press(pilot, *keys)
        await settled(pilot)

    assert snap_compare(app, terminal_size=size, run_before=run_before)
