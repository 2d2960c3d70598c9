"""What a host has for a new instance: its platform, pools, volumes and networks. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from core.model import GuestPlatform, Host, Network, ObjectKey, Pool, State, Volume
from core.model.lists import listed
from core.model.storage import OF_DEVICES
from core.model.text import clean
from core.verbs.refusal import Refusal, RefusalCode
from core.verbs.situation import Situation

OF_FILES = frozenset({"dir", "fs", "netfs", "gluster"})
"""Types of pools whose volumes are files."""
ANYWHERE = "default"
"""The pool that is taken where none is named, should there be several."""


@dataclass(frozen=True, slots=True)
class Site:
    """What one host has, by name."""

    name: str
    platform: GuestPlatform | None
    pools: Mapping[str, Pool]
    networks: Mapping[str, Network]
    volumes: Mapping[ObjectKey, Volume]
    """Of all hosts."""

    def pool(self, name: str) -> Pool | None:
        """Return a pool by its name; without one the only active one, or that called `default`."""
        if name:
            return self.pools.get(name)
        active = [pool for pool in self.pools.values() if pool.active]
        return active[0] if len(active) == 1 else self.pools.get(ANYWHERE)

    def volume(self, place: str) -> Volume | None:
        """Return the volume that is called `POOL/NAME`."""
        pool, _, name = place.partition("/")
        found = self.pools.get(pool)
        if found is None:
            return None
        return self.volumes.get(ObjectKey("volume", self.name, f"{found.uuid}/{name}"))

    def path(self, pool: Pool, name: str) -> str:
        """Return where a volume of a pool is, or will be."""
        known = self.volume(f"{pool.name}/{name}")
        return known.path if known is not None and known.path else f"{pool.path.rstrip('/')}/{name}"


def site_in(state: State, host: str) -> Site:
    """Return what a host has, as the state has it."""
    return _site(host, state.hosts.get(host), state.pools, state.networks, state.volumes)


def site_of(situation: Situation) -> Site:
    """Return what the host of a situation has."""
    around = situation.around
    name = situation.request.subject.host
    return _site(name, around.host, around.pools, around.networks, around.volumes)


def _site(
    name: str,
    host: Host | None,
    pools: Mapping[ObjectKey, Pool],
    networks: Mapping[ObjectKey, Network],
    volumes: Mapping[ObjectKey, Volume],
) -> Site:
    facts = None if host is None else host.facts
    return Site(
        name,
        None if facts is None else facts.platform,
        {pool.name: pool for pool in pools.values() if pool.host == name},
        {network.name: network for network in networks.values() if network.host == name},
        volumes,
    )


def against_pool(site: Site, name: str, field: str = "pool") -> Iterator[Refusal]:
    """Tell why no volume can be made in a pool."""
    pool = site.pool(name)
    known = listed([clean(one) for one in site.pools]) or "none"
    if pool is None and name:
        text = f"{site.name} has no pool {clean(name)}"
        yield Refusal(RefusalCode.PARAMETER, text, f"it has {known}", field)
    elif pool is None:
        text = f"In which pool of {site.name} the disk is to be made is not said"
        cure = f"name one of {known}" if site.pools else "define one, or make it without a disk"
        yield Refusal(RefusalCode.PARAMETER, text, cure, field)
    elif not pool.active:
        text = f"The pool {clean(pool.name)} of {site.name} is {pool.state}"
        cure = f"start it: `virtdeck pool start {clean(site.name)}/{clean(pool.name)}`"
        yield Refusal(RefusalCode.PARAMETER, text, cure, field)
    elif pool.type not in OF_FILES | OF_DEVICES:
        text = f"virtdeck makes no disk in {clean(pool.name)}, a pool of the type {pool.type}"
        cure = "take a pool of files or of LVM, or give a disk that is there"
        yield Refusal(RefusalCode.PARAMETER, text, cure, field)


def against_new(site: Site, pool: str, name: str, field: str) -> Iterator[Refusal]:
    """Tell of a volume that has the name already."""
    found = site.pool(pool)
    if found is not None and site.volume(f"{found.name}/{name}") is not None:
        text = f"The pool {clean(found.name)} has a volume {clean(name)} already"
        yield Refusal(RefusalCode.PARAMETER, text, "choose another name, or remove that one", field)


_NO_PATH = ("network", "netdir")
"""Types of volumes that the host has no path to."""
_BY_ADDRESS = {
    "rbd": "attach it by its address: rbd://...",
    "iscsi-direct": "attach it by its address: iscsi://...",
}


def against_volume(site: Site, place: str, field: str) -> Iterator[Refusal]:
    """Tell why what is named `POOL/NAME`, or by a path, is not there to be used."""
    if place.startswith("/"):
        return
    pool, slash, name = place.partition("/")
    found = site.pools.get(pool)
    if not slash or not name:
        cure = "give it as POOL/VOLUME, or by its whole path on the host"
        text = f"{clean(place)} names no volume" if place else "No volume is given"
        yield Refusal(RefusalCode.PARAMETER, text, cure, field)
    elif found is None:
        known = listed([clean(one) for one in site.pools]) or "none"
        text = f"{site.name} has no pool {clean(pool)}"
        yield Refusal(RefusalCode.PARAMETER, text, f"it has {known}", field)
    elif not found.active:
        cure = f"start it: `virtdeck pool start {clean(site.name)}/{clean(pool)}`"
        text = f"The pool {clean(pool)} of {site.name} is {found.state}"
        yield Refusal(RefusalCode.PARAMETER, text, cure, field)
    elif (volume := site.volume(place)) is None:
        text = f"The pool {clean(pool)} has no volume {clean(name)}"
        refresh = f"`virtdeck pool refresh {clean(site.name)}/{clean(pool)}`"
        cure = f"see `virtdeck volumes`, or refresh it: {refresh}"
        yield Refusal(RefusalCode.PARAMETER, text, cure, field)
    elif volume.type in _NO_PATH:
        text = f"{clean(place)} is an image of the network, in a pool of the type {found.type}"
        cure = _BY_ADDRESS.get(found.type, "write its disk into the definition: `virtdeck edit`")
        yield Refusal(RefusalCode.PARAMETER, text, cure, field)
    elif volume.type == "dir":
        text = f"{clean(place)} is a folder, and no image"
        yield Refusal(
            RefusalCode.PARAMETER, text, "take a volume that is a file or a device", field
        )
