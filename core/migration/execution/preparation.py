"""Before a migration: what it is, what speaks against it, what will be called."""

from __future__ import annotations

import asyncio

from msgspec.structs import replace

from core.errors import NotFoundError, RefusedError
from core.migration.execution.port import MigrationHosts, MigrationLine
from core.migration.execution.record import RecordKeeper
from core.migration.judgement.outcome import before
from core.migration.judgement.words import doing, virsh_for
from core.migration.plan.connected import with_connected
from core.migration.plan.plan import Plan, plan, resume_plan
from core.migration.plan.values import describe_destination
from core.migration.policies.limits import first_downtime
from core.model import (
    Instance,
    Level,
    Limits,
    Migration,
    MigrationStatus,
    ObjectKey,
    OperationRecord,
    Preflight,
    State,
    Steer,
    SteerKind,
)
from core.verbs.migration.requests import Migrate


def begun(record: OperationRecord, request: Migrate, state: State) -> Migration:
    """Return a migration as it begins. Pure."""
    instance = state.instances.get(request.subject)
    return Migration(
        id=record.id,
        host=record.host,
        uuid=request.subject.id,
        name=record.name,
        to=request.to,
        status=MigrationStatus.PREPARING,
        policy=request.policy,
        author=record.author,
        created=record.created,
        memory=0 if instance is None else instance.memory_maximum,
        post_copy=request.post_copy,
        downtime_limit=None if request.max_downtime is None else float(request.max_downtime),
    )


def require(found: Preflight) -> None:
    """Raise RefusedError, with every reason and its cure, where something blocks."""
    blockers = found.of(Level.BLOCKER)
    if blockers:
        reasons = " ".join(finding.text for finding in blockers)
        cures = " ".join(dict.fromkeys(finding.cure for finding in blockers if finding.cure))
        raise RefusedError(reasons, cures)


def vouched(request: Migrate, found: Preflight) -> Migrate:
    """Return the request, unsafe where the preflight saw that its disks are shared. Pure."""
    return replace(request, unsafe=True) if found.vouched else request


async def read_plan(
    hosts: MigrationHosts, state: State, request: Migrate, *, resume: bool = False
) -> Plan:
    """Read the XML and both machines, and plan.

    Raises RefusedError, UsageError, NotFoundError for a host that is not open, and what reading
    raises.
    """
    request = with_connected(state, request)
    here, there = state.hosts.get(request.subject.host), state.hosts.get(request.to)
    if there is None:
        known = ", ".join(state.hosts)
        raise NotFoundError(f"There is no host {request.to!r}.", f"Known: {known}.")
    (live, inactive), ours, theirs = await asyncio.gather(
        hosts.xml(request.subject.host, request.subject.id),
        hosts.machine(request.subject.host),
        hosts.machine(request.to),
    )
    made = plan(
        request,
        xml=live,
        inactive_xml=inactive,
        instance=_instance(state, request),
        destination=describe_destination(there.name, there.uri, ours, theirs),
        source_uri="" if here is None else here.uri,
    )
    return resume_plan(made) if resume else made


def _instance(state: State, request: Migrate) -> Instance:
    instance = state.instances.get(request.subject)
    if instance is None:
        raise NotFoundError("The instance is not there any more.")
    return instance


async def prepare(
    hosts: MigrationHosts, state: State, request: Migrate, migration: Migration
) -> tuple[Plan, Migration]:
    """Plan from fresh readings; returns the plan, and the migration with what it says."""
    instance = await hosts.read(request.subject.host, request.subject.id)
    if instance is None:
        raise NotFoundError(f"{migration.name} is not on {migration.host} any more.")
    made = await read_plan(hosts, state, request)
    return made, replace(
        migration,
        uri=made.uri,
        virsh=made.virsh,
        copied_disks=made.disks,
        auto_converge=made.auto_converge,
        post_copy=request.post_copy if made.post_copy else "never",
        memory=instance.memory_maximum,
        was=before(instance, state.instances.get(ObjectKey("instance", request.to, instance.uuid))),
    )


async def set_limits(line: MigrationLine, log: RecordKeeper, request: Migrate) -> None:
    """Set the max downtime it begins with: libvirt remembers that of the migration before."""
    downtime = first_downtime(request)
    if not request.offline:
        steer = Steer(SteerKind.MAX_DOWNTIME, float(downtime))
        await log.calls.make(
            *(request.subject.host, steer.kind.value, doing(steer)),
            virsh_for(steer, log.migration),
            line.set_max_downtime(downtime),
        )
    log.change(
        limits=Limits(
            max_downtime=float(downtime),
            bandwidth=float(request.bandwidth or 0),
            post_copy_bandwidth=float(request.post_copy_bandwidth or 0),
        )
    )
