"""The secrets of a disk that has left the storage they were for. Pure."""

from __future__ import annotations

from core.model import OperationStatus
from core.verbs.block.calls import BlockCopyCall
from core.verbs.block.following import Followed
from core.verbs.device.calls import DropSecretsCall
from core.verbs.device.devices import PROVEN
from core.verbs.device.disk_secrets import drop_secrets
from core.verbs.situation import Action, End, done


def without_secrets(job: Followed, call: BlockCopyCall, action: Action) -> Action:
    """Remove the secrets of an image of the network, once the instance is done with it.

    No detach would: its disk names none of them any more.
    """
    proven = call.source.partition(":")[0] in PROVEN
    return secrets_dropped(job, action) if proven else action


def secrets_dropped(job: Followed, action: Action) -> Action:
    """Remove the secrets of a disk that has left its image; those that it names yet stay."""
    if not (isinstance(action, End) and action.status is OperationStatus.DONE):
        return action
    if not job.now.link_up:
        return job.wait()
    drop = drop_secrets(job.now.request.subject, job.disk)
    if again := job.once(drop, f"removing the secrets of what {job.disk} was"):
        return again
    dropped = job.sent(DropSecretsCall)
    if dropped is None or dropped.ended is None:
        return job.wait()
    if dropped.error:
        why = dropped.error.rstrip(".")
        text = f"{action.outcome}; whether its secrets are gone is not known: {why}"
        return done(text, "See `virsh secret-list` on its host.")
    return action
