"""Preflight: disks that stay where they are, and those that are copied along. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from core.migration.preflight.case import (
    FullCase,
    FullRule,
    blocker,
    named,
    ok,
    unknown,
    warning,
)
from core.migration.preflight.facts import PathFacts
from core.migration.preflight.sharing import (
    NETWORK_FILE_SYSTEMS,
    NETWORK_POOLS,
    Sharing,
    copied_disks,
    disk_sharing,
    here_of,
    sharing,
    there_of,
    writable,
)
from core.model import Disk, Finding, Pool, PoolState
from core.model.lists import listed, plural
from core.model.sizes import size_words

_DROPS_CACHE_QEMU = 4_000_000
_SHARED_SETTING = 11_000_000
"""libvirt from which on qemu.conf may name shared_filesystems."""
_SAFE_CACHES = ("none", "directsync")


def check_disks(case: FullCase) -> Iterator[Finding]:
    """Every disk that is not copied is the same one at the destination."""
    copied = {disk.target for disk in copied_disks(case)}
    for disk in case.needs.disks:
        if disk.target not in copied:
            yield _stays(case, disk)
            yield from _chain(case, disk)


def _stays(case: FullCase, disk: Disk) -> Finding:
    code, found = named("disk", disk.target), disk_sharing(case, disk)
    if found.same:
        return ok(code, f"{disk.target} is shared: {found.reason}.")
    if not writable(disk):
        return _only_read(case, disk, found)
    cure = "Share the storage, copy the disk along, or refresh the pool there if it is newer."
    if found.same is False:
        return blocker(code, f"{disk.target} is not shared: {found.reason}.", cure)
    text = f"Whether {disk.target} is shared cannot be told: {found.reason}."
    if found.likely:
        return warning(
            code, f"{disk.target} is probably shared: {found.reason}.", "Make sure of it."
        )
    return unknown(
        code, text, "Have its directory in a pool on both hosts (netfs where it is NFS)."
    )


def _only_read(case: FullCase, disk: Disk, found: Sharing) -> Finding:
    """A drive that is only read needs the same content there, be it a copy."""
    code = named("disk", disk.target)
    there = there_of(case, disk)
    if there.exists:
        text = f"{disk.target} is only read; {case.destination} has an image at {there.path}."
        return warning(code, text, "Make sure that it is the same.")
    cure = "Put the image there, or eject it."
    if found.same is False:
        return blocker(code, f"The medium of {disk.target} is missing: {found.reason}.", cure)
    text = f"Whether the medium of {disk.target} is there cannot be told: {found.reason}."
    return unknown(code, text, cure)


def _chain(case: FullCase, disk: Disk) -> Iterator[Finding]:
    """The images below a disk are there as well."""
    layers = [layer for layer in disk.layers[1:] if layer.type in ("file", "block")]
    if not layers:
        return
    code, below = (
        named("chain", disk.target),
        f"Below {disk.target}: {plural(len(layers), 'image')}",
    )
    found = [sharing(case, here_of(case, each.path), case.there.path(each.path)) for each in layers]
    bad = [each for each in found if each.same is False]
    if bad:
        text = f"The chain below {disk.target} is broken there: {bad[0].reason}."
        yield blocker(code, text, "Put the images there, or flatten the disk (virsh blockpull).")
    elif all(each.same for each in found):
        yield ok(code, f"{below}, shared as well.")
    else:
        dubious = next(each for each in found if each.same is None)
        text = f"{below}; whether they are there is not known"
        yield unknown(code, f"{text}: {dubious.reason}.", "Have their directory in a pool there.")


def disks_at_stake(case: FullCase) -> list[Disk]:
    """Return the disks that stay where they are and that libvirt looks at: files, devices, and
    the volumes of pools, which are one or the other.
    """
    copied = {disk.target for disk in copied_disks(case)}
    return [
        disk
        for disk in case.needs.disks
        if writable(disk) and disk.target not in copied and _local_type(disk)
    ]


def check_safety(case: FullCase) -> Iterator[Finding]:
    """libvirt's own look at cache mode and file system (code 81, "Unsafe migration")."""
    if case.request.offline:
        return
    disks = disks_at_stake(case)
    if not disks:
        return
    if case.request.unsafe:
        dubious = [d.target for d in disks if disk_sharing(case, d).same is not True]
        if dubious:
            text = f"libvirt's safety check is off, and {listed(dubious)} may not be shared."
            yield warning("unsafe", text, "Only do so where you know that it is.")
        else:
            yield ok("unsafe", "libvirt's safety check is off; the disks were seen to be shared.")
        return
    for disk in disks:
        yield from _cache(case, disk)
    yield from _file_systems(
        case, [disk for disk in disks if disk.source and disk.source.type != "block"]
    )


def _local_type(disk: Disk) -> bool:
    return disk.source is not None and disk.source.type in ("file", "block", "volume")


def _cache(case: FullCase, disk: Disk) -> Iterator[Finding]:
    code, mode = named("cache", disk.target), disk.cache or "the default"
    if disk.cache in _SAFE_CACHES:
        yield ok(code, f"{disk.target} has cache={disk.cache}.")
    elif case.there.qemu is None or case.here.qemu is None:
        text = f"{disk.target} has cache mode {mode}; whether QEMU drops the cache is not known."
        yield unknown(code, text, "Use cache=none.")
    elif min(case.there.qemu, case.here.qemu) < _DROPS_CACHE_QEMU:
        text = f"{disk.target} has cache mode {mode}: libvirt refuses that with QEMU before 4.0."
        yield blocker(code, text, "Use cache=none, or allow it (unsafe).")


