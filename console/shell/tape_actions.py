"""The actions of the registry with scope "replay": what the keys do to a tape. UI thread."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from console.shell.ordered_keys import OrderedKeys
from console.shell.tape_control import TapeControl, hurried, sought, toggled
from console.widgets.narrow_paint import NarrowPaint
from core.source import Source

if TYPE_CHECKING:
    from core.journal.player import Player

Answer = TypeVar("Answer")


class TapeActions(OrderedKeys, NarrowPaint, inherit_bindings=False):
    """The part of the app that plays."""

    tape: TapeControl

    @abstractmethod
    def show_lines(self) -> None:
        """Bring the lines around the screen up to date."""

    @abstractmethod
    def ask(
        self,
        question: Callable[[Source], Awaitable[Answer]],
        then: Callable[[Answer], None],
        failed: Callable[[Exception], None] | None = None,
    ) -> None:
        """Put a question to the source."""

    def action_tape_pause(self) -> None:
        """Play, or stand still."""
        self._on_tape(toggled)

    def action_tape_seek(self, seconds: float) -> None:
        """Jump on the tape."""
        self._on_tape(lambda player: sought(player, seconds))

    def action_tape_speed(self, factor: float) -> None:
        """Change the speed of the tape."""
        self._on_tape(lambda player: hurried(player, factor))

    def _on_tape(self, change: Callable[[Player], None]) -> None:
        replay = self.tape.replay
        if replay is None:
            self.notify("No tape is shown: these are live hosts.", timeout=3)
            return
        player = replay.player

        async def on_core(source: Source) -> None:
            del source
            change(player)

        self.ask(on_core, lambda _: self.show_lines())
