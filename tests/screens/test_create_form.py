"""The forms of what makes instances: from a host's menu, with the XML shown, to the request."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import TextArea

from console.screens.dialogs.verb_form import VerbFormDialog
from console.screens.dialogs.xml import XmlDialog
from console.shell.app import VirtdeckApp
from core.verbs.create.from_xml import CreateFromXml
from tests.screens.checking_source import Checking
from tests.screens.conftest import MOMENTS, TAPE, press, settled, until
from tests.screens.test_verb_menu import text

XML = "<domain type='kvm'>\n  <name>made</name>\n  <memory>8192</memory>\n</domain>\n"


@pytest.fixture
def source() -> Iterator[Checking]:
    source = Checking.at(TAPE, MOMENTS["loaded"])
    yield source
    source.close()


async def opened(pilot: Pilot[None], app: VirtdeckApp, *keys: str) -> VerbFormDialog:
    await press(pilot, "2", "a", *keys)
    await until(pilot, lambda: isinstance(app.screen, VerbFormDialog))
    form = app.screen
    assert isinstance(form, VerbFormDialog)
    await rest(pilot, form)
    return form


def shown(app: VirtdeckApp) -> str:
    """What is on the screen, its broken lines whole again."""
    return " ".join(" ".join(line.strip(" │") for line in text(app)).split())


async def rest(pilot: Pilot[None], form: VerbFormDialog) -> None:
    await until(pilot, lambda: form.at_rest)
    await settled(pilot)


async def test_xml_is_written_or_read_from_a_file_shown_and_asked_for(
    app: VirtdeckApp, source: Checking, tmp_path: Path
) -> None:
    file = tmp_path / "made.xml"
    file.write_text(XML)
    async with app.run_test(size=(80, 24)) as pilot:
        form = await opened(pilot, app, "c", "x")
        box = form.query_one(TextArea)
        box.text = "<domain>"
        await until(pilot, lambda: "not well-formed in line 1" in shown(app))
        await press(pilot, "ctrl+x")
        assert app.screen is form  # there is nothing to show yet
        box.text = str(file)
        await until(pilot, lambda: "not well-formed" not in shown(app))
        await rest(pilot, form)
        assert "virtdeck create-from-xml FILE --host alpha" in shown(app)
        await press(pilot, "ctrl+x")
        await until(pilot, lambda: isinstance(app.screen, XmlDialog))
        await settled(pilot)
        assert any("<name>made</name>" in line for line in text(app))
        await press(pilot, "escape", "tab", "right", "ctrl+s")
        await until(pilot, lambda: bool(source.submitted))
        (request,) = source.submitted
        assert isinstance(request, CreateFromXml)
        assert request.subject.kind == "instance"
        assert (request.xml.reveal(), request.start) == (XML, True)


async def test_the_palette_finds_what_makes_instances_on_their_screen(
    app: VirtdeckApp, source: Checking
) -> None:
    """They are made on a host: somebody who is new looks for it where the instances are."""
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await press(pilot, "colon", *"create from xml")
        await until(pilot, lambda: "create: Create from XML" in shown(app))
        await press(pilot, "enter")
        await until(pilot, lambda: isinstance(app.screen, VerbFormDialog))
        assert app.current_mode == "hosts"
        await until(pilot, lambda: "Create from XML: alpha" in shown(app))
        assert not source.submitted


async def test_the_arrows_move_in_a_text_and_tab_leaves_it(
    app: VirtdeckApp, source: Checking
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        form = await opened(pilot, app, "c", "x")
        box = form.query_one(TextArea)
        box.text = XML
        await until(pilot, lambda: "<name>made</name>" in shown(app))
        box.move_cursor((0, 0))
        await press(pilot, "down", "down")
        assert box.cursor_location[0] == 2
        assert form.focused is box
        await press(pilot, "up", "tab")
        assert box.cursor_location[0] == 1
        assert form.focused is not box


async def test_the_menu_says_what_a_host_lacks(app: VirtdeckApp, source: Checking) -> None:
    """The tape is of a virtdeck that asked no host for what new guests can have."""
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "2", "a", "c")
        await until(pilot, lambda: "alpha does not tell what new guests can" in shown(app))
        assert not source.submitted
