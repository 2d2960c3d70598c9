"""What a Migrate dialog asks the hosts, what it knows, and when it may start. Pure, any thread."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from console import format as fmt
from console.screens.migrations.migrate_findings import Assessment, can_start
from console.screens.migrations.migrate_form import MigrateAnswers
from core.migration.plan.options import standing
from core.model import Finding, Level
from core.model.text import clean

WAITS = "Starts once both hosts are looked at; esc or a change takes that back."
LOOKS_AGAIN = "It was blocked: looking again, it starts if nothing blocks any more."


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be asked of the hosts now."""

    wish: int
    """What it answers."""
    measure: bool
    """Whether the guests' dirty rates are to be measured, for the forecast."""
    fresh: bool
    """Whether what was seen a moment ago must not be taken for the answer."""


@dataclass(frozen=True, slots=True)
class Pressed:
    """What comes of the key that starts, or of an answer that it waited for."""

    starts: bool = False
    text: str = ""
    """Why it does not start."""
    waits: bool = False
    """It starts once the hosts have been looked at."""


@dataclass(slots=True)
class MigrateCheck:
    """The requests a dialog makes, and what its looks at the hosts have found of them.

    The key that starts waits for a look: it starts once that has found nothing the operator has
    not been shown, and says else what needs attention. Where something blocks it has the hosts
    looked at again, for what blocked may be over.
    """

    reading: MigrateAnswers = field(default_factory=MigrateAnswers)
    assessments: tuple[Assessment, ...] = ()
    waits_for: str = ""
    """What the key that was pressed waits for, as a sentence; empty: none was, or none waits."""
    _wish: int = 0
    """Counts what was chosen: an answer to an earlier one is dropped."""
    _known: int = 0
    """The wish that the assessments answer."""
    _asked: int = 0
    """The wish that is being answered; 0: none."""
    _measured: bool = False
    """Whether the dirty rates were measured: once is enough, they are remembered."""
    _fresh: bool = False
    _shown: frozenset[tuple[str, Finding]] = frozenset()
    """What was shown when the key was pressed."""

    @property
    def known(self) -> bool:
        """Whether the assessments are those of what is chosen now."""
        return self._wish > 0 and self._known == self._wish and not self.reading.wrong

    @property
    def ready(self) -> bool:
        """Whether it can be started as it is chosen now."""
        return self.known and can_start(self.assessments, self.overrides)

    @property
    def blocked(self) -> bool:
        """Whether something is known to speak against what is chosen now."""
        return bool(self.reading.wrong) or (self.known and not self.ready)

    @property
    def measuring(self) -> bool:
        """Whether what blocks is known, and the forecast still to come."""
        return bool(self._asked) and self.known

    @property
    def at_rest(self) -> bool:
        """Whether everything that can be found of what is chosen now is known."""
        if self._asked:
            return False
        return bool(self.reading.wrong) or (self.known and self._measured)

    def choose(self, reading: MigrateAnswers) -> bool:
        """Take what the form says now; returns whether the hosts have to be looked at anew."""
        if reading == self.reading:
            return False
        self.reading = reading
        self.waits_for = ""
        self._wish += 1
        return True

    def override(self, reading: MigrateAnswers) -> None:
        """Take what the form says with one more override, which changes nothing on the hosts."""
        self.reading = reading

    def question(self) -> Question | None:
        """What to ask now; None: nothing, or nothing before the present answer is there."""
        measure = self.known
        if self._asked or self.reading.wrong or (measure and self._measured):
            return None
        self._asked = self._wish
        self._measured = self._measured or measure
        fresh, self._fresh = self._fresh, False
        return Question(self._wish, measure, fresh)

    def answer(self, wish: int, found: Sequence[Assessment]) -> Pressed | None:
        """Take an answer; None where it is to what is no longer chosen.

        Says what comes of a key that waited for it.
        """
        self._asked = 0
        if wish != self._wish:
            return None
        self.assessments, self._known = tuple(found), wish
        if not self.take_back():
            return Pressed()
        if not self.ready:
            return Pressed(text=f"Not started. {self._first_blocker()}")
        if new := {one for one in _noted(self.assessments) if one not in self._shown}:
            count = fmt.plural(len(new), "finding")
            return Pressed(text=f"Not started yet: {count} to be read first. ^s starts it.")
        return Pressed(starts=True)

    def press(self) -> Pressed:
        """Take the key that starts."""
        if self.reading.wrong:
            return Pressed(text=f"Not started: {self.reading.wrong[0]}")
        if self.ready:
            return Pressed(starts=True)
        if not self.waits_for:
            self.waits_for = LOOKS_AGAIN if self.known else WAITS
            self._shown = frozenset(_noted(self.assessments))
            if self.known:
                self._fresh = True
                self._wish += 1
        return Pressed(waits=True)

    def take_back(self) -> bool:
        """Forget a key that waits; returns whether one did."""
        waited, self.waits_for = bool(self.waits_for), ""
        return waited

    @property
    def overrides(self) -> tuple[str, ...]:
        """What was overridden, as the requests say."""
        return self.reading.requests[0].overrides if self.reading.requests else ()

    def _first_blocker(self) -> str:
        for item in self.assessments:
            for text in item.refusals:
                return clean(text)
            found = standing(item.preflight, self.overrides) if item.preflight else ()
            for finding in found:
                return f"{clean(finding.id)}: {clean(finding.text)}"
        return "It is blocked."


def _noted(assessments: Sequence[Assessment]) -> Iterator[tuple[str, Finding]]:
    """What is to be read of the findings."""
    for item in assessments:
        for finding in item.preflight.findings if item.preflight is not None else ():
            if finding.level is not Level.OK:
                yield item.name, finding
