"""What every dialog is: a screen over the others that is answered once. UI thread."""

from __future__ import annotations

from time import time
from typing import TYPE_CHECKING, TypeVar, cast

from textual.screen import ModalScreen

if TYPE_CHECKING:
    from console.shell.app import VirtdeckApp
    from core.model import Delta

Answer = TypeVar("Answer")


class Dialog(ModalScreen[Answer], inherit_bindings=False):
    """Ends with `answer`."""

    def __init__(self) -> None:
        super().__init__()
        self.opened = time()
        """Epoch seconds: toasts that stood before stay on the screen below, and are not built
        again."""

    @property
    def console(self) -> VirtdeckApp:
        """The app, with its own type."""
        return cast("VirtdeckApp", self.app)

    def take_news(self, delta: Delta) -> None:
        """Take in what changed while the dialog is in view."""

    def answer(self, answer: Answer | None) -> None:
        """Close with an answer; a second one, as of a key pressed twice, is none.

        Textual would take it for the screen below and close that.
        """
        if self.is_active:
            self.dismiss(answer)
