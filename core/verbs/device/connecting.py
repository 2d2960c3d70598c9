"""Volumes that the host connects before an instance has them, and lets go of after it. Pure.

Which volume is connected for which disk is in the journal: what an attach has brought is the entry,
what a detach has brought takes it out (`core.state.connections`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from msgspec.structs import replace as struct_replace

from core.model import OperationStatus
from core.model.base import Value
from core.model.connected_volume import ConnectedVolume, HostEncryption, VolumeConnecting
from core.model.secret_value import Secret
from core.model.text import clean
from core.state.connections import paths_of, share_used
from core.verbs.answer import CallAnswer
from core.verbs.call import Call
from core.verbs.device.encryption import encryption_by_host
from core.verbs.device.requests import VolumeAttach, VolumeDetach
from core.verbs.sequence import Step
from core.verbs.situation import Action, End, Send, Sent, Situation

if TYPE_CHECKING:
    from core.volumes.connection_info import ConnectionInfo

CONNECTING = 600.0
"""Seconds: a minute to start os-brick, eight for what it scans and waits for, and some."""


class DeviceAnswer(CallAnswer, frozen=True):
    """What os-brick told of a volume that it connected."""

    device: dict[str, Any]
    warnings: tuple[str, ...] = ()


class LetGoAnswer(CallAnswer, frozen=True):
    """Whether a volume was let go of."""

    used_by: str = ""
    """Who else has its device, so that it was not; empty: it was."""


class GrownAnswer(CallAnswer, frozen=True):
    """How large a host sees a volume after it has looked again."""

    size: int


class VolumeReached(CallAnswer, frozen=True):
    """What an attach has brought: the entry of the ledger."""

    connected: ConnectedVolume
    connected_for: str = ""
    """The UUID of the instance it was connected for, where its host was asked."""


class VolumeLeft(CallAnswer, frozen=True):
    """What a detach has brought: the entry of that disk is over."""

    released: str
    """The target of the disk."""
    used_by: str = ""
    released_of: str = ""
    """The UUID of the instance it was connected for, where its host was asked to let go."""


class Released(Value, frozen=True):
    """A volume that a host has let go of, or that others have there."""

    host: str
    instance: str
    """The UUID of the instance it was connected for."""
    slot: str
    """As the ledger has it."""
    used_by: str = ""


class VolumesLeft(CallAnswer, frozen=True):
    """What the end of a move has brought: these entries are over."""

    released: tuple[Released, ...]


class ConnectCall(Call, frozen=True):
    """connect_volume of os-brick, on the host itself."""

    answers: ClassVar[type[CallAnswer] | None] = DeviceAnswer
    protocol: str
    data: dict[str, Any]
    secrets: tuple[tuple[str, Secret], ...] = ()
    """What the data has `withheld` in the place of, by key."""
    volume_id: str = ""
    multiattach: bool = False
    multipath: bool = False
    how: VolumeConnecting = VolumeConnecting()
    """As it is set for its host."""
    alone: bool = False
    """No instance of the host may have what comes up: it would be another volume's."""
    identity: str = ""
    """What its storage calls it, as another host has seen it: something else is disconnected."""
    owner: str = ""
    """The UUID of the instance it is for, where that is not its subject."""
    encryption: HostEncryption | None = None
    """How the host opens it then."""
    passphrase: Secret | None = None
    target: str = ""
    """Of the disk that it is to be; empty: that is not chosen here."""
    again: str = ""
    """The path of that disk, where its owner has it already: it must come up there."""

    def virsh(self, _: str) -> tuple[str, ...]:
        """Virsh connects nothing."""
        return ()


class DisconnectCall(Call, frozen=True):
    """disconnect_volume of os-brick, unless something on the host still has the device."""

    answers: ClassVar[type[CallAnswer] | None] = LetGoAnswer
    repeatable: ClassVar[bool] = True
    connected: ConnectedVolume
    secrets: tuple[tuple[str, Secret], ...] = ()
    of: str = ""
    """The UUID of the instance it was connected for, where that is not its subject."""
    share_used: bool = False
    """Other volumes of the share it is on are connected there: that stays mounted."""
    at: str = ""
    """The host that lets go of it, where that is not its subject's."""
    also: tuple[str, ...] = ()
    """Where the host has it, too, as the ledger knows: of the entry itself no device is known."""

    @property
    def host(self) -> str:
        """Where it is made."""
        return self.at

    def renamed(self, named: Callable[[str], str]) -> Call:
        """Return it with the name that its host has here."""
        return struct_replace(self, at=named(self.at)) if self.at else self

    def virsh(self, _: str) -> tuple[str, ...]:
        """Virsh disconnects nothing."""
        return ()


class ExtendCall(Call, frozen=True):
    """extend_volume of os-brick: the host looks again at how large a connected volume is."""

    answers: ClassVar[type[CallAnswer] | None] = GrownAnswer
    repeatable: ClassVar[bool] = True
    connected: ConnectedVolume

    def virsh(self, _: str) -> tuple[str, ...]:
        """Virsh has no host look again."""
        return ()


def answered(now: Situation) -> tuple[ConnectCall, dict[str, Any]] | None:
    """Return what was connected, and what os-brick told of it; None: nothing was."""
    for one in now.sent:
        if isinstance(one.call, ConnectCall) and isinstance(one.answer, DeviceAnswer):
            return one.call, one.answer.device
    return None


