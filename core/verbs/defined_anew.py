"""What is to be said before a network or a pool is defined anew, and after. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from core.errors import XmlError
from core.model import Network, Pool, Request, State
from core.model.text import clean
from core.state.subject import Subject, subject_of
from core.verbs.caution import Caution
from core.verbs.verb import Risk, Subjects


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
