"""Virtual networks."""

from __future__ import annotations

from core.model.base import ObjectKey, Value


class Network(Value, frozen=True):
    """A virtual network of one host."""

    host: str
    uuid: str
    name: str
    active: bool = False
    autostart: bool = False
    persistent: bool = True
    bridge: str = ""
    forward: str = ""
    """nat, route, bridge, open...; empty: isolated."""
    addresses: tuple[str, ...] = ()
    described: bool = True
    """False: only listed so far (name and flags); its XML, the three fields above, comes later."""

    @property
    def key(self) -> ObjectKey:
        """The key of this network."""
        return ObjectKey("network", self.host, self.uuid)
