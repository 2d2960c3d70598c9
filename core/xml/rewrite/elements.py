"""Small changes to an element tree."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from lxml import etree

from core.model.rewrites import Rewrites
from core.xml.tree import Element

Rule = Callable[[Element, Rewrites], Iterator[str]]
"""Changes the tree in place, and yields a sentence for each thing it did not find."""


def child(parent: Element, name: str) -> Element:
    """Return the first child of a name; a new one at the end where there is none."""
    found = parent.find(name)
    return etree.SubElement(parent, name) if found is None else found


def section(root: Element, name: str) -> Element:
    """Return a part of a domain; a new one before its devices, where people look for it."""
    found = root.find(name)
    if found is not None:
        return found
    devices = root.find("devices")
    if devices is None:
        return etree.SubElement(root, name)
    made = etree.Element(name)
    made.tail = "\n  "
    devices.addprevious(made)
    return made


def drop(parent: Element, name: str) -> None:
    """Remove every child of a name."""
    for element in parent.findall(name):
        parent.remove(element)


def drop_if_empty(parent: Element, name: str) -> None:
    """Remove a child that has nothing in it any more."""
    element = parent.find(name)
    if element is not None and not len(element) and not element.attrib:
        parent.remove(element)


def put(element: Element, name: str, value: str) -> None:
    """Set an attribute, or remove it where `value` is empty."""
    if value:
        element.set(name, value)
    elif element.get(name) is not None:
        del element.attrib[name]


def swap(old: Element, new: Element) -> None:
    """Put `new` in the place of `old`."""
    parent = old.getparent()
    if parent is not None:
        new.tail = old.tail
        parent.replace(old, new)
