"""What is asked for with a backup that this machine reads, and why it cannot be made so."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar

from core.model import Request, State
from core.model.text import clean
from core.verbs.backup.request import (
    Exclude,
    KindOf,
    Name,
    Quiesce,
    Since,
    WithCheckpoint,
    against_driver,
    against_what,
)
from core.verbs.block.image import is_this_machine
from core.verbs.parameter import PATH_BYTES, parameter
from core.verbs.refusal import Refusal, RefusalCode


def _against_path(text: str) -> str:
    if text.startswith("/"):
        return ""
    return f"{clean(text) or 'nothing'} is no folder: give its whole path"


def _against_place(text: str) -> str:
    address, _, port = text.rpartition(":")
    if address and port.isdecimal() and 0 < int(port) < 1 << 16:
        return ""
    return f"{clean(text) or 'nothing'} is no ADDRESS:PORT"


class BackupPull(Request, frozen=True):
    """Read the disks of an instance, as they are now, to files of this machine."""

    verb: ClassVar[str] = "backup-pull"
    to: Annotated[
        str,
        parameter(
            "The folder of this machine, by its whole path. A file for each disk is made in it:"
            " INSTANCE.DISK.NAME.qcow2.",
            rule=_against_path,
            longest=PATH_BYTES,
            label="folder",
        ),
    ]
    kind: KindOf = "full"
    since: Since = None
    name: Name | None = None
    exclude: Exclude = ()
    checkpoint: WithCheckpoint = True
    quiesce: Quiesce = False
    compressed: Annotated[bool, parameter("Compress the files; full ones only.")] = False
    listen: Annotated[
        str | None,
        parameter(
            "ADDRESS:PORT of the host at which QEMU serves the disks, to everybody who reaches it."
            " Unless given a socket on the host, for a host that is this machine.",
            rule=_against_place,
            advanced=True,
        ),
    ] = None
    scratch: Annotated[
        str | None,
        parameter(
            "The folder of the host for what the guest overwrites meanwhile; unless given that of"
            " each disk.",
            rule=_against_path,
            longest=PATH_BYTES,
            advanced=True,
        ),
    ] = None


def against(state: State, request: Request, _: str) -> Iterator[Refusal]:
    """Tell why a backup cannot be read as it is asked for."""
    assert isinstance(request, BackupPull)
    instance, host = state.instances.get(request.subject), state.hosts.get(request.subject.host)
    if instance is None:
        return
    yield from against_driver(instance)
    if request.kind == "incremental" and request.compressed:
        text = "An increment is written as QEMU reads it, and not compressed"
        yield Refusal(RefusalCode.PARAMETER, text, "leave compressed out", "compressed")
    if host is not None and not is_this_machine(host.uri) and request.listen is None:
        text = f"A socket on {host.name} is not reached from this machine"
        cure = f"give listen, an address of {host.name}; or have QEMU write it: backup"
        yield Refusal(RefusalCode.PARAMETER, text, cure, "listen")
    yield from against_what(state, instance, request)
