"""The files of an external snapshot, where libvirt finds no name for them. Pure.

libvirt names the new file of a disk `STEM.SNAPSHOT`, beside the old one. For a disk that is a
volume of a pool it finds none, and makes no part of the snapshot (libvirt 9.0 and 11.3).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath

from core.model import Disk, Instance, Volume


def written_disks(instance: Instance) -> list[Disk]:
    """Return the disks that a snapshot is made of."""
    return [
        disk
        for disk in instance.disks
        if disk.source is not None and disk.device == "disk" and not disk.read_only
    ]


def volume_paths(volumes: Iterable[Volume], host: str) -> dict[str, Volume]:
    """Return the volumes of a host that have a path, by `POOL/VOLUME`."""
    return {
        f"{volume.pool_name}/{volume.name}": volume
        for volume in volumes
        if volume.host == host and volume.path
    }


def files_of_volumes(
    instance: Instance, name: str, paths: Mapping[str, Volume]
) -> tuple[tuple[str, str], ...]:
    """Return the target and the new file of each disk that is a volume of a pool."""
    found = []
    for disk in written_disks(instance):
        assert disk.source is not None
        volume = paths.get(disk.source.path) if disk.source.type == "volume" else None
        if volume is not None:
            found.append((disk.target, str(_beside(volume.path, name))))
    return tuple(found)


def memory_file(instance: Instance, name: str, paths: Mapping[str, Volume]) -> str:
    """Return the file for the memory, beside the first disk that has a path; empty: none has."""
    for disk in written_disks(instance):
        assert disk.source is not None
        source, volume = disk.source, paths.get(disk.source.path)
        path = volume.path if source.type == "volume" and volume is not None else source.path
        if path.startswith("/") and source.type in ("file", "volume"):
            return str(PurePosixPath(path).with_name(f"{instance.name}.{name}.memory"))
    return ""


def _beside(path: str, name: str) -> PurePosixPath:
    old = PurePosixPath(path)
    return old.with_name(f"{old.stem}.{name}")
