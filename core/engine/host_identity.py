"""Whether a host that is open is the one something was written down about. Pure.

Nothing tells a host for sure. Its name here is the operator's own. Cloned machines share a host
UUID, boards have bad ones, and a daemon that cannot read the machine's (that of a user who is not
root) makes up another at each start. One host is reached by several addresses, and one address, a
forwarded port say, may lead to another host tomorrow. So three signs are compared: address, UUID
and host name; of those known on both sides more must agree than differ. The daemon must be the same
in any case: a machine's system and session daemons are two hosts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from core.hypervisor.connection.uri import daemon_of, normalised
from core.model import Host, HostIdentity

_NO_NAMES = frozenset({"", "localhost", "localhost.localdomain", "(none)"})
"""Host names that many machines have."""


@dataclass(frozen=True, slots=True)
class FoundHost:
    """The open host that is meant, by its name here."""

    name: str
    sure: bool
    """False: only its address was compared, for it has not told more of itself yet."""


def identity_of(host: Host, before: HostIdentity | None = None) -> HostIdentity:
    """Return what to write down of a host; what it has not told yet is kept from `before`."""
    facts = host.facts
    if facts is not None:
        return HostIdentity(host.name, host.uri, facts.uuid, facts.hostname)
    if before is not None and normalised(before.uri) == normalised(host.uri):
        return HostIdentity(host.name, host.uri, before.uuid, before.hostname)
    return HostIdentity(host.name, host.uri)


def find(known: HostIdentity, hosts: Iterable[Host]) -> FoundHost | None:
    """Return which of the open hosts is meant; None for none of them, and where two fit as well."""
    rated = [(rating, host) for host in hosts if (rating := _rating(known, host)) > 0]
    best = max((rating for rating, _ in rated), default=0.0)
    fitting = [host for rating, host in rated if rating == best]
    if len(fitting) != 1:
        return None
    (host,) = fitting
    waits = host.facts is None and bool(known.uuid or known.hostname)
    return FoundHost(host.name, sure=not waits)


def _rating(known: HostIdentity, host: Host) -> float:
    """Return by how much more agrees than differs; a same address counts most among equals."""
    if daemon_of(known.uri) != daemon_of(host.uri):
        return 0.0
    now = identity_of(host)
    same_address = normalised(known.uri) == normalised(host.uri)
    signs = [
        same_address,
        *_compared(_uuid(known.uuid), _uuid(now.uuid)),
        *_compared(_name(known.hostname), _name(now.hostname)),
    ]
    more = sum(1 if same else -1 for same in signs)
    return more + 0.5 if more > 0 and same_address else more


def _compared(one: str, other: str) -> list[bool]:
    return [one == other] if one and other else []


def _uuid(uuid: str) -> str:
    """Without one that is all of one digit: nobody set it."""
    return uuid.lower() if len(set(uuid.replace("-", ""))) > 1 else ""


def _name(hostname: str) -> str:
    name = hostname.lower().rstrip(".")
    return "" if name in _NO_NAMES else name
