"""What an evacuation would do, and what became of it, in words: for both surfaces. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from console import format as fmt
from console.cell_width import padded, widest
from core.evacuation import Survey, SurveyedInstance
from core.model import OperationStatus
from core.model.lists import listed, plural
from core.model.text import clean


def does(one: SurveyedInstance) -> str:
    """Say what would be done about one instance, or why nothing is."""
    if one.there:
        return clean(one.against)
    if one.against:
        return f"left alone: {clean(one.against)}"
    what = "defined and started" if one.request.start else "defined, it was off"
    notes = "".join(f"; {clean(note)}" for note in one.notes)
    return f"{what}{notes}"


def summary(found: Survey) -> str:
    """Say in a sentence what would be done."""
    asked = found.requests
    starts = sum(1 for one in asked if one.start)
    there = sum(1 for one in found.instances if one.there)
    left = len(found.instances) - len(asked) - there
    parts = [f"{plural(len(asked), 'instance')} of {clean(found.source)} to {clean(found.to)}"]
    if starts < len(asked):
        parts.append(f"{starts:,} of them started, as they ran")
    if there:
        parts.append(f"{there:,} there already")
    if left:
        parts.append(f"{left:,} left alone")
    return f"{', '.join(parts)}."


def unseen(found: Survey) -> str:
    """Say which hosts nobody could look at; empty: all answered."""
    if not found.unseen:
        return ""
    names = listed(found.unseen)
    it = "they are" if len(found.unseen) > 1 else "it is"
    return f"Not looked at, as {it} out of reach: {names}."


def age(found: Survey, at: float) -> str:
    """Say how old what is kept of the host is."""
    return f"{clean(found.source)} was seen last {fmt.age(found.seen, at)} ago."


def in_words(found: Survey) -> list[str]:
    """Return the whole plan, a line each."""
    names = [clean(one.request.makes) for one in found.instances]
    width = widest(names)
    lines = [
        f"{padded(name, width)}  {does(one)}"
        for name, one in zip(names, found.instances, strict=True)
    ]
    return [*lines, *filter(None, [unseen(found)])]


def outcome(found: Survey, ends: Mapping[str, OperationStatus]) -> str:
    """Say what became of it in one sentence: `13 done, 2 refused: a, b.`"""
    names: dict[str, list[str]] = {}
    for one in found.instances:
        end = ends.get(one.request.subject.id, OperationStatus.REFUSED)
        word = OperationStatus.REFUSED if one.against else end
        said = "there already" if one.there else word.value
        names.setdefault(said, []).append(clean(one.request.makes))
    done = names.pop(OperationStatus.DONE.value, [])
    rest = [f"{len(of):,} {word}: {listed(of)}" for word, of in names.items()]
    return f"{', '.join([f'{len(done):,} done', *rest])}."
