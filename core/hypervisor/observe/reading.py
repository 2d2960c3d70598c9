"""One object of a host, read completely. Runs on a lane thread.

Everything here raises libvirtError when the connection fails or the host refuses to tell, and
returns None for an object that does not exist any more.
"""

from __future__ import annotations

import time
from typing import Any

import msgspec

from core import xml as xml_of
from core.errors import XmlError
from core.hypervisor.connection.binding import Connection, libvirt
from core.hypervisor.connection.faults import tidy
from core.hypervisor.connection.tolerance import gone, if_supported, unless_gone, unsupported
from core.model.base import ObjectKey
from core.model.instance import AgentState, Instance
from core.model.network import Network
from core.model.state_code import decode_state
from core.model.storage import Pool, PoolState, Volume
from core.model.text import printable_name, real_name

_HUNG = 1000
"""Milliseconds after which a call to an instance's process is taken to hang: most take a few."""
_LOOK_AGAIN = 0.05
_XML_NEVER_WAITS = 9_000_999
"""The newest libvirt whose XMLDesc is known to begin no job."""
Handles = dict[ObjectKey, Any]
"""libvirt's handles of one connection, by the object's key. To be used on its lane's thread only,
and let go of before the connection is closed: each keeps it open."""

_POOL_STATES = (
    PoolState.INACTIVE,
    PoolState.BUILDING,
    PoolState.ACTIVE,
    PoolState.DEGRADED,
    PoolState.INACCESSIBLE,
)
"""By virStoragePoolState."""

_POOL_WITHOUT_VOLUMES = frozenset({PoolState.INACTIVE, PoolState.INACCESSIBLE})


def read_instance(conn: Connection, host: str, uuid: str) -> Instance | None:
    """Read an instance: state, flags and XML, seven calls, none of which waits for its process.

    It is not described where its XML would have to be waited for.
    """
    return unless_gone(lambda: _read_instance(conn.lookupByUUIDString(uuid), host))


def _read_instance(domain: Any, host: str) -> Instance:
    xml = "" if waits_for_xml(domain) else domain.XMLDesc(0)
    # The state after the XML: an instance that stops in between is then seen as stopped, and the
    # event that follows has it read again.
    state, reason = decode_state(*domain.state()[:2])
    identity = Instance(host, domain.UUIDString(), printable_name(domain.name()), described=False)
    instance = _from_xml(xml, host, identity)
    number = domain.ID()
    return msgspec.structs.replace(
        instance,
        uuid=domain.UUIDString(),
        state=state,
        reason=reason,
        id=number if number >= 0 else None,
        persistent=if_supported(lambda: domain.isPersistent() == 1, otherwise=True),
        autostart=if_supported(lambda: domain.autostart() == 1, otherwise=False),
        managed_save=if_supported(lambda: domain.hasManagedSaveImage(0) == 1, otherwise=False),
        agent=_agent(instance.agent, state.active),
    )


def read_definition(conn: Connection, host: str, uuid: str) -> Instance | None:
    """Read an instance as its next start would have it: three calls.

    None where it has no next start, is gone, or its XML would have to be waited for. Its state and
    flags are not told.
    """

    def read() -> Instance | None:
        domain = conn.lookupByUUIDString(uuid)
        if not if_supported(lambda: domain.isPersistent() == 1, otherwise=True):
            return None
        xml = "" if waits_for_xml(domain) else domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)
        unread = Instance(host, uuid, printable_name(domain.name()), described=False)
        found = _from_xml(xml, host, unread)
        return found if found.described else None

    return unless_gone(read)


def xml_may_wait(conn: Connection) -> bool:
    """Tell whether this daemon's XMLDesc waits for a call to the instance's process: one call.

    It does where libvirt is 11.3, for the 30 s after which libvirt gives up, and does not where it
    is 9.0 (measured with a stopped QEMU and somebody's virDomainMemoryStats): a job of another call
    keeps it from beginning its own.
    """
    return bool(conn.getLibVersion() > _XML_NEVER_WAITS)


def waits_for_xml(domain: Any) -> bool:
    """Tell whether XMLDesc would wait for a call to the instance's process that hangs.

    controlInfo needs no job, and tells of the other call.
    """
    return process_hangs(domain) and xml_may_wait(domain.connect())


def process_hangs(domain: Any) -> bool:
    """Tell whether a call to the instance's process has hung for a second: one call, mostly."""
    if domain.ID() < 0:
        return False
    busy = (libvirt.VIR_DOMAIN_CONTROL_JOB, libvirt.VIR_DOMAIN_CONTROL_OCCUPIED)
    while True:
        try:
            state, _details, milliseconds = domain.controlInfo()
        except libvirt.libvirtError as error:
            if unsupported(error) or error.get_error_code() == libvirt.VIR_ERR_OPERATION_INVALID:
                return False  # by now it is off
            raise
        if state not in busy:
            return False
        if milliseconds >= _HUNG:
            return True
        time.sleep(_LOOK_AGAIN)


def _from_xml(xml: str, host: str, identity: Instance) -> Instance:
    """Return what the XML tells; XML that cannot be read leaves the instance undescribed."""
    try:
        return xml_of.read_instance(xml, host=host)
    except XmlError:
        return identity


