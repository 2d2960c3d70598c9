"""Reading libvirt's XML into the model: pure, with entities and network off.

Every reader takes the XML as libvirt gave it, raises `core.errors.XmlError` when it cannot be
read, and nothing else; what is missing or makes no sense in it becomes the model's default. All
text is cleaned of control characters. Any thread.
"""

from core.xml.capabilities import Capabilities, read_capabilities
from core.xml.instance import read_instance
from core.xml.network import read_network
from core.xml.pretty import format_xml
from core.xml.snapshot import read_snapshot
from core.xml.storage import read_pool, read_volume

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
