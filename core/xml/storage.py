"""Storage pools and volumes from their XML."""

from __future__ import annotations

from core.model import Pool, Volume
from core.xml.tree import Element, attribute, exact, flag, parse, size, text


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
        path=exact(pool, "target/path") or _read_source(pool),
        capacity=size(pool, "capacity"),
        allocation=size(pool, "allocation"),
        available=size(pool, "available"),
    )


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
        path=exact(volume, "target/path") or exact(volume, "key"),
        type=attribute(volume, "type"),
        format=attribute(volume, "type", "target/format"),
        capacity=size(volume, "capacity"),
        allocation=size(volume, "allocation"),
        backing=exact(volume, "backingStore/path"),
        encrypted=flag(volume, "target/encryption"),
    )
