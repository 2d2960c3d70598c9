"""Verbs that are a list of calls done as a whole or not at all: what is left half done is undone.

As `core.verbs.sequence`, and never left in doubt: a call of which nobody saw what became is taken
back with those before it, as soon as its host answers. For what makes things that nobody else
knows of yet. What another may have made of the same name meanwhile (`Step.names`) is the exception:
where the answer was lost, libvirt may have refused ours for that. It is named, and left.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import takewhile

from core.verbs.sequence import (
    LONG,
    Step,
    Steps,
    aborting,
    counted,
    cure_of_doubt,
    doubtful,
    in_doubt,
    other,
    refused,
    same,
)
from core.verbs.situation import (
    VERIFY,
    Action,
    Decide,
    Send,
    Sent,
    Situation,
    Wait,
    cancelled,
    done,
    failed,
)

TRIES = 5
"""How often what takes something back is sent, where that fails."""
PAUSE = 2.0
"""Seconds before the second try; before each later one as many more."""


def whole(steps: Steps, outcome: Callable[[Situation], str]) -> Decide:
    """Return the decisions of such a verb; `outcome` tells what is so then.

    What undoes a step is repeatable, and does no harm where the step did nothing.
    """

    def decide(situation: Situation) -> Action:
        planned = steps(situation)
        aborts = [step.abort for step in planned if step.abort is not None]
        sent = counted([one for one in situation.sent if one.call not in aborts])
        forward = sum(1 for _ in takewhile(same, zip(sent, planned, strict=False)))
        undone = sent[forward:]
        if situation.calling:
            step = None if undone or not forward else planned[forward - 1]
            abort = None if step is None else aborting(situation, step)
            return abort or Wait(situation.now + LONG)
        if any(one.call not in [step.undo for step in planned[:forward]] for one in undone):
            return other(situation)
        if undone:
            return _back(situation, planned[:forward], sent[forward - 1], undone)
        if forward:
            last = sent[-1]
            if (action := _settled(situation, planned[:forward], last)) is not None:
                return action
            if situation.cancelled and forward < len(planned):
                return _back(situation, planned[:forward], last)
        if forward == len(planned):
            return done(outcome(situation))
        step = planned[forward]
        return Send(step.call, step.text, step.deadline)

    return decide


def _settled(situation: Situation, taken: Sequence[Step], last: Sent) -> Action | None:
    """Decide about the newest call; None: it took effect."""
    step = taken[-1]
    shown = step.shows is not None and step.shows(situation)
    if shown or (last.accepted and step.shows is None):
        return None
    if refused(last):
        return _back(situation, taken, last)
    if last.ended is None and last.call.repeatable:
        return Send(step.call, f"{step.text}, once more", step.deadline)
    if not situation.link_up:
        return _wait_for_host(situation)
    since = max(last.ended or last.at, situation.progress.first_adopted or 0.0)
    if situation.now < since + VERIFY and step.shows is not None:
        return Wait(since + VERIFY)
    return _back(situation, taken, last)


def _wait_for_host(situation: Situation) -> Wait:
    host = situation.silent or situation.request.subject.host
    return Wait(
        situation.now + LONG, f"waiting for {host}: what was done is undone when it answers"
    )


def _back(
    situation: Situation, taken: Sequence[Step], last: Sent, undone: Sequence[Sent] = ()
) -> Action:
    """Take back what was done, the newest first; `last` is the newest call that did something."""
    unmade = refused(last) or (taken[-1].names and not last.accepted)
    own = taken[:-1] if unmade else taken
    undos = [step.undo for step in reversed(own) if step.undo is not None]
    if undone and not undone[-1].accepted:
        return _again(situation, taken, last, undone[-1])
    if len(undone) < len(undos):
        if not situation.link_up:
            return _wait_for_host(situation)
        return Send(undos[len(undone)], "undoing what was done before")
    return _end(situation, taken, last, "; what was done before was undone" if undos else "")


def _again(situation: Situation, taken: Sequence[Step], last: Sent, failing: Sent) -> Action:
    """Undo once more where that failed, or the console ended in the middle of it."""
    if not situation.link_up:
        return _wait_for_host(situation)
    tries = sum(one.call == failing.call for one in situation.sent)
    if tries >= TRIES:
        why = failing.error.rstrip(".") or "nobody saw what became of it"
        steps = [step for step in taken if step.undo == failing.call]
        what = f"{steps[0].leaves or steps[0].text}, " if steps else ""
        kept = f"; {what}which was done before, could not be undone: {why}"
        kept = kept if what else kept.replace("which", "what", 1)
        return _end(situation, taken, last, kept, failing)
    if failing.ended is not None and situation.now < (until := failing.ended + PAUSE * tries):
        return Wait(until)
    return Send(failing.call, "undoing what was done before, once more")


def _end(
    situation: Situation,
    taken: Sequence[Step],
    last: Sent,
    undone: str,
    kept: Sent | None = None,
) -> Action:
    verb, name = situation.request.verb, situation.name
    doubt = in_doubt(situation, taken[-1], last)
    undone = f"{doubt and f'; {doubtful(doubt)}: left'}{undone}"
    hint = (kept or last).hint
    if doubt:
        hint = cure_of_doubt(taken[-1])
    if situation.cancelled and kept is None:
        return cancelled(f"{verb} of {name} was cancelled{undone}", hint if doubt else "")
    if last.error:
        return failed(f"{last.error.rstrip('.')}{undone}", hint)
    step = next((one.text for one in taken if one.call == last.call), f"{verb} of {name}")
    if last.accepted and situation.progress.adopted is None:
        return failed(f"libvirt accepted {step}, and it shows nowhere{undone}", hint)
    why = f": nobody saw what became of {step}"
    return failed(f"{verb} of {name} was not finished{why}{undone}", hint or "Ask for it again.")
