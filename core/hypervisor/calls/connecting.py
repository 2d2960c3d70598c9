"""Volumes that a host connects, by os-brick on the host itself. Run on a lane thread."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from msgspec.structs import asdict as to_dict

from core.errors import DeadlineError, HypervisorError, VirtdeckError
from core.hypervisor.calls.function import CallFunctions
from core.hypervisor.calls.holding_volumes import (
    Others,
    VolumeKey,
    held_to_connect,
    hold_to_disconnect,
    name_of,
)
from core.hypervisor.calls.volume_users import user_below, user_of
from core.hypervisor.connection.binding import Connection, libvirt
from core.model import ObjectKey
from core.model.connected_volume import ConnectedVolume, HostEncryption
from core.model.paths import plain_path
from core.model.secret_value import WITHHELD, Secret
from core.model.text import clean
from core.verbs.device.connecting import (
    ConnectCall,
    DeviceAnswer,
    DisconnectCall,
    ExtendCall,
    GrownAnswer,
    LetGoAnswer,
)
from core.volumes.brick.place import BrickHost, brick_host
from core.volumes.brick.process import BrickProcess
from core.volumes.protocols import PROTOCOLS
from core.xml.tree import parse

WORKING = 480.0
"""Seconds for what os-brick does. It tries three times to log in, and iscsid takes two minutes to
give up a portal that is down."""
_LEFT = "See `virtdeck connections` for what is left, and have it disconnected there."

_PASSWORD = (
    "Give what it was connected by: `virtdeck volume disconnect`, with --connection-info-file."
)


class StillConnectedError(DeadlineError):
    """What was connected in vain may be connected still: the ledger is to have it."""


def place_of(conn: Connection, python: str) -> BrickHost:
    """Return where the volumes of a host are connected; raises UnsupportedError."""
    return brick_host(conn.getURI(), python)


def connect(conn: Connection, subject: ObjectKey, call: ConnectCall) -> DeviceAnswer:
    """Have os-brick connect a volume; one that cannot be used so is disconnected again."""
    secrets = _revealed(call.secrets)
    passphrase = "" if call.passphrase is None else call.passphrase.reveal()
    data = {**call.data, **secrets, **_marked(call.encryption)}
    if call.how.enforce_multipath:
        data["enforce_multipath"] = True
    withheld = (*_words(call.protocol, secrets), passphrase)
    with BrickProcess(place_of(conn, call.how.python), secrets=withheld) as brick:
        what = {"protocol": call.protocol, "data": data, "multipath": call.multipath,
                "attempts": call.how.scan_attempts}  # fmt: skip
        with held_to_connect(brick, VolumeKey.of(call, call.owner or subject.id)) as others:
            return _connected(conn, brick, call, what, others)


def _connected(
    conn: Connection, brick: BrickProcess, call: ConnectCall, what: dict[str, Any], others: Others
) -> DeviceAnswer:
    """Connect it, and see whether what came up is it and can be used."""
    answer = brick.ask("connect", WORKING, **what)
    device = dict(answer.value) if isinstance(answer.value, Mapping) else {}
    path, other = str(device.get("path", "")), _other(call, device)
    asked = bool(path) and (call.alone or bool(other))
    if asked and (user := _user(conn, device, but=call.owner if call.again else "")):
        # it is theirs: nothing is disconnected
        text = f"What came up for the {call.protocol} volume, {path}, is the disk of {user}."
        raise HypervisorError(clean(text), "Give the connection_info of this host.")
    error = _unusable(call, device, other)
    if error is None and call.encryption is not None:
        passphrase = "" if call.passphrase is None else call.passphrase.reveal()
        error = _opened(brick, what, device, call.encryption, passphrase)
    if error is None:
        return DeviceAnswer(device, answer.warnings)
    if path and (not asked or call.again) and _user(conn, device):
        raise error  # somebody has a shared one, or it itself: it stays theirs
    if others.same:
        raise error  # it was connected for another, which is about to have it
    raise _taken_back(brick, what, device, call.encryption, error)


def _user(conn: Connection, device: Mapping[str, Any], but: str = "") -> str:
    """Return who has what came up; where that is not told, nothing is taken from anybody."""
    places = {str(device[key]) for key in ("path", "os_path") if device.get(key)}
    try:
        return user_of(conn, places, but)
    except libvirt.libvirtError as error:
        text = (
            f"Whose disk {device['path']} is could not be asked, and it stays connected: {error}."
        )
        raise StillConnectedError(clean(text), _LEFT) from None


def _other(call: ConnectCall, device: Mapping[str, Any]) -> str:
    """Return what the storage calls a device that is not the volume; empty: it is, or not told."""
    told = device.get("scsi_wwn")
    return str(told) if told and call.identity and told != call.identity else ""


def _unusable(call: ConnectCall, device: Mapping[str, Any], other: str) -> VirtdeckError | None:
    """Return why what came up is no device of the volume; None: it is one."""
    path = str(device.get("path", ""))
    if device.get("missing"):
        text = f"os-brick connected the {call.protocol} volume, and there is no {path}."
        return HypervisorError(clean(text), "See on the storage whether the volume is there.")
    if other:
        text = f"What came up at {path} is another volume than the one it was: {other}."
        return HypervisorError(clean(text), "Give the connection_info of this host.")
    if call.again and path != call.again:
        text = f"It came up at {path}; {call.target} is {call.again}, now perhaps another volume."
        cure = f"Detach {call.target} from its next start on and attach it again."
        return HypervisorError(clean(text), cure)
    if path.startswith("/"):
        return None
    text = f"os-brick connected the {call.protocol} volume and named no device of it."
    return HypervisorError(text, "Look at the host's log.")


def _opened(
    brick: BrickProcess,
    what: dict[str, Any],
    device: dict[str, Any],
    encryption: HostEncryption,
    passphrase: str,
) -> VirtdeckError | None:
    """Have the host open what it has connected; return why it cannot."""
    try:
        how = {**to_dict(encryption), "passphrase": passphrase}
        brick.ask("open", WORKING, **what, device=device, **how)
    except VirtdeckError as error:
        return error
    return None


def _taken_back(
    brick: BrickProcess,
    what: dict[str, Any],
    device: dict[str, Any],
    encryption: HostEncryption | None,
    error: VirtdeckError,
) -> VirtdeckError:
    """Have the host let go of what it connected in vain; return what is told then.

    Where it does not, that is told too, as an error that does not say that nothing was done.
    """
    if encryption is not None and device.get("path"):
        with suppress(VirtdeckError):  # it may never have been opened
            brick.ask("close", WORKING, **what, device=device, provider=encryption.provider)
        what = _of_device(what, device)
    try:
        brick.ask("disconnect", WORKING, **what, device=device)
    except VirtdeckError as failed:
        first = error.message.rstrip(".")
        text = f"{first}; it may still be connected: {failed.message}"
        return StillConnectedError(text, f"{error.hint} {_LEFT}".strip())
    return error


def _marked(encryption: HostEncryption | None) -> dict[str, Any]:
    """Return what has os-brick give the device a name of its own, which can lead to dm-crypt's."""
    return {} if encryption is None else {"encrypted": True}


