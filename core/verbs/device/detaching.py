"""A device is detached: first from what is defined, then its guest is asked to let go. Pure.

libvirt's yes proves nothing of what runs: a guest that boots, is paused or has no driver for it
keeps the device (nova-map 3). It is detached once an event says so or the device is gone from what
runs; until then the guest is asked again, and then the operator.
"""

from __future__ import annotations

from core.model import InstanceState, OperationStatus, Request
from core.model.new_device import DeviceKind
from core.model.operation import AnswerChoice, Countdown, OperationQuestion
from core.model.text import clean
from core.verbs.device.calls import AttachCall, DetachCall
from core.verbs.device.device_requests import DeviceDetach
from core.verbs.device.devices import Present, find, several, word_of
from core.verbs.device.left_host import left_with_it
from core.verbs.device.requests import InterfaceDetach, VolumeDetach
from core.verbs.refusal import RefusalCode
from core.verbs.situation import (
    VERIFY,
    Action,
    Ask,
    End,
    Send,
    Sent,
    Situation,
    Wait,
    cancelled,
    done,
    failed,
    unknown,
)

LONG = 3600.0
"""Seconds: whatever the guest does wakes the operation."""
_AGAIN = AnswerChoice("ask-again", "ask its guest again")
_WAIT_ON = AnswerChoice("wait-on", "wait, as long as it takes", harmless=True)
_LEAVE = AnswerChoice("leave", "wait no longer: it keeps what it has until it lets go or is off")


def named(request: Request) -> tuple[DeviceKind, str]:
    """Return which device a request is for."""
    if isinstance(request, VolumeDetach):
        return "disk", request.disk
    if isinstance(request, InterfaceDetach):
        name = request.interface  # an alias is what it is, and an address has no case
        return "interface", name if name.startswith("ua-") else name.lower()
    return "device", getattr(request, "device", "")


def detach(now: Situation) -> Action:
    """Take it out of the definition, then have the guest let go of it."""
    if not now.sent:
        return _first(now)
    if any(isinstance(one.call, AttachCall) for one in now.sent):
        return _given_back(now)
    defined, asked = _sent(now, live=False), _sent(now, live=True)
    if defined and not asked and (action := _of_definition(now, defined[-1])) is not None:
        return action
    if _off(now):
        return left_with_it(now, *named(now.request)) or done(_outcome(now, " with its power"))
    return _of_guest(now, asked)


def _first(now: Situation) -> Action:
    instance, (kind, name) = now.instance, named(now.request)
    active = instance is not None and instance.state.active
    when = getattr(now.request, "when", "both")
    runs = find(instance, kind, name) if active and when != "next-start" else None
    persistent = instance is not None and instance.persistent and when != "now"
    defined = now.defined if active else instance
    if persistent and defined is None:
        return failed(f"how {now.name} is defined could not be read", "Ask again.")
    kept = find(defined, kind, name) if persistent else None
    if runs is None and kept is None:
        text = f"{now.name} has no {kind} {clean(name)}: see `virtdeck show`."
        return End(OperationStatus.REFUSED, text, refused=RefusalCode.PARAMETER)
    for which in (instance if runs is not None else None, defined if kept is not None else None):
        if (told := several(which, kind, name)) is not None:
            text = "; ".join(told)
            return End(OperationStatus.REFUSED, f"{text}.", refused=RefusalCode.PARAMETER)
    if kept is None:
        return _ask_guest(now, runs or Present())
    call = DetachCall(kind, name, kept.source, live=False, type=kept.type,
        then_live=runs is not None, secrets=kept.secrets,
                      xml=_xml(now, kind, name))  # fmt: skip
    return Send(call, f"taking {word_of(kind, name)} out of the definition of {now.name}")


def _xml(now: Situation, kind: DeviceKind, name: str) -> str:
    """Return the device as it is defined; empty: it cannot be given back by that."""
    if now.document is None:
        return ""
    from core.xml.new_device import device_in

    found = device_in(now.document, kind, name)
    return "" if found is None or "***" in found[0] else found[0]


def _ask_guest(now: Situation, device: Present) -> Send:
    kind, name = named(now.request)
    asked = len(_sent(now, live=True))
    call = live_call(kind, name, device)
    again = f", request {asked + 1}" if asked else ""
    return Send(call, f"asking the guest of {now.name} to let go of {word_of(kind, name)}{again}")


