"""A form whose requests the core has: it closes at once, or soon. UI thread."""

from __future__ import annotations

from collections.abc import Callable

from console.screens.dialogs.dialog import Dialog
from console.screens.submitting import Found
from core.model import Request

SECONDS = 0.1
"""That it stays once the core has its requests, and the screen below it is as it was: to draw that
takes 50 ms of the interpreter, which the core needs for its first calls. Nobody sees it close
sooner."""
Take = Callable[[tuple[Request, ...], Found, Callable[[bool], None]], None]
"""Takes the requests, what speaks against each, and what closes the form: with True at once."""


class HandOver:
    """What becomes of a form that was answered."""

    def __init__(self, form: Dialog[None]) -> None:
        self._form = form
        self.begun = False
        """It takes no more answers."""

    def close(self, at_once: bool) -> None:
        """Close the form: at once where something is asked over the screen below, else soon."""
        if at_once:
            self._form.answer(None)
            return
        self._form.console.bridge.rest(SECONDS)
        self._form.set_timer(SECONDS, lambda: self._form.answer(None))
