"""What speaks against an edit of a definition, and what it changes: all that reads the XML of it.

Loaded where one is asked for: the help of the command line reads no XML.
"""

from __future__ import annotations

from collections.abc import Iterator

from core.errors import XmlError
from core.verbs.refusal import Refusal, RefusalCode
from core.xml.definition.changes import Change, changes
from core.xml.tree import exact, parse, text

AT_ONCE = {
    "vcpu": "set-vcpus",
    "memory": "set-memory",
    "currentMemory": "set-memory",
    "title": "title",
    "description": "description",
}
"""What an edit changes at the next start, and the verb that changes it at once."""


def changes_of(base: str, given: str) -> tuple[Change, ...]:
    """Return what an edit changes; nothing where its base is not known, or it is no XML."""
    try:
        return changes(base, given) if base else ()
    except XmlError:
        return ()


def at_once(base: str, given: str) -> list[str]:
    """Name the verbs that change at once what an edit changes at the next start."""
    verbs = dict.fromkeys(AT_ONCE[one.top] for one in changes_of(base, given) if one.top in AT_ONCE)
    return [f"At once: {', '.join(verbs)}."] if verbs else []


def against_edit(base: str, given: str) -> Iterator[Refusal]:
    """Tell why a text that is well-formed is no edit of a definition."""
    if (refusal := against_identity(base, given)) is not None:
        yield refusal
    if not changes(base, given):
        yield Refusal(RefusalCode.PARAMETER, "Nothing was changed", "change something", "xml")


def against_identity(base: str, given: str) -> Refusal | None:
    """Tell why a text is another instance's definition."""
    one, other = parse(base, "domain"), parse(given, "domain")
    if exact(one, "name") != exact(other, "name"):
        wrong = f"The name is {exact(other, 'name') or 'missing'}, and was {exact(one, 'name')}"
        return Refusal(RefusalCode.PARAMETER, wrong, "leave it, and use rename", "xml")
    if text(one, "uuid").lower() != text(other, "uuid").lower():
        wrong = f"The UUID is {text(other, 'uuid') or 'missing'}, and was {text(one, 'uuid')}"
        return Refusal(RefusalCode.PARAMETER, wrong, "leave it: another one is a clone's", "xml")
    return None
