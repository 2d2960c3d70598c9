"""Which addresses a new network has where none are asked for. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from ipaddress import IPv4Network, ip_interface
from urllib.parse import urlsplit

from core.model import Host, Network, ObjectKey

_USUAL = 122
"""192.168.122.0/24 is libvirt's own default, which a host may be given later, and which a guest
that runs libvirt itself has inside: it is not proposed."""


def free_subnet(
    networks: Mapping[ObjectKey, Network], host: Host | None, new: ObjectKey
) -> IPv4Network | None:
    """Return 256 private addresses that nothing known of the host of a new network has.

    They are not those of a network of another host either, where any such are left: two that are
    routed to each other must differ. None: all private addresses are taken.
    """
    others = [one for one in networks.values() if one.key != new]
    here = [*_taken(one for one in others if one.host == new.host), *_own(host)]
    everywhere = [*here, *_taken(others)]
    return _first(everywhere) or _first(here)


def _first(taken: Iterable[IPv4Network]) -> IPv4Network | None:
    known = frozenset(taken)
    return next((one for one in _candidates() if not any(map(one.overlaps, known))), None)


def _candidates() -> Iterator[IPv4Network]:
    """The usual ones of houses and offices, 192.168.0 and 192.168.1, are not among them."""
    for third in (*range(100, 255), *range(2, 100)):
        if third != _USUAL:
            yield IPv4Network(f"192.168.{third}.0/24")
    for first, seconds in ((172, range(16, 32)), (10, range(256))):
        for second in seconds:
            for third in range(256):
                yield IPv4Network(f"{first}.{second}.{third}.0/24")


def _taken(networks: Iterable[Network]) -> Iterator[IPv4Network]:
    for network in networks:
        words = (*network.addresses, *(one.address for one in network.dns_hosts))
        yield from _networks_of(words)


def _own(host: Host | None) -> Iterator[IPv4Network]:
    """Of a host itself the address is known by which it is reached, where it is given as such."""
    if host is None:
        return
    try:
        name = urlsplit(host.uri).hostname or ""
    except ValueError:
        return
    for found in _networks_of((name,)):
        # nothing says how many of the addresses around it are on its wire
        yield found.supernet(new_prefix=24) if found.prefixlen > 24 else found


def _networks_of(words: Iterable[str]) -> Iterator[IPv4Network]:
    for word in words:
        try:
            found = ip_interface(word).network
        except ValueError:
            continue
        if isinstance(found, IPv4Network):
            yield found
