"""Whether a migration or a drain makes sense at all, before anything is looked at. Pure.

What the hosts themselves have to say comes from the preflight (core.migration.preflight.judge).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from core.model import Host, InstanceState, LinkStatus, Request, State
from core.state import resume_crash
from core.verbs.connected import against_migrating
from core.verbs.migration.requests import Drain, Migrate, ResumeMigration
from core.verbs.refusal import Refusal, RefusalCode
from core.verbs.wording import cancel_command

TO_MIGRATE = {
    state: (f"{{name}} is {state}", "it cannot be migrated so")
    for state in (InstanceState.CRASHED, InstanceState.SHUTTING_DOWN)
}


def against_migrate(state: State, request: Request, _: str) -> Iterator[Refusal]:
    """Tell why an instance cannot be sent where it is asked to go."""
    assert isinstance(request, Migrate)
    yield from against_destination(state, request.to, request.subject.host)
    instance = state.instances.get(request.subject)
    if instance is None:
        return
    name, now = instance.name, instance.state
    if request.offline and now.active:
        yield Refusal(RefusalCode.STATE, f"{name} is on", "only what is off is migrated offline")
    elif not request.offline and now is InstanceState.SHUTOFF:
        cure = "migrate it offline, which moves its definition"
        yield Refusal(RefusalCode.STATE, f"{name} is shut off", cure)
    yield from against_migrating(state, request.subject, request.to, name, request.rewrites)


def against_destination(state: State, to: str, source: str) -> Iterator[Refusal]:
    """Tell why a host cannot be a destination."""
    host = state.hosts.get(to)
    if not to:
        cure = "name the host it is to move to"
        yield Refusal(RefusalCode.DESTINATION, "No destination was named", cure)
    elif host is None:
        known = f"there are {', '.join(state.hosts)}"
        yield Refusal(RefusalCode.DESTINATION, f"There is no host {to!r}", known)
    elif to == source:
        yield Refusal(RefusalCode.DESTINATION, f"It is on {to} already", "name another host")
    else:
        yield from _not_ready(host)


def _not_ready(host: Host) -> Iterator[Refusal]:
    if host.link.status is not LinkStatus.UP:
        why = f" ({host.link.error.rstrip('.')})" if host.link.error else ""
        text = f"The destination {host.name} is not reachable{why}"
        yield Refusal(RefusalCode.DESTINATION, text)


def against_resume(state: State, request: Request, _: str) -> Iterator[Refusal]:
    """Tell why a failed post-copy cannot be resumed."""
    assert isinstance(request, ResumeMigration)
    instance = state.instances.get(request.subject)
    if instance is None:
        return
    if instance.reason != resume_crash.FAILED:
        nothing = (
            f"{instance.name} on {request.subject.host} has no post-copy migration that failed"
        )
        yield Refusal(RefusalCode.STATE, nothing, "there is nothing to resume")
        return
    why, cure = resume_crash.crash_of(state, request.subject)
    if why and request.accept_crash not in (instance.name, instance.uuid):
        yield Refusal(RefusalCode.UNSUPPORTED, f"{why} {cure}")


def against_drain(state: State, request: Request, but: str) -> Iterator[Refusal]:
    """Tell why a host cannot be emptied. `but` is the id of an operation that does not count."""
    assert isinstance(request, Drain)
    source = request.subject.host
    others = [name for name in state.hosts if name != source]
    if not others:
        only = f"{source} is the only host that is open"
        yield Refusal(RefusalCode.DESTINATION, only, "open one to move its instances to")
        return
    for to in request.to:
        yield from against_destination(state, to, source)
    if not request.to and not any(_takes(state.hosts[name]) for name in others):
        none = f"No other host than {source} is reachable"
        yield Refusal(RefusalCode.DESTINATION, none, "there is nowhere to move to")
    if request.options is not None and request.options.offline:
        offline = "A drain moves what runs and leaves what is off"
        yield Refusal(RefusalCode.PARAMETER, offline, "do not ask for offline")
    yield from _against_other_drains(state, request, but)


def _against_other_drains(state: State, request: Drain, but: str) -> Iterable[Refusal]:
    source = request.subject.host
    drains = {
        record.host: record
        for record in state.operations.values()
        if record.verb == Drain.verb and not record.status.final and record.id != but
    }
    if source in drains:
        text = f"{source} is being drained already (by {drains[source].author})"
        cure = f"wait for it, or cancel it: {cancel_command(drains[source])}"
        yield Refusal(RefusalCode.BUSY, text, cure)
    for to in request.to:
        if to in drains:
            text = f"The destination {to} is being drained itself (by {drains[to].author})"
            yield Refusal(RefusalCode.BUSY, text, "name another, or cancel that drain")


def _takes(host: Host) -> bool:
    return host.link.status is LinkStatus.UP and not host.link.read_only
