"""Waiting until everything a command tells of is known, and saying what is not."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Protocol, TypeVar

import msgspec

from console.cli.output import note
from console.format import listed as in_words
from console.format import plural
from core.errors import NotFoundError
from core.model import Delta, Instance, LinkStatus, MigrationStatus, State, Unread, Value, Volume
from core.model.network import Network
from core.model.text import clean

INCOMPLETE = 4
"""The exit status of an answer that lacks something."""
PATIENCE = 90.0
"""Seconds without anything new after which a wait ends without the rest. Whatever comes begins
them anew: a slow host is waited for. More than the deadline of any call that reads: what stands
still ends by that, and tells why."""
SAMPLES = 3
"""Bulk statistics without what is missing, after which they are not waited for any longer."""
TICK = 0.1
"""Seconds between two looks when nothing comes: a read that fails changes nothing in the state."""
LOOKING = 0.1
"""The part of its time that a wait may look: a look at a large table is not made at each change."""


class Gap(Value, frozen=True):
    """What of one host is not known."""

    host: str
    what: str
    """The end of a sentence that begins with the host: `3 of 10 instances ...`."""
    size: int = 1
    """How much is missing: as long as that changes the wait goes on."""
    by_figures: bool = False
    """The bulk statistics may bring it, too."""
    under_way: bool = False
    """Something else that brings it goes on."""
    cure: str = ""
    """What brings it, where no waiting does."""


Row = TypeVar("Row", Instance, Volume, Network)
Look = Callable[[State, Sequence[str]], Iterable[Gap]]
"""What is missing on these hosts, as the state has it now. Pure."""


class ReadingLinks(Protocol):
    """What is needed of a fleet's links."""

    @property
    def unread(self) -> Mapping[str, Unread | None]:
        """By host: what was listed and is not read yet."""
        ...


class ReadingFleet(Protocol):
    """What is needed of a fleet."""

    @property
    def state(self) -> State:
        """The newest picture."""
        ...

    @property
    def links(self) -> ReadingLinks:
        """The links to its hosts."""
        ...

    def changes(self) -> AsyncIterator[Delta]:
        """Deltas as they come."""
        ...


async def complete(
    fleet: ReadingFleet, *looks: Look, patience: float = PATIENCE, of: Sequence[str] | None = None
) -> tuple[Gap, ...]:
    """Wait until nothing is missing on the hosts that are up now; returns what remains missing.

    `of` names the hosts that it is about; None: all.

    It ends early when every host has told all it can, and when nothing came for `patience`
    seconds. A host whose link is lost meanwhile is waited for like one that stands still.
    """
    hosts = [name for name in _up(fleet.state) if of is None or name in of]
    loop = asyncio.get_running_loop()
    wait = CompletenessWait(patience)
    changes = fleet.changes()
    news: asyncio.Future[Delta] = asyncio.ensure_future(anext(changes))
    try:
        while True:
            began = loop.time()
            gaps = _gaps(fleet.state, hosts, looks)
            sampled = {name: fleet.state.hosts[name].sampled for name in hosts}
            if not gaps or not wait.goes_on(gaps, fleet.links.unread, sampled, loop.time()):
                return gaps
            await asyncio.sleep((loop.time() - began) * (1 / LOOKING - 1))
            await asyncio.wait({news}, timeout=TICK)
            if news.done():
                news.result()
                news = asyncio.ensure_future(anext(changes))
    finally:
        news.cancel()


class CompletenessWait(msgspec.Struct):
    """Decides whether a wait goes on: what was seen, and the time, are arguments."""

    patience: float = PATIENCE
    _moved: float = 0.0
    _before: object = None
    _sampled: dict[str, set[float | None]] = {}

    def goes_on(
        self,
        gaps: Sequence[Gap],
        unread: Mapping[str, Unread | None],
        sampled: Mapping[str, float | None],
        now: float,
    ) -> bool:
        """Whether what is missing may still come. `sampled`: the last figures of each host."""
        left = [(name, item.left, len(item.failed)) for name, item in unread.items() if item]
        measure = [(gap.host, gap.size) for gap in gaps], left
        if measure != self._before:
            self._moved, self._before, self._sampled = now, measure, {}
        for gap in gaps:
            self._sampled.setdefault(gap.host, set()).add(sampled.get(gap.host))
        if now - self._moved >= self.patience:
            return False
        return any(self._may_come(gap, unread.get(gap.host)) for gap in gaps)

    def _may_come(self, gap: Gap, unread: Unread | None) -> bool:
        if gap.under_way or unread is None or not unread.at_rest:
            return True
        return gap.by_figures and unread.sampling and len(self._sampled[gap.host]) <= SAMPLES


def _gaps(state: State, hosts: Sequence[str], looks: Sequence[Look]) -> tuple[Gap, ...]:
    up = [name for name in hosts if state.hosts[name].link.status is LinkStatus.UP]
    lost = [
        Gap(name, f"the link was lost meanwhile: {state.hosts[name].link.error or 'no answer'}")
        for name in hosts
        if name not in up
    ]
    return (*lost, *(gap for look in looks for gap in look(state, up)))


def _up(state: State) -> list[str]:
    return [host.name for host in state.hosts.values() if host.link.status is LinkStatus.UP]


