"""Forecasts made at a quarter of the first pass, against what happened."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from statistics import median

from core.fleet import Fleet
from core.model import Forecast, Steer, SteerKind, Verdict
from core.model.observation import MigrationSampled
from tests.bench.migration_lab import MIB, REPEATS, Ground, begin, ends, retried
from tests.bench.rows import Row
from tests.lab.burner import Burner
from tests.lab.migrating import until

BANDWIDTH = 96
MEMORY = 512
"""MiB: a first pass of five seconds, for nothing can be said in the first one."""
FILLS = 508
HOT = 205
"""MiB: two fifths of the memory, what the forecast supposes as long as no pass has shown it."""
SEEN = 2.0
"""First passes after which one that has not finished will not."""


@dataclass(frozen=True)
class Case:
    """A guest, and whether it converges at the bandwidth."""

    guest: Burner
    converges: bool


def _guest(rate: int, writes: int = FILLS) -> Burner:
    return Burner(f"w-{rate}-{writes}", memory=MEMORY, writes=writes, rate=rate, fills=FILLS)


CASES = (
    Case(_guest(0), True),
    Case(_guest(16), True),
    Case(_guest(32), True),
    Case(_guest(32, HOT), True),
    Case(_guest(48, HOT), True),
    Case(_guest(48), True),
    Case(_guest(150, HOT), False),
    Case(_guest(150), False),
    Case(_guest(300), False),
)


@dataclass(frozen=True)
class Foreseen:
    """A forecast, and what became of it."""

    case: Case
    forecast: Forecast | None
    at: float
    """When it was made, epoch seconds."""
    end: float | None
    """When it finished, None: it did not."""

    @property
    def error(self) -> float | None:
        """How far the ETA was off, as a part of the time it really took from then on."""
        if self.forecast is None or self.forecast.eta is None or self.end is None:
            return None
        return abs(self.forecast.eta - (self.end - self.at)) / (self.end - self.at)

    @property
    def right(self) -> bool:
        """Whether the verdict came true."""
        if self.forecast is None:
            return False
        said = self.forecast.verdict in (Verdict.CONVERGES, Verdict.SLOWLY)
        denied = self.forecast.verdict is Verdict.NOT
        return said if self.end is not None else denied


async def rows(ground: Ground) -> AsyncIterator[Row]:
    """A row for each guest, and the two that count."""
    all_errors: list[float] = []
    all_seen: list[Foreseen] = []
    for case in CASES:
        seen = [await retried(partial(_foresee, ground, case)) for _ in range(REPEATS)]
        all_seen += seen
        errors = [one.error for one in seen if one.error is not None]
        all_errors += errors
        yield _row(case, seen, errors)
    asked = sum(one.case.converges for one in all_seen)
    worst = max(all_errors, default=1.0) if len(all_errors) == asked else 1.0
    right = sum(one.right for one in all_seen) / len(all_seen)
    at = "forecast at 25 % of the first pass"
    name = f"{at}: worst ETA error of {asked}"
    yield Row("migration", name, worst * 100, "%", target="<= 25", met=worst <= 0.25)
    name = f"{at}: verdicts right of {len(all_seen)}"
    yield Row("migration", name, right * 100, "%", target="100", met=right == 1.0)


def _row(case: Case, seen: list[Foreseen], errors: list[float]) -> Row:
    guest = case.guest
    said = ", ".join(sorted({str(one.forecast and one.forecast.verdict.value) for one in seen}))
    ended = "finished" if any(one.end for one in seen) else "did not finish"
    name = (
        f"{guest.rate} MiB/s to {guest.writes} of {MEMORY} MiB, link {BANDWIDTH}: {said}, {ended}"
    )
    if not errors:
        return Row("migration", name, sum(one.right for one in seen) / len(seen) * 100, "% right")
    return Row("migration", f"{name}; ETA error", median(errors) * 100, "%")


async def _foresee(ground: Ground, case: Case) -> Foreseen:
    async with ground.guest(case.guest), ground.fleet() as fleet:
        quarter = Quarter(fleet)
        began = time.time()
        number = await begin(fleet, case.guest.name, bandwidth=BANDWIDTH, policy="manual")
        await until(lambda: quarter.at or fleet.state.migrations[number].status.final, "25 %")
        await asyncio.wait({asyncio.create_task(_over(fleet, number))}, timeout=_seconds(case))
        if not fleet.state.migrations[number].status.final:
            await fleet.migrations.steer(number, Steer(SteerKind.ABORT))
        await ends(fleet, number)
        assert quarter.at
        course = ground.eyes.course(case.guest.name, "alpha", began)
        end = course.completed if course.finished else None
        return Foreseen(case, quarter.forecast, quarter.at, end)


def _seconds(case: Case) -> float:
    return SEEN * case.guest.memory / BANDWIDTH


async def _over(fleet: Fleet, number: str) -> None:
    await until(lambda: fleet.state.migrations[number].status.final, "the end", 120)


class Quarter:
    """Takes the first forecast made when a quarter of what the guest has was sent."""

    def __init__(self, fleet: Fleet) -> None:
        self.forecast: Forecast | None = None
        self.at = 0.0
        self._sent = FILLS * MIB / 4
        fleet.tap = self._saw

    def _saw(self, observation: object) -> None:
        if self.at or not isinstance(observation, MigrationSampled):
            return
        sample = observation.sample
        sent = (sample.normal or 0) * (sample.page_size or 4096)
        if sent >= self._sent:
            self.forecast, self.at = observation.forecast, sample.at
