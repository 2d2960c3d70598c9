"""The actions of the registry with scope "replay": what the keys do to a tape. UI thread."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable

from console.tape_control import TapeControl
from console.widgets.narrow_paint import NarrowPaint

_LATER = 0.1
"""Seconds after which the header shows what the player has made of it."""


class TapeActions(NarrowPaint, inherit_bindings=False):
    """The part of the app that plays."""

    tape: TapeControl

    @abstractmethod
    def show_lines(self) -> None:
        """Bring the lines around the screen up to date."""

    def action_tape_pause(self) -> None:
        """Play, or stand still."""
        self._on_tape(TapeControl.toggle)

    def action_tape_seek(self, seconds: float) -> None:
        """Jump on the tape."""
        self._on_tape(lambda tape: tape.seek(seconds))

    def action_tape_speed(self, factor: float) -> None:
        """Change the speed of the tape."""
        self._on_tape(lambda tape: tape.faster(factor))

    def _on_tape(self, change: Callable[[TapeControl], None]) -> None:
        if self.tape.replay is None:
            self.notify("No tape is shown: these are live hosts.", timeout=3)
            return
        change(self.tape)
        self.set_timer(_LATER, self.show_lines)
