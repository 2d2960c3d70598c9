"""The port operations act through, over the live links of a fleet."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from core.fleet_links import host_named
from core.hypervisor.calls.saved import job_share
from core.hypervisor.calls.table import make
from core.hypervisor.observe.reading import read_definition
from core.hypervisor.session import Hypervisor
from core.hypervisor.subject_reading import read_subject
from core.model import Instance, ObjectKey
from core.state.subject import Subject, owner_of
from core.verbs.call import Call
from core.verbs.situation import LookedAt

FOREVER = 30 * 86_400.0
"""Seconds a long call may take before it is given up: a month."""
LOOK_DEADLINE = 5.0
"""Seconds a look at a job may take."""


class FleetHosts:
    """A `core.engine.port.Hosts`: every call on an operation lane of its host."""

    def __init__(self, hosts: Mapping[str, Hypervisor]) -> None:
        self._hosts = hosts

    async def call(self, subject: ObjectKey, call: Call, deadline: float) -> None:
        """Make one call within `deadline` seconds, or a long one; raises as the port says."""
        if call.long:
            lane = host_named(self._hosts, subject.host).lane(f"{call.word}-{subject.id[:8]}")
            try:
                await lane.call(lambda conn: make(conn, subject, call), deadline=FOREVER)
            finally:
                lane.close()
            return
        await host_named(self._hosts, subject.host).call(
            lambda conn: make(conn, subject, call),
            uuid=owner_of(subject).id,
            deadline=deadline,
            urgent=call.urgent,
        )

    async def share(self, subject: ObjectKey) -> float | None:
        """Tell how far the job of an instance, or of a snapshot's, is, 0 to 1."""
        uuid = owner_of(subject).id
        return await host_named(self._hosts, subject.host).call(
            lambda conn: job_share(conn, uuid), deadline=LOOK_DEADLINE, urgent=True
        )

    async def defined(self, subject: ObjectKey) -> Instance | None:
        """Read an instance as its next start would have it; None where it has none."""
        return await host_named(self._hosts, subject.host).call(
            lambda conn: read_definition(conn, subject.host, subject.id)
        )

    async def read(self, subject: ObjectKey, looks_at: Collection[LookedAt] = ()) -> Subject | None:
        """Read a subject now, and what it looks at, and tell the state; None when it is gone."""
        host, instance = host_named(self._hosts, subject.host), owner_of(subject)
        if "block-jobs" in looks_at:
            await host.looks.block_jobs(instance.id)
        if "snapshots" in looks_at and subject.kind != "snapshot":
            await host.looks.snapshots(instance.id)
        return await read_subject(host, subject)
