"""What tells an element of a definition from its like: a disk's target, a network device's MAC."""

from __future__ import annotations

from collections.abc import Iterator

from core.xml.tree import Element, children

Key = tuple[tuple[str, str, int], ...]
"""From the root down: the name of each element, what identifies it, and its number among those."""

_IDENTITY = {
    "disk": "target/@dev",
    "interface": "mac/@address",
    "graphics": "@type",
    "video": "model/@type",
    "filesystem": "target/@dir",
    "cookie": "@name",
    "env": "@name",
    "feature": "@name",
    "timer": "@name",
    "vcpupin": "@vcpu",
    "vcpu": "@id",
    "entry": "@name",
    "hook": "@name",
}
"""Element -> where what identifies it stands; the others are told apart by their number."""


def name_of(element: Element) -> str:
    """Return the name of an element without its namespace."""
    return str(element.tag).rpartition("}")[2]


def identity_of(element: Element) -> str:
    """Return what identifies an element among its siblings of the same name; empty: nothing."""
    name = name_of(element)
    if name == "channel":
        return _value(element, "target/@name")
    if name == "controller":
        return f"{element.get('type', '')} {element.get('index', '')}".strip()
    path = _IDENTITY.get(name)
    return "" if path is None else _value(element, path)


def _value(element: Element, path: str) -> str:
    where, _, attribute = path.rpartition("@")
    found = element.find(where.rstrip("/")) if where else element
    return "" if found is None else str(found.get(attribute) or "")


def numbered(parent: Element) -> Iterator[tuple[tuple[str, str, int], Element]]:
    """Yield each child of an element with what tells it from the others."""
    seen: dict[tuple[str, str], int] = {}
    for element in children(parent):
        kind = str(element.tag), identity_of(element)
        seen[kind] = seen.get(kind, -1) + 1
        yield (*kind, seen[kind]), element


def key_of(element: Element) -> Key:
    """Return what tells an element from every other one of its document."""
    steps: list[tuple[str, str, int]] = []
    here: Element | None = element
    while here is not None:
        parent = here.getparent()
        if parent is None:
            steps.append((str(here.tag), "", 0))
        else:
            steps.append(next(key for key, one in numbered(parent) if one is here))
        here = parent
    return tuple(reversed(steps))


def label_of(element: Element) -> str:
    """Return what an element is called for people: `disk vda driver`."""
    words = [
        f"{tag.rpartition('}')[2]}{f' {identity}' if identity else ''}"
        for tag, identity, _ in key_of(element)[1:]  # the root goes without saying
    ]
    return " ".join(word for word in words if word != "devices") or name_of(element)
