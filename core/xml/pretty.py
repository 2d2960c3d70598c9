"""XML for people to read: indented, clean, and without secrets."""

from __future__ import annotations

import re

from lxml import etree

from core.model.text import clean
from core.xml.tree import Element, parse

_HIDDEN = "***"
# VNC and SPICE passwords, and the cookies of HTTP disks. libvirt leaves them out unless asked for;
# a hypervisor's own command line it does not know to censor.
# The query of an HTTP disk is as often a signature or a token, and that libvirt does give.
_SECRET_NAMES = frozenset({"passwd", "password", "passphrase", "query"})
_SECRET_ELEMENTS = frozenset({"password", "passwd", "passphrase", "cookie"})
_SECRET_WORDS = r"(?:password|passwd|passphrase|pass|secret|token|key)"
_SECRET_OPTION = re.compile(rf"(?i)({_SECRET_WORDS}=)[^,\s]+")
_SECRET_MEMBER = re.compile(rf'(?i)("(?:data|{_SECRET_WORDS})"\s*:\s*")[^"]*')
_SECRET_NAME = re.compile(_SECRET_WORDS, re.IGNORECASE)
_SECRET_DATA = re.compile(r"(data=)[^,]+")  # of QEMU's -object secret


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
    for key in _SECRET_NAMES:
        if element.get(key) is not None:
            element.set(key, _HIDDEN)
    if name == "arg" and (argument := element.get("value")) is not None:
        element.set("value", _censored(argument))
    if name == "env" and _SECRET_NAME.search(element.get("name") or ""):
        element.set("value", _HIDDEN)


def _censored(argument: str) -> str:
    """Return a hypervisor's argument without the values of what sounds like a secret."""
    if argument.startswith("secret,"):
        return _SECRET_DATA.sub(rf"\g<1>{_HIDDEN}", argument)
    argument = _SECRET_OPTION.sub(rf"\g<1>{_HIDDEN}", argument)
    return _SECRET_MEMBER.sub(rf"\g<1>{_HIDDEN}", argument)
