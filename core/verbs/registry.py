"""Every verb by its name."""

from __future__ import annotations

from msgspec.structs import replace

from core.model import OperationRecord, Request
from core.verbs import (
    agent,
    backup,
    block,
    cloning,
    cold,
    create,
    definition,
    dumping,
    editing,
    evacuation,
    extending,
    guest,
    metadata,
    migration,
    network,
    nwfilter,
    pool,
    pool_editing,
    pool_making,
    pool_removing,
    power,
    rescue,
    resizing,
    saved,
    screenshot,
    sizing,
    snapshot,
    tuning,
    undefining,
    volume_changing,
    volume_cloning,
    volume_creating,
    volume_deleting,
    volume_transferring,
)
from core.verbs.device import family as device
from core.verbs.device import mediated, released
from core.verbs.verb import Verb

_FAMILIES = (
    *(power.VERBS, saved.VERBS, dumping.VERBS, guest.VERBS, agent.VERBS, screenshot.VERBS),
    *(
        definition.VERBS,
        metadata.VERBS,
        editing.VERBS,
        undefining.VERBS,
        snapshot.VERBS,
        sizing.VERBS,
        resizing.VERBS,
        migration.VERBS,
        cold.VERBS,
    ),
    *(
        device.VERBS,
        mediated.VERBS,
        released.VERBS,
        block.VERBS,
        backup.VERBS,
        cloning.VERBS,
        rescue.VERBS,
        tuning.VERBS,
    ),
    *(
        pool.VERBS,
        pool_editing.VERBS,
        pool_making.VERBS,
        pool_removing.VERBS,
        network.VERBS,
        nwfilter.VERBS,
        create.VERBS,
        evacuation.VERBS,
        volume_creating.VERBS,
        volume_transferring.VERBS,
        volume_changing.VERBS,
        volume_cloning.VERBS,
        extending.VERBS,
        volume_deleting.VERBS,
    ),
)

VERBS: dict[str, Verb] = {verb.name: verb for family in _FAMILIES for verb in family}


def verb_of(request: Request) -> Verb:
    """Return the verb that carries a request out; KeyError if there is none."""
    return VERBS[request.verb]


def with_doing(record: OperationRecord) -> OperationRecord:
    """Return a record that says what its subject does: those of older journals and tapes do not."""
    verb = VERBS.get(record.verb)
    return record if record.doing or verb is None else replace(record, doing=verb.doing)
