"""Private worlds of libvirt's test driver: real objects, real events, no daemon.

Every `test:///FILE` connection is a world of its own, so tests do not see each other.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from core.hypervisor.connection import event_loop
from core.hypervisor.connection.binding import libvirt
from core.hypervisor.observe import listing
from core.model.observation import Listed
from tests.patience import PATIENCE

INSTANCE = """
<domain type='test'>
  <name>{name}</name>
  <uuid>{uuid}</uuid>
  <title>{title}</title>
  <memory unit='MiB'>512</memory>
  <vcpu>2</vcpu>
  <os><type arch='x86_64'>hvm</type></os>
  <devices>
    <disk type='file' device='disk'>
      <source file='/images/{name}.qcow2'/><target dev='vda' bus='virtio'/>
    </disk>
    <interface type='network'>
      <mac address='52:54:00:00:00:01'/><source network='lan'/><target dev='testnet0'/>
    </interface>
  </devices>
</domain>
"""
NETWORK = """
<network>
  <name>lan</name><uuid>11111111-1111-1111-1111-111111111111</uuid>
  <forward mode='nat'/><bridge name='virbr7'/>
  <ip address='10.7.0.1' netmask='255.255.255.0'/>
</network>
"""
POOL = """
<pool type='dir'>
  <name>{name}</name><uuid>{uuid}</uuid>
  <target><path>/pools/{name}</path></target>
</pool>
"""
VOLUME = """
<volume>
  <name>{name}</name><capacity unit='GiB'>1</capacity><allocation unit='MiB'>10</allocation>
  <target><format type='qcow2'/></target>
</volume>
"""


def uuid_of(number: int) -> str:
    """Return the UUID of the world's n-th object."""
    return str(uuid.UUID(int=(0xA0 << 120) + number))


def instance_xml(number: int, name: str | None = None, title: str = "") -> str:
    """Return the XML of the world's n-th instance."""
    return INSTANCE.format(name=name or f"vm{number}", uuid=uuid_of(number), title=title)


def read_listing(conn: Any, host: str, at: float = 0.0) -> Listed:
    """List everything of a host."""
    instances, _ = listing.read_instances(conn, host)
    pools, volumes, _ = listing.read_storage(conn, host)
    networks, _ = listing.read_networks(conn, host)
    return Listed(host, at, instances, pools, volumes, networks)


def open_world(directory: Path, instances: int = 0) -> Any:
    """Open a connection to a new world with that many running instances."""
    event_loop.ensure_running()
    body = "".join(instance_xml(number) for number in range(instances))
    path = directory / f"world-{uuid.uuid4()}.xml"
    path.write_text(f"<node>{body}</node>")
    return libvirt.open(f"test://{path}")


def wait_for(condition: Callable[[], Any], seconds: float = 10.0) -> Any:
    """Return the first true value of a condition that another thread makes true."""
    end = time.monotonic() + seconds * PATIENCE
    while not (value := condition()):
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.005)
    return value


class CountingBinding:
    """Stands before libvirt's C module and counts its functions' calls by name."""

    LOCAL = ("Name", "UUIDString", "ID", "Key", "_free", "Free", "lastError", "IsAlive")

    def __init__(self, module: Any) -> None:
        self._module = module
        self.remote: list[str] = []

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._module, name)
        if not callable(value) or not name.startswith("vir"):
            return value

        def counted(*arguments: Any) -> Any:
            if not name.endswith(self.LOCAL) and "Error" not in name:
                self.remote.append(name)
            return value(*arguments)

        return counted
