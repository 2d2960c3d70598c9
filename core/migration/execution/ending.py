"""The ends of operations that were migrations."""

from __future__ import annotations

from core.errors import RefusedError, VirtdeckError
from core.migration.execution.record import RecordKeeper
from core.model import Migration, MigrationStatus, OperationStatus
from core.verbs.situation import End, cancelled, done, failed, unknown


def end_of(migration: Migration) -> End:
    """Return the end of the operation that a migration was. Pure."""
    outcome, hint = migration.outcome, migration.hint
    if migration.status is MigrationStatus.COMPLETED:
        # the outcome itself says how the instance is there
        bad = [one.text for one in migration.checks if one.passed is False and one.name != "there"]
        return done(". ".join([outcome, *bad]), hint)
    if migration.status is MigrationStatus.ABORTED:
        return cancelled(outcome, hint)
    if migration.status is MigrationStatus.UNKNOWN:
        return unknown(outcome, hint)
    return failed(outcome, hint)


def stopped(log: RecordKeeper, why: str) -> str:
    """Show that a migration was stopped before anything was sent, and return it in words."""
    migration = log.migration
    outcome = f"aborted before it began ({why}): {migration.name} stays on {migration.host}"
    log.change(outcome, status=MigrationStatus.ABORTED, ended=log.clock.now(), outcome=outcome)
    return outcome


def not_started(log: RecordKeeper, error: VirtdeckError) -> End:
    """End a migration of which nothing was sent."""
    outcome = f"not started: {error.message}"
    log.change(
        outcome,
        status=MigrationStatus.FAILED,
        ended=log.clock.now(),
        outcome=outcome,
        hint=error.hint,
    )
    status = OperationStatus.REFUSED if isinstance(error, RefusedError) else OperationStatus.FAILED
    return End(status, outcome, error.hint)
