"""Verbs that are a list of calls one after the other: each verified, undone where a later fails."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile

from core.model import OperationStatus
from core.verbs.call import Call, first_sent, once_more
from core.verbs.situation import (
    CALL_DEADLINE,
    VERIFY,
    Action,
    Decide,
    End,
    Send,
    Sent,
    Situation,
    Wait,
    cancelled,
    done,
    failed,
    stands,
    unknown,
)

LONG = 3600.0
"""Seconds: whatever ends a long call wakes the operation."""
BACK = 60.0
"""Seconds that a host is waited for whose daemon was lost in the middle of a call."""
AGAIN = 2.0
"""Seconds between two looks at what goes on without us."""


@dataclass(frozen=True, slots=True)
class Step:
    """One call of a sequence."""

    call: Call
    text: str
    """The line in the operation's log: `renaming web to db`."""
    shows: Callable[[Situation], bool] | None = None
    """Whether the state shows that it took effect; None: libvirt's yes is all there is."""
    undo: Call | None = None
    """What takes it back; None: nothing need be, or can be."""
    deadline: float = CALL_DEADLINE
    """Seconds for it, and for what takes it back."""
    goes_on: Callable[[Situation], bool] | None = None
    """Whether the state shows that it is still under way, though nobody waits for its answer."""
    abort: Call | None = None
    """What ends a long call while it is under way."""
    fails: Callable[[Situation], bool] | None = None
    """Whether the state shows that it did not take effect and no longer can, once it has ended."""
    leaves: str = ""
    """What may be left of one that was cut off in the middle, by name."""
    names: str = ""
    """What it makes, by a name or UUID that another may have given meanwhile: libvirt may have
    refused ours for that. Where its answer was lost that is told, and never used or taken back."""


Steps = Callable[[Situation], Sequence[Step]]
"""Returns the calls of a request, in their order. Those that were sent stay what they were: what
it returns may depend on the state as it was before the first."""


def _nothing(_: Situation) -> str:
    return ""


def sequence(
    steps: Steps,
    outcome: Callable[[Situation], str],
    *,
    powers: bool = False,
    spoils: Callable[[Situation], str] = _nothing,
) -> Decide:
    """Return the decisions of a verb that is a list of calls; `outcome` tells what is so then.

    A call that `powers` an instance on or off, or pauses it, may have done so and failed: an end
    that is not done tells how the instance is. What `spoils` it, a clause, is asked for before each
    call, once the host has told how the subject is: what was done is undone then.
    """

    def decide(situation: Situation) -> Action:
        action = _next(situation, steps(situation), outcome, spoils)
        if powers and isinstance(action, End) and action.status is not OperationStatus.DONE:
            return replace(action, outcome=f"{action.outcome.rstrip('.')}{stands(situation)}")
        return action

    return decide


def _next(
    situation: Situation,
    planned: Sequence[Step],
    outcome: Callable[[Situation], str],
    spoils: Callable[[Situation], str],
) -> Action:
    aborts = [step.abort for step in planned if step.abort is not None]
    sent = counted([one for one in situation.sent if one.call not in aborts])
    if situation.calling:
        return _meanwhile(situation, planned[len(sent) - 1])
    forward = sum(1 for _ in takewhile(same, zip(sent, planned, strict=False)))
    undone = sent[forward:]
    if sent and not forward:
        return other(situation)
    if forward:
        step = planned[forward - 1]
        if refused(sent[forward - 1]) and not (step.shows and step.shows(situation)):
            error = sent[forward - 1].error
            return _undo(situation, planned[: forward - 1], undone, error)
        if not undone and (action := _settled(situation, step, sent[-1])) is not None:
            return action
    if undone or (forward and forward < len(planned) and situation.cancelled):
        return _undo(situation, planned[:forward], undone, spoils(situation))
    if forward == len(planned):
        by_others = ", though not by this operation" if any(map(refused, sent)) else ""
        return done(f"{outcome(situation)}{by_others}")
    if spoils is not _nothing and not situation.link_up:
        return Wait(situation.now + LONG, f"waiting for {_host(situation)}")
    if spoilt := spoils(situation):
        return _undo(situation, planned[:forward], (), spoilt)
    step = planned[forward]
    return Send(step.call, step.text, step.deadline)


def _host(situation: Situation) -> str:
    return situation.silent or situation.request.subject.host


def counted(sent: Sequence[Sent]) -> tuple[Sent, ...]:
    """Return the calls without those that were sent again after them."""
    later = [*(first_sent(one.call) for one in sent[1:]), None]
    return tuple(one for one, after in zip(sent, later, strict=False)
                 if not (one.call.repeatable and first_sent(one.call) == after))  # fmt: skip


def other(situation: Situation) -> End:
    """End where calls were sent that are not of the request, as another version reads it."""
    verb, name = situation.request.verb, situation.name
    return unknown(
        f"what was sent for {verb} of {name} is not what would be sent now",
        f"See on {situation.request.subject.host} what became of it.",
    )


def same(pair: tuple[Sent, Step]) -> bool:
    """Whether a call is that of a step."""
    return first_sent(pair[0].call) == pair[1].call


def refused(sent: Sent) -> bool:
    """Whether a call failed, and certainly did nothing."""
    return bool(sent.error) and sent.certain


def _meanwhile(situation: Situation, step: Step) -> Action:
    """Decide while a long call is under way: end it where the operator no longer wants it."""
    return aborting(situation, step) or Wait(situation.now + LONG)


