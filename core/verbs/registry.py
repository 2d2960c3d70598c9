"""Every verb by its name."""

from __future__ import annotations

from msgspec.structs import replace

from core.model import OperationRecord, Request
from core.verbs import (
    agent,
    definition,
    guest,
    migration,
    network,
    pool,
    power,
    saved,
    screenshot,
    sizing,
    snapshot,
    undefining,
)
from core.verbs.verb import Verb

_FAMILIES = (
    *(power.VERBS, saved.VERBS, guest.VERBS, agent.VERBS, screenshot.VERBS),
    *(definition.VERBS, undefining.VERBS, snapshot.VERBS, sizing.VERBS, migration.VERBS),
    *(pool.VERBS, network.VERBS),
)

VERBS: dict[str, Verb] = {verb.name: verb for family in _FAMILIES for verb in family}


def verb_of(request: Request) -> Verb:
    """Return the verb that carries a request out; KeyError if there is none."""
    return VERBS[request.verb]


def with_doing(record: OperationRecord) -> OperationRecord:
    """Return a record that says what its subject does: those of older journals and tapes do not."""
    verb = VERBS.get(record.verb)
    return record if record.doing or verb is None else replace(record, doing=verb.doing)
