"""Keys one after the other: each goes to what has the focus once the one before has done its work.

Textual gives all keys that came in one go, as those of a quick typist do over a slow line, to what
has the focus then. So `/web` would open the filter and then reboot the instance under the cursor.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING

from textual import events
from textual.dom import DOMNode
from textual.message import Message
from textual.screen import Screen

if TYPE_CHECKING:
    from console.shell.app import VirtdeckApp

LOST = 30.0
"""Seconds a key is waited for; what was typed after it meanwhile is dropped then."""
_ROUNDS = 4
_CHECK = 0.02
_OPENING = 20.0
"""Seconds that a new screen has to say where its focus is."""


class KeyDone(Message):
    """Follows a key on its way from the focused widget up to the app, and what the key caused.

    A widget tells of a key by a message, which a parent may answer with another one: each of them
    is a message further behind.
    """

    def __init__(self, key: int, rounds: int = _ROUNDS) -> None:
        super().__init__()
        self.key, self.rounds = key, rounds


class OrderedKeys:
    """Gives an app the next key when the one before has arrived. UI thread."""

    def __init__(self, app: VirtdeckApp, give: Callable[[events.Event], Awaitable[None]]) -> None:
        """`give` is what the app does with an event whose turn it is."""
        self._app = app
        self._give_to_app = give
        self._keys: deque[events.Key | events.Paste] = deque()
        self._under_way: DOMNode | None = None
        """Where the key went that has not arrived yet."""
        self._since = 0.0
        self._number = 0
        """Of the key under way."""
        self._screen_before: Screen[object] | None = None

    @property
    def at_rest(self) -> bool:
        """Whether every key has arrived; what a key went to, and is gone, does nothing more."""
        under_way = self._under_way is not None and self._under_way.is_attached
        return not self._keys and not under_way

    async def take(self, event: events.Event) -> None:
        """Pass an event on; a key, or what is pasted, waits while another is under way."""
        if isinstance(event, events.InputEvent) and not self._app.has_screen:
            return
        if not isinstance(event, events.Key | events.Paste) or event.is_forwarded:
            await self._give_to_app(event)
        elif self._under_way is None or monotonic() > self._since + LOST:
            self._keys.clear()
            await self._give(event)
        else:
            self._keys.append(event)
            self._app.set_timer(_CHECK, self._look)

    async def _give(self, event: events.Key | events.Paste) -> None:
        self._screen_before = self._app.screen
        self._number += 1
        self._under_way, self._since = self._app.focused or self._app.screen, monotonic()
        await self._give_to_app(event)
        if not self._under_way.post_message(KeyDone(self._number)):
            await self._go_on(self._number)

    def arrived(self, message: KeyDone) -> None:
        """The key has arrived; what it asked to be done later comes first."""
        message.stop()
        target = self._under_way
        if message.key != self._number or target is None:
            return  # it was given up
        if message.rounds > 1 and target.post_message(KeyDone(message.key, message.rounds - 1)):
            return
        self._app.call_later(self._go_on, message.key)

    async def _go_on(self, number: int) -> None:
        """Take the key after that of a number, once a screen that was opened has its focus.

        Several may find that a key has arrived, its own message and whoever finds its target gone:
        the next one is taken once.
        """
        if not self._app.has_screen or number != self._number or self._under_way is None:
            return
        if self._keys and self._opens() and monotonic() < self._since + _OPENING:
            self._app.set_timer(_CHECK, partial(self._go_on, number))
            return
        self._under_way = None
        if self._keys:
            await self._give(self._keys.popleft())

    def _opens(self) -> bool:
        """Whether a screen was opened that has yet to say where its focus is; a menu has none."""
        screen = self._app.screen
        if screen is self._screen_before or self._app.focused is not None:
            return False
        return not screen.is_mounted or bool(screen.focus_chain)

    async def _look(self) -> None:
        """Go on where the key went to something that is gone, as a dialog that it closed."""
        if not self._app.has_screen or not self._keys or self._under_way is None:
            return
        if monotonic() > self._since + LOST:
            self._keys.clear()
            self._under_way = None
        elif not self._under_way.is_attached:
            await self._go_on(self._number)
        else:
            self._app.set_timer(_CHECK, self._look)
