"""A pool for a file of the host that may be in none: what libvirt can do with files, it does there.

A host far away is reached by libvirt alone, and libvirt removes, converts and measures volumes of
pools only. Run on a lane thread; raises libvirtError.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from lxml import etree

from core.hypervisor.connection.binding import Connection, libvirt

OURS = "virtdeck-files-"


@contextmanager
def pool_of_file(conn: Connection, path: str) -> Iterator[Any]:
    """Have an active pool whose directory has a file; a transient one for as long where none has.

    Its name is made of the directory: one that a console left behind when it was killed is found
    again, and let go. (libvirt has no second pool of a directory.)
    """
    folder = path.rpartition("/")[0] or "/"
    found = _active(conn, folder)
    pool = found or conn.storagePoolCreateXML(_xml(folder), 0)
    try:
        yield pool
    finally:
        if pool.name().startswith(OURS):
            pool.destroy()


def _active(conn: Connection, folder: str) -> Any:
    for pool in conn.listAllStoragePools(libvirt.VIR_CONNECT_LIST_STORAGE_POOLS_ACTIVE):
        root = etree.fromstring(pool.XMLDesc(0))
        if (root.findtext("target/path") or "").rstrip("/") == folder.rstrip("/"):
            return pool
    return None


def _xml(folder: str) -> str:
    pool = etree.Element("pool", type="dir")
    etree.SubElement(pool, "name").text = f"{OURS}{uuid5(NAMESPACE_URL, folder).hex[:12]}"
    etree.SubElement(etree.SubElement(pool, "target"), "path").text = folder
    return etree.tostring(pool, encoding="unicode")
