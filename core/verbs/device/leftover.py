"""A volume that is connected for a disk which is no more: its host lets go of it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from core.errors import VirtdeckError
from core.model import ObjectKey, OperationStatus, Request, State
from core.model.connected_volume import ConnectedVolume
from core.model.secret_value import Secret
from core.model.text import clean
from core.state.connections import LedgerEntry, ledger, moved_to, paths_of, share_used
from core.state.next_starts import disk_of, to_be_read
from core.verbs.caution import Caution
from core.verbs.device.connecting import CONNECTING, DisconnectCall, LetGoAnswer, VolumeLeft
from core.verbs.device.elsewhere import info_here
from core.verbs.device.host_requests import ConnectVolume, DisconnectVolume
from core.verbs.migration.requests import Drain
from core.verbs.refusal import Refusal, RefusalCode
from core.verbs.situation import Action, End, Send, Situation, done, failed, unknown
from core.verbs.verb import Risk, Subjects, Verb


def entry_of(state: State, request: Request) -> LedgerEntry | None:
    """Return the entry of the ledger that a request is for."""
    path = getattr(request, "device", "")
    host = request.subject.host
    found = (one for one in ledger(state) if one.subject.host == host and one.volume.handle == path)
    return next(found, None)


def _begin(now: Situation, request: DisconnectVolume) -> Action:
    """Have its host let go of it, unless the next start of its instance is seen to have it."""
    volume = now.around.connections.get(request.device)
    if volume is None:
        return failed(f"{clean(request.device)} is in no ledger any more", "")
    if refusal := _by_next_start(now, volume):
        return End(OperationStatus.REFUSED, str(refusal), refused=refusal.code)
    text = f"having {request.subject.host} disconnect {clean(volume.word)}"
    owner = _owner(now)
    ledger_, host = now.around.ledger, request.subject.host
    others = share_used(ledger_, host, volume, owner)
    also = paths_of(ledger_, host, volume)
    try:
        secrets = _secrets(volume, request.connection_info)
    except VirtdeckError as error:
        return failed(error.message, error.hint)
    call = DisconnectCall(volume, secrets, of=owner, share_used=others, also=also)
    return Send(call, text, deadline=CONNECTING)


def _decide(now: Situation) -> Action:
    request = now.request
    assert isinstance(request, DisconnectVolume)
    sent = next((one for one in reversed(now.sent) if isinstance(one.call, DisconnectCall)), None)
    if sent is None:
        return _begin(now, request)
    assert isinstance(sent.call, DisconnectCall)
    call = sent.call
    known = f" ({call.connected.path})" if call.connected.path else ""
    word = clean(f"{call.connected.word}{known}")
    if isinstance(sent.answer, LetGoAnswer):
        if sent.answer.used_by:
            text = f"{clean(sent.answer.used_by)} has {word}: it stays connected"
            end = failed(text, "Detach it from there first: that disconnects it.")
            own = sent.answer.used_by == now.around.owner_names.get(call.of)
            theirs = _has_another(now, call) and not own
            used = VolumeLeft(call.connected.slot, sent.answer.used_by, call.of)
            return replace(end, result=used) if theirs else end
        result = VolumeLeft(call.connected.slot, released_of=call.of)
        return done(f"{word} is disconnected from {request.subject.host}", result=result)
    if sent.ended is None and sent.at < (now.progress.adopted or 0.0):
        return Send(call, f"disconnecting {word} once more", deadline=CONNECTING)
    if sent.error and sent.certain:
        return failed(sent.error, sent.hint)
    why = sent.error.rstrip(".") or "no answer came"
    text = f"whether {word} is disconnected is not known: {why}"
    return unknown(text, sent.hint or "See on its host what is left.")


def _secrets(volume: ConnectedVolume, given: Secret | None) -> tuple[tuple[str, Secret], ...]:
    """Return what its storage is asked with; raises UsageError for another volume's."""
    return () if given is None else tuple(info_here(volume, given).secrets.items())


def _has_another(now: Situation, call: DisconnectCall) -> bool:
    """Whether the device is in the ledger for another instance, which lets go of it in its turn."""
    return bool(call.connected.path) and any(
        one.path == call.connected.path
        for subject, volumes in now.around.ledger.items()
        if subject.host == now.request.subject.host and subject.id != call.of
        for one in volumes.values()
    )


def _owner(now: Situation) -> str:
    request = now.request
    assert isinstance(request, DisconnectVolume)
    return now.around.owners.get(request.device, "")


def _against(state: State, request: Request, _: str) -> Iterator[Refusal]:
    assert isinstance(request, DisconnectVolume)
    found = entry_of(state, request)
    if found is None:
        text = f"This journal knows of no volume at {clean(request.device)} of that host"
        cure = "see `virtdeck connections`; what another journal has is disconnected by hand"
        yield Refusal(RefusalCode.PARAMETER, text, cure, "device")
    elif found.standing != "left over" and not _moved(state, found):
        text = f"{clean(request.device)} is not left over: {clean(found.why)}"
        in_use = found.standing == "in use"
        cure = "detach it: that disconnects it" if in_use else "read everything again"
        yield Refusal(RefusalCode.STATE, text, cure, "device")


def _by_next_start(now: Situation, volume: ConnectedVolume) -> Refusal | None:
    """Return why it stays, by the definition of its instance; the call asks that once more."""
    from core.xml.instance import read_instance

    if now.document is None:
        return None
    defined = read_instance(now.document, now.request.subject.host)
    disk = disk_of(volume, defined)
    if disk is None:
        return None
    text = f"{clean(volume.handle)} is not left over: the next start of {clean(defined.name)} has "
    text += f"it as {clean(disk.target)}"
    cure = "detach it there from the next start on: that disconnects it"
    return Refusal(RefusalCode.STATE, text, cure, "device")


def _definition(state: State, request: Request) -> ObjectKey | None:
    """Return the instance whose next start may have the volume, although what runs has not."""
    found = entry_of(state, request)
    return None if found is None else next(iter(to_be_read(state, [found])), None)


def _moved(state: State, found: LedgerEntry) -> bool:
    """Whether its instance is elsewhere now: its host itself is asked who else has the device."""
    return found.standing == "not known" and moved_to(state, found.subject) is not None


def _ends(request: Request, subjects: Subjects) -> str:
    device = clean(getattr(request, "device", ""))
    return f"Takes {device} away from {subjects.whom}: whoever uses it there loses it."


def _names(state: State, requests: Sequence[Request]) -> list[str]:
    found = [entry_of(state, request) for request in requests]
    return [
        f"It is {clean(one.volume.word)}, connected for {clean(one.whose)}; {clean(one.why)}."
        for one in found
        if one is not None
    ]


VOLUME_DISCONNECT = Verb(
    DisconnectVolume,
    title="Disconnect a leftover",
    part="device",
    help="Have the host disconnect a volume whose disk is no more.",
    doing="disconnecting a volume",
    group="volume",
    key="d",
    subject="host",
    decide=_decide,
    calls=(DisconnectCall,),
    refusals=_against,
    single=True,
    needs_host=True,
    needs_description=True,
    tries_document=True,
    document_of=_definition,
    beside=frozenset({Drain, ConnectVolume, DisconnectVolume}),
    risk=Risk(Caution.CONFIRM, _ends, after=_names),
)
