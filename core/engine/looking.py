"""Reading what a verb decides from: its subject, and what more it looks at."""

from __future__ import annotations

from core.engine.case import Case
from core.engine.port import Hosts
from core.model import Instance, State
from core.state.subject import Subject, subject_of

_KEPT_TRUE = frozenset({"host", "migration"})
"""Kinds of which the state has what there is to know: there is no such object of libvirt's."""


async def read_for(case: Case, hosts: Hosts, state: State) -> Subject | None:
    """Read the subject of a case and what its verb looks at; None when it is gone.

    Raises as `Hosts.read` does.
    """
    key = case.record.subject
    if key.kind in _KEPT_TRUE:
        return subject_of(state, key)
    subject = await hosts.read(key, case.verb.looks_at)
    running = isinstance(subject, Instance) and subject.state.active
    unheard = any(call.defines for call in case.progress.unheard)
    if running and (unheard or "definition" in case.verb.looks_at):
        case.defined = await hosts.defined(key)
    case.job_runs = running and _is_awaited_by_nobody(case) and await hosts.share(key) is not None
    return subject


def _is_awaited_by_nobody(case: Case) -> bool:
    """Whether a long call may be under way of which nobody here waits for the answer."""
    waited = case.calling is not None and not case.calling.done()
    return not waited and any(call.long for call in case.progress.unheard)
