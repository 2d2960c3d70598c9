"""What helps where a file is in no pool that is active: as the host has its pools now.

Run on a lane thread.
"""

from __future__ import annotations

from contextlib import suppress

from msgspec.structs import replace

from core.errors import XmlError
from core.hypervisor.connection.binding import Connection, libvirt
from core.model import PoolState
from core.state.pool_cures import cure_of_place
from core.xml.storage import read_pool


def cure_of(conn: Connection, host: str, place: str) -> str:
    """Return the cure, a sentence; empty where libvirt does not tell its pools."""
    pools = {}
    with suppress(libvirt.libvirtError):
        for handle in conn.listAllStoragePools(0):
            with suppress(libvirt.libvirtError, XmlError):  # it is gone meanwhile
                state = PoolState.ACTIVE if handle.isActive() else PoolState.INACTIVE
                found = replace(read_pool(handle.XMLDesc(0), host), state=state)
                pools[found.key] = found
        cure = cure_of_place(pools, host, place)
        return f"{cure[:1].upper()}{cure[1:]}."
    return ""
