"""Storage pools and volumes from their XML."""

from __future__ import annotations

from core.model import Pool, Volume
from core.model.paths import plain_path
from core.xml.tree import Element, attribute, exact, flag, number, parse, size, text


def read_pool(xml: str, host: str = "") -> Pool:
    """Return the pool that a `<pool>` describes, as one of `host`.

    Its state, autostart and persistence are not in the XML and keep their defaults. A pool that
    has no directory on the host (RBD, ZFS, iSCSI...) shows its source as the path. Raises
    XmlError.
    """
    pool = parse(xml, "pool")
    return Pool(
        host=host,
        uuid=text(pool, "uuid").lower(),
        name=exact(pool, "name"),
        type=attribute(pool, "type"),
        path=plain_path(exact(pool, "target/path")) or _read_source(pool),
        capacity=size(pool, "capacity"),
        allocation=size(pool, "allocation"),
        available=size(pool, "available"),
        source=_network_source(pool),
    )


def _network_source(pool: Element) -> str:
    """Return servers and export, image pool or target of a pool on the network; empty: it is none.

    Of no pool whose source has no server: a directory of the same path may be any other one.
    """
    servers = sorted(
        f"{attribute(one, 'name')}:{attribute(one, 'port')}" for one in pool.iterfind("source/host")
    )
    what = [
        exact(pool, "source/name"),
        attribute(pool, "path", "source/dir"),
        *(attribute(one, "path") for one in pool.iterfind("source/device")),
    ]
    named = all(server != ":" for server in servers)
    return " ".join([*servers, *what]).strip() if servers and named and any(what) else ""


def _read_source(pool: Element) -> str:
    return (
        exact(pool, "source/name")
        or attribute(pool, "path", "source/device")
        or attribute(pool, "path", "source/dir")
        or attribute(pool, "name", "source/adapter")
    )


def read_volume(xml: str, host: str, pool: str, pool_name: str) -> Volume:
    """Return the volume that a `<volume>` describes, in the pool of UUID `pool`. Raises XmlError.

    Drivers older than the `type` attribute leave it out: then it is empty.
    """
    volume = parse(xml, "volume")
    return Volume(
        host=host,
        pool=pool,
        pool_name=pool_name,
        name=exact(volume, "name"),
        path=plain_path(exact(volume, "target/path") or exact(volume, "key")),
        type=attribute(volume, "type"),
        format=attribute(volume, "type", "target/format"),
        capacity=size(volume, "capacity"),
        allocation=size(volume, "allocation"),
        backing=plain_path(exact(volume, "backingStore/path")),
        encrypted=flag(volume, "target/encryption"),
        used_at=_read_used(volume),
    )


def _read_used(volume: Element) -> float | None:
    """Return the later of its file's access and modification times, whole seconds."""
    times = (text(volume, f"target/timestamps/{name}") for name in ("atime", "mtime"))
    found = [number(time.partition(".")[0]) for time in times]
    known = [float(one) for one in found if one is not None]
    return max(known, default=None)


def clone_volume_xml(source: str, name: str, *, over: bool) -> str:
    """Return the `<volume>` that a volume's XML is copied as, or that lies over it.

    It takes no space before something is written. Raises XmlError.
    """
    from lxml import etree  # see core.xml.tree

    volume = parse(source, "volume")
    kind = attribute(volume, "type", "target/format") or "raw"
    root = etree.Element("volume")
    etree.SubElement(root, "name").text = name
    etree.SubElement(root, "capacity", unit="bytes").text = str(size(volume, "capacity") or 0)
    etree.SubElement(root, "allocation", unit="bytes").text = "0"
    target = etree.SubElement(root, "target")
    etree.SubElement(target, "format", type="qcow2" if over else kind)
    if over:
        store = etree.SubElement(root, "backingStore")
        etree.SubElement(store, "path").text = volume.findtext("target/path") or ""
        etree.SubElement(store, "format", type=kind)
    return etree.tostring(root, encoding="unicode")


def last_written(xml: str) -> str:
    """Return when a volume was last written to, as its `<timestamps>` say; empty: not told."""
    return text(parse(xml, "volume"), "target/timestamps/mtime")
