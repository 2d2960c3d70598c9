"""On which line of a definition a fault is: the parser's word, else found from libvirt's. Pure.

libvirt tells no line of what its schema refuses (`Extra element devices in interleave`), and names
an element far above the fault. What it had itself was right: so it is in what was changed.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from core.errors import XmlError
from core.model.text import clean
from core.xml.definition.identity import name_of
from core.xml.tree import Element, line_of, parse

_ELEMENTS = (
    re.compile(
        r"(?:Extra|Expecting|Expected|Expecting an|Did not expect|Unexpected) element (\S+)"
    ),
    re.compile(r"[Ee]lement (\S+) (?:failed to validate|has extra content)"),
    re.compile(r"for element (\S+)"),
    re.compile(r"(?:in|of|for) (?:the )?(?:element )?'<?(\w+)>?' element"),
    re.compile(r"element '?<?(\w+)>?'?"),
    re.compile(r"<(\w+)[ />]"),
)
_ATTRIBUTES = (
    re.compile(r"attribute '(\w+)'"),
    re.compile(r"[Ii]nvalid attribute (\w+)"),
    re.compile(r"'(\w+)' attribute"),
)
_SCHEMA = r"XML document failed to validate against schema: (Unable to validate doc against \S+ ?)?"
_QUOTED = re.compile(r"'([^'\s]{2,})'")
_LAST = re.compile(r"(?:got|extra content:) '?(\w+)'?")


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong with a definition."""

    line: int | None
    """From 1; None: nothing tells."""
    text: str
    """What is wrong, a sentence."""

    def __str__(self) -> str:
        """`Line 7: Opening and ending tag mismatch.`"""
        return self.text if self.line is None else f"Line {self.line}: {self.text}"


def malformed(text: str, kind: str = "domain") -> Fault | None:
    """Return why a text is no definition, and where; None: it is well-formed.

    `kind` is its root.
    """
    from lxml import etree  # see core.xml.tree

    try:
        parse(text, kind, verbatim=True)
    except XmlError as error:
        cause = error.__cause__
        line = cause.lineno if isinstance(cause, etree.XMLSyntaxError) else None
        reason = error.message.removeprefix("The XML cannot be read: ")
        reason = re.sub(r", line \d+, column \d+", "", reason)
        return Fault(line or None, reason)
    return None


def located(text: str, message: str, base: str = "", kind: str = "domain") -> Fault:
    """Return the line of what libvirt complains of in a definition that is well-formed.

    `base` is the definition it was made from, which libvirt had no complaint about; `kind` is the
    root of both.
    """
    message = _tidy(message)
    root = parse(text, kind, verbatim=True)
    lines, changed = text.splitlines(), changed_lines(base, text) if base else frozenset()
    spans = list(_spans(root, len(lines)))
    named = _named(message)
    inside = [(first, last) for name, first, last in spans if name in named and first is not None]
    suspects = sorted(line for line in changed if any(a <= line <= b for a, b in inside))
    for line in suspects or sorted(changed):
        if _fits(lines[line - 1], message):
            return Fault(line, message)
    narrow = min(inside, key=lambda span: span[1] - span[0], default=None)
    guesses = [*suspects, *([narrow[0]] if narrow else []), *sorted(changed)]
    return Fault(guesses[0] if guesses else None, message)


def _tidy(message: str) -> str:
    """Return libvirt's words as one line, without the path of its schema."""
    line = " ".join(clean(message).split())
    return re.sub(_SCHEMA, "libvirt's schema refuses it: ", line)


def changed_lines(base: str, text: str) -> frozenset[int]:
    """Return the lines of a text, from 1, that `base` does not have; where some went, the next."""
    old, new = ([line.strip() for line in each.splitlines()] for each in (base, text))
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    found: set[int] = set()
    for kind, _, _, first, last in matcher.get_opcodes():
        if kind == "delete":
            found.add(min(first + 1, len(new)))
        elif kind != "equal":
            found |= {line + 1 for line in range(first, last) if new[line]}
    return frozenset(found)


def _named(message: str) -> Collection[str]:
    """Return the elements that a message names."""
    found = [name for pattern in _ELEMENTS for name in pattern.findall(message)]
    return {name.strip("'<>.,:") for name in (*found, *_LAST.findall(message))}


def _fits(line: str, message: str) -> bool:
    """Whether a line holds what a message names: an attribute, or a value in quotes."""
    attributes = [name for pattern in _ATTRIBUTES for name in pattern.findall(message)]
    if any(re.search(rf"\b{re.escape(name)}\s*=", line) for name in attributes):
        return True
    values = (value for value in _QUOTED.findall(message) if value not in attributes)
    return any(value in line for value in values) or any(
        f"<{name}" in line for name in _LAST.findall(message)
    )


def _spans(root: Element, count: int) -> Iterator[tuple[str, int, int]]:
    """Yield each element's name, and the lines of its first and last sign."""
    for element in root.iter("*"):
        yield name_of(element), line_of(element), _end(element, count)


def _end(element: Element, count: int) -> int:
    """Return a line on which an element has ended, or ends: where what follows it begins."""
    here: Element | None = element
    while here is not None:
        after = here.getnext()
        if after is not None:
            return max(line_of(element), line_of(after) - 1)
        here = here.getparent()
    return count