def connect_step(now: Situation, info: ConnectionInfo, request: VolumeAttach, target: str) -> Step:
    """Return the step that has the host connect a volume; its undo once it is connected.

    `target` is what its disk will be: what was sent already has its own.
    """
    call = next((one.call for one in now.sent if isinstance(one.call, ConnectCall)), None)
    if call is None:
        host_now = now.around.host
        how = VolumeConnecting() if host_now is None else host_now.connecting
        call = ConnectCall(
            info.protocol,
            dict(info.data),
            tuple(info.secrets.items()),
            info.volume_id,
            info.multiattach,
            request.multipath or how.multipath,
            how,
            encryption=encryption_by_host(request),
            passphrase=request.passphrase if encryption_by_host(request) else None,
            target=target,
        )
    found = answered(now)
    host = now.request.subject.host
    undo = None
    if found is not None:
        volume = connected_by(now, "")
        used = share_used(now.around.ledger, host, volume)
        undo = DisconnectCall(volume, call.secrets, share_used=used)
    text = f"having {host} connect the {call.protocol} volume {clean(call.volume_id)}".rstrip()
    return Step(call, text, undo=undo, deadline=CONNECTING)


def look_again_step(now: Situation, disk: str) -> Step | None:
    """Return the step that has the host see how large a volume has become; None: it has none."""
    sent = next((one.call for one in now.sent if isinstance(one.call, ExtendCall)), None)
    known = now.around.connections.get(disk)
    if sent is None and (known is None or now.sent):
        return None
    if sent is None:
        assert known is not None
        sent = ExtendCall(known)
    host = now.request.subject.host
    text = f"having {host} look at how large {clean(sent.connected.word)} is"
    return Step(sent, text, deadline=CONNECTING)


def info_sent(now: Situation) -> ConnectionInfo | None:
    """Return the connection_info of what is being connected: of a request it may be gone."""
    from core.volumes.connection_info import ConnectionInfo

    call = next((one.call for one in now.sent if isinstance(one.call, ConnectCall)), None)
    if call is None:
        return None
    return ConnectionInfo(
        call.protocol, call.data, dict(call.secrets), call.volume_id, call.multiattach
    )


def connected_by(now: Situation, target: str) -> ConnectedVolume:
    """Return the entry of what was connected."""
    found = answered(now)
    assert found is not None
    call, device = found
    return ConnectedVolume(
        *(call.protocol, call.data, device, target, call.volume_id, call.multipath),
        python=call.how.python,
        shared=call.multiattach,
        encryption=call.encryption,
    )


def still_connected(sent: Sequence[Sent], target: str) -> ConnectedVolume | None:
    """Return what an operation has left connected, or may have; None: nothing.

    Of one that was lost while it connected no device is known.
    """
    call, device = None, None
    for one in sent:
        if isinstance(one.call, ConnectCall) and not (one.error and one.certain):
            call = one.call
            device = one.answer.device if isinstance(one.answer, DeviceAnswer) else {}
        elif isinstance(one.call, DisconnectCall) and isinstance(one.answer, LetGoAnswer):
            call = None
    if call is None or device is None:
        return None
    return ConnectedVolume(
        *(call.protocol, call.data, device, target, call.volume_id, call.multipath),
        *(call.how.python, call.multiattach, call.encryption),
    )


def with_entry(now: Situation, action: Action, target: str) -> Action:
    """Return the end of an attach with the entry of the ledger."""
    done = isinstance(action, End) and action.status is OperationStatus.DONE
    if not done or answered(now) is None:
        return action
    assert isinstance(action, End)
    return replace(action, result=VolumeReached(connected_by(now, target)))


def disconnecting(now: Situation, end: End) -> Action:
    """Decide once a disk is detached: its host lets go of the volume, where nobody else has it."""
    request = now.request
    known = None
    if isinstance(request, VolumeDetach):
        known = now.around.connections.get(request.disk)
    sent = next((one for one in reversed(now.sent) if isinstance(one.call, DisconnectCall)), None)
    if sent is None:
        if known is None:
            return end
        text = f"having {request.subject.host} disconnect {known.word}"
        ledger, subject = now.around.ledger, request.subject
        shared = share_used(ledger, subject.host, known, subject.id)
        call = DisconnectCall(known, share_used=shared, also=paths_of(ledger, subject.host, known))
        return Send(call, text, deadline=CONNECTING)
    assert isinstance(sent.call, DisconnectCall)
    volume = sent.call.connected
    if isinstance(sent.answer, LetGoAnswer):
        used = sent.answer.used_by
        if used == now.name:
            return end  # it runs on with it, or its next start has it: the entry stays
        kept = f"; {volume.word} stays connected for {clean(used)}" if used else ""
        result = VolumeLeft(volume.slot, used)
        return replace(end, outcome=f"{end.outcome}{kept}", result=result)
    if sent.ended is None and sent.at < (now.progress.adopted or 0.0):
        return Send(sent.call, f"disconnecting {volume.word} once more", deadline=CONNECTING)
    why = sent.error.rstrip(".") or "no answer came"
    outcome = f"{end.outcome}; whether {volume.word} is disconnected is not known: {why}"
    return replace(end, outcome=outcome, hint=sent.hint or "See on its host what is left.")
