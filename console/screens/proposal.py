"""What is asked for before a verb is carried out: of whom, why not of some, what it takes away.

Pure, any thread.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from console import format as fmt
from core.model import Host, Instance, ObjectKey, Request, State
from core.model.driver import driver_of_type
from core.state.subject import Subject, subject_of
from core.verbs.caution import Caution, Danger
from core.verbs.danger import danger_of
from core.verbs.verb import Verb
from core.verbs.wording import name_of


@dataclass(frozen=True, slots=True)
class Target:
    """One object a verb is meant for, and why it cannot be, if it cannot."""

    key: ObjectKey
    name: str
    host: str
    state: str
    """In a word; empty where its kind has none."""
    request: Request
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Proposal:
    """What the operator is asked to agree to."""

    verb: Verb
    targets: tuple[Target, ...]
    hidden: int = 0
    """How many of the targets the filter hides."""
    danger: Danger = field(default_factory=Danger)
    """What it takes away from those it can be done to."""

    @property
    def able(self) -> tuple[Target, ...]:
        """Those it can be done to."""
        return tuple(target for target in self.targets if not target.reasons)

    @property
    def unable(self) -> tuple[Target, ...]:
        """Those it cannot be done to."""
        return tuple(target for target in self.targets if target.reasons)

    @property
    def must_ask(self) -> bool:
        """Whether it needs a yes: for what it takes away, or because several are meant."""
        return self.danger.caution is not Caution.NONE or len(self.targets) > 1

    @property
    def goes_at_once(self) -> bool:
        """Whether it can be done, and nothing has to be asked first."""
        return bool(self.able) and not self.must_ask


def target_of(state: State, request: Request) -> Target:
    """Return the object a request is for."""
    key = request.subject
    word = _state_word(subject_of(state, key))
    return Target(key, name_of(state, request), key.host, word, request)


def proposal_of(
    verb: Verb,
    targets: Sequence[Target],
    reasons: Sequence[tuple[str, ...]],
    state: State,
    hidden: int,
) -> Proposal:
    """Return what is to be agreed to, from what speaks against each target in a picture."""
    proposal = Proposal(verb, with_reasons(targets, reasons), hidden)
    able = [target.request for target in proposal.able]
    return replace(proposal, danger=danger_of(state, able))


def with_reasons(
    targets: Sequence[Target], reasons: Sequence[tuple[str, ...]]
) -> tuple[Target, ...]:
    """Return targets with what speaks against each."""
    return tuple(replace(target, reasons=why) for target, why in zip(targets, reasons, strict=True))


def fits(verb: Verb, subject: Subject) -> bool:
    """Whether a verb is worth proposing for an object as it is: the check has the last word."""
    if not isinstance(subject, Instance):
        return True
    return subject.state not in verb.states and driver_of_type(subject.type).can(verb.name)


def _state_word(subject: Subject | None) -> str:
    if isinstance(subject, Instance):
        return fmt.instance_state(subject.state).word
    return subject.link.status.value if isinstance(subject, Host) else ""
