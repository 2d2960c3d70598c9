"""What to do with an operation whose console ended before it did. A pure decision.

Never sends a call again that could cut, start or restart anything: the worst that happens to an
adopted operation is that its guest is politely asked once more to power off.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from core.model import OperationRecord, Request
from core.model.secret_value import read_back
from core.verbs.registry import VERBS, verb_of
from core.verbs.situation import Decide, End, Progress, Send, Situation, cancelled, unknown


@dataclass(frozen=True, slots=True)
class GoOn:
    """Wait on in its place, with the time that remains."""

    text: str
    """The line for the operation's log."""


def request_of(record: OperationRecord) -> Request | None:
    """Rebuild what was asked for; None for a verb or an option of another version."""
    verb = VERBS.get(record.verb)
    if verb is None:
        return None
    asked = {**record.options, "subject": record.subject}
    try:
        return msgspec.convert(asked, verb.request, strict=False, dec_hook=read_back)
    except msgspec.ValidationError:
        return None


def never_sent(record: OperationRecord) -> End:
    """End an operation that was only queued."""
    return cancelled(
        f"{record.verb} of {record.name} was not sent: its console ended first. "
        "Nothing was touched",
        "Ask for it again if it is still wanted.",
    )


def decide(situation: Situation) -> End | GoOn:
    """Decide about an operation of a dead console from its progress and the instance as it is.

    Its host is the one it was asked for on. The progress has at least one call, and says when it
    was adopted.
    """
    verb = verb_of(situation.request)
    assert verb.decide is not None, "a workflow is followed, not decided about"
    return judge(verb.decide, situation, resumable=verb.resumable)


def judge(decide: Decide, situation: Situation, *, resumable: bool) -> End | GoOn:
    """As `decide`, of a verb with these decisions; a `resumable` one may send what was not sent."""
    action = decide(situation)
    if isinstance(action, End):
        return End(
            action.status,
            f"{action.outcome} (found after the console that ran it had ended)",
            action.hint,
        )
    if not isinstance(action, Send) or action.call.repeatable:
        return GoOn("taken over from a console that ended: waiting on")
    if resumable and all(sent.call != action.call for sent in situation.sent):
        return GoOn("taken over from a console that ended: going on")
    return unknown(
        f"{situation.request.verb} of {situation.name} was interrupted: its console ended",
        f"Look at the state of {situation.name}, and ask again.",
    )


def adopted(progress: Progress, now: float) -> Progress:
    """Return the progress as the adopting console begins with it."""
    return msgspec.structs.replace(progress, gap=True, adopted=now)
