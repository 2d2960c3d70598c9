"""Volumes that a host has connected for an instance which is to move to another. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from core.model import ObjectKey, State
from core.model.lists import listed
from core.model.rewrites import Rewrites
from core.model.text import clean
from core.state.connections import Connections, connections_of, used_by
from core.verbs.refusal import Refusal, RefusalCode

AS_IT_IS = Rewrites()


def left_behind(
    state: State, subject: ObjectKey, to: str, rewrites: Rewrites = AS_IT_IS
) -> Connections:
    """Return the volumes of an instance that a host which it is to move to has not connected.

    What the rewrites name is the operator's.
    """
    here = used_by(connections_of(state, subject), state.instances.get(subject))
    there = connections_of(state, ObjectKey("instance", to, subject.id))
    return {
        target: one
        for target, one in here.items()
        if (target not in there or there[target].volume_id != one.volume_id)
        and all(each.source != one.path for each in rewrites.disks)
        and all(each.serial != one.volume_id for each in rewrites.volumes)
    }


def against_moving(
    state: State, subject: ObjectKey, to: str, name: str, rewrites: Rewrites = AS_IT_IS
) -> Iterator[Refusal]:
    """Tell which volumes a move would leave behind: what is at their paths there is not known."""
    left = left_behind(state, subject, to, rewrites)
    if not left:
        return
    named = [f"{target} ({clean(one.word)})" for target, one in left.items()]
    them = "them" if len(left) > 1 else "it"
    text = (
        f"{listed(named)} of {clean(name)} {'are' if len(left) > 1 else 'is'} connected by "
        f"{clean(subject.host)}, and not by {clean(to)}"
    )
    cure = f"detach {them} first, and attach {them} there after the move"
    yield Refusal(RefusalCode.STATE, text, cure)
