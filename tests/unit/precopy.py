"""A pre-copy of QEMU played without QEMU: deterministic, for the forecast and the policies.

Its rules are QEMU 7.2's: memory is sent in slices of a tenth of a second; when what remains can be
sent within the max downtime it looks what was written meanwhile (libvirt's iteration), and switches
over if it still can; the dirty rate counts a page once a look, over a second at least;
auto-converge takes 20 %, then 10 % more, when twice more than half of what was sent was written
anew; after a switch to post-copy nothing is sent twice. The tapes in tests/data/jobs are the check.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from msgspec.structs import replace

from core.migration.forecast.forecast import forecast
from core.migration.forecast.writing import next_look
from core.migration.policies import Watched, decide
from core.model import ObjectKey
from core.model.forecast import UNMEASURED, DirtyRate, Forecast, JobSample, MemoryUse
from core.model.migration import Limits, MigrationStatus
from core.model.steer import Answer, Steer, SteerKind, SteerRecord
from core.verbs.migration.requests import Migrate

MIB = 1 << 20
PAGE = 4096
SLICE = 0.1
POLL = 0.5
EPOCH = 1000.0


@dataclass(frozen=True)
class Region:
    """MiB of memory, written at `rate` MiB/s: page after page if `cyclic`, else at random."""

    size: float
    rate: float = 0.0
    cyclic: bool = False
    zero: bool = False


@dataclass
class PreCopy:
    """A migration under way. `bandwidth` in MiB/s, `max_downtime` in ms."""

    regions: tuple[Region, ...]
    bandwidth: float
    max_downtime: float = 300.0
    auto_converge: bool = False
    throttle: int = 0
    used: int | None = None
    """Bytes that the guest says it uses."""
    time: float = 0.0
    iteration: int = 1
    dirty_rate: float = 0.0
    sent: float = 0.0
    normal: float = 0.0
    constant: float = 0.0
    switched: float | None = None
    paused: bool = False
    aborted: bool = False
    ended: float | None = None
    downtime: float = 0.0
    dirty: list[float] = field(default_factory=list)
    fresh: list[float] = field(default_factory=list)
    _written: float = 0.0
    _looked: float = 0.0
    _sent_then: float = 0.0
    _high: int = 0
    _at: int = -1
    _visit: float = 0.0

    def __post_init__(self) -> None:
        self.dirty = [region.size for region in self.regions]
        self.fresh = [0.0 for _ in self.regions]

    @property
    def total(self) -> float:
        return sum(region.size for region in self.regions)

    @property
    def remaining(self) -> float:
        return sum(self.dirty)

    @property
    def threshold(self) -> float:
        return self.bandwidth * self.max_downtime / 1000

    @property
    def over(self) -> bool:
        return self.ended is not None or self.aborted

    def step(self) -> None:
        """Let a slice of time pass."""
        self.time += SLICE
        if self.switched is None and not self.paused:
            self._write()
        self._send(self.bandwidth * SLICE)
        if self.switched is not None:
            if self.remaining <= 0:
                self.ended = self.time
        elif self.remaining < self.threshold:
            self._look()
            if self.remaining < self.threshold:
                self.downtime = self.remaining / self.bandwidth * 1000
                self.ended = self.time + self.downtime / 1000

    def switch(self) -> None:
        self._merge()
        self.switched = self.time

    def _write(self) -> None:
        for at, region in enumerate(self.regions):
            rate = region.rate * (1 - self.throttle / 100)
            if not rate:
                continue
            if region.cyclic:
                self.fresh[at] = min(region.size, self.fresh[at] + rate * SLICE)
            else:
                clean = region.size - self.fresh[at]
                self.fresh[at] += clean * -math.expm1(-rate * SLICE / region.size)

    def _send(self, budget: float) -> None:
        """Go on through the memory from where the last slice ended, round and round."""
        for _ in range(len(self.regions) + 1):
            if self._visit <= 0 or self.dirty[self._at] <= 0:
                self._at = (self._at + 1) % len(self.regions)
                self._visit = self.dirty[self._at]
            region, part = self.regions[self._at], min(self._visit, self.dirty[self._at])
            if region.zero and self.iteration == 1:
                self.constant += part
            else:
                part = min(part, budget)
                self.normal += part
                self.sent += part
                budget -= part
            self.dirty[self._at] -= part
            self._visit -= part
            if budget <= 1e-9:
                break

    def _merge(self) -> float:
        """Add what was written since the last look; returns how much that was."""
        new = 0.0
        for at, region in enumerate(self.regions):
            added = self.fresh[at] * (1 - self.dirty[at] / region.size)
            self.dirty[at] += added
            self.fresh[at] = 0.0
            new += added
        return new

    def _look(self) -> None:
        self._written += self._merge()
        self.iteration += 1
        seconds = self.time - self._looked
        if seconds < 1.0:
            return
        self.dirty_rate = self._written / seconds
        if self.auto_converge and self._written > 0.5 * (self.sent - self._sent_then):
            self._high += 1
            if self._high >= 2:
                self._high = 0
                self.throttle = min(self.throttle + 10, 99) if self.throttle else 20
        self._written, self._looked, self._sent_then = 0.0, self.time, self.sent

    def sample(self) -> JobSample:
        """Read it as libvirt would: next to nothing in the first second."""
        at = EPOCH + self.time
        if self.time < 0.9:
            return JobSample(at, operation="migration-out", elapsed=self.time, dirty_rate=0.0)
        remaining = int(self.remaining * MIB)
        return JobSample(
            at,
            operation="migration-out",
            elapsed=self.time,
            memory_total=int(self.total * MIB),
            memory_processed=int(self.sent * MIB),
            memory_remaining=remaining,
            memory_bps=int(self.bandwidth * MIB),
            dirty_rate=self.dirty_rate * MIB,
            page_size=PAGE,
            iteration=self.iteration,
            constant=int(self.constant * MIB / PAGE),
            normal=int(self.normal * MIB / PAGE),
            disk_total=0,
            disk_processed=0,
            disk_remaining=0,
            throttle=self.throttle or None,
        )

    def use(self, luck: Callable[[float], float] = lambda part: part) -> MemoryUse:
        """What is measured before the start: QEMU looks at some pages only, so it needs `luck`.

        `luck` makes of the part of the memory that is different the part of the sample that is.
        """
        rates: list[DirtyRate] = []
        while (seconds := next_look(rates, self.total * MIB)) is not None:
            rates.append(self._dirtied(float(seconds), luck))
        return MemoryUse(tuple(rates), self.used)

    def _dirtied(self, seconds: float, luck: Callable[[float], float]) -> DirtyRate:
        """Calculate the dirty rate over so many seconds: in whole MiB/s, as QEMU does."""
        written = 0.0
        for region in self.regions:
            if region.cyclic:
                written += min(region.size, region.rate * seconds)
            elif region.rate:
                written += region.size * -math.expm1(-region.rate * seconds / region.size)
        rate = luck(written / self.total) * self.total / seconds
        return DirtyRate(seconds, float(int(rate + 1e-6) * MIB))


def polls(machine: PreCopy, most: float = 600.0) -> Iterator[JobSample]:
    """Let it run, and yield a sample every half second until it is over."""
    due = 0.0
    while not machine.over and machine.time < most:
        if machine.time >= due - 1e-9:
            due += POLL
            yield machine.sample()
        machine.step()


Answers = Callable[[Steer], Answer]


@dataclass
class Steered:
    """A migration with a policy at the controls."""

    machine: PreCopy
    request: Migrate
    policy: str = "adaptive"
    measured: bool = True
    """Whether the dirty rate was measured before the start."""
    answers: Answers = lambda _: Answer.DONE
    most: float = 600.0
    samples: list[JobSample] = field(default_factory=list)
    forecasts: list[Forecast] = field(default_factory=list)
    records: list[SteerRecord] = field(default_factory=list)

    @property
    def can_switch(self) -> bool:
        machine, asked = self.machine, self.request.post_copy != "never"
        early = machine.time < 0.9
        return asked and not early and machine.switched is None and not machine.paused

    def limits(self) -> Limits:
        return Limits(max_downtime=self.machine.max_downtime, bandwidth=self.machine.bandwidth)

    def run(self) -> Steered:
        use = self.machine.use() if self.measured else UNMEASURED
        for sample in polls(self.machine, self.most):
            self.samples.append(sample)
            switched = self.machine.switched
            expected = forecast(
                self.samples,
                limits=self.limits(),
                post_copy=self.can_switch,
                now=sample.at,
                switched=None if switched is None else EPOCH + switched,
                use=use,
                auto_converge=self.machine.auto_converge,
            )
            self.forecasts.append(expected)
            for steer in decide(self.policy, self.watched(expected)):
                self._do(steer)
        return self

    def watched(self, expected: Forecast | None) -> Watched:
        running = self.machine.switched is None
        return Watched(
            now=EPOCH + self.machine.time,
            started=EPOCH,
            request=self.request,
            status=MigrationStatus.RUNNING if running else MigrationStatus.POST_COPY,
            limits=self.limits(),
            samples=self.samples,
            forecast=expected,
            can_post_copy=self.can_switch,
            auto_converge=self.machine.auto_converge,
            steering=tuple(self.records),
            memory=int(self.machine.total * MIB),
        )

    def _do(self, steer: Steer) -> None:
        now = EPOCH + self.machine.time
        advice = steer.kind is SteerKind.ADVISE
        answer = Answer.ADVISED if advice else self.answers(steer)
        record = SteerRecord(now, steer, f"policy {self.policy}", answer, answered=now)
        self.records.append(record)
        if answer is Answer.DONE:
            self._obey(steer)

    def _obey(self, steer: Steer) -> None:
        if steer.kind is SteerKind.MAX_DOWNTIME:
            self.machine.max_downtime = steer.value or 0.0
        elif steer.kind is SteerKind.POST_COPY:
            self.machine.switch()
        elif steer.kind is SteerKind.PAUSE:
            self.machine.paused = True
        elif steer.kind is SteerKind.ABORT:
            self.machine.aborted = True

    def of(self, *kinds: SteerKind) -> list[Steer]:
        return [one.steer for one in self.records if one.steer.kind in kinds]


def request(**fields: object) -> Migrate:
    """A migration as asked for, to any instance."""
    return replace(Migrate(ObjectKey("instance", "alpha", "u"), to="beta"), **fields)
