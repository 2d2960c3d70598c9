"""XML for people to read: indented, clean, and without secrets."""

from __future__ import annotations

import re

from core.model.secrets import HIDDEN, WORDS, without_secrets
from core.model.text import clean
from core.xml.tree import Element, parse

# VNC and SPICE passwords, and the cookies of HTTP disks. libvirt leaves them out unless asked for;
# a hypervisor's own command line it does not know to censor.
# The query of an HTTP disk is as often a signature or a token, and that libvirt does give.
SECRET_ATTRIBUTES = frozenset({"passwd", "password", "passphrase", "query"})
SECRET_ELEMENTS = frozenset({"password", "passwd", "passphrase", "cookie"})


def format_xml(xml: str) -> str:
    """Return `xml` indented by two blanks a level, without secrets and control characters.

    Comments stay, empty lines go. Raises XmlError.
    """
    from lxml import etree  # see core.xml.tree

    root = parse(xml, for_people=True)
    for element in root.iter():
        if isinstance(element.tag, str):
            _hide_secrets(element)
    etree.indent(root, space="  ")
    return clean(etree.tostring(root, encoding="unicode"), multiline=True)


def _hide_secrets(element: Element) -> None:
    name = str(element.tag).rpartition("}")[2]  # without its namespace
    if name in SECRET_ELEMENTS and element.text and element.text.strip():
        element.text = HIDDEN
    for key in SECRET_ATTRIBUTES:
        if element.get(key) is not None:
            element.set(key, HIDDEN)
    if name == "arg" and (argument := element.get("value")) is not None:
        element.set("value", without_secrets(argument))
    if name == "env" and re.search(WORDS, element.get("name") or "", re.IGNORECASE):
        element.set("value", HIDDEN)
