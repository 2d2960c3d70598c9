"""What is made from a snapshot, and what libvirt can do with an external one."""

from __future__ import annotations

from collections.abc import Iterator

from core.model import Request, Snapshot, State
from core.state.snapshot_chain import chain_faults
from core.state.subject import owner_of
from core.verbs.refusal import Refusal, RefusalCode

EXTERNAL_DELETE = 9_000_000
MEMORY_DELETE = 9_001_000
EXTERNAL_REVERT = 9_009_000
"""libvirt's versions from which it deletes external snapshots, with the file of their memory, and
reverts to them (its NEWS)."""

MERGE_BY_HAND = (
    "merge its file by `virsh blockcommit --active --shallow --pivot`, then remove its entry by "
    "`virsh snapshot-delete --metadata`"
)
"""What an external snapshot over an internal one comes to: libvirt deletes neither."""
REMOVE_ENTRY = (
    "compare `qemu-img info --backing-chain` of its disk with `virsh snapshot-dumpxml`, and remove "
    "the entry that has no file by `virsh snapshot-delete --metadata`"
)
"""Where the files are not those of the metadata."""


def below(state: State, snapshot: Snapshot) -> list[Snapshot]:
    """Return the snapshots that were made from one, and those made from them."""
    family = state.snapshots.get(owner_of(snapshot.key), ())
    found: dict[str, Snapshot] = {}
    names = {snapshot.name}
    for one in family:  # parents come before their children
        if one.parent in names:
            names.add(one.name)
            found[one.name] = one
    return list(found.values())


def too_old(state: State, request: Request, least: int, does: str) -> Iterator[Refusal]:
    """Tell that the subject's host has a libvirt before `least`, which `does` no external one."""
    host = state.hosts.get(request.subject.host)
    facts = None if host is None else host.facts
    number = 0 if facts is None else facts.libvirt_number
    if facts is not None and 0 < number < least:
        text = f"libvirt {facts.libvirt_version} of {request.subject.host} {does} no external one"
        needed = f"{least // 1_000_000}.{least // 1000 % 1000}"
        yield Refusal(RefusalCode.UNSUPPORTED, text, f"it takes libvirt {needed}")


def against_chain(state: State, snapshot: Snapshot) -> Iterator[Refusal]:
    """Tell where the files of the disks are not those that the snapshots' metadata names.

    libvirt trusts the metadata: it removed a file that was needed (libvirt 11.3).
    """
    key = owner_of(snapshot.key)
    instance = state.instances.get(key)
    if instance is None or not instance.described:
        return
    for fault in chain_faults(instance, state.snapshots.get(key, ())):
        yield Refusal(RefusalCode.STATE, fault, REMOVE_ENTRY)
