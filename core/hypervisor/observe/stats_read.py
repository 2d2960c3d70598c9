"""The statistics calls of one connection. Run on a lane thread; raise libvirtError.

CPU, balloon, vCPU and block figures need the hypervisor process. A hung one (a stopped QEMU) blocks
the bulk call for ever when nobody else holds its job, even with
VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT, which only passes over a job that is held already. State
and interface figures and virDomainGetControlInfo never wait for the process.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from typing import Any, NamedTuple

import msgspec

from core.hypervisor.connection.binding import Connection, libvirt
from core.hypervisor.observe.stats_counters import read_counters
from core.model.base import Value
from core.model.stats import Counters


class ControlInfo(NamedTuple):
    """virDomainGetControlInfo: what the hypervisor process's monitor is doing, and since when."""

    state: int
    """0 idle, 1 a job runs, 2 waiting for the process's answer, 3 the monitor is broken."""
    seconds: float
    """In this state."""


class StatsQuestion(Value, frozen=True):
    """What to ask in one go.

    `chosen` are asked for everything, the rest of the active instances for what never blocks;
    None chooses all. `check` are also asked what their monitor is doing.
    """

    chosen: tuple[str, ...] | None = None
    excluded: frozenset[str] = frozenset()
    check: tuple[str, ...] = ()
    one_call: bool = False
    """Everything of everybody in one bulk call, on the trust that nobody is hung."""
    own: bool = False
    """With the hypervisor's own figures: the daemon knows the VM group."""


class StatsAnswer(msgspec.Struct):
    """What came back, filled as it comes: after a missed deadline it holds what came before.

    Written by one lane thread, then read by the caller: never both at once, for a late write of an
    abandoned call goes to an answer that nobody looks at any more.
    """

    counters: dict[str, Counters] | None = None
    """By UUID, of every active instance; None: not even the harmless call came back."""
    asked: tuple[str, ...] = ()
    """Who was asked for everything, in the order libvirt works through them."""
    control: dict[str, ControlInfo] = {}
    complete: bool = False
    handles: dict[str, Any] = {}
    """By UUID, of every active instance; only of a question in one call."""
    cpu: float = 0.0
    """Seconds of processor time that asking and reading took."""
    some: bool = False
    """It is of some instances only: `ask_some`."""


def ask(conn: Connection, question: StatsQuestion, answer: StatsAnswer) -> None:
    """Put a question and write what comes into `answer`, piece by piece.

    One call with `one_call`; else two, and one more for each instance to check and for each that
    was passed over.
    """
    if question.one_call:
        records = conn.getAllDomainStats(_all_groups(own=question.own), _flags())
        answer.counters = {
            domain.UUIDString(): read_counters(record, asked=True) for domain, record in records
        }
        answer.asked = tuple(answer.counters)
        answer.handles = dict(zip(answer.asked, (domain for domain, _ in records), strict=True))
        _check(answer.handles, question.check, answer)
    else:
        _ask_carefully(conn, question, answer)
    answer.complete = True


def ask_some(
    conn: Connection,
    handles: dict[str, Any],
    check: Iterable[str],
    answer: StatsAnswer,
    *,
    own: bool,
) -> None:
    """Ask some instances everything, in one call; those that are gone are left out.

    `handles` are of this connection: looking them up would cost a call each.
    """
    records = conn.domainListGetStats(list(handles.values()), _all_groups(own=own), _nowait())
    answer.counters = {
        domain.UUIDString(): read_counters(record, asked=True) for domain, record in records
    }
    answer.asked = tuple(answer.counters)
    _check(handles, check, answer)
    answer.some = answer.complete = True


def check_all(conn: Connection, uuids: Iterable[str], answer: StatsAnswer) -> None:
    """Ask what the monitor of each instance is doing; `answer.control` fills up in order.

    One listing and one call per instance, none of which waits for a hypervisor process.
    """
    records = conn.getAllDomainStats(_harmless_groups(), _flags())
    domains = {domain.UUIDString(): domain for domain, _ in records}
    _check(domains, uuids, answer)
    answer.complete = True


def _ask_carefully(conn: Connection, question: StatsQuestion, answer: StatsAnswer) -> None:
    records = conn.getAllDomainStats(_harmless_groups(), _flags())
    domains = {domain.UUIDString(): domain for domain, _ in records}
    answer.counters = {
        domain.UUIDString(): read_counters(record, asked=False) for domain, record in records
    }
    _check(domains, question.check, answer)
    wanted = tuple(domains) if question.chosen is None else question.chosen
    answer.asked = tuple(
        uuid for uuid in wanted if uuid in domains and uuid not in question.excluded
    )
    if not answer.asked:
        return
    full = conn.domainListGetStats(
        [domains[uuid] for uuid in answer.asked], _all_groups(own=question.own), _nowait()
    )
    counters = {domain.UUIDString(): read_counters(record, asked=True) for domain, record in full}
    passed_over = [uuid for uuid, value in counters.items() if value.partial]
    _check(domains, passed_over, answer)
    answer.counters = answer.counters | counters


def _check(domains: dict[str, Any], uuids: Iterable[str], answer: StatsAnswer) -> None:
    for uuid in uuids:
        if uuid in domains:
            # gone meanwhile, or a driver without monitors: nothing is known of it
            with contextlib.suppress(libvirt.libvirtError):
                state, _details, milliseconds = domains[uuid].controlInfo()
                answer.control[uuid] = ControlInfo(state, milliseconds / 1000)


def _harmless_groups() -> int:
    return int(libvirt.VIR_DOMAIN_STATS_STATE | libvirt.VIR_DOMAIN_STATS_INTERFACE)


OWN_SINCE = 8_009_000
"""libvirt's version that brought the VM group."""
_VM = 1 << 10
"""VIR_DOMAIN_STATS_VM, which a binding made for an older libvirt lacks."""


def _all_groups(*, own: bool) -> int:
    return int(
        (_VM if own else 0)
        | _harmless_groups()
        | libvirt.VIR_DOMAIN_STATS_CPU_TOTAL
        | libvirt.VIR_DOMAIN_STATS_BALLOON
        | libvirt.VIR_DOMAIN_STATS_VCPU
        | libvirt.VIR_DOMAIN_STATS_BLOCK
    )


def _nowait() -> int:
    return int(libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT)


def _flags() -> int:
    return int(_nowait() | libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_ACTIVE)
