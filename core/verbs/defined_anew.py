"""A network or a pool is defined, also anew: its step, its undo, what speaks against it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from typing import Protocol, TypeVar

from core.errors import XmlError
from core.model import Network, ObjectKey, Pool, Request, State
from core.model.text import clean
from core.state.subject import Subject, subject_of
from core.verbs.call import Call
from core.verbs.caution import Caution
from core.verbs.refusal import Refusal, RefusalCode
from core.verbs.sequence import Step, Steps
from core.verbs.situation import Situation
from core.verbs.verb import Risk, Subjects

Row = TypeVar("Row", Network, Pool)


class NewDefinition(Protocol):
    """A request for it."""

    def __init__(self, subject: ObjectKey, xml: str, base: str) -> None: ...
    @property
    def xml(self) -> str:
        """All of the new definition."""

    @property
    def base(self) -> str:
        """The one that it was made from; empty: what it is now."""


def steps_of(
    root: str, request_type: type[NewDefinition], call_type: Callable[[str, str], Call]
) -> Steps:
    """Return what decides on its one step; `call_type` is made of the XML and what it is from."""

    def steps(now: Situation) -> list[Step]:
        from core.xml.naming import named_as

        request = now.request
        assert isinstance(request, request_type)
        sent = next((one.call for one in now.sent), None)
        call = sent or call_type(
            named_as(request.xml, root, now.name, now.request.subject.id),
            request.base or now.document or "",
        )
        return [Step(call, f"defining {now.name} anew")]

    return steps


def defined_new(step: Step, *, given: bool) -> Step:
    """Return the step that defines what is not there yet: by its UUID it is known again.

    One that was given, as in an XML, is no proof: another may have defined the same meanwhile.
    """
    if not given:
        return step

    def heard(now: Situation) -> bool:
        return any(one.call == step.call and one.accepted for one in now.sent)

    return replace(step, shows=heard, names=step.text.removeprefix("defining "))


def as_before(request_type: type[NewDefinition]) -> Callable[[Situation], Request | None]:
    """Return what makes the edit that puts back what was; refused where it was changed since."""

    def before(now: Situation) -> Request | None:
        request = now.request
        assert isinstance(request, request_type)
        if now.document is None:
            return None
        made = request_type(request.subject, now.document, request.xml)
        assert isinstance(made, Request)
        return made

    return before


def against_other(
    row: Row, xml: str, read: Callable[[str], Row]
) -> Generator[Refusal, None, Row | None]:
    """Tell that an object has no definition, or that the XML is another's; return what it says."""
    kind = row.key.kind
    if not row.persistent:
        text = f"{clean(row.name)} is transient, it has no definition"
        yield Refusal(RefusalCode.STATE, text, "stop it, and make one from its XML")
    try:
        found = read(xml)
    except XmlError:  # its rule tells on which line
        return None
    if found.name not in ("", row.name) or found.uuid not in ("", row.uuid):
        text = f"The XML is that of another {kind}, {clean(found.name or found.uuid)}"
        cure = f"give that of {clean(row.name)}: libvirt renames no {kind}"
        yield Refusal(RefusalCode.PARAMETER, text, cure, "xml")
    return found


def risk_of(root: str, caution: Caution) -> Risk:
    """Return what an edit of such XML takes away: `root` is its root element."""
    return Risk(caution, _replaces(root), after=_counts)


def since(found: Subject | None) -> str:
    """Say from when on a new definition counts: of what is off, it does already."""
    runs = isinstance(found, Network | Pool) and found.active
    return "; it counts once it is stopped and started" if runs else ""


def _replaces(root: str) -> Callable[[Request, Subjects], str]:
    def sentence(request: Request, subjects: Subjects) -> str:
        from core.xml.definition.changes import changes, in_words
        from core.xml.definition.text import alike

        base, xml = getattr(request, "base", ""), getattr(request, "xml", "")
        try:
            # a name or UUID that is left out is kept
            found = changes(*alike(base, xml, root, fill=True), root) if base else ()
        except XmlError:
            found = ()
        what = f": {in_words(found)}" if found else ""
        return f"Replaces the definition of {subjects.whom}{what}."

    return sentence


def _counts(state: State, requests: Sequence[Request]) -> list[str]:
    """Say from when on it counts, of those that run."""
    rows = [subject_of(state, one.subject) for one in requests]
    return [
        f"{clean(row.name)} runs on as it is until it is stopped and started."
        for row in rows
        if isinstance(row, Network | Pool) and row.active
    ]
