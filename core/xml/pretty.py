"""XML for people to read: indented, clean, and without secrets."""

from __future__ import annotations

import re

from lxml import etree

from core.model.text import clean
from core.xml.tree import Element, parse

_HIDDEN = "***"
# VNC and SPICE passwords, and the cookies of HTTP disks. libvirt leaves them out unless asked for;
# a hypervisor's own command line it does not know to censor.
_SECRET_NAMES = frozenset({"passwd", "password", "passphrase"})
_SECRET_ELEMENTS = frozenset({"password", "passwd", "passphrase", "cookie"})
_SECRET_OPTION = re.compile(r"(?i)((?:pass(?:wor|phrase|w)?d?|secret|token|[a-z-]*key)=)[^,\s]+")


def format_xml(xml: str) -> str:
    """Return `xml` indented by two blanks a level, without secrets and control characters.

    Comments stay, empty lines go. Raises XmlError.
    """
    root = parse(xml, for_people=True)
    for element in root.iter():
        if isinstance(element.tag, str):
            _hide_secrets(element)
    etree.indent(root, space="  ")
    return clean(etree.tostring(root, encoding="unicode"), multiline=True)


def _hide_secrets(element: Element) -> None:
    name = etree.QName(element).localname
    if name in _SECRET_ELEMENTS and element.text and element.text.strip():
        element.text = _HIDDEN
    for key, value in element.attrib.items():
        if str(key) in _SECRET_NAMES:
            element.set(key, _HIDDEN)
        elif name in ("arg", "env"):
            element.set(key, _SECRET_OPTION.sub(rf"\g<1>{_HIDDEN}", str(value)))
