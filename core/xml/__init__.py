"""Reading libvirt's XML into the model: pure, with entities and network off.

Every reader takes the XML as libvirt gave it, raises `core.errors.XmlError` when it cannot be
read, and nothing else; what is missing or makes no sense in it becomes the model's default. All
text is cleaned of control characters. Any thread. The readers are loaded when they are first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from core.xml.capabilities import Capabilities, read_capabilities
    from core.xml.instance import read_instance
    from core.xml.network import read_network
    from core.xml.pretty import format_xml
    from core.xml.snapshot import read_snapshot
    from core.xml.storage import read_pool, read_volume

_HOMES = {
    "Capabilities": "capabilities",
    "format_xml": "pretty",
    "read_capabilities": "capabilities",
    "read_instance": "instance",
    "read_network": "network",
    "read_pool": "storage",
    "read_snapshot": "snapshot",
    "read_volume": "storage",
}

__all__ = [
    "Capabilities",
    "format_xml",
    "read_capabilities",
    "read_instance",
    "read_network",
    "read_pool",
    "read_snapshot",
    "read_volume",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'core.xml' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"core.xml.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