# -- what can be missing ---------------------------------------------------------------------------


def descriptions(state: State, hosts: Sequence[str]) -> Iterable[Gap]:
    """Instances whose XML has not been read."""
    return _instances(state, hosts, lambda item: item.described, "without their details")


def sizes(state: State, hosts: Sequence[str]) -> Iterable[Gap]:
    """Instances of which neither XML nor figures have told vCPUs and memory."""

    def known(item: Instance) -> bool:
        return item.described or bool(item.vcpus and item.memory)

    return _instances(state, hosts, known, "without vCPUs and memory", by_figures=True)


def samples(state: State, hosts: Sequence[str]) -> Iterable[Gap]:
    """Running instances of which no figures have come: what they use is not known."""

    def known(item: Instance) -> bool:
        return not item.state.active or item.key in state.rates

    return _instances(state, hosts, known, "without figures", by_figures=True)


def figures(state: State, hosts: Sequence[str]) -> Iterable[Gap]:
    """Running instances whose rates are not known: two samples of each are needed."""

    def known(item: Instance) -> bool:
        rates = state.rates.get(item.key)
        return not item.state.active or (rates is not None and rates.cpu is not None)

    return _instances(state, hosts, known, "without rates", by_figures=True)


def _instances(
    state: State,
    hosts: Sequence[str],
    known: Callable[[Instance], bool],
    lack: str,
    *,
    by_figures: bool = False,
) -> Iterable[Gap]:
    lacking, there = grouped(state.instances.values(), hosts, known)
    for host, rows in lacking.items():
        of = f" of {there[host]:,}" if there[host] != len(rows) else ""
        what = f"{len(rows):,}{of} {'instance' if there[host] == 1 else 'instances'}"
        missing = in_words([item.name for item in rows], 3)
        yield Gap(host, f"{what} {lack}: {missing}", len(rows), by_figures)


def grouped(
    rows: Iterable[Row], hosts: Sequence[str], known: Callable[[Row], bool]
) -> tuple[dict[str, list[Row]], Counter[str]]:
    """Return by host, in one pass, the rows that are not known, and how many rows there are."""
    lacking: dict[str, list[Row]] = {}
    there: Counter[str] = Counter()
    wanted = frozenset(hosts)
    for row in rows:
        if row.host in wanted:
            there[row.host] += 1
            if not known(row):
                lacking.setdefault(row.host, []).append(row)
    return lacking, there


def facts(state: State, hosts: Sequence[str]) -> Iterable[Gap]:
    """Hosts that have not told their versions and what they can do."""
    return [Gap(name, "its versions and memory") for name in hosts if not state.hosts[name].facts]


def networks(state: State, hosts: Sequence[str]) -> Iterable[Gap]:
    """Networks that were not listed at all, or of which nobody has read the XML."""
    yield from listed("networks")(state, hosts)
    yield from unread_networks(state, hosts)


def unread_networks(state: State, hosts: Sequence[str]) -> Iterable[Gap]:
    """Networks that were listed, and of which nobody has read the XML."""
    lacking, _ = grouped(state.networks.values(), hosts, lambda network: network.described)
    for host, rows in lacking.items():
        of = f"{plural(len(rows), 'network')} without bridge and addresses"
        yield Gap(host, f"{of}: {in_words([item.name for item in rows], 3)}", len(rows))


def listed(*kinds: str) -> Look:
    """Return the look for kinds of objects (of `Host.listed`) that were not listed at all."""

    def look(state: State, hosts: Sequence[str]) -> Iterable[Gap]:
        for name in hosts:
            for kind in kinds:
                if kind not in state.hosts[name].listed:
                    yield Gap(name, f"its {kind}")

    return look


def migrations(known: Callable[[str], bool | None]) -> Look:
    """Return the look for migrations that others began: found, and how far they are.

    `known` is `Fleet.migrations.known`.
    """

    def look(state: State, hosts: Sequence[str]) -> Iterable[Gap]:
        what = "whether migrations that others began run there"
        for name in hosts:
            if not known(name):
                yield Gap(name, what, under_way=known(name) is None)
        for row in state.migrations.values():
            if row.foreign and row.status is MigrationStatus.PREPARING and row.host in hosts:
                yield Gap(row.host, f"how far the migration of {row.name} is", under_way=True)

    return look


# -- saying it -------------------------------------------------------------------------------------


def tell(gaps: Sequence[Gap]) -> int:
    """Say on the error stream what is missing; returns the exit status: 0 when nothing is."""
    for gap in gaps:
        note(f"virtdeck: not complete: {clean(gap.host)}: {clean(gap.what)}.")
        if gap.cure:
            note(f"  {clean(gap.cure)}")
    if any(not gap.cure for gap in gaps):
        note("  It did not come in time, or cannot be read: try again, or see `virtdeck doctor`.")
    return INCOMPLETE if gaps else 0


@contextmanager
def as_far_as_known(gaps: Sequence[Gap]) -> Iterator[None]:
    """Where something is missing, "there is none" is not known: it is told, and ends with 4."""
    try:
        yield
    except NotFoundError as error:
        if gaps:
            error.exit_status = tell(gaps)
        raise
