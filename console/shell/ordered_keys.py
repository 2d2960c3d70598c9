"""Keys one after the other: each goes to what has the focus once the one before has done its work.

Textual gives all keys that came in one go, as those of a quick typist do over a slow line, to what
has the focus then. So `/web` would open the filter and then reboot the instance under the cursor.
"""

from __future__ import annotations

from collections import deque
from time import monotonic

from textual import events
from textual.app import App
from textual.dom import DOMNode
from textual.message import Message
from textual.screen import Screen

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


class OrderedKeys(App[None], inherit_bindings=False):
    """An app that takes the next key when the one before has arrived. UI thread."""

    def __init__(self) -> None:
        super().__init__()
        self._keys: deque[events.Key] = deque()
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

    async def on_event(self, event: events.Event) -> None:
        """Hold a key back while another is under way."""
        if isinstance(event, events.InputEvent) and not self.has_screen:
            return
        if not isinstance(event, events.Key) or event.is_forwarded:
            await super().on_event(event)
        elif self._under_way is None or monotonic() > self._since + LOST:
            self._keys.clear()
            await self._give(event)
        else:
            self._keys.append(event)
            self.set_timer(_CHECK, self._look)

    async def _give(self, event: events.Key) -> None:
        self._screen_before = self.screen
        self._number += 1
        self._under_way, self._since = self.focused or self.screen, monotonic()
        await super().on_event(event)
        if not self._under_way.post_message(KeyDone(self._number)):
            await self._go_on()

    def on_key_done(self, message: KeyDone) -> None:
        """The key has arrived; what it asked to be done later comes first."""
        message.stop()
        target = self._under_way
        if message.key != self._number or target is None:
            return  # it was given up
        if message.rounds > 1 and target.post_message(KeyDone(message.key, message.rounds - 1)):
            return
        self.call_later(self._go_on)

    @property
    def has_screen(self) -> bool:
        """Whether there is a screen; none at the very start, none once the console is left.

        Keys, news, answers and timers come then too, and Textual raises where it finds none.
        """
        return self.is_running and bool(self.screen_stack)

    async def _go_on(self) -> None:
        """Take the next key, once a screen that was opened has its focus."""
        if not self.has_screen:
            return
        opened = self.screen is not self._screen_before
        if self._keys and opened and self.focused is None and monotonic() < self._since + _OPENING:
            self.set_timer(_CHECK, self._go_on)
            return
        self._under_way = None
        if self._keys:
            await self._give(self._keys.popleft())

    async def _look(self) -> None:
        """Go on where the key went to something that is gone, as a dialog that it closed."""
        if not self.has_screen or not self._keys or self._under_way is None:
            return
        if monotonic() > self._since + LOST:
            self._keys.clear()
            self._under_way = None
        elif not self._under_way.is_attached:
            await self._go_on()
        else:
            self.set_timer(_CHECK, self._look)
