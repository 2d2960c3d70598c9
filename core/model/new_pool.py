"""What a storage pool that is made is to be. Pure values."""

from __future__ import annotations

from core.model.base import Value


class NewPool(Value, frozen=True):
    """A pool."""

    name: str
    uuid: str
    type: str
    path: str = ""
    """Where it lies on the host; empty: its type has no such place."""
    servers: tuple[tuple[str, str], ...] = ()
    """Name and port of each; no port: the protocol's own."""
    devices: tuple[str, ...] = ()
    directory: str = ""
    named: str = ""
    """The name that its source has: a volume group, an image pool, a volume of Gluster's."""
    adapter: str = ""
    format: str = ""
    initiator: str = ""
    auth: str = ""
    """`chap` or `ceph`; empty: it asks for none."""
    user: str = ""
    secret: str = ""
    """The UUID of libvirt's secret."""
