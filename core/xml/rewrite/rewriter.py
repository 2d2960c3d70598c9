"""All the rewrites: each changes its part of the XML and says what it missed.

They are Nova's, in Nova's order, and the paths of disks, which Nova does not change.
"""

from __future__ import annotations

from lxml import etree

from core.errors import RefusedError, UsageError
from core.model.rewrites import Rewrites
from core.xml.rewrite.check import problems
from core.xml.rewrite.consoles import graphics, serial
from core.xml.rewrite.elements import Rule
from core.xml.rewrite.host_devices import mdev, pci, pmem
from core.xml.rewrite.network import interfaces
from core.xml.rewrite.pinning import cpuset, numa
from core.xml.rewrite.storage import disks, rbd_monitors, volumes
from core.xml.rewrite.tuning import cpu_shares, memory_backing, perf
from core.xml.tree import parse

RULES: tuple[Rule, ...] = (
    graphics,
    serial,
    volumes,
    disks,
    rbd_monitors,
    perf,
    memory_backing,
    cpu_shares,
    interfaces,
    cpuset,
    numa,
    mdev,
    pci,
    pmem,
)
_HINT = "virsh dumpxml shows what the instance has."


def rewrite(xml: str, rewrites: Rewrites, *, lenient: bool = False) -> str:
    """Return a domain's XML as it must be at the destination; all the rest of it stays.

    Comments and processing instructions are dropped, as libvirt does. Raises XmlError for XML that
    is none, UsageError for rewrites that make no sense whatever the XML, and RefusedError naming
    everything that the XML does not have; `lenient` passes over that.
    """
    wrong = problems(rewrites)
    if wrong:
        raise UsageError(" ".join(wrong), "Correct the rewrites.")
    root = parse(xml, "domain")
    missed = [sentence for rule in RULES for sentence in rule(root, rewrites)]
    if missed and not lenient:
        raise RefusedError(" ".join(missed), _HINT)
    return etree.tostring(root, encoding="unicode")


def renamed(xml: str, name: str) -> str:
    """Return a domain's XML with another name. Raises XmlError."""
    root = parse(xml, "domain")
    element = root.find("name")
    if element is None:
        element = etree.SubElement(root, "name")
    element.text = name
    return etree.tostring(root, encoding="unicode")
