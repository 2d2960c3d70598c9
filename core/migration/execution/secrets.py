"""The secrets of an instance's disks at the host it has left. On the core's loop only."""

from __future__ import annotations

from dataclasses import replace

from core.errors import VirtdeckError
from core.migration.execution.port import MigrationHosts
from core.model import ObjectKey, OperationStatus, State
from core.verbs.situation import End
from core.verbs.undefining import secrets_of


async def leave_secrets(
    hosts: MigrationHosts, state: State, source: ObjectKey, to: str, end: End
) -> End:
    """Have the source remove the secrets virtdeck made of one that is there no more; none raises.

    Where the source defines it yet, its next start there needs them. The destination's own were
    made there by hand: libvirt tells no client the value of a private secret.
    """
    there = state.instances.get(ObjectKey("instance", to, source.id))
    if end.status is not OperationStatus.DONE or there is None:
        return end
    secrets = secrets_of(there)
    if not secrets:
        return end
    try:
        await hosts.drop_secrets(source.host, source.id, secrets)
    except VirtdeckError as error:
        why = error.message.rstrip(".")
        text = f"whether the secrets of its disks are gone from {source.host} is not known: {why}"
        hint = end.hint or f"See `virsh secret-list` on {source.host}."
        return replace(end, outcome=f"{end.outcome.rstrip('.')}; {text}", hint=hint)
    return end
