"""What is kept of the instances of a host for the day it is dead. Pure values."""

from __future__ import annotations

from core.model.base import Value
from core.model.storage import Pool


class KeptDefinition(Value, frozen=True):
    """A definition as it was last read, without its secrets."""

    uuid: str
    name: str
    xml: str
    """As `core.xml.definition.document.editable` has it: each secret is `***`."""
    read: float
    """When it was read."""
    ran: bool = False
    """Whether it ran when its host was last seen."""
    autostart: bool = False
    later: str = ""
    """Another host that has shown it since, by its name or address; empty: none has."""


class KeptHost(Value, frozen=True):
    """What is kept of one host."""

    uri: str
    """Its address, without secrets: names are the operator's own, and change."""
    seen: float = 0.0
    """When it was seen last."""
    hostname: str = ""
    """What it called itself."""
    definitions: tuple[KeptDefinition, ...] = ()
    pools: tuple[Pool, ...] = ()
    """Its storage pools as they were last read: whether they are shared is told by their type."""
