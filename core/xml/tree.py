"""Parsing untrusted XML, and reading single values out of it without ever failing."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias

from core.errors import XmlError
from core.model.text import clean, printable_name

if TYPE_CHECKING:  # lxml is loaded by the first XML that is read: a list of instances reads none
    from lxml import etree

    Element: TypeAlias = etree._Element
else:
    Element = Any

# A document type can only stand before the root element. Atomic groups: no backtracking, so a
# prolog of many comments costs linear time.
_DOCTYPE = re.compile(r"\ufeff?(?>\s+|<\?(?>.*?\?>)|<!--(?>.*?-->))*+<!DOCTYPE", re.DOTALL)
_NUMBER = re.compile(r"0*([0-9]{1,19})")
_HEXADECIMAL = re.compile(r"0[xX]([0-9a-fA-F]{1,16})")
_LARGEST = 2**63 - 1  # what tapes and the journal can hold
_HINT = "Look at the host's libvirt log; virsh dumpxml shows what libvirt sends."
_POWERS = {"k": 1, "m": 2, "g": 3, "t": 4, "p": 5, "e": 6}


def parse(xml: str, *roots: str, for_people: bool = False, verbatim: bool = False) -> Element:
    """Return the root element of `xml`, which must have one of the names `roots` (none: any).

    `for_people` keeps comments and drops the blanks between elements; `verbatim` keeps all that
    stands inside the root element. Raises XmlError for
    malformed XML, another root, and any document type: libvirt never sends one, and entities are
    how XML attacks its reader.
    """
    if _DOCTYPE.match(xml):
        raise XmlError("The XML has a document type, which libvirt never sends.", _HINT)
    from lxml import etree

    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_blank_text=for_people,
        remove_comments=not (for_people or verbatim),
        remove_pis=not verbatim,
        strip_cdata=not verbatim,
    )
    try:
        root = etree.fromstring(xml.encode("utf-8", "replace"), parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        reason = clean(getattr(error, "msg", "") or "it is empty")
        raise XmlError(f"The XML cannot be read: {reason}.", _HINT) from error
    if root is None or root.getroottree().docinfo.internalDTD is not None:
        raise XmlError("The XML has no root element or has a document type.", _HINT)
    if roots and root.tag not in roots:
        raise XmlError(f"The XML is a <{clean(str(root.tag))}>, not a <{roots[0]}>.", _HINT)
    return root


def line_of(element: Element) -> int:
    """Return the line on which an element begins, from 1; 0 where nothing tells."""
    line: Any = element.sourceline
    return int(line or 0)


def children(element: Element | None) -> list[Element]:
    """Return the child elements, without comments; none of None."""
    if element is None:
        return []
    return [child for child in element if isinstance(child.tag, str)]


def attributes(element: Element) -> list[tuple[str, str]]:
    """Return the names and values of all attributes, as they are written, in linear time.

    lxml looks every value up by its name, so that its own `items` of 50,000 takes minutes.
    """
    values: Any = _all_attributes()(element)
    return [(str(value.attrname), str(value)) for value in values]


@cache
def _all_attributes() -> etree.XPath:
    from lxml import etree

    return etree.XPath("@*")


def text(element: Element | None, path: str = ".") -> str:
    """Return the clean, stripped text of the element at `path`; empty when there is none."""
    found = None if element is None else element.find(path)
    if found is None or not found.text:
        return ""
    return clean(found.text.strip())


def exact(element: Element | None, path: str = ".") -> str:
    """Return the text at `path` that names something, a path or a name: printable, blanks and all.

    libvirt takes it as it stands. `core.model.text.real_name` gives back what was written.
    """
    found = None if element is None else element.find(path)
    return "" if found is None or not found.text else printable_name(found.text)


def paragraph(element: Element, path: str) -> str:
    """Return the text at `path` with its line breaks, otherwise clean."""
    return clean(element.findtext(path) or "", multiline=True).strip()


def attribute(element: Element | None, name: str, path: str = ".") -> str:
    """Return an attribute of the element at `path`, as `exact` does; empty when missing."""
    found = None if element is None else element.find(path)
    value = None if found is None else found.get(name)
    return printable_name(value) if value else ""


def number(value: str) -> int | None:
    """Return a decimal number of at most 63 bits; None for anything else."""
    found = _NUMBER.fullmatch(value)
    if found is None:
        return None
    result = int(found[1])
    return result if result <= _LARGEST else None


def hexadecimal(value: str, default: int = 0) -> int:
    """Return a number written as libvirt writes device addresses: `0x1f` or decimal."""
    found = _HEXADECIMAL.fullmatch(value)
    result = int(found[1], 16) if found else number(value)
    return result if result is not None and result <= _LARGEST else default


def flag(element: Element, path: str) -> bool:
    """Whether there is an element at `path`: how libvirt writes `<readonly/>`."""
    return element.find(path) is not None


def size(element: Element | None, path: str = ".", unit: str = "b") -> int | None:
    """Return the bytes the element at `path` gives with its `unit` attribute; None: unknown.

    `unit` is what libvirt takes without one: KiB for memory, bytes for storage.
    """
    found = None if element is None else element.find(path)
    if found is None:
        return None
    return scaled(text(found), found.get("unit") or unit)


def scaled(value: str, unit: str) -> int | None:
    """Return `value` in `unit` as bytes, by the rules of libvirt's virScaleInteger.

    `b` and `bytes` are 1; `k`, `KiB`, `M`, `MiB`... powers of 1024; `KB`, `MB`... of 1000.
    """
    amount = number(value)
    if amount is None:
        return None
    suffix = unit.strip().lower()
    if suffix in ("b", "byte", "bytes"):
        return amount
    power = _POWERS.get(suffix[:1])
    if power is None or suffix[1:] not in ("", "b", "ib"):
        return None
    base = 1000 if suffix[1:] == "b" else 1024
    result = amount * int(base**power)
    return result if result <= _LARGEST else None
