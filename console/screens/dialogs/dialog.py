"""What every dialog is: a screen over the others that is answered once. UI thread."""

from __future__ import annotations

from typing import TypeVar

from textual.screen import ModalScreen

Answer = TypeVar("Answer")


class Dialog(ModalScreen[Answer], inherit_bindings=False):
    """Ends with `answer`."""

    def answer(self, answer: Answer | None) -> None:
        """Close with an answer; a second one, as of a key pressed twice, is none.

        Textual would take it for the screen below and close that.
        """
        if self.is_active:
            self.dismiss(answer)
