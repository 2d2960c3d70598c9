"""One bulk statistics answer: states, rates, histories, growing disks, silent processes."""

from __future__ import annotations

from msgspec.structs import replace

from core.model import (
    AlertKind,
    Counters,
    Instance,
    InstanceState,
    LinkStatus,
    ObjectKey,
)
from core.model.event import Found
from core.model.observation import Sampled
from core.model.state_code import decode_state
from core.state import alerts, findings, jobs, links
from core.state.instances import put_instance
from core.state.rates import SHORTEST, Sample, rates_between
from core.state.storage import grow_volume
from core.state.tables import Tables

SETTLE = 3.0
"""Seconds after an event or a reading in which a sample does not contradict it: the answer may
have been made before, and been slow."""


def on_sampled(tables: Tables, sampled: Sampled) -> None:
    """Take over the counters of a host's active instances, or of some of them."""
    name = sampled.host
    host = tables.hosts.get(name)
    if host is not None and host.link.status in (LinkStatus.DOWN, LinkStatus.CLOSED):
        return  # an answer that was on its way when the link went
    earlier = tables.samples.setdefault(name, {})
    interval = sampled.interval
    for uuid, counters in sampled.instances.items():
        key = ObjectKey("instance", name, uuid)
        instance = tables.instances.get(key)
        if instance is not None:
            instance = _take_state(tables, key, instance, counters, sampled.at)
            if instance.state.active:
                now = Sample(sampled.at, counters)
                _take_rates(tables, key, instance, now, earlier, interval)
            _take_growth(tables, name, counters)
    if sampled.some:
        return
    seen = tables.sampled.setdefault(name, set())
    if sampled.part == 0:
        seen.clear()
    seen.update(sampled.instances)
    if sampled.part == sampled.parts - 1:
        _end_sample(tables, sampled, seen, earlier)


def _end_sample(
    tables: Tables, sampled: Sampled, seen: set[str], earlier: dict[str, Sample]
) -> None:
    """Take over what only a whole sample tells: who is not in it, and who was silent."""
    name = sampled.host
    host = tables.hosts.get(name)
    if host is not None:
        links.put_host(tables, replace(host, sampled=sampled.at))
    for uuid in [uuid for uuid in earlier if uuid not in seen]:
        del earlier[uuid]
        tables.put_rates(ObjectKey("instance", name, uuid), None)
    _take_silence(tables, sampled, seen)
    jobs.expire(tables, name, sampled.at)
    seen.clear()


def _take_state(
    tables: Tables, key: ObjectKey, old: Instance, counters: Counters, at: float
) -> Instance:
    """Return the instance, corrected by what the STATE, VCPU and BALLOON groups know better."""
    state, reason, since = old.state, old.reason, old.state_since
    settled = old.state is InstanceState.UNKNOWN or at - tables.moved.get(key, 0.0) > SETTLE
    if counters.state is not None and settled:
        told, why = decode_state(counters.state, counters.reason or 0)
        if told is not InstanceState.UNKNOWN:
            state, reason = told, why
    if state is not old.state:
        since = at
        if old.state is not InstanceState.UNKNOWN:
            change = f"{old.state} -> {state}"
            found = Found(old.host, at, old.uuid, old.name, "instance", change)
            findings.report(tables, findings.ExpectedFinding(found, state))
    vcpus, memory = counters.vcpus or old.vcpus, counters.balloon or old.memory
    if (state, reason, vcpus, memory) != (old.state, old.reason, old.vcpus, old.memory):
        new = replace(
            old, state=state, reason=reason, state_since=since, vcpus=vcpus, memory=memory
        )
        put_instance(tables, new, at)
        return new
    return old


def _take_rates(
    tables: Tables,
    key: ObjectKey,
    instance: Instance,
    now: Sample,
    earlier: dict[str, Sample],
    interval: float,
) -> None:
    before = earlier.get(instance.uuid)
    if before is not None and 0.0 <= now.at - before.at < SHORTEST:
        return  # too soon after the last to say anything new
    rates = rates_between(before, now, instance.vcpus)
    tables.put_rates(key, rates)
    tables.histories.add(key, rates, _ticks(before, now, interval))
    if before is None or not now.counters.partial:
        earlier[instance.uuid] = now  # a partial answer is no base for the next rates


def _ticks(before: Sample | None, now: Sample, interval: float) -> int:
    """Return for how many ticks of the statistics the rates between two samples stand."""
    if before is None or not interval:
        return 1
    return max(1, round((now.at - before.at) / interval))


def _take_growth(tables: Tables, host: str, counters: Counters) -> None:
    for disk in counters.disks:
        if (host, disk.path) in tables.paths:
            grow_volume(tables, host, disk)


def _take_silence(tables: Tables, sampled: Sampled, seen: set[str]) -> None:
    """Raise and clear the alerts of hypervisor processes that do not answer."""
    silent = frozenset(sampled.silent)
    for uuid in sampled.silent:
        key = ObjectKey("instance", sampled.host, uuid)
        instance = tables.instances.get(key)
        if instance is not None:
            alert = alerts.silent_alert(instance, sampled.at)
            tables.put_alerts(key, alerts.with_alert(tables.alerts.get(key) or (), alert))
            if uuid not in seen:
                tables.histories.gap(key)
    for uuid in tables.silent.get(sampled.host, frozenset()) - silent:
        key = ObjectKey("instance", sampled.host, uuid)
        current = tables.alerts.get(key) or ()
        tables.put_alerts(key, alerts.without(current, (AlertKind.NOT_ANSWERING,)))
    tables.silent[sampled.host] = silent
