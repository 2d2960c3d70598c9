"""Whether a migration or a drain makes sense at all, before anything is looked at. Pure.

What the hosts themselves have to say comes from the preflight (core.migration.preflight).
"""

from __future__ import annotations

from core.model import (
    Drain,
    Host,
    Instance,
    InstanceState,
    LinkStatus,
    Migrate,
    ResumeMigration,
    State,
)
from core.state import resume_crash

MOST_AT_A_TIME = 32


def against_migrate(state: State, request: Migrate, instance: Instance) -> list[str]:
    """Return why an instance cannot be sent where it is asked to go."""
    reasons = against_destination(state, request.to, request.subject.host)
    if request.offline and instance.state.active:
        reasons.append(f"{instance.name} is on: only what is off is migrated offline.")
    elif not request.offline and instance.state is InstanceState.SHUTOFF:
        reasons.append(
            f"{instance.name} is shut off: migrate it offline, which moves its definition."
        )
    elif instance.state in (InstanceState.CRASHED, InstanceState.SHUTTING_DOWN):
        reasons.append(f"{instance.name} is {instance.state}: it cannot be migrated so.")
    return reasons


def against_destination(state: State, to: str, source: str) -> list[str]:
    """Return why a host cannot be a destination."""
    host = state.hosts.get(to)
    if not to:
        return ["No destination was named: name the host it is to move to."]
    if host is None:
        return [f"There is no host {to!r}: there are {', '.join(state.hosts)}."]
    if to == source:
        return [f"It is on {to} already: name another host."]
    return _not_ready(host)


def _not_ready(host: Host) -> list[str]:
    if host.link.status is LinkStatus.UP:
        return []
    why = f" ({host.link.error.rstrip('.')})" if host.link.error else ""
    return [f"The destination {host.name} is not reachable{why}."]


def against_resume(state: State, request: ResumeMigration, instance: Instance) -> list[str]:
    """Return why a failed post-copy cannot be resumed."""
    if instance.reason == resume_crash.FAILED:
        accepted = request.accept_crash in (instance.name, instance.uuid)
        why, cure = resume_crash.crash_of(state, request.subject)
        return [f"{why} {cure}"] if why and not accepted else []
    return [
        f"{instance.name} on {request.subject.host} has no post-copy migration that failed: "
        "there is nothing to resume."
    ]


def against_drain(state: State, request: Drain, but: str = "") -> list[str]:
    """Return why a host cannot be emptied. `but` is the id of an operation that does not count."""
    source = request.subject.host
    others = [name for name in state.hosts if name != source]
    if not others:
        return [f"{source} is the only host that is open: open one to move its instances to."]
    reasons = [reason for to in request.to for reason in against_destination(state, to, source)]
    if not 1 <= request.at_a_time <= MOST_AT_A_TIME:
        reasons.append(f"{request.at_a_time} at a time makes no sense: 1 to {MOST_AT_A_TIME}.")
    if not request.to and not any(_takes(state.hosts[name]) for name in others):
        reasons.append(f"No other host than {source} is reachable: there is nowhere to move to.")
    if request.bandwidth is not None and request.bandwidth < 0:
        reasons.append("A bandwidth is 1 MiB/s or more, or 0 for no limit.")
    if request.options is not None and request.options.offline:
        reasons.append("A drain moves what runs and leaves what is off: do not ask for offline.")
    drains = {
        record.host: record
        for record in state.operations.values()
        if record.verb == Drain.verb and not record.status.final and record.id != but
    }
    if source in drains:
        reasons.append(f"{source} is being drained already (by {drains[source].author}).")
    reasons += [
        f"The destination {to} is being drained itself (by {drains[to].author})."
        for to in request.to
        if to in drains
    ]
    return reasons


def _takes(host: Host) -> bool:
    return host.link.status is LinkStatus.UP and not host.link.read_only
