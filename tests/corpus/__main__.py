"""`./dev corpus [--schema] DIRECTORY...`: read and rewrite all XML below, print what differs.

libvirt's source package has some 4,000 files (tests/*data), virt-manager's 400; nothing of them is
kept here. Exit status 1 when anything differs.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import libvirt
from lxml import etree

from core.errors import XmlError
from core.xml import (
    format_xml,
    read_capabilities,
    read_instance,
    read_network,
    read_pool,
    read_snapshot,
    read_volume,
)
from core.xml.needs import read_needs
from tests.corpus import paths, rewriting
from tests.corpus.libvirt_says import Libvirt
from tests.corpus.second_reading import READINGS, differences

READERS = {
    "domain": read_instance,
    "pool": read_pool,
    "volume": lambda xml: read_volume(xml, "", "", ""),
    "network": read_network,
    "domainsnapshot": read_snapshot,
    "capabilities": read_capabilities,
}


class Asked(NamedTuple):
    """What is asked of libvirt."""

    libvirt: Libvirt
    flags: int = 0


def judge(xml: str, root: etree._Element, counts: Counter[str], asked: Asked) -> Iterator[str]:
    """Yield a line for everything about one file that is not as it should be."""
    kind = str(root.tag)
    format_xml(xml)
    read = READERS[kind](xml)
    if kind in READINGS:
        mine, told = READINGS[kind]
        yield from differences(mine(root), told(read))
    if kind == "domain":
        read_needs(xml)
        yield from paths.missed(xml, root)
        yield from rewriting.identity(xml)
        yield from _rewritten(root, counts, asked)


def _rewritten(root: etree._Element, counts: Counter[str], asked: Asked) -> Iterator[str]:
    """Rewrite every device; libvirt is asked about the first of a kind, for that takes long."""
    taken = not asked.libvirt.refusal(_plain(root), asked.flags)
    counts["domains that libvirt's test driver takes"] += taken
    for device in rewriting.moved_devices(root):
        yield from device.lines
        counts["devices rewritten"] += 1
        if taken and device.number == 0 and device.after:
            counts["rewritten ones that libvirt was asked about"] += 1
            if reason := asked.libvirt.refusal(device.after, asked.flags):
                yield f"libvirt takes the XML, and not the rewritten one: {reason}"


def _plain(root: etree._Element) -> str:
    return str(etree.tostring(root, encoding="unicode"))


def files(place: Path) -> list[Path]:
    """Return a file itself, or all XML files below a directory."""
    return [place] if place.is_file() else sorted(place.rglob("*.xml"))


def documents(path: Path, counts: Counter[str]) -> Iterator[etree._Element]:
    """Yield the documents of a file: virt-manager's have several in one."""
    try:
        text = re.sub(r"<\?xml[^>]*\?>", "", path.read_text())
        for root in etree.fromstring(f"<all>{text}</all>".encode()):
            if isinstance(root.tag, str):
                yield etree.fromstring(etree.tostring(root, with_tail=False))
    except (etree.XMLSyntaxError, UnicodeDecodeError):
        counts["no XML"] += 1


def judged(root: etree._Element, counts: Counter[str], asked: Asked) -> list[str]:
    """Judge one document, and count it by its kind."""
    kind = str(root.tag)
    if kind not in READERS:
        counts["of other kinds"] += 1
        return []
    counts[kind] += 1
    try:
        return list(judge(_plain(root), root, counts, asked))
    except XmlError as error:
        return [f"refused: {error.message}"]


def main(directories: list[str], flags: int = 0) -> int:
    """Judge every file, print a line for each difference and the counts at the end."""
    counts: Counter[str] = Counter()
    asked = Asked(Libvirt(), flags)
    for directory in directories:
        for path in files(Path(directory)):
            found = [
                line for root in documents(path, counts) for line in judged(root, counts, asked)
            ]
            counts["files with a difference"] += bool(found)
            for line in dict.fromkeys(found):
                print(f"{path}: {line}", flush=True)
    asked.libvirt.close()
    print(", ".join(f"{name}: {count}" for name, count in counts.items()))
    return int(counts["files with a difference"] > 0)


if __name__ == "__main__":
    places = [word for word in sys.argv[1:] if word != "--schema"]
    if not places:
        sys.exit("usage: ./dev corpus [--schema] DIRECTORY...")
    # libvirt reads its schema anew for each question, which takes long
    validate = libvirt.VIR_DOMAIN_DEFINE_VALIDATE if "--schema" in sys.argv else 0
    sys.exit(main(places, validate))