def live_call(kind: DeviceKind, name: str, device: Present) -> DetachCall:
    """Return the call that asks the guest of what runs to let go of a device."""
    return DetachCall(kind, name, device.source, live=True, alias=device.alias, type=device.type,
                      secrets=device.secrets)  # fmt: skip


def _sent(now: Situation, *, live: bool) -> list[Sent]:
    return [one for one in now.sent if isinstance(one.call, DetachCall) and one.call.live == live]


def _of_definition(now: Situation, last: Sent) -> Action | None:
    """Decide after it was to leave the definition; None: it did, and what runs comes next."""
    call = last.call
    assert isinstance(call, DetachCall)
    defined = now.instance if _off(now) else now.defined
    gone = defined is not None and defined.described and find(defined, *named(now.request)) is None
    if not last.accepted and not gone:
        if last.error and last.certain:
            return failed(last.error, last.hint)
        if last.ended is None and last.at < (now.progress.adopted or 0.0):
            return Send(call, f"taking {word_of(call.kind, call.name)} out once more")
        since = max(last.ended or last.at, now.progress.first_adopted or 0.0)
        if now.now < since + VERIFY:
            return Wait(since + VERIFY)
        return _not_known(now, last)
    if not call.then_live or _off(now):
        moved = left_with_it(now, call.kind, call.name) if call.then_live else None
        return moved or done(_outcome(now, ""))
    if now.cancelled:
        return _leave(now, now.cancelled)
    device = find(now.instance, call.kind, call.name)
    return done(_outcome(now, "")) if device is None else _ask_guest(now, device)


def _of_guest(now: Situation, asked: list[Sent]) -> Action:
    last, (kind, name) = asked[-1], named(now.request)
    word, call = word_of(kind, name), last.call
    assert isinstance(call, DetachCall)
    told = next((one for one in now.run.devices if call.alias and one.alias == call.alias), None)
    news = told.outcome if told is not None and told.at >= asked[0].at else ""
    heard = last.ended or last.at
    looked = now.link_up and now.looked is not None and now.looked >= heard
    if news == "removed" or (looked and find(now.instance, kind, name) is None):
        return done(_outcome(now, ""))
    if last.error and last.certain:
        return _back(now, last.error, last.hint)
    if news == "removal-failed" and told is not None and told.at >= last.at:
        why = f"the guest of {now.name} refused to let go of {word}"
        return _back(now, why, "See in the guest what uses it.")
    if now.cancelled:
        return _leave(now, now.cancelled)
    return _wait(now, asked)


def _wait(now: Situation, asked: list[Sent]) -> Action:
    """Wait for the guest, ask it again, or ask the operator."""
    word = word_of(*named(now.request))
    attempts, patience = _rounds(now)
    last = asked[-1]
    key = f"stuck-{last.at}"
    answer = now.answer(key)
    stuck = Ask(OperationQuestion(key, _stuck(now, asked), (_AGAIN, _WAIT_ON, _LEAVE)))
    if _paused(now) and answer is None:  # it is not asked again: it cannot hear that
        until = asked[0].at + attempts * patience
        text = f"{now.name} is paused: its guest lets go of {word} once it is resumed"
        waiting = Wait(until, text, Countdown(asked[0].at, until, asked=len(asked)))
        return waiting if now.now < until else stuck
    if answer is not None and answer.word == _LEAVE.word:
        return _leave(now, f"{answer.by} said so")
    if answer is not None and answer.word == _WAIT_ON.word:
        question = OperationQuestion(f"{key}-later", _stuck(now, asked), (_AGAIN, _LEAVE))
        later = now.answer(question.key)
        if later is not None and later.word == _LEAVE.word:
            return _leave(now, f"{later.by} said so")
        if later is None:
            shown = Countdown(asked[0].at, None, asked=len(asked))
            return Wait(now.now + LONG, f"waiting for the guest of {now.name}", shown, question)
        answer = later
    until = (last.ended or last.at) + patience
    if answer is None and now.now < until:
        then = "it is asked again" if len(asked) < attempts else "you are asked what to do"
        shown = Countdown(asked[0].at, until, then, len(asked))
        return Wait(until, f"waiting for the guest of {now.name} to let go of {word}", shown)
    if answer is not None or len(asked) < attempts:
        if not now.link_up:
            return Wait(now.now + patience)
        call = last.call
        assert isinstance(call, DetachCall)
        return _ask_guest(now, Present(call.source, call.alias, call.type, call.secrets))
    return stuck


