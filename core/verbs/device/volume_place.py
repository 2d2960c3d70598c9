"""What a request to attach a volume is about: a volume of a pool, a path, a URL, JSON. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.errors import UsageError, VirtdeckError
from core.model import ObjectKey
from core.model.secret_value import Secret
from core.model.text import clean
from core.model.volume_secret import VolumeSecret, secret_usage, secret_uuid
from core.verbs.create.machine import disk_at
from core.verbs.create.site import Site
from core.verbs.device.encryption import encryption_by_host
from core.verbs.device.requests import VolumeAttach

if TYPE_CHECKING:  # the help needs none of it
    from core.volumes.connection_info import ConnectionInfo
    from core.volumes.place import VolumePlace

NOT_YET: Mapping[str, Any] = {"path": "/dev/not-connected-yet"}
"""Stands for the device of a volume that is judged before its host connects it."""


@dataclass(frozen=True, slots=True)
class WantedVolume:
    """A volume, and how it is reached."""

    place: VolumePlace
    info: ConnectionInfo | None = None
    """Where it came by a connection_info."""

    @property
    def word(self) -> str:
        """What it is called in sentences, where the request does not name it."""
        if self.info is None:
            return ""
        return f"the {self.info.protocol} volume {clean(self.info.volume_id)}".strip()

    @property
    def places(self) -> tuple[str, ...]:
        """By which others may be told to use the same image, each server's with its name."""
        network = self.place.network
        if network is None:
            return (self.place.source,)
        return tuple(f"{network.place}@{server}" for server in network.servers or ("",))


def is_url(text: str) -> bool:
    """Whether what names a volume is a URL."""
    return "://" in text


def info_of(request: VolumeAttach) -> ConnectionInfo | None:
    """Return its connection_info; None: it has none, or it is gone. Raises UsageError."""
    given = request.connection_info
    if given is None or given == Secret(None):
        return None
    from core.volumes.connection_info import read_connection_info

    return read_connection_info(given.reveal())


def wanted(
    site: Site,
    request: VolumeAttach,
    device: Mapping[str, Any] | None = None,
    info: ConnectionInfo | None = None,
) -> WantedVolume:
    """Return what is to be attached; raises UsageError.

    `device` is what os-brick said of it, where it has said so; `info` its connection_info, where
    that was read already.
    """
    from core.volumes.place import VolumePlace

    info = info or info_of(request)
    if info is not None:
        return WantedVolume(_of_info(info, request, device), info)
    if is_url(request.volume):
        from core.volumes.urls import place_of

        return WantedVolume(_proven(place_of(request.volume), request))
    found = disk_at(site, request.volume)
    cache = "none" if found.type == "block" else ""  # as Nova has it: two hosts, one volume
    return WantedVolume(VolumePlace(found.source, found.type, found.format, cache=cache))


def by_host(info: ConnectionInfo | None, request: VolumeAttach) -> bool:
    """Whether the host connects it first; raises ConnectionInfoError."""
    if info is None:
        return False
    from core.volumes.protocols import family_of

    return family_of(info).brick and not (info.protocol == "iscsi" and request.reached_by == "qemu")


def _of_info(
    info: ConnectionInfo, request: VolumeAttach, device: Mapping[str, Any] | None
) -> VolumePlace:
    from core.volumes.protocols import family_of

    family = family_of(info)
    if info.protocol == "iscsi" and request.reached_by == "qemu":
        from core.volumes.connectors.iscsi import of_qemu

        return of_qemu(info, {})
    if info.protocol == "smbfs":
        raise UsageError(
            "Shares of SMB are mounted by nobody: os-brick has no connector of theirs.",
            "Mount it on the host, and attach its file by its path.",
        )
    return family.place(info, NOT_YET if family.brick and device is None else device or {})


def _proven(place: VolumePlace, request: VolumeAttach) -> VolumePlace:
    """Return an image of a URL with the secret of its user; raises UsageError."""
    from dataclasses import replace

    network = place.network
    assert network is not None
    if network.secret_type and request.password is None:
        text = f"The {network.protocol} URL has a user, and no password of theirs is given."
        raise UsageError(text, "Give it by a file: --password-file.")
    if request.password is not None and not network.secret_type:
        text = (
            f"There is nobody whose password it would be: the {network.protocol} URL has no user."
        )
        if network.protocol not in ("rbd", "iscsi"):
            text = f"libvirt passes no password on to a server of {network.protocol}."
        raise UsageError(text, "Leave the password out, or name the user: USER@HOST.")
    return replace(place, secret=request.password)


def secrets_of(
    subject: ObjectKey, target: str, found: WantedVolume, request: VolumeAttach, *, lasts: bool
) -> tuple[VolumeSecret, ...]:
    """Return the secrets that libvirt must have before the disk."""
    needed: Sequence[tuple[str, str, Secret | None]] = (
        ("luks", "volume", None if encryption_by_host(request) else request.passphrase),
        ("proof", "" if found.place.network is None else found.place.network.secret_type,
         found.place.secret),
    )  # fmt: skip
    return tuple(
        VolumeSecret(
            secret_uuid(subject.id, target, purpose),
            kind,
            secret_usage(subject.id, target, purpose),
            value,
            lasts,
        )
        for purpose, kind, value in needed
        if value is not None
    )


def refused_by(site: Site, request: VolumeAttach) -> VirtdeckError | None:
    """Return why there is no such volume; None: there may be."""
    try:
        wanted(site, request)
    except VirtdeckError as error:
        return error
    return None
