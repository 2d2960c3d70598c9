"""Every call by its type."""

from __future__ import annotations

from functools import partial

from core.hypervisor.calls import (
    agent,
    definition,
    guest,
    network,
    pool,
    power,
    saved,
    screenshot,
    snapshot,
    undefining,
)
from core.hypervisor.calls.function import CallFunctions
from core.hypervisor.connection.binding import Connection, errors_told_as
from core.model import ObjectKey
from core.model.secret_value import without_secrets_of
from core.verbs.call import Call

_FAMILIES = (
    *(power, saved, guest, agent, screenshot),
    *(definition, undefining, snapshot, pool, network),
)

CALL_FUNCTIONS: CallFunctions = {
    kind: function for family in _FAMILIES for kind, function in family.CALL_FUNCTIONS.items()
}


def make(conn: Connection, subject: ObjectKey, call: Call) -> None:
    """Make a call; raises libvirtError, HypervisorError. On a lane's thread."""
    with errors_told_as(partial(without_secrets_of, call)):
        CALL_FUNCTIONS[type(call)](conn, subject, call)
