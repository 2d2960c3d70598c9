"""Events of networks, pools, secrets, node devices and hosts, and what has no type."""

from __future__ import annotations

from core.model.base import ObjectKey
from core.model.event_base import Event, Scalar


class NetworkLifecycle(Event, frozen=True):
    """VIR_NETWORK_EVENT_ID_LIFECYCLE: defined, undefined, started, stopped."""

    change: str

    @property
    def subject(self) -> ObjectKey:
        """The network."""
        return ObjectKey("network", self.host, self.uuid)


class NetworkMetadataChanged(Event, frozen=True):
    """VIR_NETWORK_EVENT_ID_METADATA_CHANGE."""

    type: str
    namespace: str = ""

    @property
    def subject(self) -> ObjectKey:
        """The network."""
        return ObjectKey("network", self.host, self.uuid)


class PoolLifecycle(Event, frozen=True):
    """VIR_STORAGE_POOL_EVENT_ID_LIFECYCLE: defined, undefined, started, stopped..."""

    change: str

    @property
    def subject(self) -> ObjectKey:
        """The pool."""
        return ObjectKey("pool", self.host, self.uuid)


class PoolRefreshed(Event, frozen=True):
    """VIR_STORAGE_POOL_EVENT_ID_REFRESH. Volumes have no events of their own."""

    @property
    def subject(self) -> ObjectKey:
        """The pool."""
        return ObjectKey("pool", self.host, self.uuid)


class SecretLifecycle(Event, frozen=True):
    """VIR_SECRET_EVENT_ID_LIFECYCLE: defined, undefined. `name` is the secret's usage."""

    change: str

    @property
    def subject(self) -> ObjectKey:
        """The secret."""
        return ObjectKey("secret", self.host, self.uuid)


class SecretValueChanged(Event, frozen=True):
    """VIR_SECRET_EVENT_ID_VALUE_CHANGED; the value itself is never read."""

    @property
    def subject(self) -> ObjectKey:
        """The secret."""
        return ObjectKey("secret", self.host, self.uuid)


class NodeDeviceLifecycle(Event, frozen=True):
    """VIR_NODE_DEVICE_EVENT_ID_LIFECYCLE: created, deleted, defined, undefined."""

    change: str

    @property
    def subject(self) -> ObjectKey:
        """The node device."""
        return ObjectKey("node-device", self.host, self.name)


class NodeDeviceUpdated(Event, frozen=True):
    """VIR_NODE_DEVICE_EVENT_ID_UPDATE."""

    @property
    def subject(self) -> ObjectKey:
        """The node device."""
        return ObjectKey("node-device", self.host, self.name)


class LinkEvent(Event, frozen=True):
    """Our own: the link to a host came up or went down, and why."""

    change: str
    """connecting, up, down, closed."""
    reason: str = ""

    @property
    def subject(self) -> ObjectKey:
        """The host."""
        return ObjectKey("host", self.host, self.host)


class Found(Event, frozen=True):
    """Our own: a change that no event told us of, found by a listing after a gap or by a sweep."""

    object: str
    """instance, pool, volume, network."""
    change: str
    """appeared, vanished, or what changed: `running -> paused`."""

    @property
    def subject(self) -> ObjectKey:
        """The object that changed."""
        return ObjectKey(self.object, self.host, self.uuid)


class UnknownEvent(Event, frozen=True):
    """An event id this virtdeck has no type for: kept, never dropped."""

    object: str
    """instance, network, pool, secret, node-device."""
    id: int
    values: tuple[Scalar, ...] = ()

    @property
    def subject(self) -> ObjectKey:
        """The object it came from."""
        return ObjectKey(self.object, self.host, self.uuid or self.name)
