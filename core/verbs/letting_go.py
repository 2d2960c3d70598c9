"""What a guest's memory cannot be saved or moved with is detached before, and attached again. Pure.

As Nova has it: PCI and mediated devices and SR-IOV interfaces leave what runs, the definition keeps
them; nothing is saved before its guest has let go of each. What Nova does not: where it is not
saved after all, they are attached again at once.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from msgspec.structs import replace as with_fields

from core.model import Instance, InstanceState, OperationStatus, Request, State
from core.model.lists import listed
from core.model.text import clean
from core.state.held_devices import HeldDevice, bound_devices, lent_interfaces
from core.verbs.device.calls import AttachCall, DetachCall
from core.verbs.device.detaching import live_call
from core.verbs.device.devices import find, word_of
from core.verbs.refusal import Refusal, RefusalCode
from core.verbs.sequence import Step
from core.verbs.situation import (
    VERIFY,
    Action,
    Decide,
    End,
    Send,
    Sent,
    Situation,
    Wait,
    cancelled,
    failed,
)

ATTEMPTS = 8
PATIENCE = 20.0
"""As often, and for as many seconds each time, a guest is asked to let go of a device."""
_IN_VAIN = (OperationStatus.FAILED, OperationStatus.CANCELLED)


@dataclass(frozen=True, slots=True)
class Purpose:
    """What it is detached for, in words."""

    undone: str
    """What is not done where a guest does not let go."""
    left_out: str
    """How the outcome goes on: `{names}` is what is detached, `{are}` its verb."""


SAVING = Purpose("nothing is saved", " without {names}, which restore attaches again")


def against(instance: Instance) -> Iterator[Refusal]:
    """Tell why its devices cannot be detached for it."""
    held = bound_devices(instance)
    if held and instance.state is InstanceState.PAUSED:
        names = listed([clean(one.word) for one in held])
        text = f"{instance.name} is paused with {names}, and its guest cannot let go of that"
        yield Refusal(RefusalCode.STATE, text, "resume it first: it is detached before the saving")


def leaving(state: State, requests: Sequence[Request]) -> list[str]:
    """Say what leaves whom before it is saved."""
    lines = []
    for asked in requests:
        instance = state.instances.get(asked.subject)
        held = [] if instance is None else bound_devices(instance)
        names = [word_of(one.kind, one.name) for one in held]
        if instance is not None and names:
            word = "leaves" if len(names) == 1 else "leave"
            text = f"{listed(names)} {word} {clean(instance.name)} first"
            lines.append(f"{text}; restore attaches again what left.")
    return lines


def rehearsed(now: Situation) -> list[Step]:
    """Return the calls by which its guest is asked to let go of each."""
    if now.instance is None or not now.instance.state.active:
        return []
    found = [(one, find(now.instance, one.kind, one.name)) for one in bound_devices(now.instance)]
    return [
        Step(
            live_call(one.kind, one.name, present),
            f"asking the guest of {now.name} to let go of {word_of(one.kind, one.name)}",
        )
        for one, present in found
        if present is not None
    ]


def letting_go(decide: Decide, purpose: Purpose = SAVING) -> Decide:
    """Return decisions that detach what is in the way, then decide as `decide` does."""

    def decided(now: Situation) -> Action:
        own = _without_devices(now)
        if own.sent:
            action = decide(own)
        elif (before := _before(now, purpose)) is not None:
            action = before
        else:
            action = decide(own)
        if not isinstance(action, End):
            return action
        if action.status is OperationStatus.DONE:
            return replace(action, outcome=f"{action.outcome}{_left_out(now, purpose)}")
        active = now.instance is not None and now.instance.state.active
        return _given_back(now, action) if active and action.status in _IN_VAIN else action

    return decided


def taking_back(
    decide: Decide, wanted: Callable[[Request], Collection[str]] = lambda _: ()
) -> Decide:
    """Return decisions that decide as `decide` does, then attach what the definition has more.

    Of that alone what is `wanted`, by its name; of none all.
    """

    def decided(now: Situation) -> Action:
        own = _without_devices(now)
        action = decide(own)
        if not isinstance(action, End) or action.status is not OperationStatus.DONE:
            return action
        if now.defined is None or now.document is None or now.instance is None:
            return action
        if own.sent and (now.looked or 0.0) < (own.last.ended or own.last.at):
            return Wait(now.now + 1.0)  # what is known of it is from before it ran
        asked = {(call.kind, call.name) for call in _attaches(now)}
        lent = lent_interfaces(now.defined, now.around.networks)
        for one in (*bound_devices(now.defined), *lent):
            key, names = (one.kind, one.name), wanted(now.request)
            meant = not names or one.name in names
            if meant and key not in asked and find(now.instance, *key) is None:
                return _attach(now, one.kind, one.name, _defined(now, one))
        return _told(now, action)

    return decided


def _without_devices(now: Situation) -> Situation:
    sent = tuple(one for one in now.sent if not isinstance(one.call, AttachCall | DetachCall))
    return replace(now, progress=with_fields(now.progress, sent=sent))


def _detaches(now: Situation) -> list[tuple[Sent, DetachCall]]:
    return [(one, one.call) for one in now.sent if isinstance(one.call, DetachCall)]


def _attaches(now: Situation) -> list[AttachCall]:
    return [one.call for one in now.sent if isinstance(one.call, AttachCall)]


def _defined(now: Situation, one: HeldDevice) -> str:
    """Return the XML of a device as it is defined; empty: it is not, or cannot be had again."""
    from core.xml.new_device import device_in

    found = None if now.document is None else device_in(now.document, one.kind, one.name)
    return "" if found is None else found[0]


def _before(now: Situation, purpose: Purpose) -> Action | None:
    """Decide before anything is saved; None: nothing is in the way."""
    if _attaches(now):
        return _gave_up(now, purpose)
    instance = now.instance
    if instance is None or not instance.state.active:
        return None
    held = bound_devices(instance)
    if not _detaches(now):
        lost = [clean(one.word) for one in held if not _defined(now, one)]
        if lost:
            text = f"{now.name} has {listed(lost)} until its power goes, and could not have it back"
            cure = f"Detach it first: `virtdeck device detach {now.name} --device {lost[0]}`."
            return failed(text, cure)
    if now.cancelled and (held or _detaches(now)):
        return cancelled(f"{now.request.verb} of {now.name} was cancelled: {now.cancelled}")
    return _ask(now, held[0], purpose) if held else None


def _ask(now: Situation, one: HeldDevice, purpose: Purpose) -> Action:
    """Ask its guest to let go of a device, wait for that, or give up."""
    asked = [sent for sent, call in _detaches(now) if (call.kind, call.name) == one[1:]]
    last = asked[-1] if asked else None
    if last is not None and (why := _refused(now, last)):
        return failed(why, _cure(now, one))
    until = 0.0 if last is None else (last.ended or last.at) + PATIENCE
    word = word_of(one.kind, one.name)
    if now.now < until:
        return Wait(until, f"waiting for the guest of {now.name} to let go of {word}")
    if len(asked) == ATTEMPTS:
        return _gave_up(now, purpose)
    present = find(now.instance, one.kind, one.name)
    assert present is not None
    call = with_fields(live_call(one.kind, one.name, present), xml=_defined(now, one))
    if asked and isinstance(asked[0].call, DetachCall):
        call = asked[0].call
    return Send(call, f"asking the guest of {now.name} to let go of {word}")


def _refused(now: Situation, last: Sent) -> str:
    call = last.call
    assert isinstance(call, DetachCall)
    if last.error and last.certain:
        return last.error
    told = now.run.device(call.alias) if call.alias else None
    if told is not None and told.outcome == "removal-failed" and told.at >= last.at:
        return f"the guest of {now.name} refused to let go of {word_of(call.kind, call.name)}"
    return ""


def _gave_up(now: Situation, purpose: Purpose) -> End:
    if now.cancelled:
        return cancelled(f"{now.request.verb} of {now.name} was cancelled: {now.cancelled}")
    last, call = _detaches(now)[-1]
    one = HeldDevice(call.name, call.kind, call.name)
    why = _refused(now, last) or (
        f"the guest of {now.name} was asked {ATTEMPTS} times to let go of "
        f"{word_of(call.kind, call.name)}, and has not"
    )
    return failed(f"{why.rstrip('.')}: {purpose.undone}", _cure(now, one))


def _cure(now: Situation, one: HeldDevice) -> str:
    option = f"interface detach {now.name} --interface" if one.kind == "interface" else (
        f"device detach {now.name} --device"
    )  # fmt: skip
    return f"Detach it first, `virtdeck {option} {one.name}`, or shut its guest down instead."


def _given_back(now: Situation, end: End) -> Action:
    """Attach what was detached for nothing, then end as was decided."""
    asked = {(call.kind, call.name) for call in _attaches(now)}
    for _, call in _detaches(now):
        key = (call.kind, call.name)
        if key not in asked and find(now.instance, *key) is None:
            return _attach(now, call.kind, call.name, call.xml)
    return _told(now, end)


def _attach(now: Situation, kind: str, name: str, xml: str) -> Send:
    call = AttachCall(live=True, config=False, kind=kind, name=name, xml=xml)  # type: ignore[arg-type]
    return Send(call, f"attaching {word_of(call.kind, name)} to {now.name} again")


def _told(now: Situation, end: End) -> Action:
    """Say which are attached again, and which could not be, with the cure."""
    back: list[str] = []
    for sent in now.sent:
        call = sent.call
        if not isinstance(call, AttachCall):
            continue
        word = word_of(call.kind, call.name)
        if sent.accepted or find(now.instance, call.kind, call.name) is not None:
            back.append(word)
        elif sent.ended is None and now.now < (until := max(
            sent.at, now.progress.first_adopted or 0.0) + VERIFY):  # fmt: skip
            return Wait(until)
        else:
            why = sent.error.rstrip(".") or "nobody saw what became of it"
            outcome = f"{end.outcome}; {word} could not be attached again: {why}"
            return failed(outcome, _cure_of_attach(now, call))
    words = f"; {listed(back)} {'is' if len(back) == 1 else 'are'} attached again" if back else ""
    return replace(end, outcome=f"{end.outcome}{words}")


def _cure_of_attach(now: Situation, call: AttachCall) -> str:
    if call.kind == "interface":
        return "Its definition has it: its next boot gives it to its guest."
    again = f"`virtdeck device attach {now.name} --device {call.name} --when now`"
    return f"Once what is wrong is set right: {again}. Its definition has it: so does a next boot."


def _left_out(now: Situation, purpose: Purpose) -> str:
    names = list(dict.fromkeys(word_of(call.kind, call.name) for _, call in _detaches(now)))
    are = "is" if len(names) == 1 else "are"
    return purpose.left_out.format(names=listed(names), are=are) if names else ""
