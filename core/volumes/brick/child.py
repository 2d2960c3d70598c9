"""The process that runs os-brick: one request a line on its input, one answer a line, both JSON.

Nothing else imports os_brick or oslo. It is sent to where it runs, another machine too, with the
three modules of virtdeck that it imports: it needs the standard library there, and os-brick.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TextIO

from core.volumes.brick.aftermath import (
    await_name,
    give_back,
    given_devices,
    mount_point,
    own_folder,
    remove_folder,
    without_password,
)
from core.volumes.brick.devices import lasting, present, seen, udev_is_done, where
from core.volumes.brick.holding import Holding, own_locks

VERSION = 1
"""Of what is spoken; the one that starts it asks for it first."""
LOCKS = "/var/lib/virtdeck/locks"
"""Every process of a host takes its locks below this folder. Not in /run/lock, where every account
of the host may make a folder of that name first, and links in it.
"""
MOUNTS = "/var/lib/virtdeck/mounts"
"""Shares are mounted below this folder, each in one of its own, which os-brick names."""
_SHARES = ("nfs", "quobyte", "vzstorage")
_held: list[Holding] = []
"""What this process holds until it ends."""
_GIVEN = ("scaleio", "storpool")
"""Their servers give a volume to a host, and os-brick asks them to."""


class _Told(logging.Handler):
    """Keeps what os-brick warns of: the errors that it raises do not tell the cause."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a warning."""
        try:
            self.lines.append(record.getMessage()[:2000])
        except Exception as error:  # a warning that cannot be written is no reason to fail
            self.lines.append(f"a warning that cannot be shown ({type(error).__name__})")


def _locks() -> Path:
    user = os.geteuid()
    return own_locks(Path(LOCKS if user == 0 else f"{tempfile.gettempdir()}/os-brick-{user}"))


def _set_up() -> None:
    """Import os-brick without its daemon: this process does what needs root itself."""
    from oslo_service import backend

    backend.init_backend(backend.BackendType.THREADING)
    import os_brick
    from os_brick import privileged
    from oslo_config import cfg

    cfg.CONF([], project="virtdeck-brick", default_config_files=[], default_config_dirs=[])
    cfg.CONF.set_override("lock_path", str(_locks()), group="oslo_concurrency")
    os_brick.setup(cfg.CONF)
    for context in (privileged.default, privileged.brick_privsep_hide_output):
        context.set_client_mode(False)


def _connector(request: dict[str, Any]) -> Any:
    from os_brick.initiator import connector

    protocol = request["protocol"]
    # by another name os-brick takes it as well, and warns that it knows of none
    options = {"conn": {"mount_point_base": MOUNTS}} if protocol in _SHARES else {}
    made = connector.InitiatorConnector.factory(
        protocol,
        "",  # what becomes root where privsep does not: nothing is asked for it
        use_multipath=bool(request.get("multipath")),
        device_scan_attempts=int(request.get("attempts") or 3),
        **options,
    )
    if protocol == "vzstorage":
        without_password(made)
    return made


def _hello(_: dict[str, Any]) -> dict[str, Any]:
    from importlib.metadata import version

    _set_up()
    brick, python = version("os-brick"), sys.version.split()[0]
    return {"version": VERSION, "uid": os.geteuid(), "python": python, "os_brick": brick}


def _properties(request: dict[str, Any]) -> Any:
    from os_brick.initiator import connector

    told = request.get("ip", ""), bool(request.get("multipath")), bool(request.get("enforce"))
    return connector.get_connector_properties("", *told, host=request.get("host"))


def _hold(request: dict[str, Any]) -> list[str]:
    """Be the only one who connects or disconnects a volume; return for whom else it is."""
    held = Holding(_locks() / "volumes", str(request["key"]))
    _held.append(held)
    if request.get("forget"):
        held.forget(str(request["forget"]))
    others = held.noted()
    if request.get("note"):
        held.note(str(request["note"]))
    return others


def _connect(request: dict[str, Any]) -> Any:
    found = _connected(request)
    return seen(lasting(found)) if isinstance(found, dict) else found


def _connected(request: dict[str, Any]) -> Any:
    protocol, data = request["protocol"], request["data"]
    connector = _connector(request)
    there = given_devices(protocol, data, connector)
    try:
        with own_folder(protocol):
            device = connector.connect_volume(data)
        if protocol == "storpool":
            await_name(Path(device["path"]))
        return device
    except Exception as error:
        if protocol in ("iscsi", "iser"):
            _forget_records(data)
        if type(error).__name__ == "NoFibreChannelVolumeDeviceFound":
            return _look_once_more(connector, data)
        if protocol in _SHARES:
            remove_folder(connector, data)
        elif protocol in _GIVEN and not there and "not found" in str(error):
            give_back(connector, protocol, data)
        raise


def _look_once_more(connector: Any, data: dict[str, Any]) -> Any:
    """Connect a volume of Fibre Channel whose device may have its name by now.

    os-brick gives up where udev is slow to name it, and lets go of nothing: the device would stay
    on the host, and no instance would have it.
    """
    udev_is_done()
    connector.device_scan_attempts = 0  # what is not there by now is not asked for again
    device = connector.connect_volume(data)
    logging.getLogger("os_brick").warning("It was found after all: udev was slow to name it.")
    return device


