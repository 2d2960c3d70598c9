"""A cold migration is confirmed, and its source forgets it; or reverted, and its destination."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from core.model import Instance, LinkStatus, OperationStatus, Request, State
from core.model.lists import listed
from core.model.text import clean
from core.verbs.caution import Caution
from core.verbs.cold.calls import (
    BetweenCall,
    DropCopyCall,
    DropOriginalCall,
    ForgetCall,
    Forgotten,
    LeaveCall,
    SettleCall,
    UnholdCall,
)
from core.verbs.cold.letting_go import letting_go
from core.verbs.cold.letting_go import steps as letting_go_steps
from core.verbs.cold.requests import ConfirmColdMigration, RevertColdMigration
from core.verbs.cold.sides import Sides, all_described, has_mark, sides_now, sides_of, volumes_of
from core.verbs.cold.words import confirm_caution, confirm_takes, revert_caution, revert_takes
from core.verbs.device.connecting import DisconnectCall
from core.verbs.disk_deletion import against_deleting
from core.verbs.refusal import Refusal, RefusalCode
from core.verbs.sequence import Step, sequence
from core.verbs.situation import Action, Decide, End, Situation
from core.verbs.verb import Risk, Verb


def _places(now: Situation) -> tuple[str, str, str]:
    """Return source, destination and move: as in the first call, once there is one."""
    for sent in now.sent:
        if isinstance(sent.call, BetweenCall):
            return sent.call.source, sent.call.destination, sent.call.move
    sides = sides_now(now)
    return ("", "", "") if sides is None else (sides.source, sides.destination, sides.move)


def _source(now: Situation) -> str:
    return _places(now)[0]


def _destination(now: Situation) -> str:
    return _places(now)[1]


def _at(now: Situation, host: str) -> Instance | None:
    return now.instance if host == now.request.subject.host else now.around.twins.get(host)


def _confirm_steps(now: Situation) -> list[Step]:
    places = source, there, move = _places(now)
    name = now.name
    return [
        Step(
            ForgetCall(*places, _originals(now)),
            f"removing the definition of {name} from {source}",
            lambda then: _at(then, source) is None,
        ),
        *(
            Step(DropOriginalCall(*places, path), f"deleting {clean(path)} on {source}")
            for path in _originals(now)
        ),
        Step(
            SettleCall(*places),
            f"letting {name} stay on {there}",
            lambda then: not has_mark(_at(then, there), move),
        ),
    ]


def _originals(now: Situation) -> tuple[str, ...]:
    """Return what is deleted at the source: as the first call was sent, where it was."""
    for sent in now.sent:
        if isinstance(sent.call, ForgetCall):
            return sent.call.volumes
    request, sides = now.request, sides_now(now)
    assert isinstance(request, ConfirmColdMigration)
    if sides is None or request.originals == "keep":
        return ()
    return volumes_of(sides.at_source)


def _copies(now: Situation) -> tuple[str, ...]:
    for sent in now.sent:
        if isinstance(sent.call, LeaveCall):
            return sent.call.volumes
    sides = sides_now(now)
    return () if sides is None else volumes_of(sides.at_destination)


def _revert_steps(now: Situation) -> list[Step]:
    request = now.request
    assert isinstance(request, RevertColdMigration)
    places = source, there, move = _places(now)
    name = now.name
    leave = Step(
        LeaveCall(*places, request.discard, _copies(now)),
        f"removing the definition of {name} from {there}",
        lambda then: _at(then, there) is None,
    )
    return [
        *([leave] if _leaves(now) else []),
        *(
            Step(DropCopyCall(*places, path), f"deleting {clean(path)} on {there}")
            for path in _copies(now)
        ),
        Step(
            UnholdCall(*places),
            f"letting {name} stay on {source}",
            lambda then: not has_mark(_at(then, source), move),
        ),
    ]


def _leaves(now: Situation) -> bool:
    """Whether the destination has, or had, a definition that goes."""
    if now.sent:
        return isinstance(now.sent[0].call, LeaveCall)
    sides = sides_now(now)
    return sides is None or sides.at_destination is not None


def _confirmed(now: Situation) -> str:
    source, there, _ = _places(now)
    return f"{now.name} is on {clean(there)}; {clean(source)} has forgotten it{_forgotten(now)}"


def _reverted(now: Situation) -> str:
    source, there, _ = _places(now)
    if not _leaves(now):
        return f"{now.name} stays on {clean(source)}; {clean(there)} had nothing of that move"
    return f"{now.name} stays on {clean(source)}; {clean(there)} has forgotten it{_forgotten(now)}"


def _forgotten(now: Situation) -> str:
    """Name the checkpoints that went with a definition."""
    answers = [sent.answer for sent in now.sent]
    names = [name for one in answers if isinstance(one, Forgotten) for name in one.checkpoints]
    if not names:
        return ""
    what = "checkpoint" if len(names) == 1 else "checkpoints"
    return f", and its {what} {listed(names)}: bitmaps of that name are left in the images"


def _against(state: State, request: Request, _: str) -> Iterator[Refusal]:
    """Tell what speaks against either: no such move, or one side that cannot be seen."""
    instance = state.instances.get(request.subject)
    if instance is None or not all_described(state, request):
        return  # it is read before anything is sent, and judged again then
    name = clean(instance.name)
    sides = sides_of(state, request.subject)
    if sides is None:
        text = f"{name} on {clean(instance.host)} has no cold migration to confirm or revert"
        yield Refusal(RefusalCode.STATE, text, "there is nothing to do")
        return
    for host in (sides.source, sides.destination):
        found = state.hosts.get(host)
        if found is None:
            text = f"{clean(host)}, the other host of the move of {name}, is not open here"
            yield Refusal(RefusalCode.UNREACHABLE, text, "open it too")
        elif found.link.status is not LinkStatus.UP:
            text = f"{clean(host)}, the other host of the move of {name}, is not reachable"
            yield Refusal(RefusalCode.UNREACHABLE, text, "wait until its link is up")
        elif found.link.read_only:
            text = f"{clean(host)}, the other host of the move of {name}, is open read-only"
            yield Refusal(RefusalCode.READ_ONLY, text, "open it without --read-only")


def _against_confirm(state: State, request: Request, but: str) -> Iterator[Refusal]:
    yield from _against(state, request, but)
    sides = sides_of(state, request.subject)
    if sides is not None and all_described(state, request):
        yield from _unconfirmable(sides)
        yield from _against_originals(state, request, sides)


def _against_originals(state: State, request: Request, sides: Sides) -> Iterator[Refusal]:
    """What uses an original beside it, or is based on it, would be broken."""
    assert isinstance(request, ConfirmColdMigration)
    instance = sides.at_source
    if instance is None or request.originals == "keep":
        return
    own = volumes_of(instance)
    disks = [one for one in instance.disks if one.source is not None and one.source.path in own]
    for disk in disks:
        for one in against_deleting(state, instance, disk, [each.target for each in disks]):
            yield Refusal(one.code, one.text, f"{one.cure}; or keep the originals", "originals")


def _unconfirmable(sides: Sides) -> Iterator[Refusal]:
    if sides.at_destination is None:
        text = f"{clean(sides.destination)} does not have it: it would be defined nowhere"
        yield Refusal(RefusalCode.STATE, text, "revert the move")
    if sides.at_source is not None and sides.at_source.state.active:
        text = f"It is on at its source, {clean(sides.source)}"
        yield Refusal(RefusalCode.STATE, text, "find out which of the two is the true one")


def _against_revert(state: State, request: Request, but: str) -> Iterator[Refusal]:
    yield from _against(state, request, but)
    sides = sides_of(state, request.subject)
    if sides is not None and all_described(state, request):
        yield from _irrevertible(sides)


def _judged(
    decide: Decide, judge: Callable[[Sides], Iterator[Refusal]]
) -> Callable[[Situation], Action]:
    """Return the decisions of either verb: refused where what was just read speaks against it."""

    def judged(now: Situation) -> Action:
        if now.sent:
            return decide(now)
        if (sides := sides_now(now)) is None:
            text = f"{now.name} has no cold migration to confirm or revert"
            return End(OperationStatus.REFUSED, text, refused=RefusalCode.STATE)
        if against := list(judge(sides)):
            text = " ".join(map(str, against))
            return End(OperationStatus.REFUSED, text, refused=against[0].code)
        return decide(now)

    return judged


def _irrevertible(sides: Sides) -> Iterator[Refusal]:
    if sides.at_source is None:
        text = f"{clean(sides.source)} does not have it any more: it would be defined nowhere"
        yield Refusal(RefusalCode.STATE, text, "confirm the move")
    there = sides.at_destination
    if there is not None and there.state.active:
        text = f"It is on at {clean(sides.destination)}"
        yield Refusal(RefusalCode.STATE, text, "shut it down there first")
    elif there is not None and there.managed_save:
        text = f"Its memory is saved on {clean(sides.destination)}"
        yield Refusal(RefusalCode.STATE, text, "start it there, or drop that: save-remove")


def _both(_: Request, hosts: Iterable[str]) -> Iterable[str]:
    return hosts


CONFIRM = Verb(
    ConfirmColdMigration,
    title="Confirm the move",
    help="End its cold migration: the source forgets it.",
    doing="confirming its move",
    group="move",
    key="C",
    decide=letting_go(_judged(sequence(_confirm_steps, _confirmed), _unconfirmable), _source),
    steps=lambda now: [*_confirm_steps(now), *letting_go_steps(now, _source(now))],
    resumable=True,
    calls=(ForgetCall, DropOriginalCall, SettleCall, DisconnectCall),
    refusals=_against_confirm,
    needs_description=True,
    looks_at=frozenset({"checkpoints"}),
    two_hosts=True,
    either_half=True,
    hosts=_both,
    storage_for=("originals",),
    risk=Risk(Caution.CONFIRM, raised=confirm_caution, after=confirm_takes),
)
REVERT = Verb(
    RevertColdMigration,
    title="Revert the move",
    help="Take its cold migration back: the destination forgets it, and it stays at its source.",
    doing="reverting its move",
    group="move",
    key="R",
    decide=letting_go(_judged(sequence(_revert_steps, _reverted), _irrevertible), _destination),
    steps=lambda now: [*_revert_steps(now), *letting_go_steps(now, _destination(now))],
    resumable=True,
    calls=(LeaveCall, DropCopyCall, UnholdCall, DisconnectCall),
    refusals=_against_revert,
    needs_description=True,
    looks_at=frozenset({"checkpoints"}),
    two_hosts=True,
    either_half=True,
    hosts=_both,
    risk=Risk(Caution.CONFIRM, raised=revert_caution, after=revert_takes),
)
