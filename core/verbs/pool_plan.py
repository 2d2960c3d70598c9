"""What each type of pool is made of, and a new pool from what was asked for. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from core.model.new_pool import NewPool
from core.model.text import clean
from core.verbs.pool_requests import CreatePool
from core.verbs.refusal import Refusal, RefusalCode

_FILE_SYSTEMS = (
    *("auto", "ext2", "ext3", "ext4", "ufs", "iso9660", "udf", "gfs", "gfs2", "vfat", "hfs+"),
    *("xfs", "ocfs2", "vmfs"),
)
_TABLES = ("dos", "dvh", "gpt", "mac", "bsd", "pc98", "sun", "lvm2")


@dataclass(frozen=True, slots=True)
class PoolKind:
    """What one type needs. Of servers and devices: at least, at most."""

    place: str = ""
    """Where it lies, `{source}` filled in; `?`: it must be said; empty: nowhere."""
    source: str = ""
    """What its source is called; empty: it has none."""
    servers: tuple[int, int] = (0, 0)
    devices: tuple[int, int] = (0, 0)
    formats: tuple[str, ...] = ()
    auth: str = ""
    initiator: bool = False
    """It must have one; one of iSCSI may."""
    builds: str = ""
    """What building it makes; empty: libvirt builds none."""
    writes_devices: bool = False
    """Building it writes to devices."""
    overwrites: bool = False
    """libvirt can be told to leave alone what holds something, or to write over it."""
    deletes: str = ""
    """What deleting it removes beside volumes that go one by one; empty: libvirt deletes none."""
    unlisted: str = ""
    """What is in it that libvirt does not list, and is lost with it."""


_MANY = 999
KINDS: Mapping[str, PoolKind] = {
    "dir": PoolKind("?", builds="its folder", deletes="its folder"),
    "fs": PoolKind("?", devices=(1, 1), formats=_FILE_SYSTEMS, builds="a file system",
                   writes_devices=True, overwrites=True),
    "netfs": PoolKind("?", "the directory that is exported", (1, 1),
                      formats=("auto", "nfs", "glusterfs", "cifs"), builds="its folder"),
    "logical": PoolKind("/dev/{source}", "the volume group", devices=(0, _MANY),
                        builds="a volume group", writes_devices=True, overwrites=True,
                        deletes="its volume group",
                        unlisted="thin pools, snapshots, volumes that are off"),
    "disk": PoolKind("/dev", devices=(1, 1), formats=_TABLES, builds="a partition table",
                     writes_devices=True, overwrites=True),
    "iscsi": PoolKind("/dev/disk/by-path", "the target", (1, 1), auth="chap"),
    "iscsi-direct": PoolKind("", "the target", (1, 1), auth="chap", initiator=True),
    "scsi": PoolKind("/dev/disk/by-path", "the adapter"),
    "mpath": PoolKind("/dev/mapper"),
    "rbd": PoolKind("", "the image pool", (1, _MANY), auth="ceph"),
    "gluster": PoolKind("", "the volume", (1, 1)),
    "zfs": PoolKind("/dev/zvol/{source}", "the ZFS pool", devices=(0, _MANY),
                    builds="a ZFS pool", writes_devices=True, deletes="its ZFS pool",
                    unlisted="file systems, snapshots, clones"),
    "vstorage": PoolKind("?", "the cluster", builds="its folder"),
}  # fmt: skip
"""Every type that libvirt makes pools of; sheepdog is no more."""


def planned_pool(request: CreatePool) -> NewPool:
    """Return the pool of a request that nothing speaks against."""
    kind, source = KINDS[request.type], request.source
    place = "" if kind.place in ("", "?") else kind.place.format(source=source)
    named, directory = (source, "") if request.type != "netfs" else ("", source)
    if request.type == "gluster":
        named, slash, below = source.partition("/")
        directory = f"/{below}" if slash else ""
    target = request.type in ("iscsi", "iscsi-direct")
    return NewPool(
        name=request.name,
        uuid=request.subject.id,
        type=request.type,
        path=request.path or place,
        servers=tuple(map(_server, request.server)),
        devices=(source,) if target else request.device,
        directory=directory,
        named="" if target or request.type == "scsi" else named,
        adapter=source if request.type == "scsi" else "",
        format=request.format or ("lvm2" if request.type == "logical" else ""),
        initiator=request.initiator,
        auth=kind.auth if request.user else "",
        user=request.user,
        secret=request.login.lower(),
    )


def _server(text: str) -> tuple[str, str]:
    """Return name and port of `NAME`, `NAME:PORT`, `[ADDRESS]:PORT`, or an address of IPv6."""
    name, colon, port = text.rpartition(":")
    bare = text.count(":") > 1 and not text.startswith("[")
    if bare or not colon or not port.isdigit():
        return text.strip("[]"), ""
    return name.strip("[]"), port


def against_plan(request: CreatePool) -> Iterator[Refusal]:
    """Tell what its type needs and was not given, and what it has no use for."""
    kind, type_ = KINDS[request.type], request.type
    if kind.place == "?" and not request.path:
        yield _no("path", f"Where a pool of the type {type_} lies is not said", "give --path /PATH")
    if not kind.place and request.path:
        yield _useless("path", type_)
    yield from _against_source(kind, request)
    yield from _against_count("server", type_, len(request.server), kind.servers, "HOST")
    yield from _against_count("device", type_, len(request.device), kind.devices, "/dev/NAME")
    if request.format and request.format not in kind.formats:
        cure = f"give one of {', '.join(kind.formats)}" if kind.formats else "leave it out"
        text = f"{clean(request.format)} is no format of a pool of the type {type_}"
        yield _no("format", text, cure)
    yield from _against_login(kind, request)
    if request.build and not kind.builds:
        text = f"libvirt builds nothing for a pool of the type {type_}"
        yield _no("build", text, "leave it out")


def _against_source(kind: PoolKind, request: CreatePool) -> Iterator[Refusal]:
    if kind.source and not request.source:
        text = f"A pool of the type {request.type} needs {kind.source}"
        yield _no("source", text, "give --source NAME")
    elif request.source and not kind.source:
        yield _useless("source", request.type)
    elif request.type == "netfs" and not request.source.startswith("/") and request.format in (
        "", "auto", "nfs"
    ):  # fmt: skip
        yield _no("source", f"{clean(request.source)} is no path", "give it from / on: /exports")
    elif kind.place.startswith("/dev/") and "{source}" in kind.place and "/" in request.source:
        text = f"{clean(request.source)} is no name of {kind.source.removeprefix('the ')}"
        if request.type == "logical":
            yield _no("source", text, "give its name alone")


def _against_count(
    field: str, type_: str, count: int, bounds: tuple[int, int], like: str
) -> Iterator[Refusal]:
    least, most = bounds
    if count < least:
        yield _no(field, f"A pool of the type {type_} needs a {field}", f"give --{field} {like}")
    elif count > most == 0:
        yield _useless(field, type_)
    elif count > most:
        yield _no(field, f"A pool of the type {type_} has one {field}", "leave the others out")


def _against_login(kind: PoolKind, request: CreatePool) -> Iterator[Refusal]:
    if kind.initiator and not request.initiator:
        text = f"A pool of the type {request.type} needs the name of this side"
        yield _no("initiator", text, "give --initiator IQN")
    if request.initiator and kind.auth != "chap":
        yield _useless("initiator", request.type)
    for field in ("user", "login"):
        if getattr(request, field) and not kind.auth:
            yield _useless(field, request.type)
    if kind.auth and bool(request.user) is not bool(request.login):
        missing = "login" if request.user else "user"
        text = "Who logs in and the secret with the password go together"
        yield _no(missing, text, f"give --{missing} too, or neither")


def _useless(field: str, type_: str) -> Refusal:
    words = "secret" if field == "login" else field
    text = f"A pool of the type {type_} has no use for a {words}"
    return _no(field, text, "leave it out")


def _no(field: str, text: str, cure: str) -> Refusal:
    return Refusal(RefusalCode.PARAMETER, text, cure, field)
