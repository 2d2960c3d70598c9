"""Whether one more user of an image is too many, as far as the state shows its users. Pure."""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import dataclass

from core.model import Disk, Instance, State
from core.model.paths import also_called
from core.model.text import clean
from core.state.connections import disks_with
from core.state.shared_storage import places_elsewhere
from core.state.usage import users_at
from core.verbs.refusal import Refusal, RefusalCode


@dataclass(frozen=True, slots=True)
class Access:
    """What is wanted of an image."""

    kind: str
    """read-write, read-only."""
    field: str
    """The field of the request that names it."""
    shared: bool = False
    """Several write to it."""
    servers: tuple[str, ...] = ()
    """Of an image of the network: another of its name, on none of these, is another one."""

    @property
    def writes(self) -> bool:
        """Whether it is written to."""
        return self.kind == "read-write"


def against_users(
    state: State, instance: Instance, places: tuple[str, str], access: Access
) -> Iterator[Refusal]:
    """Tell who uses an image, or lies over it; `places` are its path, and how it was named."""
    source, said = places
    shared = places_elsewhere(state, instance.host, places)
    for user, disk in users_at(state, instance.host, places):
        there = {*places, *(other for one in places for other in also_called(one))}
        there |= shared.get(user.host, frozenset()) if user.host != instance.host else frozenset()
        if access.servers and _elsewhere(disk, access.servers):
            continue
        if user.key == instance.key and access.writes:
            how = "has it already, as" if _writes(disk, there) else "has it already, below"
            text = f"{instance.name} {how} {disk.target}"
            yield Refusal(RefusalCode.PARAMETER, text, "take another volume", access.field)
            return
        if why := _conflict(access, disk, there):
            where = f" on {clean(user.host)}" if user.host != instance.host else ""
            text = f"{clean(said)} {why} {clean(user.name)}{where} ({disk.target})"
            cure = "two that write to one image destroy it: take another, or detach it there first"
            yield Refusal(RefusalCode.PARAMETER, text, cure, access.field)
            return
    for volume in state.volumes.values() if access.writes else ():
        if (volume.host, volume.backing) == (instance.host, source):
            over = f"{clean(volume.pool_name)}/{clean(volume.name)}"
            text = f"{clean(said)} lies below {over}"
            cure = "what is written to it destroys that: let it only be read, or take another"
            yield Refusal(RefusalCode.PARAMETER, text, cure, access.field)
            return


def against_serial(
    state: State, instance: Instance, volume: str, said: str, access: Access
) -> Iterator[Refusal]:
    """Tell who has a volume of Cinder's, on any host, by its serial or as the ledger has it."""
    for user, disk in disks_with(state, volume):
        if access.shared and disk.shareable and user.key != instance.key:
            continue
        text = f"{clean(said)} is used by {clean(user.name)} on {clean(user.host)} ({disk.target})"
        cure = "detach it there first: only a multiattached volume has two users"
        yield Refusal(RefusalCode.PARAMETER, text, cure, access.field)
        return


def _elsewhere(disk: Disk, servers: tuple[str, ...]) -> bool:
    """Whether a disk of an image of the network is on other servers."""
    hosts = {host for layer in disk.layers for host in layer.hosts}
    return bool(hosts) and hosts.isdisjoint(servers)


def _writes(disk: Disk, places: Container[str]) -> bool:
    return disk.source is not None and disk.source.path in places


def _conflict(access: Access, disk: Disk, places: Container[str]) -> str:
    """Return why one more user of an image is too many; empty: they get along."""
    reads_only = disk.read_only or disk.device == "cdrom"
    if access.shared and disk.shareable:
        return ""
    if not access.writes:
        return "is written to by" if _writes(disk, places) and not reads_only else ""
    return "is used by" if _writes(disk, places) else "lies below a disk of"
