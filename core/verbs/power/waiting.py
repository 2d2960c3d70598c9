"""Waiting for a guest: how long, what comes then, and what the operator may choose meanwhile.

Pure. The operator may have the guest waited for as long as it takes, or have it forced now; what
was chosen is in the journal, so a console that takes the operation over keeps to it.
"""

from __future__ import annotations

from dataclasses import dataclass

from core.model.operation import AnswerChoice, Countdown, OperationQuestion
from core.verbs.situation import Answered, End, Situation, cancelled

WAIT_ON = AnswerChoice(
    "wait-on", "wait on, as long as the guest takes: nothing forces it", harmless=True
)
FORCE = "force-now"


@dataclass(frozen=True, slots=True)
class Waiting:
    """A wait for what a guest was asked, from its first request on."""

    situation: Situation
    timeout: float
    """Seconds the request gives it."""
    force: str
    """What forcing it does, a clause: `cut its power`."""
    loss: str
    """What that takes away, a sentence."""

    @property
    def began(self) -> float:
        """When the guest was asked first."""
        return self.situation.sent[0].at

    @property
    def until(self) -> float | None:
        """When it has waited enough; None: the operator waits on."""
        return None if self._answer(self._first_key) == WAIT_ON.word else self.began + self.timeout

    @property
    def over(self) -> bool:
        """Whether that is past."""
        return self.until is not None and self.situation.now >= self.until

    @property
    def unwatched(self) -> bool:
        """Whether it was past before this console began to watch: then nothing is forced."""
        adopted = self.situation.progress.adopted
        return self.until is not None and adopted is not None and adopted >= self.until

    @property
    def forced(self) -> Answered | None:
        """The operator's word to force it now; None: none was given."""
        found = (self.situation.answer(key) for key in (self._first_key, self._later_key))
        return next((one for one in found if one is not None and one.word == FORCE), None)

    def countdown(self, then: str, again: float | None = None) -> Countdown:
        """Return what is shown of the wait; `then` is what comes at its end, a clause."""
        asked = sum(1 for sent in self.situation.sent if sent.call.asks)
        then = then if self.until is not None else ""
        return Countdown(self.began, self.until, then, asked, again)

    def question(self) -> OperationQuestion:
        """Return what the operator may choose while it goes on."""
        force = AnswerChoice(FORCE, f"do not wait: {self.force} now", self.loss)
        if self.until is None:
            text = f"{self.situation.name} is waited for as long as its guest takes: force it now?"
            return OperationQuestion(self._later_key, text, (force,))
        text = f"wait on for the guest of {self.situation.name}, or force it now?"
        return OperationQuestion(self._first_key, text, (WAIT_ON, force))

    def left(self) -> End:
        """End it, for the operator no longer waits."""
        name, verb = self.situation.name, self.situation.request.verb
        return cancelled(
            f"no longer waiting for {name} ({self.situation.cancelled}); "
            f"its guest was asked to {verb} and may still obey"
        )

    def _answer(self, key: str) -> str:
        found = self.situation.answer(key)
        return "" if found is None else found.word

    @property
    def _first_key(self) -> str:
        return f"wait-{self.began}"

    @property
    def _later_key(self) -> str:
        return f"wait-on-{self.began}"


def gave_up_at_once(situation: Situation) -> bool:
    """Whether libvirt refused the first request: there is nothing to wait for."""
    first = situation.sent[0]
    return bool(first.error) and first.certain