def _of_device(what: dict[str, Any], device: dict[str, Any]) -> dict[str, Any]:
    return {**what, "data": {**what["data"], "device_path": device["path"]}}


def disconnect(conn: Connection, subject: ObjectKey, call: DisconnectCall) -> LetGoAnswer:
    """Have os-brick disconnect a volume, unless an instance of the host has its device.

    os-brick counts no users: the first disconnect takes the device from all of them, so every
    instance is asked, however long that takes. A share is unmounted with the last volume of it:
    that no instance of the host has a disk on it, now or from its next start on, libvirt tells;
    that none is connected for one that is to come, the ledger. Who connects it meanwhile, from
    whatever console, waits, or has left a note on the host.
    """
    volume = call.connected
    places = {volume.path, *call.also} - {""}
    if places and (user := _itself(conn, call.of or subject.id, places)):
        return LetGoAnswer(user)
    key = VolumeKey.of(volume, call.of or subject.id)
    if places and (user := user_of(conn, places)):
        with suppress(VirtdeckError), BrickProcess(place_of(conn, volume.python)) as brick:
            hold_to_disconnect(brick, key)  # it is no longer about to have it
        return LetGoAnswer(user)
    secrets = _revealed(call.secrets)
    if {**volume.data, **secrets}.get("serverPassword") == WITHHELD:
        # the server of ScaleIO counts each wrong one
        text = f"{clean(volume.word)} stays connected: no ledger has the password of its storage."
        raise HypervisorError(text, _PASSWORD)
    words = _words(volume.protocol, secrets)
    with BrickProcess(place_of(conn, volume.python), secrets=words) as brick:
        others = hold_to_disconnect(brick, key)
        # by the number that the device has by now, too; and those that have it since
        places |= {_number(brick, volume)} - {""}
        if user := (user_of(conn, places) if places else "") or others.same:
            return LetGoAnswer(name_of(conn, user) if user == others.same else user)
        share = "" if call.share_used or others.beside else _share(brick, volume, secrets)
        unmount = share if share and not user_below(conn, share) else ""
        _let_go(brick, volume, secrets, unmount)
    return LetGoAnswer()


