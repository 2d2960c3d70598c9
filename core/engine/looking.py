"""Reading what a verb decides from: its subject, and what more it looks at."""

from __future__ import annotations

import asyncio

from core.engine.case import Case
from core.engine.port import Hosts
from core.model import Instance, Network, ObjectKey, Pool, State
from core.state.subject import Subject, subject_of
from core.verbs.around import around
from core.verbs.situation import LookedAt

_KEPT_TRUE = frozenset({"host", "migration"})
"""Kinds of which the state has what there is to know: there is no such object of libvirt's."""


async def read_for(case: Case, hosts: Hosts, state: State) -> Subject | None:
    """Read the subject of a case and what its verb looks at; None when it is gone.

    Raises as `Hosts.read` does.
    """
    key, began = case.record.subject, case.now()
    if key.kind in _KEPT_TRUE:
        return subject_of(state, key)
    meanwhile = _begin_with_definition(case, hosts)
    try:
        subject = await hosts.read(key, _looks_at(case))
    except BaseException:
        if meanwhile is not None:
            meanwhile.cancel()
        raise
    others = hosts_of(case)
    if case.verb.two_hosts:
        others |= set(around(state, key).twins)
    for host in others - {key.host}:
        await hosts.read(ObjectKey(key.kind, host, key.id))  # the state has it then
    running = isinstance(subject, Instance) and subject.state.active
    unheard = any(call.defines for call in case.progress.unheard)
    if running and (unheard or "definition" in case.verb.looks_at):
        case.defined = await (meanwhile or hosts.defined(key))
    case.volumes = frozenset(
        [
            wanted
            for call in case.progress.unheard
            if (wanted := call.volume) is not None
            and await hosts.has_volume(call.host or key.host, *wanted)
        ]
    )
    if "document" in case.verb.looks_at and isinstance(subject, Instance | Network | Pool):
        case.document = await hosts.document(key)
    if "kept" in case.verb.looks_at and not case.progress.sent:
        case.kept = await hosts.kept(getattr(case.request, "source", ""), key.id)
    case.job_runs = running and _is_awaited_by_nobody(case) and await hosts.share(key) is not None
    case.looked = began
    return subject


def _begin_with_definition(case: Case, hosts: Hosts) -> asyncio.Task[Instance | None] | None:
    """Read the definition of what runs beside its subject: on a slow link that halves the wait."""
    if "definition" not in case.verb.looks_at:
        return None
    if not (isinstance(case.subject, Instance) and case.subject.state.active):
        return None
    begun = asyncio.create_task(hosts.defined(case.record.subject))
    begun.add_done_callback(lambda task: task.cancelled() or task.exception())  # it may not matter
    return begun


def hosts_of(case: Case) -> set[str]:
    """Return the hosts that have to tell how an operation stands: its own, and where it called."""
    called = {host for sent in case.progress.sent for host in sent.call.hosts}
    return {case.record.host, *called}


def _looks_at(case: Case) -> frozenset[LookedAt]:
    """Return what is read now: checkpoints cost a call each, and change by what says so only."""
    sent = case.progress.sent
    if sent and not sent[-1].call.changes_checkpoints:
        return case.verb.looks_at - {"checkpoints"}
    return case.verb.looks_at


def _is_awaited_by_nobody(case: Case) -> bool:
    """Whether a long call may be under way of which nobody here waits for the answer."""
    waited = case.calling is not None and not case.calling.done()
    return not waited and any(call.long for call in case.progress.unheard)
