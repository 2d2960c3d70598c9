"""A definition that was taken apart, put together again: its text, and new elements in it. Pure."""

from __future__ import annotations

import unicodedata

from core.xml.tree import Element, children, parse

_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Categories of characters that an editor does not show as they are."""
_STEP = "  "


def written(root: Element) -> str:
    """Return a definition as text, each odd sign by its number: XML takes either."""
    from lxml import etree  # see core.xml.tree

    text = etree.tostring(root, encoding="unicode")
    if not (text.isascii() and text.isprintable()):
        text = "".join(map(_visible, text))
    return f"{text.rstrip()}\n"


def as_edited(xml: str) -> str:
    """Return a definition without secrets as it is edited: each odd sign by its number.

    Lossless: defined as it is, nothing changes. Raises XmlError.
    """
    return written(parse(xml, verbatim=True))


def alike(before: str, after: str, kind: str, *, fill: bool = False) -> tuple[str, str]:
    """Return two definitions written in one hand, so that their lines can be compared.

    `fill`: a name or UUID that the second leaves out is that of the first. Raises XmlError.
    """
    old, new = (parse(xml, kind, verbatim=True) for xml in (before, after))
    for tag in ("uuid", "name") if fill else ():
        known = old.find(tag)
        if known is not None and new.find(tag) is None:
            _put_first(new, tag, known.text or "")
    return written(old), written(new)


def _put_first(parent: Element, tag: str, text: str) -> None:
    """Put an element before the others, on a line of its own where they have one."""
    from lxml import etree  # see core.xml.tree

    made = etree.Element(tag)
    made.text, made.tail = text, parent.text
    parent.insert(0, made)


def _visible(sign: str) -> str:
    hidden = sign not in "\n\t" and unicodedata.category(sign) in _UNSEEN
    return f"&#x{ord(sign):x};" if hidden else sign


def child(parent: Element, tag: str, /, **attributes: str) -> Element:
    """Append an element, indented as those beside it are."""
    from lxml import etree  # see core.xml.tree

    depth = sum(1 for _ in parent.iterancestors()) + 1
    before = children(parent)
    made = etree.SubElement(parent, tag, attributes)
    if before:
        before[-1].tail = f"\n{_STEP * depth}"
    else:
        parent.text = f"\n{_STEP * depth}"
    made.tail = f"\n{_STEP * (depth - 1)}"
    return made
