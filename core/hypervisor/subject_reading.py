"""Reading one object of a host now, of whatever kind, past everything that is remembered."""

from __future__ import annotations

from core.hypervisor.observe.reading import read_pool_alone, read_volume_alone
from core.hypervisor.session import Hypervisor
from core.model.base import ObjectKey
from core.model.instance import Instance, Snapshot
from core.model.network import Network
from core.model.observation import VolumesDescribed
from core.model.storage import Pool, Volume


async def read_subject(
    host: Hypervisor, key: ObjectKey
) -> Instance | Network | Pool | Volume | Snapshot | None:
    """Read an instance, network, pool, volume or snapshot and tell the state; None: it is gone.

    Of a pool what its handle tells is returned at once; its volumes, and what became of a volume
    that is gone, are listed soon. Raises UnreachableError, DeadlineError, or HypervisorError when
    libvirt refused to tell.
    """
    if key.kind == "pool":
        pool = await host.call(lambda conn: read_pool_alone(conn, key.host, key.id))
        host.list_again(key)
        return pool
    if key.kind == "volume":
        uuid, _, name = key.id.partition("/")
        volume = await host.call(lambda conn: read_volume_alone(conn, key.host, uuid, name))
        if volume is None:
            host.list_again(ObjectKey("pool", key.host, uuid))
        else:
            host.hand_over(lambda at: VolumesDescribed(key.host, at, (volume,)))
        return volume
    if key.kind == "snapshot":
        uuid = key.id.partition("/")[0]
        snapshots = await host.looks.snapshots(uuid) or ()
        return next((one for one in snapshots if one.key == key), None)
    if key.kind == "network":
        return await host.reread_network(key.id)
    return await host.reread(key.id)
