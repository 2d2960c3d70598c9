"""vCPUs and memory of instances whose driver tells them in no bulk call: a call for each."""

from __future__ import annotations

from typing import Any

import msgspec

from core.hypervisor.connection.binding import Connection
from core.hypervisor.observe.describing import Calling, Chunk, describe_each
from core.hypervisor.observe.reading import Handles
from core.model.base import ObjectKey
from core.model.instance import Instance


async def with_sizes(
    call: Calling, instances: tuple[Instance, ...], handles: Handles, deadline: float
) -> tuple[Instance, ...]:
    """Return instances with the vCPUs and memory that no bulk call tells; one that is gone stays.

    A chunk of calls at a time, each within `deadline` seconds. On the core's loop; raises what
    `call` raises.
    """
    if await call(_told_in_bulk, deadline=deadline):
        return instances
    rows = {instance.key: instance for instance in instances}
    left = [key for key, row in rows.items() if not row.vcpus]

    def read(conn: Connection) -> Chunk[Instance]:
        return describe_each(left, sized, lambda: bool(conn.isAlive()))

    def sized(key: ObjectKey) -> Instance:
        return _sized(handles[key], rows[key])

    while left:
        chunk = await call(read, deadline=deadline)
        del left[: len(chunk.keys)]
        rows.update((instance.key, instance) for instance in chunk.described)
    return tuple(rows.values())


def _told_in_bulk(conn: Connection) -> bool:
    """Tell whether the bulk statistics have vCPUs and memory. On a lane; raises libvirtError.

    In libvirt 9.0 to 11.3 only those of the QEMU driver do (connectGetAllDomainStats of each
    src/*/*_driver.c), whose virDomainGetInfo waits for the hypervisor process; the others' do not.
    """
    return bool(conn.getType() == "QEMU")


def _sized(domain: Any, instance: Instance) -> Instance:
    _state, maximum, memory, vcpus, _time = domain.info()
    return msgspec.structs.replace(
        instance, vcpus=vcpus, memory=memory * 1024, memory_maximum=maximum * 1024
    )
