"""What an instance shows on its screen, as a picture that is taken again and again. UI thread."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from textual import events, on, work
from textual.containers import Container
from textual.message import Message
from textual.timer import Timer
from textual.widget import Widget

from console.actions.registry import bindings_for
from console.glyphs import ASCII, glyphs
from console.pictures.fitting import fitted
from console.pictures.protocol import protocol
from console.screens.base import ConsoleScreen
from console.screens.consoles.displays import open_display
from console.screens.page import Page
from console.screens.parts import Part
from console.settings import COLOURLESS
from console.widgets.columns import Cell
from core.errors import VirtdeckError
from core.model import Delta, Instance, InstanceState, ObjectKey
from core.model.sizes import size_words

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

APART = 1.0
"""Seconds between two pictures at least."""
SHARE = 4.0
"""At most one part in so many of the time is spent on taking them: of a slow link, say."""


class Room(Container):
    """Where the picture is; it tells when it has another size."""

    class Resized(Message):
        """It has another size."""

    @on(events.Resize)
    def _resized(self) -> None:
        self.post_message(self.Resized())


class PictureScreen(ConsoleScreen, inherit_bindings=False):
    """The picture in the middle, and below it what is to be said."""

    CSS_PATH = "picture.tcss"
    BINDINGS = bindings_for("picture")
    registry_layer = "picture"

    def __init__(self, key: ObjectKey) -> None:
        super().__init__()
        self._key = key
        self._room = Room(id="room")
        self._said = Page([Cell(" Taking a picture of its screen.", "muted")], id="said")
        self._widget: Any = None
        """The widget of textual-image; None: no picture was shown yet."""
        self._picture: Picture | None = None
        self._seen = b""
        """What the picture that is shown was made of, as a digest."""
        self._bytes = 0
        self._asked_at = 0.0
        self._asking = False
        self._timer: Timer | None = None

    def body(self) -> Iterable[Widget]:
        """The picture, and the line below it."""
        yield self._room
        yield self._said

    @property
    def instance(self) -> Instance | None:
        """The instance as it is now; None when it is gone."""
        return self.console.view.state.instances.get(self._key)

    def crumbs(self) -> tuple[str, ...]:
        """Its name and host."""
        row = self.instance
        return ("instances", row.name if row is not None else "gone", self._key.host, "picture")

    def summary(self) -> list[Part]:
        """How large it is, in pixels and on the wire."""
        if self._picture is None:
            return []
        width, height = self._picture.size
        return [Part(f" {width} x {height}, {size_words(self._bytes)} a picture ", "muted")]

    def in_view(self) -> frozenset[ObjectKey]:
        """The instance."""
        return frozenset({self._key})

    def show_change(self, delta: Delta) -> None:
        """Take a picture at once of one that has started."""
        if self._key in delta.changed and self._timer is None and not self._asking:
            self._take()

    @on(events.Mount)
    def _mounted(self) -> None:
        self._take()

    @on(events.ScreenResume)
    def _back(self) -> None:
        self._take()

    # -- taking ------------------------------------------------------------------------------------

    def _take(self) -> None:
        """Take a picture, unless one is under way or nobody looks."""
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        if self._asking or not self.is_current:
            return
        plain = glyphs() is ASCII or self.console.settings.display.theme == COLOURLESS
        if plain and protocol(os.environ) == "blocks":
            self._say("A picture needs a terminal with colours, and glyphs other than ASCII.")
            return
        row = self.instance
        if row is None or row.state in (InstanceState.SHUTOFF, InstanceState.CRASHED):
            self._say("It is off: a picture is taken again once it runs." if row else "It is gone.")
            return
        self._asking, self._asked_at = True, self.console.view.now()
        key = self._key
        self.console.ask(lambda source: source.consoles.picture(key), self._taken, self._failed)

    def _taken(self, data: bytes) -> None:
        self._asking = False
        if not self.is_attached:
            return
        digest = blake2b(data).digest()
        if digest != self._seen:
            self._seen, self._bytes = digest, len(data)
            self._draw(data)
        self._again()

    def _failed(self, error: Exception) -> None:
        self._asking = False
        if self.is_attached:
            self._seen = b""  # the next one is drawn whatever it shows
            self._complain(error)
            self._again()

    def _again(self) -> None:
        took = self.console.view.now() - self._asked_at
        self._timer = self.set_timer(max(APART - took, took * (SHARE - 1)), self._take)

    def _complain(self, error: Exception) -> None:
        words = [error.message, error.hint] if isinstance(error, VirtdeckError) else [f"{error}"]
        self._say(" ".join(filter(None, words)))

    def _say(self, text: str) -> None:
        self._said.display = True
        self._said.show([Cell(f" {text}", "warning")])

    # -- drawing -----------------------------------------------------------------------------------

    @work(exclusive=True)
    async def _draw(self, data: bytes = b"") -> None:
        """Show a picture, or the one there is at another size; the work is done beside the loop."""
        from console.pictures import drawing

        if data:
            try:
                self._picture = await asyncio.to_thread(drawing.read_picture, data)
            except VirtdeckError as error:
                self._complain(error)
                return
            self._said.display = False
        picture, room = self._picture, self._room.size
        if picture is None or not room:
            return
        how, cell = protocol(os.environ), drawing.cell_size()
        if self._widget is None:
            self._widget = drawing.picture_widget(how)
            await self._room.mount(self._widget)
        columns, rows = fitted(picture.size, (room.width, room.height), cell)
        pixels = (columns, rows * 2) if how == "blocks" else (columns * cell[0], rows * cell[1])
        small = await asyncio.to_thread(drawing.shrunk, picture, pixels)
        self._widget.styles.width, self._widget.styles.height = columns, rows
        self._widget.image = small
        self.show_lines()

    @on(Room.Resized)
    def _room_resized(self) -> None:
        self._draw()

    # -- commands ----------------------------------------------------------------------------------

    def action_viewer(self) -> None:
        """Start a viewer on its display."""
        row = self.instance
        open_display(self.console, self._key, row.name if row is not None else "")

    async def action_open_console(self) -> None:
        """Open its serial console instead."""
        await self.console.navigation.open_console(self._key)
