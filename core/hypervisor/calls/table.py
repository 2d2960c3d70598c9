"""Every call by its type."""

from __future__ import annotations

from functools import partial

from core.hypervisor.calls import (
    agent,
    backup,
    backup_pull,
    block,
    checkpoint,
    cloning,
    cold,
    connecting,
    creating,
    defining,
    definition,
    device,
    evacuation,
    execute,
    firmware,
    freezing,
    guest,
    image,
    mediated,
    network,
    nwfilter,
    pool,
    power,
    resizing,
    saved,
    screenshot,
    snapshot,
    tuning,
    undefining,
    volume,
    volume_downloads,
    volume_secrets,
    volume_transfers,
)
from core.hypervisor.calls.function import CallFunctions
from core.hypervisor.connection.binding import Connection, errors_told_as
from core.model import ObjectKey
from core.model.secret_value import without_secrets_of
from core.verbs.answer import CallAnswer
from core.verbs.call import Call

_FAMILIES = (
    *(power, saved, guest, agent, execute, freezing, screenshot),
    *(definition, defining, firmware, cloning, undefining, snapshot, tuning),
    *(block, device, backup, backup_pull, checkpoint, image, pool, network, nwfilter),
    *(creating, evacuation, volume, volume_secrets, volume_transfers, volume_downloads),
    *(connecting, cold, resizing, mediated),
)

CALL_FUNCTIONS: CallFunctions = {
    kind: function for family in _FAMILIES for kind, function in family.CALL_FUNCTIONS.items()
}


def make(conn: Connection, subject: ObjectKey, call: Call) -> CallAnswer | None:
    """Make a call, return its answer; raises libvirtError, HypervisorError. On a lane's thread."""
    with errors_told_as(partial(without_secrets_of, call)):
        answer = CALL_FUNCTIONS[type(call)](conn, subject, call)
    return answer if call.answers is not None else None  # libvirt's own is a number often
