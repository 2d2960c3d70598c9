"""A cold migration is over: the host that has the instance no more lets go of its volumes. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from msgspec.structs import replace as struct_replace

from core.model import ObjectKey, OperationStatus
from core.model.text import clean
from core.state.connections import paths_of, share_used
from core.verbs.device.connecting import (
    CONNECTING,
    DisconnectCall,
    LetGoAnswer,
    Released,
    VolumesLeft,
)
from core.verbs.sequence import Step
from core.verbs.situation import Action, Decide, End, Send, Sent, Situation

HostOf = Callable[[Situation], str]
"""Returns the host that has the instance no more."""


MOVED = (OperationStatus.DONE,)
STAYS = (OperationStatus.FAILED, OperationStatus.CANCELLED)


def letting_go(decide: Decide, host_of: HostOf, ends: Sequence[OperationStatus] = MOVED) -> Decide:
    """Return the decisions of a verb, with volumes disconnected once it has ended so.

    Whatever becomes of that, the end stays what it is.
    """

    def decided(now: Situation) -> Action:
        before = tuple(one for one in now.sent if not isinstance(one.call, DisconnectCall))
        action = decide(replace(now, progress=struct_replace(now.progress, sent=before)))
        if isinstance(action, End) and action.status in ends:
            return _next(now, action, host_of(now))
        return action

    return decided


def calls(now: Situation, host: str) -> list[DisconnectCall]:
    """Return what is sent for it: what was sent already, and what the ledger has beside."""
    id_ = now.request.subject.id
    sent = [one.call for one in now.sent if isinstance(one.call, DisconnectCall)]
    ledger = now.around.ledger
    known = ledger.get(ObjectKey("instance", host, id_), {}).values()
    found = {one.connected.slot: one for one in sent}
    for one in known:
        used = share_used(ledger, host, one, id_)
        also = paths_of(ledger, host, one)
        call = DisconnectCall(one, of=id_, share_used=used, at=host, also=also)
        found.setdefault(one.slot, call)
    return list(found.values())


def steps(now: Situation, host: str) -> list[Step]:
    """Return it as steps, for a rehearsal."""
    return [Step(call, _text(call)) for call in calls(now, host)]


def _text(call: DisconnectCall) -> str:
    return f"having {call.at} disconnect {clean(call.connected.word)}"


def _next(now: Situation, end: End, host: str) -> Action:
    released, notes, hint = [], [], end.hint
    for call in calls(now, host):
        sent = _newest(now.sent, call)
        if sent is None or (sent.ended is None and sent.at < (now.progress.adopted or 0.0)):
            return Send(call, _text(call), CONNECTING)
        word = clean(call.connected.word)
        if isinstance(sent.answer, LetGoAnswer):
            used = sent.answer.used_by
            released.append(Released(call.at, call.of, call.connected.slot, used))
            if used:
                notes.append(f"; {word} stays connected on {host} for {clean(used)}")
            continue
        why = sent.error.rstrip(".") or "no answer came"
        notes.append(f"; whether {word} is disconnected from {host} is not known: {why}")
        hint = hint or sent.hint or "See `virtdeck connections`."
    result = VolumesLeft(tuple(released)) if released else end.result
    return replace(end, outcome=f"{end.outcome}{''.join(notes)}", hint=hint, result=result)


def _newest(sent: Sequence[Sent], call: DisconnectCall) -> Sent | None:
    return next((one for one in reversed(sent) if one.call == call), None)