def _let_go(
    brick: BrickProcess, volume: ConnectedVolume, secrets: Mapping[str, str], unmount: str
) -> None:
    """Disconnect it, and unmount the folder of its share where one is named."""
    data = {**volume.data, **secrets, **_marked(volume.encryption)}
    what: dict[str, Any] = {"protocol": volume.protocol, "data": data}
    if volume.encryption is not None and volume.path:
        what = _of_device(what, volume.device)
        provider = volume.encryption.provider
        brick.ask("close", WORKING, **what, **_rest(volume), provider=provider)
    brick.ask("disconnect", WORKING, **what, **_rest(volume), unmount=unmount)


def _share(brick: BrickProcess, volume: ConnectedVolume, secrets: Mapping[str, str]) -> str:
    """Return where a volume's share is mounted; empty: it has none, or what it is is withheld."""
    family, data = PROTOCOLS.get(volume.protocol), {**volume.data, **secrets}
    if family is None or not family.mounts:
        return ""
    if volume.path or data.get("export") in (None, WITHHELD):
        return volume.path.rpartition("/")[0]
    # its console was lost while it was connected: the share may be mounted
    return str(brick.ask("share", WORKING, protocol=volume.protocol, data=data).value or "")


def _number(brick: BrickProcess, volume: ConnectedVolume) -> str:
    """Return what the host calls the device behind a path that lasts; empty: it has no other."""
    if not volume.device.get("os_path"):
        return ""
    return str(brick.ask("where", WORKING, device=volume.device).value or "")


def _itself(conn: Connection, id_: str, places: set[str]) -> str:
    """Return the name of the instance that a volume is connected for, if it has it still.

    It is asked before the others: who has a shared one beside them keeps its entry of the ledger.
    """
    wanted = set(map(plain_path, places))
    with suppress(libvirt.libvirtError):  # it is gone from there; else the others' asking fails
        domain = conn.lookupByUUIDString(id_)
        for flags in (0, libvirt.VIR_DOMAIN_XML_INACTIVE):
            found = parse(domain.XMLDesc(flags), "domain").iterfind("devices/disk//source")
            if any(plain_path(one.get("dev") or one.get("file") or "") in wanted for one in found):
                return str(domain.name())
    return ""


def look_again(conn: Connection, _: ObjectKey, call: ExtendCall) -> GrownAnswer:
    """Have os-brick see how large a volume has become on its storage."""
    volume = call.connected
    with BrickProcess(place_of(conn, volume.python)) as brick:
        what: dict[str, Any] = {"protocol": volume.protocol, "data": dict(volume.data)}
        size = brick.ask("extend", WORKING, **what, multipath=volume.multipath).value
    if not isinstance(size, int) or size <= 0:
        raise HypervisorError(
            f"os-brick found no device of {clean(volume.word)} to look at.",
            "See on its host whether its paths are up.",
        )
    return GrownAnswer(size)


def _rest(volume: ConnectedVolume) -> dict[str, Any]:
    return {"device": volume.device, "multipath": volume.multipath}


def _words(protocol: str, secrets: Mapping[str, str]) -> tuple[str, ...]:
    """Return what must not be told: of Virtuozzo's share the password alone, too."""
    share = secrets.get("export", "") if protocol == "vzstorage" else ""
    return (*secrets.values(), share.rpartition(":/")[2].partition(":")[2])


def _revealed(secrets: tuple[tuple[str, Secret], ...]) -> dict[str, str]:
    return {key: secret.reveal() for key, secret in secrets if secret != Secret(None)}


CALL_FUNCTIONS: CallFunctions = {
    ConnectCall: connect,
    DisconnectCall: disconnect,
    ExtendCall: look_again,
}
