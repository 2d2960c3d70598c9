"""The secrets of a disk: made before it is attached, removed once it is detached. Pure."""

from __future__ import annotations

from core.model import ObjectKey, OperationStatus
from core.model.volume_secret import PURPOSES, secret_uuid
from core.verbs.device.calls import AttachCall, DetachCall, DropSecretsCall, SecretsCall
from core.verbs.device.connecting import disconnecting
from core.verbs.device.detaching import detach, named
from core.verbs.device.devices import word_of
from core.verbs.situation import Action, End, Send, Situation, done


def drop_secrets(subject: ObjectKey, target: str) -> DropSecretsCall:
    """Return the call that removes whatever secrets a disk may have of its own."""
    return DropSecretsCall(tuple(secret_uuid(subject.id, target, one) for one in PURPOSES))


def without_disk(now: Situation, end: End) -> Send | None:
    """Return what removes the secrets of a disk that is not attached after all; None: none is left.

    Nor where it may be: its next start needs them then.
    """
    made = next((one.call for one in now.sent if isinstance(one.call, SecretsCall)), None)
    asked = any(isinstance(one.call, AttachCall) for one in now.sent)
    if made is None or (asked and not end.again):
        return None
    name = made.plan.name
    return Send(drop_secrets(now.request.subject, name), f"removing the secrets of {name}")


def detach_wholly(now: Situation) -> Action:
    """Detach a device; once that is proven its secrets go, and its host lets go of its volume."""
    action = detach(now)
    if isinstance(action, End) and action.status is OperationStatus.DONE:
        calls = [one.call for one in now.sent if isinstance(one.call, DetachCall)]
        if any(call.secrets for call in calls):
            action = _without_secrets(now, action)
    if isinstance(action, End) and action.status is OperationStatus.DONE:
        return disconnecting(now, action)
    return action


def _without_secrets(now: Situation, end: End) -> Action:
    kind, name = named(now.request)
    last = next((one for one in reversed(now.sent) if isinstance(one.call, DropSecretsCall)), None)
    if last is None:
        call = drop_secrets(now.request.subject, name)
        return Send(call, f"removing the secrets of {word_of(kind, name)}")
    if last.accepted:
        return end
    if last.ended is None and last.at < (now.progress.adopted or 0.0):
        return Send(last.call, "removing its secrets once more")
    why = last.error.rstrip(".") or "libvirt gave no answer"
    hint = "See `virsh secret-list` on its host."
    return done(f"{end.outcome}; whether its secrets are gone is not known: {why}", hint)