def _file_systems(case: FullCase, disks: list[Disk]) -> Iterator[Finding]:
    """libvirt refuses disks in files of a file system that it takes for local."""
    refused: list[tuple[str, str]] = []
    dubious: list[tuple[str, str]] = []
    for disk in disks:
        path = here_of(case, disk.source.path if disk.source is not None else "")
        pool = path.pool.type if path.pool is not None else ""
        if path.file_system in NETWORK_FILE_SYSTEMS:
            continue
        if not path.file_system and pool in NETWORK_POOLS:
            continue
        if (
            disk.source is not None
            and disk.source.type == "volume"
            and disk_sharing(case, disk).same
        ):
            continue
        (refused if path.file_system else dubious).append((disk.target, path.file_system))
    cure = "Allow it (unsafe) where you know that both hosts see the same files."
    if refused:
        names = listed(f"{target} on {kind}" for target, kind in refused)
        text = f"libvirt takes the storage for local and refuses: {names}."
        if (case.here.libvirt or 0) >= _SHARED_SETTING:
            text = f"libvirt refuses {names}, unless its qemu.conf names it in shared_filesystems."
            yield unknown("unsafe", text, cure)
        else:
            yield blocker("unsafe", text, cure)
    elif dubious:
        names = listed(target for target, _ in dubious)
        text = f"Whether libvirt takes the file system of {names} for shared cannot be seen."
        yield unknown("unsafe", text, cure)


def check_copies(case: FullCase) -> Iterator[Finding]:
    """What is copied has a place there, and is not the very same file."""
    known = {disk.target for disk in case.needs.disks}
    for target in case.request.disks:
        if target not in known:
            text = f"It has no disk {target!r} to copy."
            yield blocker(named("disk", target), text, f"It has: {listed(known)}.", fixed=True)
    for disk in copied_disks(case):
        yield _copy(case, disk)
        if case.request.storage == "copy-incremental":
            yield from _chain(case, disk)


def _copy(case: FullCase, disk: Disk) -> Finding:
    code, found, there = named("disk", disk.target), disk_sharing(case, disk), there_of(case, disk)
    if found.same or found.likely:
        text = f"{disk.target} would be copied onto itself: {found.reason}."
        return blocker(code, text, "Do not copy it: leave it out.", fixed=bool(found.same))
    if there.exists:
        return _overwrite(case, disk, there)
    if there.pool is not None and there.pool.state is PoolState.ACTIVE:
        return ok(
            code, f"{disk.target} is copied; libvirt creates it in the pool {there.pool.name}."
        )
    cure = f"Create the image there first, or an active pool for the directory of {there.path}."
    if there.exists is False or case.there.pools is not None:
        text = f"{disk.target} cannot be created there: no active pool of {case.destination} has "
        return blocker(code, f"{text}the directory of {there.path}.", cure)
    return unknown(code, f"Whether {there.path} can be created there is not known.", cure)


def _overwrite(case: FullCase, disk: Disk, there: PathFacts) -> Finding:
    code = named("disk", disk.target)
    here = here_of(case, disk.source.path if disk.source is not None else "")
    if there.volume is not None and here.volume is not None:
        has, needs = there.volume.capacity, here.volume.capacity
        if has is not None and needs is not None and has < needs:
            text = f"The image at {there.path} on {case.destination} is smaller than {disk.target}."
            return blocker(code, text, f"It must hold {size_words(needs)}; resize or remove it.")
    if case.request.detect_zeroes:
        text = f"{case.destination} has an image at {there.path}: what is zero here is not sent."
        return blocker(
            code, text, "Override it only where that image reads as zeros; or remove it."
        )
    text = f"{case.destination} has an image at {there.path} already: it is overwritten."
    cure = "Make sure that nobody needs it, and that it is not the same file."
    return warning(code, f"{text}: it is overwritten.", cure)


def check_space(case: FullCase) -> Iterator[Finding]:
    """What is copied fits into the free space of its pool there (nova-map 2.1)."""
    wanted: dict[str, tuple[Pool, int, int]] = {}
    for disk in copied_disks(case):
        path = disk.source.path if disk.source is not None else ""
        there, volume = there_of(case, disk), here_of(case, path).volume
        if there.exists or there.pool is None:
            continue
        if volume is None or volume.capacity is None:
            text = f"How much space {disk.target} needs is not known: it is in no pool here."
            yield unknown(named("space", disk.target), text, f"Look with qemu-img info {path}.")
            continue
        pool, most, least = wanted.get(there.pool.uuid, (there.pool, 0, 0))
        size = volume.capacity
        used = volume.allocation if volume.allocation is not None else size
        wanted[pool.uuid] = (pool, most + size, least + min(used, size))
    for pool, most, least in wanted.values():
        yield _space(pool, most, least)


def _space(pool: Pool, most: int, least: int) -> Finding:
    code, free = named("space", pool.name), pool.available
    if free is None:
        return unknown(code, f"How much is free in the pool {pool.name} is not known.")
    sizes = f"{size_words(free)} free in the pool {pool.name}"
    if least > free:
        text = f"The disks do not fit: {size_words(least)} are in use, {sizes}."
        return blocker(code, text, "Make room there, or choose another destination.")
    if most > free:
        text = f"The disks fit only as long as they stay thin: up to {size_words(most)}, {sizes}."
        return warning(code, text, "Make room there.")
    return ok(code, f"The disks fit: up to {size_words(most)}, {sizes}.")


FULL_RULES: tuple[FullRule, ...] = (
    check_disks,
    check_copies,
    check_safety,
    check_space,
)
