"""What to do with an operation whose console ended before it did. A pure decision.

Never sends a call again that could cut, start or restart anything, unless the operator says so: the
worst that happens to an adopted operation by itself is that its guest is politely asked once more
to power off.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import msgspec

from core.model import OperationRecord, OperationStatus, Request
from core.model.operation import AnswerChoice, OperationQuestion
from core.model.secret_value import read_back
from core.verbs.registry import VERBS, verb_of
from core.verbs.situation import (
    Action,
    Ask,
    End,
    Progress,
    Send,
    Sent,
    Situation,
    cancelled,
    unknown,
)
from core.verbs.verb import Verb

LEAVE = AnswerChoice("leave", "leave it as it is, and end the operation", harmless=True)
AGAIN = AnswerChoice("again", "send it again: it may then have been done twice")
AGAIN_AS_NOTHING_WAS_DONE = AnswerChoice("again", "send it again: it did nothing so far")
GO_ON = AnswerChoice("go-on", "go on with what was not sent yet")


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


def next_action(verb: Verb, situation: Situation) -> Action:
    """Return what a verb decides; of an operation whose console ended what the operator says, where
    nothing shows whether its call was made, or the next one must not be sent unasked.
    """
    assert verb.decide is not None, "a workflow is followed, not decided about"
    sent, adopted = situation.sent, situation.progress.adopted or 0.0
    before = tuple(one for one in sent if one.at < adopted)
    if len(before) < len(sent) and _is_left(situation, before):
        return _tidied(verb, situation, before)
    action = verb.decide(situation)
    if not sent or sent[-1].at >= adopted:
        return action  # what this console has sent itself
    if isinstance(action, End):
        open_yet = action.status is OperationStatus.UNKNOWN or action.again
        unheard = sent[-1].ended is None and open_yet
        return _unheard(verb, situation, action) if unheard else action
    waiting = verb.waits and (sent[-1].call.asks or sent[-1].call.long)
    if isinstance(action, Send) and not (waiting or _may_send(verb, situation, action)):
        return _interrupted(verb, situation, action)
    return action


def _may_send(verb: Verb, situation: Situation, action: Send) -> bool:
    never = all(sent.call != action.call for sent in situation.sent)
    return action.call.repeatable or (verb.resumable and never)


def _unheard(verb: Verb, situation: Situation, end: End) -> Action:
    """Ask whether a call is to be made again that may or may not have been made."""
    last = situation.last
    text = f"{end.outcome.rstrip('.')}: its console ended as it was sent. Send it again?"
    again_choice = AGAIN if end.status is OperationStatus.UNKNOWN else AGAIN_AS_NOTHING_WAS_DONE
    question = OperationQuestion(_unheard_key(last), text, (again_choice, LEAVE))
    answer = situation.answer(question.key)
    if answer is None:
        return Ask(question)
    if answer.word == LEAVE.word:
        return verb.tidies(situation, end) or _left(end, answer.by)
    assert verb.decide is not None
    before = msgspec.structs.replace(situation.progress, sent=situation.sent[:-1])
    again = verb.decide(replace(situation, progress=before))
    if isinstance(again, Send):
        return replace(again, text=f"{again.text}, once more", instead=True)
    return again


def _interrupted(verb: Verb, situation: Situation, send: Send) -> Action:
    """Ask whether to go on with an operation of which a part was sent."""
    what = f"{situation.request.verb} of {situation.name} was interrupted: its console ended"
    text = f"{what}. Go on with it ({send.text})?"
    key = f"{send.call.word}{_interrupted_key(situation.last)}"
    question = OperationQuestion(key, text, (GO_ON, LEAVE))
    answer = situation.answer(question.key)
    if answer is None:
        return Ask(question)
    if answer.word == LEAVE.word:
        end = unknown(what, f"Look at the state of {situation.name}.")
        return verb.tidies(situation, end) or _left(end, answer.by)
    return send


def _unheard_key(last: Sent) -> str:
    return f"{last.call.word}-{last.at}"


def _interrupted_key(last: Sent) -> str:
    """How the key ends; it begins with the call that was to follow."""
    return f"-after-{last.at}"


def _is_left(situation: Situation, before: tuple[Sent, ...]) -> bool:
    """Whether the operator left what another console sent; verbs have questions of their own to
    which the same word is an answer.
    """
    return bool(before) and any(
        one.word == LEAVE.word
        and (one.key == _unheard_key(before[-1]) or one.key.endswith(_interrupted_key(before[-1])))
        for one in situation.progress.answers
    )


def _tidied(verb: Verb, situation: Situation, before: tuple[Sent, ...]) -> Action:
    """End what was left as it is: this console has only tidied up since."""
    last = situation.last
    progress = msgspec.structs.replace(situation.progress, sent=before)
    end = next_action(replace(verb, tidies=_nothing), replace(situation, progress=progress))
    if isinstance(end, End) and last.error:
        return replace(end, hint=f"{end.hint} {last.error}".strip())
    return end


def _nothing(_: Situation, __: End) -> None:
    return None


def _left(end: End, by: str) -> End:
    return End(end.status, f"{end.outcome.rstrip('.')}; left as it is, as {by} said", end.hint)


def decide(situation: Situation) -> End | GoOn | Ask:
    """Decide about an operation of a dead console from its progress and the instance as it is.

    Its host is the one it was asked for on. The progress has at least one call, and says when it
    was adopted.
    """
    return judge(verb_of(situation.request), situation)


def judge(verb: Verb, situation: Situation) -> End | GoOn | Ask:
    """As `decide`, of an operation of this verb."""
    action = next_action(verb, situation)
    if isinstance(action, End):
        return End(
            action.status,
            f"{action.outcome} (found after the console that ran it had ended)",
            action.hint,
        )
    if isinstance(action, Ask):
        return action
    going = isinstance(action, Send) and not action.call.repeatable
    how = "going on" if going else "waiting on"
    return GoOn(f"taken over from a console that ended: {how}")


def adopted(progress: Progress, now: float) -> Progress:
    """Return the progress as the adopting console begins with it."""
    first = progress.first_adopted
    if first is None or any(sent.at >= first for sent in progress.sent):
        first = now
    return msgspec.structs.replace(progress, gap=True, adopted=now, first_adopted=first)
