"""What a detach would send, told without sending it. Pure."""

from __future__ import annotations

from core.verbs.device.calls import DetachCall, FindDeviceCall
from core.verbs.device.detaching import live_call, named
from core.verbs.device.devices import find, word_of
from core.verbs.device.disk_secrets import drop_secrets
from core.verbs.sequence import Step
from core.verbs.situation import Situation


def rehearsed(now: Situation) -> list[Step]:
    """Return what would be sent, were it defined as it runs: a rehearsal reads no definition.

    What only that may have is looked for in it.
    """
    instance, (kind, name) = now.instance, named(now.request)
    device = find(instance, kind, name)
    if instance is None:
        return []
    when, word = getattr(now.request, "when", "both"), word_of(kind, name)
    active = instance.state.active
    taking = f"taking {word} out of the definition of {now.name}"
    if device is None:
        looking = f"looking for {word} in the definition of {now.name}"
        call = DetachCall(kind, name, "", live=False)
        return [Step(FindDeviceCall(kind, name), looking), Step(call, taking)]
    steps = []
    if instance.persistent and when != "now":
        call = DetachCall(kind, name, device.source, live=False, type=device.type,
                          secrets=device.secrets)  # fmt: skip
        steps.append(Step(call, taking))
    if active and when != "next-start":
        live = live_call(kind, name, device)
        steps.append(Step(live, f"asking the guest of {now.name} to let go of {word}"))
    if device.secrets:
        drop = drop_secrets(now.request.subject, name)
        steps.append(Step(drop, f"removing the secrets of {word}"))
    return steps
