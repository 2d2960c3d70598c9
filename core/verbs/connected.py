"""Volumes that a host has connected for an instance which is to move to another. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from shlex import quote

from msgspec.structs import replace

from core.errors import VirtdeckError
from core.model import ObjectKey, State
from core.model.connected_volume import ConnectedVolume
from core.model.lists import listed
from core.model.rewrites import Move, Rewrites
from core.model.text import clean
from core.state.connections import Connections, connections_of, used_by
from core.verbs.device.elsewhere import info_here
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
        if not _has(there.get(target), one)
        and all(each.source != one.path for each in rewrites.disks)
        and all(each.serial != one.volume_id for each in rewrites.volumes)
    }


def _has(there: ConnectedVolume | None, one: ConnectedVolume) -> bool:
    """Whether a destination has connected a volume, and its device is known."""
    return there is not None and bool(there.path) and there.volume_id == one.volume_id


def against_moving(
    state: State, subject: ObjectKey, to: str, name: str, rewrites: Rewrites = AS_IT_IS
) -> Iterator[Refusal]:
    """Tell which volumes a move would leave behind: what is at their paths there is not known."""
    left = left_behind(state, subject, to, rewrites)
    if left:
        yield _refusal(left, subject, to, name)


def against_migrating(
    state: State, subject: ObjectKey, to: str, name: str, rewrites: Rewrites
) -> Iterator[Refusal]:
    """As `against_moving`, of a move that has the volumes connected itself where it can."""
    yield from _against_another(state, subject, name)
    left = left_behind(state, subject, to, rewrites)
    told = {target: one for target, one in left.items() if target not in by_itself(left)}
    if told:
        refusal = _refusal(told, subject, to, name)
        cure = f"{refusal.cure}, with its --connection-info-file for that host"
        yield replace(refusal, cure=cure)


def _refusal(left: Connections, subject: ObjectKey, to: str, name: str) -> Refusal:
    named = [f"{target} ({clean(one.word)})" for target, one in left.items()]
    are, them = ("are", "them") if len(left) > 1 else ("is", "it")
    text = (
        f"{listed(named)} of {clean(name)} {are} connected by "
        f"{clean(subject.host)}, and not by {clean(to)}"
    )
    first = next(iter(left))
    command = f"virtdeck volume connect {quote(to)} --instance {quote(name)} --disk {quote(first)}"
    cure = f"have {clean(to)} connect {them} first: `{clean(command)}`"
    return Refusal(RefusalCode.STATE, text, cure)


def _against_another(state: State, subject: ObjectKey, name: str) -> Iterator[Refusal]:
    """Tell of a migration that has not let go yet of what this one would rely on."""
    if not connections_of(state, subject):
        return
    for one in state.operations.values():
        same = one.subject.id == subject.id and one.subject != subject
        if same and one.verb == "migrate" and not one.status.final:
            text = f"{clean(one.subject.host)} has not let go yet of the volumes of {clean(name)}"
            yield Refusal(RefusalCode.BUSY, text, f"wait for {one.id}")


def moves(state: State, subject: ObjectKey, to: str) -> tuple[Move, ...]:
    """Return where the disks are at a destination that are somewhere else here."""
    here = used_by(connections_of(state, subject), state.instances.get(subject))
    return moves_between(here, connections_of(state, ObjectKey("instance", to, subject.id)))


def by_itself(left: Connections) -> Connections:
    """Return those that a destination connects as the source has, without being told how."""
    found = {}
    for target, one in left.items():
        with suppress(VirtdeckError):
            info_here(one, None)
            found[target] = one
    return found


def moves_between(here: Connections, there: Connections) -> tuple[Move, ...]:
    """As `moves`, of what both hosts have connected."""
    pairs = [(one, there[target]) for target, one in here.items() if _has(there.get(target), one)]
    return tuple(Move(old.path, new.path) for old, new in pairs if old.path != new.path)