def _forget_records(data: dict[str, Any]) -> None:
    """Delete what iscsiadm noted of a target that was not reached, its password among it.

    os-brick leaves that after a login that failed. iscsiadm refuses it where there is a session.
    """
    portals = data.get("target_portals") or [data.get("target_portal")]
    names = data.get("target_iqns") or [data.get("target_iqn")] * len(portals)
    for portal, name in zip(portals, names, strict=False):
        words = ["iscsiadm", "-m", "node", "-T", str(name), "-p", str(portal), "-o", "delete"]
        with suppress(OSError):  # there is none, and so no record
            subprocess.run(words, capture_output=True, check=False)


def _disconnect(request: dict[str, Any]) -> None:
    device, force = present(request.get("device") or {}), bool(request.get("force"))
    _connector(request).disconnect_volume(request["data"], device, force=force)
    if request.get("unmount"):
        _unmount(Path(str(request["unmount"])))


def _where(request: dict[str, Any]) -> str:
    return where(str((request.get("device") or {}).get("path", "")))


def _unmount(folder: Path) -> None:
    """Unmount a share, which os-brick never does; one that somebody has a file of stays."""
    mounted = Path("/proc/mounts").read_text().split()  # where its client died, too
    if str(folder.parent) != MOUNTS or str(folder) not in mounted:
        return
    done = subprocess.run(["umount", folder], capture_output=True, text=True, check=False)
    if done.returncode == 0:
        folder.rmdir()
    else:
        logging.getLogger("os_brick").warning("umount: %s", done.stderr.strip())


class NotEncryptedError(Exception):
    """A device is not in the format that it is to be opened in."""


class PassphraseError(Exception):
    """A passphrase opens nothing."""


def _keys(passphrase: str) -> SimpleNamespace:
    """Return the keeper of keys that os-brick asks: it has one, the passphrase of the request."""
    key = SimpleNamespace(managed_type=lambda: "passphrase", get_encoded=passphrase.encode)
    return SimpleNamespace(get=lambda *_: key)


def _encryptor(request: dict[str, Any]) -> Any:
    from os_brick import encryptors

    data = {**request["data"], "device_path": request["device"]["path"]}
    info = {"driver_volume_type": request["protocol"], "data": data}
    keys = _keys(str(request.get("passphrase", "")))
    kind = {"control_location": "front-end", "provider": request["provider"]}
    return encryptors.get_volume_encryptor("", info, keys, **kind)


def _open(request: dict[str, Any]) -> None:
    """Open an encrypted device. What is not in its format is left alone: os-brick formats it."""
    provider, device = request["provider"], str(request["device"]["path"])
    if provider != "plain":
        words = ["cryptsetup", "isLuks", "--type", provider, device]
        if subprocess.run(words, capture_output=True, check=False).returncode != 0:
            raise NotEncryptedError(f"{os.path.realpath(device)} is not in the format {provider}")
    size = {"key_size": str(request["key_size"])} if request.get("key_size") else {}
    options = {"cipher": request.get("cipher") or None, **size}
    try:
        _encryptor(request).attach_volume(None, **options)
    except Exception as error:
        if getattr(error, "exit_code", None) == 2:  # cryptsetup's: a bad passphrase
            raise PassphraseError("the passphrase opens it not") from None
        raise


_ANSWERS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "hello": _hello,
    "properties": _properties,
    "hold": _hold,
    "forget": lambda request: _held[-1].forget(str(request["whom"])),
    "connect": _connect,
    "disconnect": _disconnect,
    "extend": lambda request: _connector(request).extend_volume(request["data"]),
    "where": _where,
    "share": lambda request: mount_point(_connector(request), request["data"]),
    "open": _open,
    "close": lambda request: _encryptor(request).detach_volume(),  # or it was closed already
}


def _answer(line: str, told: _Told) -> dict[str, Any]:
    told.lines.clear()
    answer: dict[str, Any] = {}
    try:
        request = json.loads(line)
        answer["id"] = request["id"]
        answer["done"] = _ANSWERS[request["do"]](request)
    except Exception as error:
        answer["error"] = type(error).__name__
        answer["text"] = str(error)[:4000]
    answer["warnings"] = told.lines[-20:]
    return answer


def _plain(value: object) -> str:
    return value.decode(errors="surrogateescape") if isinstance(value, bytes) else str(value)


def main() -> None:
    """Answer until there are no more requests."""
    # what os-brick or its tools print must not get among the answers
    answers: TextIO = os.fdopen(os.dup(1), "w", encoding="utf-8", errors="replace")
    os.dup2(2, 1)
    told = _Told()
    logging.captureWarnings(capture=True)
    root = logging.getLogger()
    root.addHandler(logging.NullHandler())
    for name in ("os_brick", "oslo_privsep", "oslo_concurrency"):
        logging.getLogger(name).addHandler(told)
    for line in iter(sys.stdin.readline, ""):
        answers.write(json.dumps(_answer(line, told), default=_plain) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
