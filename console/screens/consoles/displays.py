"""The graphical console of a guest: its address, a viewer where there is a display. UI thread."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.viewer import start_viewer
from core.model import ObjectKey
from core.model.console import Consoles

if TYPE_CHECKING:
    from console.shell.app import VirtdeckApp


def open_display(console: VirtdeckApp, key: ObjectKey, name: str) -> None:
    """Start a viewer on the display of an instance, or say where it is and why none is started."""

    def found(there: Consoles) -> None:
        text = start_viewer(there, name, console.view.state.hosts[key.host].uri)
        console.notify(text, timeout=20, markup=False)

    console.ask(lambda source: source.consoles.look(key), found)