def _paused(now: Situation) -> bool:
    return now.instance is not None and now.instance.state is InstanceState.PAUSED


def _rounds(now: Situation) -> tuple[int, float]:
    """Return how often the guest is asked before the operator is, and how long each time."""
    request = now.request
    assert isinstance(request, VolumeDetach | InterfaceDetach | DeviceDetach)
    more = sum(answer.word == _AGAIN.word for answer in now.progress.answers)
    return request.attempts * (1 + more), request.patience


def _stuck(now: Situation, asked: list[Sent]) -> str:
    word = word_of(*named(now.request))
    if _paused(now):
        return (
            f"{now.name} is paused, and its guest lets go of {word} only once it is resumed; "
            f"`hard-reboot` of {now.name} takes {word} away"
        )
    times = "once" if len(asked) == 1 else f"{len(asked)} times"
    return (
        f"the guest of {now.name} was asked {times} to let go of {word}, and has not: it may still "
        f"boot, or have no driver for hot-plug; `hard-reboot` of {now.name} takes {word} away"
    )


def _back(now: Situation, why: str, hint: str) -> Action:
    """Give it back to the definition, for what runs keeps it."""
    defined = _sent(now, live=False)
    if not defined:
        return failed(why, hint)
    call = defined[-1].call
    assert isinstance(call, DetachCall)
    if not call.xml:
        return failed(f"{why.rstrip('.')}; {_leaves(now)}", hint)
    back = AttachCall(live=False, config=True, kind=call.kind, name=call.name, xml=call.xml)
    return Send(back, f"giving {word_of(call.kind, call.name)} back to the definition: {why}")


def _given_back(now: Situation) -> Action:
    last = now.last
    refused = next((one for one in reversed(_sent(now, live=True)) if one.error), None)
    word = word_of(*named(now.request))
    why = f"the guest of {now.name} refused to let go of {word}" if refused is None else (
        refused.error.rstrip(".")
    )  # fmt: skip
    hint = "See in the guest what uses it." if refused is None else refused.hint
    defined = now.instance if _off(now) else now.defined
    if last.accepted or find(defined, *named(now.request)) is not None:
        return failed(f"{why}; its definition has {word} as before", hint)
    if last.error and last.certain:
        return failed(f"{why}; {_leaves(now)}, for {last.error.rstrip('.')}", hint)
    since = max(last.ended or last.at, now.progress.first_adopted or 0.0)
    if now.now < since + VERIFY:
        return Wait(since + VERIFY)
    return _not_known(now, last)


def _leaves(now: Situation) -> str:
    word = word_of(*named(now.request))
    return f"{now.name} has {word} until it is off, and no more at its next start"


def _leave(now: Situation, why: str) -> End:
    """End it, for nobody waits any more: what was asked of the guest cannot be taken back."""
    word = word_of(*named(now.request))
    asked = bool(_sent(now, live=True))
    may = f"; its guest was asked to let go of {word} and may still do so" if asked else ""
    rest = f"; {_leaves(now)}" if _sent(now, live=False) else ""
    return cancelled(f"no longer waiting for {now.name} ({clean(why)}){may}{rest}")


def _not_known(now: Situation, last: Sent) -> End:
    word = word_of(*named(now.request))
    return unknown(
        f"whether {word} left the definition of {now.name} is not known: {last.error}".rstrip(": "),
        last.hint or f"See its XML on {now.request.subject.host}.",
    )


def _off(now: Situation) -> bool:
    """Whether the process that had it is no more."""
    return now.instance is None or not now.instance.state.active or now.restarted


def _outcome(now: Situation, how: str) -> str:
    word = word_of(*named(now.request))
    sent = now.sent[0].call
    assert isinstance(sent, DetachCall)
    source = f" ({clean(sent.source)})" if sent.source else ""
    only_runs = sent.live and now.instance is not None and now.instance.persistent
    again = "; its next start has it again" if only_runs and _kept(now) else ""
    only_defined = not sent.live and not sent.then_live and not _off(now)
    later = " from its next start on" if only_defined else ""
    return f"{word}{source} is detached from {now.name}{later}{how}{again}"


def _kept(now: Situation) -> bool:
    runs = now.instance is not None and now.instance.state.active
    return find(now.defined if runs else now.instance, *named(now.request)) is not None
