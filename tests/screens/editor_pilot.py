"""What the tests of the editor do on the screen, whatever is edited."""

from __future__ import annotations

from textual.pilot import Pilot

from console.screens.dialogs.diff import DiffDialog
from console.screens.editor.editor import EditorScreen
from console.shell.app import VirtdeckApp
from tests.screens.conftest import press, settled, until
from tests.screens.test_verb_menu import text


async def opened(pilot: Pilot[None], app: VirtdeckApp, *keys: str) -> EditorScreen:
    """Press the keys that open the editor, and return it once its text is there."""
    await press(pilot, *keys)
    await until(pilot, lambda: isinstance(app.screen, EditorScreen))
    screen = app.screen
    assert isinstance(screen, EditorScreen)
    await until(pilot, lambda: not screen._area.read_only)
    await settled(pilot)
    return screen


async def put(pilot: Pilot[None], screen: EditorScreen, before: str, after: str) -> None:
    """Change the text as an editor that was lent the terminal would."""
    assert before in screen._area.text
    screen._area.put(screen._area.text.replace(before, after))
    await settled(pilot)


async def shown_diff(pilot: Pilot[None], app: VirtdeckApp) -> str:
    """Save, and return what is shown of the change before it is confirmed."""
    await press(pilot, "ctrl+s")
    await until(pilot, lambda: isinstance(app.screen, DiffDialog))
    return "\n".join(text(app))
