"""Whose disk a volume is, asked of libvirt right before it is deleted. Run on a lane thread."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from time import monotonic
from typing import Any

from core.hypervisor.connection.binding import Connection, libvirt
from core.hypervisor.connection.tolerance import unless_gone
from core.model.paths import also_called, plain_path
from core.xml.address import endpoint
from core.xml.tree import Element, parse


def user_of(conn: Connection, places: set[str], but: str = "", seconds: float | None = None) -> str:
    """Return the name of an instance with a disk at one of these places; empty: there is none.

    That of the UUID `but` does not count. Those that have to be asked by themselves are asked for
    so many seconds at most.

    One call for all that run and one for all that do not, which tell the images of every chain;
    one more for each that runs, for its next start may have other disks than it has now, and for
    each of which a disk has no path: an empty drive, a volume named by its pool, one on the
    network. Raises libvirtError where one that is there cannot be asked: it may have it.
    """
    wanted = {each for place in places for each in (plain_path(place), *also_called(place))}
    return _user(conn, lambda path: plain_path(path) in wanted, but, seconds)


def user_below(conn: Connection, folder: str) -> str:
    """Return the name of an instance with a disk below a folder, now or from its next start on.

    Empty: there is none. The calls are those of `user_of`.
    """
    below = f"{plain_path(folder).rstrip('/')}/"
    return _user(conn, lambda path: plain_path(path).startswith(below))


def _user(
    conn: Connection, has: Callable[[str], bool], but: str = "", seconds: float | None = None
) -> str:
    told: dict[bool, set[str]] = {False: {but}, True: {but}}
    """Whose disks are known: of those that are off, and of those that run what they have now."""
    for domain, stats, runs in _statistics(conn):
        if domain.UUIDString() == but:
            continue
        paths = [str(value) for key, value in stats.items() if key.endswith(".path")]
        if any(map(has, paths)):
            return str(domain.name())
        if len(paths) == stats.get("block.count"):
            told[runs].add(domain.UUIDString())
    until = None if seconds is None else monotonic() + seconds
    for domain in conn.listAllDomains(0):  # what was defined since is among these
        uuid, runs = domain.UUIDString(), domain.ID() != -1
        flags = [] if uuid in told[False] else [libvirt.VIR_DOMAIN_XML_INACTIVE]
        flags += [0] if runs and uuid not in told[True] else []
        if flags and until is not None and monotonic() >= until:
            break
        for flag in flags:
            xml = unless_gone(partial(domain.XMLDesc, flag))
            if xml is not None and any(map(has, _sources(xml))):
                return str(domain.name())
    return ""


def _statistics(conn: Connection) -> Iterator[tuple[Any, Mapping[str, Any], bool]]:
    """Yield each instance with what its disks are, and whether it runs."""
    chains = libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_BACKING
    for which, runs in (
        (libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_ACTIVE, True),
        (libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_INACTIVE, False),
    ):
        with suppress(libvirt.libvirtError):  # a driver without statistics tells by its XML
            for domain, stats in conn.getAllDomainStats(
                libvirt.VIR_DOMAIN_STATS_BLOCK, which | chains
            ):
                yield domain, stats, runs


def _sources(xml: str) -> Iterator[str]:
    for source in parse(xml, "domain").iterfind("devices/disk//source"):
        yield source.get("file") or source.get("dev") or ""
        yield f"{source.get('pool')}/{source.get('volume')}"
        if protocol := source.get("protocol"):
            yield source.get("name") or ""  # a pool of that protocol knows the volume by it
            image = f"{protocol}:{source.get('name') or ''}"
            yield from (f"{image}@{server}" for server in _servers(source) or ("",))


def _servers(source: Element) -> list[str]:
    return [
        host.get("socket") or endpoint(host.get("name") or "", host.get("port") or "")
        for host in source.iterfind("host")
    ]