def _agent(told: AgentState, active: bool) -> AgentState:
    """Return the agent's state: an instance that is off has none connected, whatever XML says."""
    if active or told is AgentState.NONE:
        return told
    return AgentState.DISCONNECTED


def read_pool(
    conn: Connection, host: str, uuid: str
) -> tuple[Pool, tuple[Volume, ...], Handles] | None:
    """Read a pool and list its volumes by name, with the handle of each: six calls."""

    def read() -> tuple[Pool, tuple[Volume, ...], Handles]:
        handle = conn.storagePoolLookupByUUIDString(uuid)
        pool, found = list_volumes(handle, _flagged(handle, host))
        return pool, tuple(volume for volume, _ in found), {v.key: h for v, h in found}

    return unless_gone(read)


def read_pool_alone(conn: Connection, host: str, uuid: str) -> Pool | None:
    """Read a pool without its volumes: five calls."""
    return unless_gone(lambda: _flagged(conn.storagePoolLookupByUUIDString(uuid), host))


def _flagged(handle: Any, host: str) -> Pool:
    return msgspec.structs.replace(
        describe_pool(handle, host),
        autostart=handle.autostart() == 1,
        persistent=handle.isPersistent() == 1,
    )


def describe_pool(handle: Any, host: str) -> Pool:
    """Read what a pool's XML and info tell: two calls. Its flags are the caller's to add.

    The sizes of a pool that is not active are not known. Raises libvirtError.
    """
    uuid, name = handle.UUIDString(), printable_name(handle.name())
    state, capacity, allocation, available = handle.info()
    try:
        pool = xml_of.read_pool(handle.XMLDesc(0), host=host)
    except XmlError:
        pool = Pool(host, uuid, name)
    known = 0 < state < len(_POOL_STATES)
    return msgspec.structs.replace(
        pool,
        uuid=uuid,
        state=_POOL_STATES[state] if known else PoolState.INACTIVE,
        capacity=capacity if known else None,
        allocation=allocation if known else None,
        available=available if known else None,
    )


def list_volumes(handle: Any, pool: Pool) -> tuple[Pool, list[tuple[Volume, Any]]]:
    """Return a pool, and its volumes as far as their handles tell, with the handles: one call.

    A pool that is not active has none. One whose volumes libvirt does not list (remote_protocol.x:
    REMOTE_STORAGE_VOL_LIST_MAX, 16,384 of them) says so in its `error`.
    """
    if pool.state in _POOL_WITHOUT_VOLUMES:
        return pool, []
    try:
        handles: list[Any] = if_supported(lambda: handle.listAllVolumes(0), otherwise=[])
    except libvirt.libvirtError as error:
        if gone(error) or not handle.connect().isAlive():
            raise
        if error.get_error_code() == libvirt.VIR_ERR_OPERATION_INVALID:  # stopped meanwhile
            return pool, []
        return msgspec.structs.replace(pool, error=tidy(error.get_error_message() or "")), []
    return pool, [(name_volume(volume, pool), volume) for volume in handles]


def name_volume(handle: Any, pool: Pool) -> Volume:
    """Return a volume as far as its handle tells, without a call: sizes and format are unknown."""
    key = printable_name(handle.key())
    path = key if key.startswith("/") else ""
    return Volume(
        pool.host, pool.uuid, pool.name, printable_name(handle.name()), path, described=False
    )


def read_volume_alone(conn: Connection, host: str, pool: str, name: str) -> Volume | None:
    """Read a volume, by the UUID of its pool and its name as we print it: four calls."""

    def read() -> Volume | None:
        handle = conn.storagePoolLookupByUUIDString(pool)
        volume = handle.storageVolLookupByName(real_name(name))
        return describe_volume(volume, name_volume(volume, Pool(host, pool, handle.name())))

    return unless_gone(read)


def describe_volume(handle: Any, named: Volume) -> Volume:
    """Read a volume's XML: one call. No more than its name where that cannot be read."""
    try:
        return xml_of.read_volume(handle.XMLDesc(0), named.host, named.pool, named.pool_name)
    except libvirt.libvirtError as error:
        if not handle.connect().isAlive():
            raise
        return msgspec.structs.replace(named, described=True, missing=gone(error))
    except XmlError:
        return msgspec.structs.replace(named, described=True)


def read_network(conn: Connection, host: str, uuid: str) -> Network | None:
    """Read a network: five calls."""

    def read() -> Network:
        handle = conn.networkLookupByUUIDString(uuid)
        return msgspec.structs.replace(
            describe_network(handle, host),
            active=handle.isActive() == 1,
            autostart=handle.autostart() == 1,
            persistent=handle.isPersistent() == 1,
        )

    return unless_gone(read)


def describe_network(handle: Any, host: str) -> Network:
    """Read what a network's XML tells: one call. Its flags are the caller's to add."""
    uuid, name = handle.UUIDString(), printable_name(handle.name())
    try:
        return msgspec.structs.replace(xml_of.read_network(handle.XMLDesc(0), host=host), uuid=uuid)
    except XmlError:
        return Network(host, uuid, name, described=False)
