"""Whether two hosts mean the same storage by the same name, as far as can be told. Pure."""

from __future__ import annotations

from core.migration.plan.disks import disks_to_copy
from core.migration.preflight.case import FullCase
from core.migration.preflight.facts import PathFacts
from core.model import Disk, PoolState
from core.model.base import Value
from core.model.text import clean
from core.state.connections import connections_of
from core.verbs.connected import by_itself, left_behind

NETWORK_POOLS = frozenset(
    {"netfs", "gluster", "rbd", "iscsi", "iscsi-direct", "sheepdog", "vstorage"}
)
"""Pools whose content is not the host's own."""
NETWORK_FILE_SYSTEMS = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "ceph", "gfs2", "ocfs2", "gpfs", "beegfs", "afs", "acfs"}
    | {"fuse.glusterfs", "fuse.quobyte"}
)
"""File systems that libvirt itself takes for shared (virFileIsSharedFS)."""
_CLOSE = 64 * 1024 * 1024
"""Bytes by which the free space of one file system may differ between two looks."""


class Sharing(Value, frozen=True):
    """Whether something is one and the same at both ends."""

    same: bool | None
    """None: it cannot be told."""
    reason: str
    """A clause without a full stop."""
    likely: bool = False
    """It cannot be proven, and everything that is seen speaks for it."""


def sharing(case: FullCase, here: PathFacts, there: PathFacts) -> Sharing:
    """Return whether a path means the same file or device at both ends."""
    if case.one_kernel:
        return _on_one_machine(here, there)
    pools = [pool for pool in (here.pool, there.pool) if pool is not None]
    if there.exists is False:
        pool = f" (as of the last refresh of its pool {there.pool.name})" if there.pool else ""
        return Sharing(False, f"{there.path} does not exist on {case.destination}{pool}")
    if len(pools) == 2 and all(pool.type in NETWORK_POOLS for pool in pools):
        if there.exists:
            names = pools[0].type
            return Sharing(True, f"both have it in a network pool ({names})")
        return Sharing(None, f"it is in network pools, and was not seen on {case.destination}")
    if _differ(here, there):
        return Sharing(False, f"the two hosts have different images at {there.path}")
    if there.exists and _alike(here, there):
        return Sharing(
            None,
            "both have such an image, in pools on file systems of the same size and use",
            likely=True,
        )
    if there.exists:
        return Sharing(None, f"{case.destination} has {there.path}, but perhaps a file of its own")
    return Sharing(None, f"{there.path} is in no active pool of {case.destination}")


def _on_one_machine(here: PathFacts, there: PathFacts) -> Sharing:
    if here.identity and there.identity and here.identity != there.identity:
        return Sharing(False, f"{there.path} is another file there than here")
    if there.exists is False:
        return Sharing(False, f"{there.path} does not exist")
    return Sharing(True, "both daemons are on this machine")


def _differ(here: PathFacts, there: PathFacts) -> bool:
    """Whether the two are not one image: what a guest's writes never change differs."""
    ours, theirs = here.volume, there.volume
    if ours is None or theirs is None:
        return False
    sizes = None not in (ours.capacity, theirs.capacity) and ours.capacity != theirs.capacity
    return sizes or bool(ours.format and theirs.format and ours.format != theirs.format)


def _alike(here: PathFacts, there: PathFacts) -> bool:
    ours, theirs = here.pool, there.pool
    if ours is None or theirs is None or here.volume is None or there.volume is None:
        return False
    if not ours.capacity or ours.capacity != theirs.capacity:
        return False
    if ours.available is None or theirs.available is None:
        return False
    return abs(ours.available - theirs.available) <= _CLOSE


def disk_sharing(case: FullCase, disk: Disk) -> Sharing:
    """Return whether the image in use of a disk is the same at both ends."""
    source, there = disk.source, there_of(case, disk)
    if source is None:
        return Sharing(True, "the drive is empty")
    if there.exists is not False or there.path == source.path:
        found = _connected(case, source.path)
        if found is not None:
            return found
    if there.path != source.path:
        return _rewritten(case, here_of(case, source.path), there)
    if source.type in ("file", "block", "dir"):
        return sharing(case, here_of(case, source.path), there)
    if source.type == "volume":
        return _volume_sharing(case, source.path)
    if source.type == "network":
        return _network_sharing(case, source.protocol, source.path)
    return Sharing(False, f"{source.type} disks are the host's own")


def _connected(case: FullCase, path: str) -> Sharing | None:
    """Return what the ledger tells of a volume that the source has connected; None: it has not."""
    subject, there = case.request.subject, case.request.to
    known = connections_of(case.state, subject)
    found = next(((target, one) for target, one in known.items() if one.path == path), None)
    if found is None:
        return None
    target, volume = found
    if target not in left_behind(case.state, subject, there):
        return Sharing(True, f"{clean(volume.word)} is connected at both ends")
    if by_itself({target: volume}):
        return Sharing(True, f"{case.destination} connects {clean(volume.word)} before the move")
    return None


def here_of(case: FullCase, path: str) -> PathFacts:
    """Return what the source knows of a path; that it uses it proves that it exists."""
    return next((each for each in case.here.paths if each.path == path), PathFacts(path))


def there_of(case: FullCase, disk: Disk) -> PathFacts:
    """Return what the destination knows of the image of a disk, wherever the rewrites put it."""
    wanted = next((each for each in case.wanted.disks if each.target == disk.target), disk)
    return case.there.path(wanted.source.path if wanted.source is not None else "")


def _rewritten(case: FullCase, here: PathFacts, there: PathFacts) -> Sharing:
    """Whether two paths are one image: only the operator knows, unless they are seen to differ."""
    if there.exists is False:
        return Sharing(False, f"{there.path} does not exist on {case.destination}")
    if here.identity and there.identity:
        same = here.identity == there.identity
        return Sharing(same, f"{there.path} is {'the same' if same else 'another'} file")
    return Sharing(None, f"it is {there.path} there, and whether that is the same cannot be seen")


def _volume_sharing(case: FullCase, name: str) -> Sharing:
    pool_name = name.partition("/")[0]
    pools = case.there.pools
    if pools is None:
        return Sharing(None, f"the pools of {case.destination} are not known")
    pool = next((each for each in pools if each.name == pool_name), None)
    if pool is None:
        return Sharing(False, f"{case.destination} has no pool {pool_name}")
    if pool.state is not PoolState.ACTIVE:
        return Sharing(False, f"the pool {pool_name} of {case.destination} is {pool.state.value}")
    if pool.type in NETWORK_POOLS:
        return Sharing(True, f"both have it in the network pool {pool_name}")
    return Sharing(None, f"the pool {pool_name} ({pool.type}) may be another one there")


def _network_sharing(case: FullCase, protocol: str, name: str) -> Sharing:
    kinds = {pool.type for pool in case.there.pools or () if pool.state is PoolState.ACTIVE}
    if protocol in kinds:
        return Sharing(True, f"it is {name}, and {case.destination} has an active {protocol} pool")
    return Sharing(
        None,
        f"it is {name}, and whether {case.destination} reaches that cannot be seen",
        likely=True,
    )


def writable(disk: Disk) -> bool:
    """Whether the guest can write to it."""
    return not disk.read_only and disk.device not in ("cdrom",)


def copied_disks(case: FullCase) -> tuple[Disk, ...]:
    """Return the disks that the plan copies along."""
    targets, _ = disks_to_copy(case.request, case.needs.instance.disks)
    return tuple(disk for disk in case.needs.disks if disk.target in targets)
