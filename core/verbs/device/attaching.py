"""What attaching devices has in common: when, where, and what became of it. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from core.model import Instance
from core.model.new_device import DeviceKind
from core.verbs.applied import shown
from core.verbs.device.calls import AttachCall
from core.verbs.device.devices import find, matching
from core.verbs.sequence import Step, refused
from core.verbs.situation import CALL_DEADLINE, Situation


def attached(situation: Situation) -> AttachCall | None:
    """Return what was sent already: it stays what it was."""
    return next((one.call for one in situation.sent if isinstance(one.call, AttachCall)), None)


def attach_step(call: AttachCall, text: str, deadline: float = CALL_DEADLINE) -> Sequence[Step]:
    """Return the one step of attaching a device, seen in what runs and in what is defined.

    A disk is seen by its image, too: somebody else may have taken its target meanwhile; any other
    device by its alias, for another may have its address or be of its model. One that was refused
    is not seen at all: where others have it, too, it may be there until it is let go.
    """

    def fits(instance: Instance) -> bool:
        if call.alias:
            there = matching(instance, call.kind, call.name)
            return any(one.alias == call.alias for one in there)
        found = find(instance, call.kind, call.name)
        return found is not None and (call.kind != "disk" or found.source == _image_of(call))

    seen = shown(call, fits)

    def shows(now: Situation) -> bool:
        return seen(now) and not any(refused(one) for one in now.sent if one.call == call)

    return [Step(call, text, shows, deadline=deadline)]


def known_again(now: Situation, call: AttachCall) -> AttachCall:
    """Return a call whose device has the id of its operation for an alias, which libvirt keeps."""
    if not now.operation:
        return call
    from core.xml.new_device import with_alias

    alias = f"ua-vd-{now.operation}"
    return replace(call, xml=with_alias(call.xml, alias), alias=alias)


def _image_of(call: AttachCall) -> str:
    """Return where the image of a disk is, as the XML of an instance that has it is read."""
    from core.xml.new_device import image_of

    return image_of(call.xml)


def taken(instance: Instance | None, kind: DeviceKind, name: str) -> bool:
    """Whether a name is a device's already."""
    return find(instance, kind, name) is not None
