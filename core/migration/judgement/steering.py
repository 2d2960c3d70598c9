"""Steering a migration that runs: what may be done now, and the log of what was. Pure."""

from __future__ import annotations

import math

from msgspec.structs import replace

from core.migration.judgement.words import speaks_against
from core.model import Answer, Migration, Steer, SteerKind, SteerRecord

MOST_DOWNTIME = 2_000_000.0
"""Milliseconds: what QEMU takes at most."""
MOST_BANDWIDTH = 1_048_576.0
"""MiB/s: a tebibyte a second."""


def refusal(migration: Migration, steer: Steer, *, policies: frozenset[str]) -> str:
    """Return why a command makes no sense now, one sentence; empty: it may be tried.

    Pure. `policies` are the names that are known.
    """
    return _bad_value(steer, policies) or speaks_against(steer.kind, migration)


def _bad_value(steer: Steer, policies: frozenset[str]) -> str:
    value = steer.value
    if steer.kind is SteerKind.POLICY and steer.text not in policies:
        return f"There is no policy {steer.text!r}: there are {', '.join(sorted(policies))}."
    if steer.kind is SteerKind.MAX_DOWNTIME:
        if value is None or not (math.isfinite(value) and 1 <= value <= MOST_DOWNTIME):
            return f"A max downtime is 1 to {MOST_DOWNTIME:.0f} ms."
    elif steer.kind in (SteerKind.BANDWIDTH, SteerKind.POST_COPY_BANDWIDTH) and (
        value is None or not (math.isfinite(value) and 0 <= value <= MOST_BANDWIDTH)
    ):
        return f"A bandwidth is 1 to {MOST_BANDWIDTH:.0f} MiB/s, or 0 for no limit."
    return ""


def asked(migration: Migration, record: SteerRecord) -> Migration:
    """Return the migration with a new command in its log."""
    return replace(migration, steering=(*migration.steering, record))


def inherited(
    own: tuple[SteerRecord, ...], before: tuple[SteerRecord, ...]
) -> tuple[SteerRecord, ...]:
    """Return a log of commands with those sent by who followed the migration before. Pure.

    `before` may have got answers since: they replace what `own` only knows as requested.
    """
    every = {(record.at, record.steer, record.by): record for record in before}
    for record in own:
        key = (record.at, record.steer, record.by)
        if key not in every or record.answer is not Answer.REQUESTED:
            every[key] = record
    return tuple(sorted(every.values(), key=lambda record: record.at))


def answered(migration: Migration, old: SteerRecord, new: SteerRecord) -> Migration:
    """Return the migration with the answer to a command, and what it put in force."""
    steering = tuple(new if record is old else record for record in migration.steering)
    migration = replace(migration, steering=steering)
    if new.answer is not Answer.DONE:
        return migration
    steer, limits = new.steer, migration.limits
    if steer.kind is SteerKind.MAX_DOWNTIME:
        limits = replace(limits, max_downtime=steer.value)
    elif steer.kind is SteerKind.BANDWIDTH:
        limits = replace(limits, bandwidth=steer.value)
    elif steer.kind is SteerKind.POST_COPY_BANDWIDTH:
        limits = replace(limits, post_copy_bandwidth=steer.value)
    elif steer.kind is SteerKind.POLICY:
        return replace(migration, policy=steer.text)
    return replace(migration, limits=limits)


def aborting(migration: Migration) -> bool:
    """Whether an abort was accepted."""
    return any(
        record.steer.kind is SteerKind.ABORT and record.answer is Answer.DONE
        for record in migration.steering
    )


def abort_unanswered(migration: Migration) -> bool:
    """Whether an abort was sent and got no answer in time: it may have taken effect."""
    return any(
        record.steer.kind is SteerKind.ABORT and record.answer is Answer.NO_ANSWER
        for record in migration.steering
    )


def abort_pending(migration: Migration) -> bool:
    """Whether an abort was sent and has no answer yet."""
    return any(
        record.steer.kind is SteerKind.ABORT and record.answer is Answer.REQUESTED
        for record in migration.steering
    )
