"""The port operations act through, over the live links of a fleet."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from msgspec.structs import replace

from core.errors import DeadlineError
from core.fleet_between import BETWEEN, make_between
from core.fleet_kept import FleetKept
from core.fleet_links import host_named
from core.hypervisor.calls.defining import read_definition_of
from core.hypervisor.calls.saved import job_share
from core.hypervisor.calls.table import make
from core.hypervisor.calls.transfers import transfer_of
from core.hypervisor.calls.volume import has_volume
from core.hypervisor.observe.reading import read_definition
from core.hypervisor.session import Hypervisor
from core.hypervisor.subject_reading import read_subject
from core.model import Instance, ObjectKey
from core.model.kept import KeptHost
from core.state.subject import Subject, owner_of
from core.verbs.answer import CallAnswer
from core.verbs.call import Call
from core.verbs.situation import LookedAt

FOREVER = 30 * 86_400.0
"""Seconds a long call may take before it is given up: a month."""
LOOK_DEADLINE = 5.0
"""Seconds a look at a job may take."""


class FleetHosts:
    """A `core.engine.port.Hosts`: every call on an operation lane of its host."""

    def __init__(self, hosts: Mapping[str, Hypervisor], kept: FleetKept) -> None:
        self._hosts = hosts
        self._kept = kept

    async def call(self, subject: ObjectKey, call: Call, deadline: float) -> CallAnswer | None:
        """Make one call within `deadline` seconds, or a long one; raises as the port says."""
        if isinstance(call, BETWEEN):
            await make_between(self._hosts, subject, call, deadline)
            return None
        if call.long:
            lane = host_named(self._hosts, subject.host).lane(f"{call.word}-{subject.id[:8]}")
            try:
                return await lane.call(lambda conn: make(conn, subject, call), deadline=FOREVER)
            finally:
                lane.close()
        return await host_named(self._hosts, subject.host).call(
            lambda conn: make(conn, subject, call),
            uuid=owner_of(subject).id,
            deadline=deadline,
            urgent=call.urgent,
            undisturbed=call.undisturbed,
        )

    async def share(self, subject: ObjectKey) -> float | None:
        """Tell how far the job of an instance, or of a snapshot's, is, 0 to 1."""
        uuid, transfer = owner_of(subject).id, transfer_of(subject)
        if transfer is not None:
            return await host_named(self._hosts, subject.host).call(
                transfer.look, deadline=LOOK_DEADLINE, urgent=True
            )
        return await host_named(self._hosts, subject.host).call(
            lambda conn: job_share(conn, uuid), deadline=LOOK_DEADLINE, urgent=True
        )

    def moved(self, subject: ObjectKey) -> tuple[int, int] | None:
        """Tell how many bytes of how many a transfer of a subject has moved; None: none counts."""
        transfer = transfer_of(subject)
        return None if transfer is None else transfer.moved

    async def defined(self, subject: ObjectKey) -> Instance | None:
        """Read an instance as its next start would have it; None where it has none."""
        return await host_named(self._hosts, subject.host).call(
            lambda conn: read_definition(conn, subject.host, subject.id)
        )

    async def has_volume(self, host: str, pool: str, name: str) -> bool:
        """Tell whether a pool, by its name, has a volume now."""
        return await host_named(self._hosts, host).call(lambda conn: has_volume(conn, pool, name))

    async def kept(self, host: str, uuid: str) -> KeptHost | None:
        """Return what is kept of a host and one instance of it, once the host was tried."""
        await self._kept.knock(host)
        found = await self._kept.host(host)
        own = tuple(one for one in found.definitions if one.uuid == uuid)
        return replace(found, definitions=own) if own else None

    def reads_on(self, host: str) -> bool:
        """Whether a host was listed and has not told all of what was listed yet."""
        found = self._hosts.get(host)
        unread = None if found is None else found.unread
        return unread is not None and not unread.at_rest

    async def document(self, subject: ObjectKey) -> str | None:
        """Read the XML of a definition, without secrets; None where there is none."""
        return await host_named(self._hosts, subject.host).call(
            lambda conn: read_definition_of(conn, subject)
        )

    async def read(self, subject: ObjectKey, looks_at: Collection[LookedAt] = ()) -> Subject | None:
        """Read a subject now, and what it looks at, and tell the state; None when it is gone."""
        host, instance = host_named(self._hosts, subject.host), owner_of(subject)
        untold = "block-jobs" in looks_at and await host.looks.block_jobs(instance.id) is None
        if "snapshots" in looks_at and subject.kind != "snapshot":
            await host.looks.snapshots(instance.id)
        if "checkpoints" in looks_at:
            await host.looks.checkpoints(instance.id)
        if "backup" in looks_at:
            await host.looks.backup(instance.id)
        read = await read_subject(host, subject)
        if untold and isinstance(read, Instance) and read.state.active:
            raise DeadlineError(f"The process of {read.name} does not tell its block jobs.")
        return read
