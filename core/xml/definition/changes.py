"""What differs between two definitions: in words, and as a unified diff. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass

from core.model.secrets import HIDDEN
from core.model.text import clean
from core.xml.definition.identity import Key, label_of, name_of, numbered
from core.xml.tree import Element, attributes, parse

LONGEST = 60
"""Characters of a value that are shown."""
MOST_WORDS = 3
"""Changes that one sentence names."""
_SUBJECT = frozenset({"domain", "devices"})
"""Elements that go without saying."""
_COMPLETED = frozenset({"address", "alias", "controller", "model", "target"})
"""What libvirt adds by itself to what it is given."""


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that differs."""

    where: Key
    """Of the element; of an attribute its own name last."""
    label: str
    """What it is called: `disk vda driver cache`."""
    before: str | None
    """None: it was not there."""
    after: str | None
    """None: it is there no more."""

    def __str__(self) -> str:
        """`memory: 1024 MiB -> 2048 MiB`; `disk vdb is new: file /a.qcow2`."""
        if self.before is None:
            return f"{self.label} is new{_colon(self.after)}"
        if self.after is None:
            return f"{self.label} is removed{_colon(self.before)}"
        return f"{self.label}: {_shown(self.before)} \N{RIGHTWARDS ARROW} {_shown(self.after)}"

    @property
    def top(self) -> str:
        """The name of the element of the domain, or of the device, that it is about."""
        names = [tag.rpartition("}")[2] for tag, _, _ in self.where]
        return next((name for name in names if name not in _SUBJECT), "domain")


def changes(before: str, after: str, kind: str = "domain") -> tuple[Change, ...]:
    """Return what differs, in the order of the document; `kind` is its root. Raises XmlError."""
    one, other = (parse(xml, kind, for_people=True) for xml in (before, after))
    root = ((str(one.tag), "", 0),)
    return tuple(_between(one, other, root))


def in_words(found: tuple[Change, ...]) -> str:
    """Return changes as the end of a sentence: the first few, and how many more there are."""
    more = len(found) - MOST_WORDS
    rest = f" and {more:,} more" if more > 0 else ""
    return f"{'; '.join(map(str, found[:MOST_WORDS]))}{rest}"


def unified(before: str, after: str, *, context: int = 2) -> tuple[str, ...]:
    """Return the lines of a unified diff, safe to show; none where nothing differs."""
    lines = difflib.unified_diff(
        before.splitlines(), after.splitlines(), "defined", "edited", lineterm="", n=context
    )
    return tuple(clean(line.expandtabs()) for line in lines)


def carried(base: str, wanted: str, found: str) -> bool:
    """Whether all that was to change between two definitions has, in what is found now.

    What is new is known by its kind alone: libvirt numbers controllers, and completes devices.
    """
    now = changes(base, found)
    made = {(one.where, one.after) for one in now if one.before is not None}
    new = {(one.where[:-1], one.where[-1][0]) for one in now if one.before is None}
    return all(
        (one.where[:-1], one.where[-1][0]) in new
        if one.before is None
        else (one.where, one.after) in made
        for one in changes(base, wanted)
    )


def only_completed(wanted: str, found: str) -> bool:
    """Whether what is found is what was wanted but for what libvirt itself completes."""
    return all(
        one.before is None and one.where[-1][0] in _COMPLETED for one in changes(wanted, found)
    )


def _between(one: Element, other: Element, where: Key) -> Iterator[Change]:
    label = _label(one, other)
    texts = [(element.text or "").strip() for element in (one, other)]
    if texts[0] != texts[1]:
        yield Change(
            where, label, *(_with_unit(*pair) for pair in zip(texts, (one, other), strict=True))
        )
    yield from _attributes(one, other, where, label)
    mine, its = dict(numbered(one)), dict(numbered(other))
    for key, child in mine.items():
        if key in its:
            yield from _between(child, its[key], (*where, key))
        else:
            yield Change((*where, key), label_of(child), _summary(child), None)
    for key, child in its.items():
        if key not in mine:
            yield Change((*where, key), label_of(child), None, _summary(child))


def _attributes(one: Element, other: Element, where: Key, label: str) -> Iterator[Change]:
    mine, its = dict(attributes(one)), dict(attributes(other))
    for name in dict.fromkeys((*mine, *its)):
        before, after = mine.get(name), its.get(name)
        if before != after:
            yield Change((*where, ("@", name, 0)), f"{label} {name}", before, after)


def _label(one: Element, other: Element) -> str:
    """Return what an element is called: as it was, which is what the operator knows."""
    return label_of(one) if one.getparent() is not None else name_of(other)


def _with_unit(text: str, element: Element) -> str:
    unit = element.get("unit")
    return f"{text} {unit}" if unit and text else text


def _summary(element: Element) -> str:
    """Return what an element says: its text and values, those of its children too."""
    parts = []
    for each in element.iter("*"):
        parts += [value for _, value in attributes(each)]
        parts += [each.text.strip()] if each.text and each.text.strip() else []
    return " ".join(parts)


def _colon(value: str | None) -> str:
    return f": {_shown(value)}" if value else ""


def _shown(value: str) -> str:
    text = " ".join(clean(value).split())
    if text.startswith(HIDDEN) and len(text) > len(HIDDEN):
        return "a new one"
    if not text:
        return "nothing"
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."
