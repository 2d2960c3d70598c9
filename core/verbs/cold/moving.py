"""An instance that is off moves to another host: defined there, and held at its source."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Sequence

from msgspec.structs import replace

from core.errors import XmlError
from core.model import Instance, ObjectKey, OperationStatus, Request, State
from core.model.cold_move import ColdMove, MovedVolume
from core.model.rewrites import Move, Rewrites
from core.model.sizes import size_words
from core.model.text import clean
from core.state.held_devices import keeps_tpm_state
from core.verbs.caution import Caution
from core.verbs.cold.calls import (
    ArriveCall,
    CopyDiskCall,
    DiskCopy,
    DropCopyCall,
    GrowCopyCall,
    HoldCall,
    LeaveCall,
    MakeCopyCall,
    UnholdCall,
)
from core.verbs.cold.copying import against, copies
from core.verbs.cold.firmware import NVRAM, nvram_copies
from core.verbs.cold.letting_go import STAYS, letting_go
from core.verbs.cold.requests import ColdMigrate
from core.verbs.cold.sides import has_mark
from core.verbs.cold.words import larger_there, moves_there, short_there
from core.verbs.connected import against_moving, moves, moves_between
from core.verbs.device.connecting import DisconnectCall
from core.verbs.growing import against_growth, growths
from core.verbs.migration.checks import against_destination
from core.verbs.migration.requests import Migrate
from core.verbs.refusal import Refusal, RefusalCode
from core.verbs.resizing import against_vcpus
from core.verbs.sequence import LONG, Step
from core.verbs.situation import Action, End, Situation
from core.verbs.states import TO_BE_OFF
from core.verbs.verb import Risk, Verb
from core.verbs.volume import StopTransferCall
from core.verbs.whole import whole


def held(now: Situation) -> HoldCall:
    """Return the first call, as it was sent where it was: it has the plan."""
    for one in now.sent:
        if isinstance(one.call, HoldCall):
            return one.call
    request, instance = now.request, now.instance
    assert isinstance(request, ColdMigrate)
    move = str(uuid.uuid5(uuid.NAMESPACE_OID, f"{request.subject.id} {request.to} {now.now!r}"))
    autostart = instance is not None and instance.autostart
    copied = _copies(request, now)
    document = ""
    if now.document is not None:
        from core.xml.definition.resizing import with_size

        document = _document(now.document, copied)
        document = _connected_there(now, with_size(document, request.vcpus, request.memory))
    return HoldCall(request.subject.host, request.to, move, autostart, document, copied)


def _copies(request: ColdMigrate, now: Situation) -> tuple[DiskCopy, ...]:
    around, instance = now.around, now.instance
    if instance is None:
        return ()
    known = around.volumes, around.pools
    disks = copies(instance, request.copy, request.to, request.pool, *known)
    if now.document is None:
        return disks
    places = request.subject.host, request.to, request.pool
    return (*disks, *nvram_copies(now.document, *places, *known, alone=not disks))


def _document(document: str, copied: Sequence[DiskCopy]) -> str:
    """Return a definition as it is at the destination, without any mark. Raises XmlError."""
    from core.xml.cold_mark import unmark
    from core.xml.definition.cloning import Place, put_disks
    from core.xml.definition.firmware import put_nvram
    from core.xml.definition.rescue import is_rescue
    from core.xml.definition.text import written
    from core.xml.tree import parse

    root = parse(document, "domain", verbatim=True)
    if is_rescue(root):
        raise XmlError("It is in rescue.", "Unrescue it first.")
    unmark(root)
    put_disks(root, {one.target: Place(path=one.path, format=one.format) for one in copied})
    for one in copied:
        if one.target == NVRAM:
            put_nvram(root, one.path)
    return written(root)


def _connected_there(now: Situation, document: str) -> str:
    """Return a definition with the devices of volumes that the destination has connected."""
    from core.xml.rewrite import rewrite

    assert isinstance(now.request, ColdMigrate)
    there = now.around.ledger.get(ObjectKey("instance", now.request.to, now.request.subject.id), {})
    moved = moves_between(now.around.connections, there)
    return rewrite(document, Rewrites(disks=moved), lenient=True) if moved else document


def _marked(hold: HoldCall) -> str:
    from core.xml.cold_mark import marked

    if not hold.document:
        return ""
    own = tuple(MovedVolume(one.path) for one in hold.copies)
    mark = ColdMove(hold.move, "destination", hold.source, hold.autostart, volumes=own)
    return marked(hold.document, mark)


def _steps(now: Situation) -> list[Step]:
    hold = held(now)
    places = hold.source, hold.destination, hold.move

    def holds(then: Situation) -> bool:
        return has_mark(then.instance, hold.move)

    def arrived(then: Situation) -> bool:
        return has_mark(then.around.twins.get(hold.destination), hold.move)

    name = now.name
    verify = isinstance(now.request, ColdMigrate) and now.request.verify
    return [
        Step(hold, f"holding {name} on {hold.source}", holds, UnholdCall(*places)),
        *(step for one in hold.copies for step in _copying(hold, one, verify=verify)),
        *_grows(now, hold),
        Step(
            ArriveCall(*places, _marked(hold), hold.autostart),
            f"defining {name} on {hold.destination}",
            arrived,
            LeaveCall(*places),
        ),
    ]


def _copying(hold: HoldCall, one: DiskCopy, *, verify: bool) -> Iterator[Step]:
    """Make a volume and write to it: only one that libvirt said was made here is deleted again."""
    places = hold.source, hold.destination, hold.move
    made, there = MakeCopyCall(*places, one), f"{clean(one.path)} on {hold.destination}"

    def heard(now: Situation) -> bool:
        return any(sent.call == made and sent.accepted for sent in now.sent)

    yield Step(
        made,
        f"making {there} for a copy of {one.target}",
        heard,
        DropCopyCall(*places, f"{one.pool}/{one.name}"),
        LONG,
        names=clean(f"{one.pool}/{one.name} on {hold.destination}"),
    )
    text = f"copying {one.target} ({clean(one.original)}) to {there}"
    yield Step(CopyDiskCall(*places, one, verify), text, deadline=LONG, abort=StopTransferCall())


def _grows(now: Situation, hold: HoldCall) -> Iterator[Step]:
    """Let copies grow that are to be larger; the originals stay as they are."""
    assert isinstance(now.request, ColdMigrate)
    wanted = growths(now.request.grow)
    for one in hold.copies:
        if (capacity := wanted.get(one.target)) is not None:
            call = GrowCopyCall(
                *(hold.source, hold.destination, hold.move), f"{one.pool}/{one.name}", capacity
            )
            yield Step(call, f"letting the copy of {one.target} grow to {size_words(capacity)}")


def _decide(now: Situation) -> Action:
    """Refuse what cannot be moved; else hold it and define it there."""
    if not now.sent:
        try:
            _steps(now)
        except XmlError as error:
            text = f"{error.message} {error.hint}"
            return End(OperationStatus.REFUSED, text, refused=RefusalCode.STATE)
    return _DECIDE(now)


def _to(now: Situation) -> str:
    return held(now).destination


def _outcome(now: Situation) -> str:
    hold = held(now)
    source, there = clean(hold.source), clean(hold.destination)
    count = sum(one.target != NVRAM for one in hold.copies)
    disks = f", {count} disk{'' if count == 1 else 's'} copied" if count else ""
    return (
        f"{now.name} is defined on {there}{disks}; {source} keeps it, held, until the move is "
        "confirmed (confirm-cold-migration) or reverted (revert-cold-migration)"
    )


_DECIDE = whole(_steps, _outcome)


def _against(state: State, request: Request, _: str) -> Iterator[Refusal]:
    assert isinstance(request, ColdMigrate)
    yield from against_destination(state, request.to, request.subject.host)
    instance = state.instances.get(request.subject)
    if instance is None:
        return
    name = clean(instance.name)
    if not instance.persistent:
        yield Refusal(RefusalCode.STATE, f"{name} is transient", "it has no definition to move")
    if instance.managed_save:
        text = f"The memory of {name} is saved on {clean(instance.host)}, and stays behind"
        yield Refusal(RefusalCode.STATE, text, "start it, or drop that: save-remove")
    if not instance.described:
        return
    if instance.rescue:
        yield Refusal(RefusalCode.STATE, f"{name} is in rescue", "unrescue it first")
    yield from _against_firmware(instance)
    yield from against_moving(state, instance.key, request.to, name)
    yield from against_vcpus(state, instance, request.vcpus, request.to)
    yield from against(state, instance, request.copy, request.to, request.pool)
    yield from against_growth(state, instance, request.grow)
    for target in growths(request.grow).keys() - set(request.copy):
        text = f"{target} is shared: it would be larger at its source too, whatever becomes of this"
        yield Refusal(RefusalCode.PARAMETER, text, "copy it, or resize it before or after", "grow")


def _against_firmware(instance: Instance) -> Iterator[Refusal]:
    """What the guest keeps in files that are no disks, and that libvirt does not move."""
    name, host = clean(instance.name), clean(instance.host)
    if keeps_tpm_state(instance):
        text = f"The TPM's state of {name} is in files of {host}, which are not moved"
        yield Refusal(RefusalCode.UNSUPPORTED, text, "start it and migrate it live")


def _as_migration(state: State, request: Request) -> Migrate:
    """Return the migration whose preflight is made: both hosts are looked at by it."""
    assert isinstance(request, ColdMigrate)
    connected = moves(state, request.subject, request.to)
    asked = Migrate(
        request.subject, to=request.to, offline=True, overrides=request.overrides,
        rewrites=Rewrites(disks=connected),
    )  # fmt: skip
    instance = state.instances.get(request.subject)
    if instance is None or not request.copy:
        return asked
    found = copies(instance, request.copy, request.to, request.pool, state.volumes, state.pools)
    moved = tuple(Move(one.original, one.path) for one in found if one.original != one.path)
    return replace(
        asked,
        storage="copy-incremental",
        disks=request.copy,
        rewrites=Rewrites(disks=(*connected, *moved)),
    )


def _hosts(request: Request, _: Iterable[str]) -> Iterable[str]:
    assert isinstance(request, ColdMigrate)
    return (request.to,)


COLD_MIGRATE = Verb(
    ColdMigrate,
    title="Cold migrate",
    help="Move it to another host while it is off; kept here until that is confirmed or reverted.",
    doing="moving",
    group="move",
    key="c",
    decide=letting_go(_decide, _to, STAYS),
    steps=_steps,
    resumable=True,
    calls=(
        *(HoldCall, UnholdCall, MakeCopyCall, CopyDiskCall, DropCopyCall, StopTransferCall),
        *(GrowCopyCall, ArriveCall, LeaveCall, DisconnectCall),
    ),
    storage_for=("to",),
    waits=True,
    cancelled="What was made of it at the destination is removed again; it stays where it is.",
    states=TO_BE_OFF,
    refusals=_against,
    needs_description=True,
    needs_facts=True,
    during_move=False,
    looks_at=frozenset({"document"}),
    preflight=_as_migration,
    two_hosts=True,
    hosts=_hosts,
    risk=Risk(Caution.CONFIRM, moves_there, after=larger_there, warns=short_there),
)
