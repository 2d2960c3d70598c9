"""Whether a request makes sense now: every reason against it, and what to do instead. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from shlex import quote

from core.errors import NotFoundError, RefusedError, VirtdeckError
from core.model import Host, Instance, LinkStatus, OperationRecord, OperationStatus, Request, State
from core.model.driver import driver_of_type
from core.model.text import clean
from core.state.subject import owner_of, subject_of
from core.verbs import second_copy
from core.verbs.parameter import against_parameters
from core.verbs.refusal import Refusal, RefusalCode, told
from core.verbs.registry import VERBS, verb_of
from core.verbs.situation import End
from core.verbs.verb import Verb
from core.verbs.wording import cancel_command

BUSY = {
    "migration": "is migrating",
    "save": "is being saved",
    "dump": "is being dumped",
    "snapshot": "is having a snapshot taken",
}
"""Jobs during which libvirt blocks every verb that is not `during_jobs`, and how they read."""


def check(state: State, request: Request, but: str = "") -> tuple[Refusal, ...]:
    """Return why a request would be refused now; empty: it would be accepted.

    Pure: the state is all it knows. What speaks against the host comes first. `but` is the id of
    an operation that does not count: the request's own.
    """
    host = state.hosts.get(request.subject.host)
    if host is None:
        text = f"There is no host {request.subject.host}"
        return (Refusal(RefusalCode.NOT_FOUND, text, "see `virtdeck hosts`"),)
    verb = verb_of(request)
    found = [*_against_host(host), *against_parameters(request)]
    subject = subject_of(state, request.subject)
    if verb.makes is not None:
        found += _against_namesakes(state, request, but)
        return (*found, *verb.refusals(state, request, but))
    if subject is None:
        return (*found, *_not_there(state, host, verb, request))
    if verb.workflow is None or verb.subject == "instance":
        found += _against_others(state, request, subject.name, but)
    if isinstance(subject, Instance):
        found += _against_job(state, verb, subject)
        found += _against_state(verb, subject)
    found += against_move(state, verb, request)
    found += verb.refusals(state, request, but)
    return (*found, *second_copy.against(state, request, but))


def refused(state: State, request: Request, reasons: Sequence[Refusal]) -> End:
    """Return the end of an operation that something speaks against."""
    codes = [reason.code for reason in reasons]
    code = RefusalCode.READ_ONLY if RefusalCode.READ_ONLY in codes else codes[0]
    hint = second_copy.cure(state, request)
    return End(OperationStatus.REFUSED, told(reasons), hint, code)


def _against_host(host: Host) -> Iterator[Refusal]:
    if host.link.read_only:
        cure = "open it without --read-only to change anything"
        yield Refusal(RefusalCode.READ_ONLY, f"{host.name} is open read-only", cure)
    if host.link.status is not LinkStatus.UP:
        why = f" ({host.link.error.rstrip('.')})" if host.link.error else ""
        cure = host.link.hint or "Wait until its link is up, or reconnect it."
        text = f"{host.name} is not reachable{why}"
        yield Refusal(RefusalCode.UNREACHABLE, text, f"{cure[0].lower()}{cure[1:]}")


def _not_there(state: State, host: Host, verb: Verb, request: Request) -> Iterator[Refusal]:
    if host.link.status is LinkStatus.UP:
        text = f"{host.name} has no such {verb.subject} now"
        about = [one for one in state.operations.values() if one.subject == request.subject]
        if about and verb.subject == "instance":  # its name, as it was known last
            text += f": {clean(max(about, key=lambda one: one.created).name)} is gone"
        listing = "show INSTANCE" if verb.subject == "snapshot" else f"{verb.subject}s"
        yield Refusal(RefusalCode.NOT_FOUND, text, f"see `virtdeck {listing}`")


def _against_others(state: State, request: Request, name: str, but: str) -> Iterator[Refusal]:
    for other in in_the_way(state, request):
        if other.id != but:
            text = f"{other.verb} of {name} is {other.status.value} (by {other.author})"
            yield Refusal(RefusalCode.BUSY, text, wait_or_cancel(other))


def _against_namesakes(state: State, request: Request, but: str) -> Iterator[Refusal]:
    """Tell of another operation that makes one of the same name on the same host."""
    for other in state.operations.values():
        known = VERBS.get(other.verb)
        alike = known is not None and known.makes == verb_of(request).makes
        here = other.host == request.subject.host and other.name == request.makes
        if alike and here and other.id != but and not other.status.final:
            text = f"{other.verb} of {other.name} is {other.status.value} (by {other.author})"
            yield Refusal(RefusalCode.BUSY, text, wait_or_cancel(other))


def wait_or_cancel(other: OperationRecord) -> str:
    """Return what to do about an operation that is in the way."""
    if against_taking_back(other):
        return "wait for it"
    return f"wait for it, or cancel it: {cancel_command(other)}"


def in_the_way(state: State, request: Request) -> list[OperationRecord]:
    """Return the operations on the same subject that have to be over before a request."""
    return [other for other in others(state, request) if not _overrides(request, other)]


def others(state: State, request: Request) -> list[OperationRecord]:
    """Return the operations on the same subject that go on, of any console.

    One that waits for an answer keeps nobody from anything, however long that takes. Those on the
    snapshots of an instance count as its own.
    """
    owner = owner_of(request.subject)
    return [
        record
        for record in state.operations.values()
        if (owner_of(record.subject) == owner or _of_both(record, request))
        and not record.status.final
        and record.status is not OperationStatus.ASKING
    ]


def _of_both(record: OperationRecord, request: Request) -> bool:
    """Whether an operation or a request changes what two hosts have of the same instance."""
    known = VERBS.get(record.verb)
    both = verb_of(request).two_hosts or (known is not None and known.two_hosts)
    return both and record.subject.kind == "instance" and record.subject.id == request.subject.id


def _overrides(request: Request, other: OperationRecord) -> bool:
    known = VERBS.get(other.verb)
    overridden = any(kind.verb == other.verb for kind in verb_of(request).overrides)
    return overridden or (known is not None and goes_beside(request, known))


def goes_beside(request: Request, other: Verb) -> bool:
    """Whether a request need not wait for an operation of another verb on the same subject."""
    verb = verb_of(request)
    return other.request in verb.beside or (other.backs_up and verb.during_backups)


def _against_job(state: State, verb: Verb, instance: Instance) -> Iterator[Refusal]:
    yield from against_backup(state, verb, instance)
    job = state.jobs.get(instance.key)
    if job is not None and job.kind in BUSY and not verb.during_jobs:
        text = f"{instance.name} {BUSY[job.kind]}"
        yield Refusal(RefusalCode.BUSY, text, "wait for the end of it, or abort it")


def against_backup(state: State, verb: Verb, instance: Instance) -> Iterator[Refusal]:
    """Tell that a backup is under way: libvirt would let it wait for half a minute, then refuse."""
    job = state.jobs.get(instance.key)
    if job is not None and job.kind == "backup" and not verb.during_backups:
        cure = "wait for its end, or end it: cancel it, or `virsh domjobabort`"
        yield Refusal(RefusalCode.BUSY, f"{instance.name} is being backed up", cure)


def against_move(state: State, verb: Verb, request: Request) -> Iterator[Refusal]:
    """Tell of a cold migration that is open: what changes either half would leave the other one."""
    instance = state.instances.get(owner_of(request.subject))
    if verb.during_move or instance is None or instance.cold is None:
        return
    where = "to" if instance.cold.role == "source" else "from"
    name, other = clean(instance.name), clean(instance.cold.other)
    text = f"{name} was cold-migrated {where} {other}, and that is neither confirmed nor reverted"
    named = quote(f"{clean(instance.host)}/{name}")
    cure = f"`virtdeck confirm-cold-migration {named}`, or `virtdeck revert-cold-migration {named}`"
    yield Refusal(RefusalCode.STATE, text, cure)


def _against_state(verb: Verb, instance: Instance) -> Iterator[Refusal]:
    if instance.state not in verb.states:
        return
    can_reset = driver_of_type(instance.type).can("reset")
    restart = "reset it, or stop it" if can_reset else "stop it"
    places = {"name": instance.name, "host": instance.host, "restart": restart}
    text, cure = (part.format(**places) for part in verb.states[instance.state])
    yield Refusal(RefusalCode.STATE, text, cure)


def against_taking_back(record: OperationRecord) -> RefusedError | None:
    """Return why an operation that is not over cannot be cancelled; None: it can be asked for."""
    verb = VERBS.get(record.verb)
    waits = verb is not None and (verb.waits or verb.workflow is not None)
    return None if waits or record.status is OperationStatus.QUEUED else sent_already(record)


def sent_already(record: OperationRecord) -> RefusedError:
    """Return why an operation that waits for nobody cannot be cancelled any more."""
    if record.question is not None and record.status is OperationStatus.ASKING:
        text = f"{record.verb} of {record.name} waits for an answer: it ends with that."
        return RefusedError(
            text, f"Answer {' or '.join(one.word for one in record.question.choices)}."
        )
    return RefusedError(
        f"{record.verb} of {record.name} has been sent and cannot be taken back.",
        "Wait for it; it ends by itself.",
    )


def against_cancel(state: State, operation_id: str) -> VirtdeckError:
    """Return why an operation that is not there, over, or of a host not open is not cancelled."""
    record = state.operations.get(operation_id)
    if record is None:
        return NotFoundError(f"There is no operation {operation_id}.", "See `virtdeck operations`.")
    if record.status.final:
        return RefusedError(f"{record.verb} of {record.name} is over: {record.status.value}.")
    return RefusedError(
        f"{record.verb} of {record.name} is of {record.host}, another host than those open here.",
        f"Open {record.not_open} to do something about it.",
    )
