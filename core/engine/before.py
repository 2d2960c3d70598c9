"""What is looked at before anything is sent: what the hosts have against it, and both of two."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Set

from core.engine.case import Case
from core.engine.looking import hosts_of
from core.model import Instance, Level, ObjectKey, OperationStatus, Preflight, Request, State
from core.state.subject import Subject
from core.verbs import checks
from core.verbs.refusal import RefusalCode
from core.verbs.situation import End

Preflights = Callable[[Request], Awaitable[Preflight]]
"""Makes the preflight of a migration; it touches nothing, and a host that does not answer is a
finding."""


async def against(case: Case, state: State, preflights: Preflights | None) -> End | None:
    """Return the end of an operation whose preflight has blockers; None: it may be begun.

    What it could not find out, and what it warns of, is in the log of the operation then.
    """
    if case.verb.preflight is None or preflights is None:
        return None
    found = await preflights(case.verb.preflight(state, case.request))
    if blockers := found.against_cold:
        reasons = " ".join(finding.text for finding in blockers)
        cures = " ".join(dict.fromkeys(finding.cure for finding in blockers if finding.cure))
        return End(OperationStatus.REFUSED, reasons, cures, RefusalCode.DESTINATION)
    for finding in (*found.of(Level.UNKNOWN), *found.of(Level.WARNING)):
        if finding.id == "operation":
            continue  # it is this one
        case.said(f"{finding.text} {finding.cure}".rstrip())
    return None


def held_by_backup(case: Case, state: State) -> End | None:
    """Return the end of an operation that a backup of others would hold up; None: none does.

    No event tells of one: it is seen by the look before.
    """
    if "backup" not in case.verb.looks_at or not isinstance(case.subject, Instance):
        return None
    found = [*checks.against_backup(state, case.verb, case.subject)]
    return checks.refused(state, case.request, found) if found else None


def held_by_move(case: Case, state: State) -> End | None:
    """Return the end of an operation on a half of a cold migration that it would break.

    Only the XML tells that it is one: it is read by the look before, where it was not yet.
    """
    found = [*checks.against_move(state, case.verb, case.request)]
    return checks.refused(state, case.request, found) if found else None


def listed_only(subject: Subject | None) -> bool:
    """Whether all that is known of an instance is what a listing tells."""
    return isinstance(subject, Instance) and not subject.described


def tell_of_twins(
    cases: Iterable[Case], hosts: Set[str], touched: Set[ObjectKey], lost: Set[str]
) -> None:
    """Wake what also waits for another host than its own, and for what that has of its instance."""
    ids = {key.id for key in touched}
    for case in cases:
        if not case.verb.two_hosts:
            continue
        both = hosts_of(case)
        if both & lost:
            case.lost_link()
        if both & hosts or case.record.subject.id in ids:
            case.woken.set()
