"""From what was seen to a preflight: the plan, the judgement and the forecast together. Pure."""

from __future__ import annotations

from msgspec.structs import replace

from core.errors import RefusedError, UsageError, VirtdeckError
from core.migration.forecast.forecast import forecast_before
from core.migration.plan.leaving import detached
from core.migration.plan.plan import Plan, plan
from core.migration.plan.values import describe_destination
from core.migration.policies.limits import downtime_limit
from core.migration.preflight.facts import Facts
from core.migration.preflight.judge import judge, vouch
from core.migration.preflight.machine import Machine
from core.model import Forecast, Instance, Limits, MigrationStatus, Preflight, State
from core.model.detached_device import DetachedDevice
from core.model.text import clean
from core.verbs.migration.requests import Migrate

_MIB = 1 << 20


def assess(request: Migrate, facts: Facts, state: State, now: float) -> Preflight:
    """Return everything that is to be said before a migration, from what was seen at `facts.at`.

    What the plan refuses is a finding; the forecast is there where the guest's memory is moved.
    """
    asked, request = request, vouch(request, facts, state, now)
    made, refused = _plan(request, facts, state)
    uri = facts.destination_uri if made is None else made.uri
    seen = replace(facts, options=refused, destination_uri=uri)
    return Preflight(
        at=facts.at,
        findings=judge(request, seen, state, now),
        forecast=_forecast(request, facts, state, now),
        virsh="" if made is None else made.virsh,
        memory=facts.memory,
        vouched=request.unsafe and not asked.unsafe,
        leaving=_leaving(request, facts),
    )


def _plan(request: Migrate, facts: Facts, state: State) -> tuple[Plan | None, tuple[str, ...]]:
    """Return the plan, or why there is none; neither where there is nothing to plan with."""
    here, source = facts.source, state.hosts.get(request.subject.host)
    instance, there = state.instances.get(request.subject), state.hosts.get(request.to)
    if here is None or here.needs is None or not here.xml or there is None or source is None:
        return None, ()
    machine = Machine() if facts.destination is None else facts.destination.machine
    try:
        made = plan(
            request,
            xml=here.xml,
            inactive_xml=here.inactive_xml,
            instance=instance or _as_read(here.needs.instance, request),
            destination=describe_destination(there.name, there.uri, here.machine, machine),
            source_uri=source.uri,
        )
    except (UsageError, RefusedError) as error:
        return None, (clean(str(error)),)
    except VirtdeckError as error:
        return None, (clean(f"It cannot be planned: {error}"),)
    return made, ()


def _leaving(request: Migrate, facts: Facts) -> tuple[DetachedDevice, ...]:
    here = facts.source
    if here is None or here.needs is None or not here.active:
        return ()
    return detached(request, here.needs)


def _as_read(instance: Instance, request: Migrate) -> Instance:
    return replace(instance, host=request.subject.host)


def _forecast(request: Migrate, facts: Facts, state: State, now: float) -> Forecast | None:
    here = facts.source
    if here is None or here.needs is None or not here.active or request.offline:
        return None
    limit = request.bandwidth or None
    return forecast_before(
        ram=here.needs.instance.memory_maximum,
        use=facts.memory,
        bandwidth=_throughput(request, state) or (limit * _MIB if limit else None),
        limits=Limits(
            max_downtime=float(downtime_limit(request)),
            bandwidth=float(request.bandwidth or 0),
            post_copy_bandwidth=float(request.post_copy_bandwidth or 0),
        ),
        post_copy=request.post_copy != "never",
        now=now,
    )


def _throughput(request: Migrate, state: State) -> float | None:
    """Return the bytes/s of the last migration the same way, unless it was held back."""
    found = None
    for migration in state.migrations.values():
        same_way = migration.host == request.subject.host and migration.to == request.to
        free = not migration.limits.bandwidth and migration.status is MigrationStatus.COMPLETED
        if same_way and free and migration.result is not None:
            found = migration.result.throughput or found
    return found
