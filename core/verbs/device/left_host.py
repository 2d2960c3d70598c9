"""An instance that left its host while a device of it was being detached. Pure."""

from __future__ import annotations

from core.model.new_device import DeviceKind
from core.model.text import clean
from core.verbs.device.devices import find, word_of
from core.verbs.situation import End, Situation, failed, unknown


def left_with_it(now: Situation, kind: DeviceKind, name: str) -> End | None:
    """Return the end of a detach whose instance runs on another host; None: it runs on none.

    Somebody moved it meanwhile: its process here has ended, and the device went with it.
    """
    here, word = now.request.subject.host, word_of(kind, name)
    for host, twin in now.around.twins.items():
        if not twin.state.active:
            continue
        text = f"{now.name} is not on {clean(here)} any more and runs on {clean(host)}"
        if not twin.described:
            return unknown(f"{text}; whether it has {word} there is not known", "Look at it there.")
        if find(twin, kind, name) is not None:
            return failed(f"{text}, where it has {word}", "Detach it there.")
    return None
