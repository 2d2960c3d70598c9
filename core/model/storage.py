"""Storage pools and their volumes."""

from __future__ import annotations

from enum import StrEnum

from core.model.base import ObjectKey, Value

OF_DEVICES = frozenset({"logical", "zfs"})
"""Types of pools whose volumes are devices that libvirt makes, each under its name."""


class PoolState(StrEnum):
    """virStoragePoolState."""

    INACTIVE = "inactive"
    BUILDING = "building"
    ACTIVE = "active"
    DEGRADED = "degraded"
    INACCESSIBLE = "inaccessible"


class Pool(Value, frozen=True):
    """A storage pool of one host."""

    host: str
    uuid: str
    name: str
    type: str = ""
    state: PoolState = PoolState.INACTIVE
    path: str = ""
    autostart: bool = False
    persistent: bool = True
    capacity: int | None = None
    allocation: int | None = None
    available: int | None = None
    source: str = ""
    """Its servers and what it is there, of one on the network: the same for all hosts that have it;
    empty: it has no such source."""
    error: str = ""
    """Why its volumes cannot be listed, in libvirt's words; empty: they can."""

    @property
    def key(self) -> ObjectKey:
        """The key of this pool."""
        return ObjectKey("pool", self.host, self.uuid)

    @property
    def active(self) -> bool:
        """Whether it is started."""
        return self.state not in (PoolState.INACTIVE, PoolState.BUILDING)

    @property
    def used_fraction(self) -> float | None:
        """How full it is, 0 to 1; None when unknown."""
        if not self.capacity or self.allocation is None:
            return None
        return self.allocation / self.capacity


class Volume(Value, frozen=True):
    """A volume of a storage pool."""

    host: str
    pool: str
    """The pool's UUID."""
    pool_name: str
    name: str
    path: str = ""
    type: str = ""
    """file, block, dir, network."""
    format: str = ""
    capacity: int | None = None
    allocation: int | None = None
    backing: str = ""
    """The path of the image it is based on."""
    encrypted: bool = False
    used_at: float | None = None
    """When its file was read or written last, as its file system has it; None: it does not say."""
    described: bool = True
    """Its XML was read, or cannot be; until then only its name and path are known."""
    missing: bool = False
    """libvirt lists it and there is nothing at its path: others removed it, and its pool was not
    refreshed since."""

    @property
    def key(self) -> ObjectKey:
        """The key of this volume: volumes have no UUID, a name is unique in its pool."""
        return ObjectKey("volume", self.host, f"{self.pool}/{self.name}")


class SizeReading(Value, frozen=True):
    """What a pool or volume took at a time."""

    at: float
    allocation: int
