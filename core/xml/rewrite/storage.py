"""Volumes and the monitors of Ceph (nova-map 2.3, rules 3 and 4), and the paths of disks."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy

from lxml import etree

from core.errors import XmlError
from core.model.paths import plain_path
from core.model.rewrites import Rewrites, VolumeRewrite
from core.xml.rewrite.abi import stated_differences
from core.xml.rewrite.back_end import with_back_end
from core.xml.rewrite.elements import put, swap
from core.xml.tree import Element, attribute, parse, text

_ENCRYPTION = ("source/encryption", "encryption")
"""Its place since libvirt 3.9 and before."""


def volumes(root: Element, rewrites: Rewrites) -> Iterator[str]:
    """Replace the disks of volumes by those of the destination, and set their secrets."""
    for volume in rewrites.volumes:
        disks = [
            disk for disk in root.findall("./devices/disk") if text(disk, "serial") == volume.serial
        ]
        if len(disks) == 1:
            yield from _rewrite_volume(disks[0], volume)
        else:
            count = "several disks" if disks else "no disk"
            yield f"The instance has {count} with the serial {volume.serial}."


def _rewrite_volume(old: Element, volume: VolumeRewrite) -> Iterator[str]:
    new = old
    if volume.xml:
        try:
            given = parse(volume.xml, "disk")
        except XmlError as error:
            yield f"The new disk with the serial {volume.serial}: {error.message}"
            return
        yield from stated_differences(f"The disk with the serial {volume.serial}", old, given)
        new = with_back_end(old, given)
    if volume.secret:
        encryption = _encryption(old, new)
        if encryption is None:
            yield f"The disk with the serial {volume.serial} is not encrypted: it needs no secret."
        else:
            _set_secret(encryption, volume.secret)
    if new is not old:
        swap(old, new)


def _encryption(old: Element, new: Element) -> Element | None:
    """Return the new disk's encryption; where it says none, the old one's, put in its place."""
    for path in _ENCRYPTION:
        found = new.find(path)
        if found is not None:
            return found
    for path in _ENCRYPTION:
        found = old.find(path)
        parent = new.find("source") if path.startswith("source/") else new
        if found is not None and parent is not None:
            parent.append(deepcopy(found))
            return parent[-1]
    return None


def _set_secret(encryption: Element, uuid: str) -> None:
    secrets = encryption.findall("secret")
    if not secrets:
        secrets = [etree.SubElement(encryption, "secret", type="passphrase")]
    for secret in secrets:
        put(secret, "usage", "")  # a secret is named by one of the two
        secret.set("uuid", uuid)


def disks(root: Element, rewrites: Rewrites) -> Iterator[str]:
    """Give disks, and the images below them, their paths at the destination.

    Nova needs no such rule: there a disk has one path on every host.
    """
    targets = {plain_path(move.source): move.destination for move in rewrites.disks}
    found = set()
    for source in root.iterfind("./devices/disk//source"):
        for name in ("file", "dev"):
            path = plain_path(source.get(name, ""))
            if path in targets:
                found.add(path)
                source.set(name, targets[path])
    for path in targets:
        if path not in found:
            yield f"The instance has no disk at {path}."


def rbd_monitors(root: Element, rewrites: Rewrites) -> Iterator[str]:
    """Replace the monitors of image disks: volumes bring their own with their new source."""
    if not rewrites.rbd_monitors:
        return
    sources = [
        source
        for disk in root.findall("./devices/disk[@type='network']")
        if not text(disk, "serial") and not attribute(disk, "name", "alias").startswith("ua-")
        for source in disk.findall("source[@protocol='rbd']")
    ]
    if not sources:
        yield "The instance has no image disk of Ceph (rbd), whose monitors could be others."
    for source in sources:
        for host in source.findall("host"):
            source.remove(host)
        for index, monitor in enumerate(rewrites.rbd_monitors):
            host = etree.Element("host", name=monitor.host, port=str(monitor.port))
            source.insert(index, host)
