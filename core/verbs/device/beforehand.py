"""A volume is connected by a host before the instance that has it moves there. Pure.

The disk itself is libvirt's to move; where it is at the destination is taken from the ledger. The
host of the instance itself connects it again: after its boot it may not have it any more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from core.errors import VirtdeckError
from core.model import ObjectKey, OperationStatus, Request, State
from core.model.connected_volume import ConnectedVolume, VolumeConnecting
from core.model.lists import listed
from core.model.secret_value import Secret
from core.model.text import clean
from core.state.connections import Connections, every_connection, names_of_owners
from core.verbs.device.connecting import (
    CONNECTING,
    ConnectCall,
    DisconnectCall,
    VolumeReached,
    still_connected,
)
from core.verbs.device.elsewhere import info_here
from core.verbs.device.host_requests import ConnectVolume, DisconnectVolume
from core.verbs.migration.requests import Drain
from core.verbs.refusal import Refusal, RefusalCode
from core.verbs.sequence import Step, sequence
from core.verbs.situation import Action, End, Sent, Situation
from core.verbs.verb import Verb

Ledger = Mapping[ObjectKey, Connections]


def _found(
    ledger: Ledger, names: Mapping[str, str], request: ConnectVolume
) -> dict[ObjectKey, ConnectedVolume]:
    """Return the volumes that a request may be for, as hosts have them connected.

    Where two have it for one instance, which is moving, that of either will do; that of the host
    that is asked, which is to connect it again, before the others'.
    """
    found = {
        key.id: (key, volumes[request.disk])
        for key, volumes in sorted(
            ledger.items(), key=lambda one: one[0].host == request.subject.host
        )
        if request.instance in (key.id, names.get(key.id))
        and request.disk in volumes
        and volumes[request.disk].path
    }
    return dict(found.values())


def _call(now: Situation) -> tuple[ConnectCall, str]:
    """Return what is sent, and the UUID of the instance; raises UsageError."""
    request = now.request
    assert isinstance(request, ConnectVolume)
    ((key, known),) = _found(now.around.ledger, now.around.owner_names, request).items()
    info = info_here(known, request.connection_info)
    host = now.around.host
    how = VolumeConnecting() if host is None else host.connecting
    multipath = request.multipath or how.multipath or known.multipath
    again = key.host == request.subject.host
    call = ConnectCall(
        info.protocol, dict(info.data), tuple(info.secrets.items()),
        info.volume_id or known.volume_id, info.multiattach, multipath, how,
        alone=not (info.multiattach or known.shared), identity=known.identity, owner=key.id,
        encryption=known.encryption, passphrase=request.passphrase if known.encryption else None,
        target=request.disk if again else "", again=known.path if again else "",
    )  # fmt: skip
    return call, key.id


def _sent(sent: Sequence[Sent]) -> ConnectCall | None:
    return next((one.call for one in sent if isinstance(one.call, ConnectCall)), None)


def _steps(now: Situation) -> list[Step]:
    call = _sent(now.sent) or _call(now)[0]
    word = f"the {call.protocol} volume {clean(call.volume_id)}".rstrip()
    return [Step(call, f"having {now.request.subject.host} connect {word}", deadline=CONNECTING)]


def _brought(request: ConnectVolume, sent: Sequence[Sent]) -> VolumeReached | None:
    volume, call = still_connected(sent, request.disk), _sent(sent)
    if volume is None or call is None:
        return None
    return VolumeReached(volume, call.owner)


def _leaves(request: Request, sent: Sequence[Sent]) -> VolumeReached | None:
    assert isinstance(request, ConnectVolume)
    call = _sent(sent)
    # what is connected again has its entry
    return None if call is not None and call.again else _brought(request, sent)


def _decide(now: Situation) -> Action:
    request = now.request
    assert isinstance(request, ConnectVolume)
    if not now.sent:
        try:
            _call(now)
        except VirtdeckError as error:
            text = f"{error.message} {error.hint}".rstrip()
            return End(OperationStatus.REFUSED, text, refused=RefusalCode.PARAMETER)
        except ValueError:  # it was detached, or connected elsewhere, meanwhile
            text = f"{clean(request.instance)}:{request.disk} is in no ledger any more"
            return End(OperationStatus.REFUSED, text, refused=RefusalCode.STATE)
    action = _DECIDE(now)
    if isinstance(action, End) and action.status is OperationStatus.DONE:
        return replace(action, result=_brought(request, now.sent))
    return action


def _outcome(now: Situation) -> str:
    request, sent = now.request, now.sent
    assert isinstance(request, ConnectVolume)
    volume = still_connected(sent, request.disk)
    assert volume is not None
    whose = f"{clean(request.instance)}:{request.disk}"
    call, where = _sent(now.sent), request.subject.host
    again = " again" if call is not None and call.again else ""
    return f"{clean(volume.word)} is connected on {where}{again} ({clean(volume.path)}) for {whose}"


_DECIDE = sequence(_steps, _outcome)


def _against(state: State, request: Request, _: str) -> Iterator[Refusal]:
    assert isinstance(request, ConnectVolume)
    whose = f"{clean(request.instance)}:{request.disk}"
    found = _found(every_connection(state), names_of_owners(state), request)
    if not found:
        text = f"No host has connected a volume for {whose}, as far as this journal knows"
        cure = "see `virtdeck connections`"
        yield Refusal(RefusalCode.PARAMETER, text, cure, "instance")
        return
    if len(found) > 1:
        hosts = listed(sorted(key.host for key in found))
        text = f"{whose} is on {hosts}"
        yield Refusal(RefusalCode.PARAMETER, text, "name the instance by its UUID", "instance")
        return
    ((key, known),) = found.items()
    own = ObjectKey("instance", request.subject.host, key.id)
    here = every_connection(state).get(own, {})
    if request.disk in here and not (here[request.disk].path and own in state.instances):
        host, handle = request.subject.host, clean(here[request.disk].handle)
        if here[request.disk].path:
            text, cure = f"{host} has connected it for {whose} already ({handle})", "move it"
        else:
            text = f"Whether {host} has connected it for {whose} is not known"
            cure = (
                f"have it disconnected first: `virtdeck volume disconnect {host} --device {handle}`"
            )
        yield Refusal(RefusalCode.STATE, text, cure, "disk")
    if known.encryption is not None and request.passphrase is None:
        text = f"{whose} is encrypted ({known.encryption.provider}), and its host opens it"
        yield Refusal(RefusalCode.PARAMETER, text, "give --passphrase-file", "passphrase")
    if request.connection_info == Secret(None):
        return  # gone with the console it was given to
    try:
        info_here(known, request.connection_info)
    except VirtdeckError as error:
        cure = f"{error.hint[:1].lower()}{error.hint[1:].rstrip('.')}"
        text = error.message.rstrip(".")
        yield Refusal(RefusalCode.PARAMETER, text, cure, "connection_info")


VOLUME_CONNECT = Verb(
    ConnectVolume,
    title="Connect a volume",
    help="Have the host connect a volume of an instance that is to move there, or again its own.",
    doing="connecting a volume",
    group="volume",
    key="c",
    subject="host",
    decide=_decide,
    steps=_steps,
    calls=(ConnectCall, DisconnectCall),
    refusals=_against,
    leaves=_leaves,
    single=True,
    needs_host=True,
    beside=frozenset({Drain, ConnectVolume, DisconnectVolume}),
)