def aborting(situation: Situation, step: Step) -> Send | None:
    """Return what ends a long call that the operator no longer wants; None: nothing, or not now."""
    unsent = all(one.call != step.abort for one in situation.sent)
    if situation.cancelled and step.abort is not None and unsent:
        return Send(step.abort, f"ending it: {situation.cancelled}")
    return None


def _settled(situation: Situation, step: Step, last: Sent) -> Action | None:
    """Decide about the newest call; None: it took effect."""
    if step.shows is not None and step.shows(situation):
        return None
    if last.accepted and step.shows is None:
        return None
    if step.goes_on is not None and step.goes_on(situation):
        return aborting(situation, step) or Wait(situation.now + AGAIN)
    if any(one.call == step.abort and one.accepted for one in situation.sent):
        return cancelled(f"{situation.request.verb} of {situation.name} was cancelled")
    adopted = situation.progress.adopted or 0.0
    if last.call.repeatable and last.ended is None and last.at < adopted:
        return Send(once_more(step.call), f"{step.text}, once more", step.deadline)
    since = max(last.ended or last.at, situation.progress.first_adopted or 0.0)
    if situation.now < since + VERIFY and step.shows is not None:
        return Wait(since + VERIFY)
    if (action := _seen(situation, step, last, since)) is not None:
        return action
    if last.error or last.ended is None or situation.blind:
        why = f": {last.error.rstrip('.')}" if last.error else ""
        left = f"; {step.leaves} may be left of it" if step.leaves else ""
        return unknown(
            f"whether {step.text} took effect is not known{why}{left}",
            last.hint or f"See on {situation.request.subject.host} what became of it.",
        )
    return failed(f"libvirt accepted {step.text}, and it shows nowhere", "Look at its XML.")


def _seen(situation: Situation, step: Step, last: Sent, since: float) -> Action | None:
    """Decide by what the state shows of a call whose answer was lost; None: it shows nothing."""
    if step.names and not last.accepted:
        return _named(situation, step, last, since)
    if _did_nothing(situation, step, last, since):
        return replace(failed(f"{step.text} did not take effect", "Ask for it again."), again=True)
    return _seen_to_fail(situation, step, last, since)


def _named(situation: Situation, step: Step, last: Sent, since: float) -> Action:
    """Decide about a call whose answer was lost, and whose work cannot be told from another's."""
    if not situation.link_up and situation.now < since + BACK:
        return Wait(since + BACK)
    why = f": {last.error.rstrip('.')}" if last.error else ""
    if not (doubt := in_doubt(situation, step, last)):
        end = failed(f"{step.text} did not take effect{why}", last.hint or "Ask for it again.")
        return replace(end, again=last.ended is None)
    text = f"whether {step.text} took effect is not known{why}; {doubtful(doubt)}"
    return unknown(text, cure_of_doubt(step))


def in_doubt(situation: Situation, step: Step, last: Sent) -> str:
    """Name what may be there of a call with `names`; empty: nothing is in doubt."""
    if not step.names or last.accepted or refused(last):
        return ""
    made, looked = step.call.volume, situation.looked or 0.0
    there = situation.subject is not None if made is None else made in situation.volumes
    seen_since = looked >= (last.ended or last.at) + VERIFY
    return "" if seen_since and not there else step.names


def doubtful(doubt: str) -> str:
    """Return a clause about what may be of a call or of another."""
    return f"{doubt} may be what it made, or what another made"


def cure_of_doubt(step: Step) -> str:
    """Return what an operator does about it."""
    grows = " and no longer grows" if step.call.volume else ""
    return f"Look at {step.names}: delete it only where it is yours{grows}."


def _seen_to_fail(situation: Situation, step: Step, last: Sent, since: float) -> Action | None:
    """Decide by the state, once it is read again, about a call whose answer was lost; None: not."""
    if step.fails is None or last.ended is None or not last.error:
        return None
    if not situation.link_up or (situation.looked or 0.0) <= last.ended:
        return Wait(since + BACK) if situation.now < since + BACK else None
    if step.fails(situation):
        return failed(f"{step.text} did not take effect: {last.error}", last.hint)
    return None


def _did_nothing(situation: Situation, step: Step, last: Sent, since: float) -> bool:
    """Whether what was read long enough after a console ended shows that its call did nothing."""
    read = situation.link_up and situation.looked is not None and situation.looked >= since + VERIFY
    return read and step.shows is not None and last.ended is None


def _undo(
    situation: Situation, taken: Sequence[Step], undone: Sequence[Sent], error: str
) -> Action:
    """Take back the calls that took effect, the newest first."""
    undos = [(step.undo, step.deadline) for step in reversed(taken) if step.undo is not None]
    if undone and undone[-1].ended is not None and not undone[-1].accepted:
        kept = f"; what was done before could not be undone: {undone[-1].error.rstrip('.')}"
        return _end(situation, error, kept)
    if len(undone) < len(undos):
        call, deadline = undos[len(undone)]
        return Send(call, "undoing what was done before", deadline)
    return _end(situation, error, "; what was done before was undone" if undos else "")


def _end(situation: Situation, error: str, undone: str) -> End:
    verb, name = situation.request.verb, situation.name
    if situation.cancelled and error and not undone:
        return cancelled(f"{verb} of {name} was cancelled: {error.rstrip('.')}")
    if not error:
        return cancelled(f"{verb} of {name} was cancelled{undone}")
    hint = next((one.hint for one in situation.sent if one.error), "")
    return failed(f"{error.rstrip('.')}{undone}", hint)
