"""A tape whose requests are checked as those of a live fleet are, and taken."""

from __future__ import annotations

from core.model import Request, State
from core.verbs import checks
from core.verbs.refusal import Refusal
from tests.screens.migrate_source import Answering


class Checking(Answering):
    """`submitted` has what came through."""

    crowd: State | None = None
    """The picture with what is not on the tape."""

    @property
    def state(self) -> State:
        """The tape's picture, or the crowd."""
        return self.crowd or super().state

    def check(self, request: Request) -> tuple[Refusal, ...]:
        return checks.check(self.state, request)
