"""A definition as an operator edits it: without its secrets, which come back when it is defined.

Each secret is written `***`. What stands for one that is kept is filled in from the definition
that libvirt has; one that was typed is taken out and handed over beside the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from core.errors import XmlError
from core.model.secrets import HIDDEN, WORDS, without_secrets
from core.xml.definition.identity import Key, key_of, label_of
from core.xml.definition.text import written
from core.xml.pretty import SECRET_ATTRIBUTES, SECRET_ELEMENTS
from core.xml.tree import Element, attributes, parse

_GIVEN = re.compile(re.escape(HIDDEN) + r"([0-9]{1,3})")
"""Stands for one that was typed, by its number."""
_CURE = "Type it, or leave it out."


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a secret stands in a document."""

    element: Element
    attribute: str
    """Empty: it is the element's text."""

    @property
    def value(self) -> str:
        """What stands there."""
        if self.attribute:
            return str(self.element.get(self.attribute))
        return str(self.element.text)

    @property
    def masked(self) -> str:
        """The same without the secret."""
        name = _name(self.element)
        if name == "arg" and not _GIVEN.fullmatch(self.value):
            return without_secrets(self.value)
        return self.value if _GIVEN.fullmatch(self.value) else HIDDEN

    @property
    def key(self) -> Key:
        """What tells it from the others."""
        hint = self.masked if _name(self.element) == "arg" else self.attribute
        return (*key_of(self.element), ("", hint, 0))

    def put(self, value: str) -> None:
        """Write something else there."""
        if self.attribute:
            self.element.set(self.attribute, value)
        else:
            self.element.text = value


def editable(xml: str) -> str:
    """Return a definition as it is edited: each secret `***`, each odd sign by its number.

    Lossless but for the secrets: defined as it is, nothing changes. Raises XmlError.
    """
    root = parse(xml, "domain", verbatim=True)
    for place in list(_places(root)):
        place.put(place.masked)
    return written(root)


def withheld(text: str) -> tuple[str, tuple[str, ...]]:
    """Return what was edited without the secrets that were typed, and those.

    Raises XmlError for what is not well-formed, or no definition.
    """
    root = parse(text, "domain", verbatim=True)
    given: list[str] = []
    for place in list(_places(root)):
        if HIDDEN in place.value and place.masked == place.value:
            continue
        mark = f"{HIDDEN}{len(given)}"
        given.append(place.value)
        place.put(mark)
    return (written(root) if given else text), tuple(given)


def whole(text: str, defined: str, given: Sequence[str]) -> str:
    """Return what was edited with its secrets: those typed, and those of what is `defined`.

    Raises XmlError, naming it, for one that is nowhere.
    """
    root, kept = parse(text, "domain", verbatim=True), _secrets_of(defined)
    for place in list(_places(root)):
        place.put(_revealed(place, kept, given))
    return written(root)


def _revealed(place: _Place, kept: Mapping[Key, str], given: Sequence[str]) -> str:
    if found := _GIVEN.fullmatch(place.value):
        if int(found[1]) < len(given):
            return given[int(found[1])]
    elif HIDDEN not in place.value:
        return place.value
    elif (known := kept.get(place.key)) is not None:
        return known
    where = f"{label_of(place.element)} {place.attribute}".rstrip()
    raise XmlError(f"The secret of {where} is {HIDDEN}, and none is kept for it.", _CURE)


def secrets_in(xml: str) -> tuple[str, ...]:
    """Return the secrets of a definition, the longest first, to be taken out of other texts."""
    return tuple(sorted(set(_secrets_of(xml).values()), key=len, reverse=True))


def _secrets_of(xml: str) -> dict[Key, str]:
    return {place.key: place.value for place in _places(parse(xml, "domain", verbatim=True))}


def _places(root: Element) -> Iterator[_Place]:
    for element in root.iter("*"):
        name = _name(element)
        if name in SECRET_ELEMENTS and element.text and element.text.strip():
            yield _Place(element, "")
        for attribute, value in attributes(element):
            if attribute in SECRET_ATTRIBUTES or _hides(element, name, attribute, value):
                yield _Place(element, attribute)


def _hides(element: Element, name: str, attribute: str, value: str) -> bool:
    """Whether the value is one of a hypervisor's own command line, and holds a secret."""
    if attribute != "value" or name not in ("arg", "env"):
        return False
    if name == "env":
        return bool(re.search(WORDS, element.get("name") or "", re.IGNORECASE))
    return without_secrets(value) != value or HIDDEN in value


def _name(element: Element) -> str:
    """Return the name of an element without its namespace."""
    return str(element.tag).rpartition("}")[2]
