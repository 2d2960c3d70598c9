"""What is to be expected of a migration: when it ends, whether it ends, what would help. Pure.

From the job's own statistics while it runs (never a dirty-rate calculation then: it disturbs the
migration, peers.md 3), from a measured dirty rate before. libvirt.md 6.3, nova-map 2.4 and 2.6;
the stall is judged as KubeVirt's detector does: per iteration, against the minimum.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from core.migration.forecast.passes import Measured, measure, smooth, usable
from core.migration.forecast.projection import Outlook
from core.migration.forecast.sentences import sentence_of, with_devices, without_link
from core.migration.forecast.verdict import DEFAULT_DOWNTIME, PreCopy, at_minimum
from core.migration.forecast.writing import SHORT, Writing, calculated, fit
from core.migration.judgement import disks
from core.model.forecast import (
    UNMEASURED,
    Confidence,
    DirtyRate,
    Forecast,
    JobSample,
    MemoryUse,
    Verdict,
)
from core.model.migration import Limits

__all__ = ["Outlook", "forecast", "forecast_before"]

_MIB = 1 << 20


def forecast(
    samples: Sequence[JobSample],
    *,
    limits: Limits,
    post_copy: bool,
    now: float,
    switched: float | None = None,
    use: MemoryUse = UNMEASURED,
    auto_converge: bool = False,
    memory: int | None = None,
) -> Forecast:
    """Return what `samples`, oldest first, about two a second, let expect at `now`.

    `post_copy`: whether a switch is possible. `switched`: when it happened (epoch seconds); from
    then on only what remains counts. `use`: what was measured before the start; without dirty rates
    nothing is known of the writing before the second pass. `auto_converge`: whether it was started
    with it. `memory`: bytes of RAM, for the time before the memory is copied. Raises nothing; None
    stands for what is not known. How much is left of the state of passed-through devices is never
    known: where there is any, the times are those of the memory, and not to be trusted.
    """
    expected = _of_memory(
        samples, limits, post_copy, now, switched, use, auto_converge=auto_converge, memory=memory
    )
    sent = samples[-1].device_processed if samples else None
    if not sent:
        return expected
    trust = Confidence.NONE if expected.confidence is Confidence.NONE else Confidence.LOW
    return replace(expected, confidence=trust, sentence=with_devices(expected.sentence, sent))


def _of_memory(
    samples: Sequence[JobSample],
    limits: Limits,
    post_copy: bool,
    now: float,
    switched: float | None,
    use: MemoryUse,
    *,
    auto_converge: bool,
    memory: int | None,
) -> Forecast:
    if switched is not None:
        return _after_switch([one for one in samples if one.at >= switched], limits, now)
    measured = measure(samples, use.used)
    if measured is None:
        return disks.before_memory(samples, _limit(limits), memory, now)
    throughput = _capped(measured.throughput, limits)
    writing = _writing(measured, use.rates)
    if throughput is None or measured.newest.at - measured.began < 1.0:
        return Forecast(now, throughput=throughput, sentence="too early to say")
    waiting = disks.seconds_left(samples)
    if writing is None:
        return _one_pass(measured, throughput, waiting, now)
    course = PreCopy(measured, throughput, writing, limits)
    return course.forecast(now, waiting, post_copy, auto_converge, bool(use.rates))


def forecast_before(
    *,
    ram: int,
    use: MemoryUse,
    bandwidth: float | None,
    limits: Limits,
    post_copy: bool,
    now: float,
) -> Forecast:
    """Return what is to be expected of a migration that has not begun.

    `ram` in bytes; `bandwidth` in bytes/s, as measured, None: not known.
    """
    throughput, writing = _capped(bandwidth, limits), calculated(use.rates, float(ram))
    if throughput is None or ram <= 0:
        return _without_link(writing, limits, now)
    sample = JobSample(at=now, memory_total=ram, memory_remaining=ram, iteration=1)
    left = float(ram if use.used is None else min(use.used, ram))
    measured = Measured(sample, ram, left, throughput, 0.0, 1, 0.0, now)
    if writing is None:
        return _one_pass(measured, throughput, 0.0, now)
    return PreCopy(measured, throughput, writing, limits).forecast(
        now, 0.0, post_copy, False, bool(use.rates)
    )


def _without_link(writing: Writing | None, limits: Limits, now: float) -> Forecast:
    """What can be said before the first migration over a link: what it must carry."""
    if writing is None:
        return Forecast(now, sentence=without_link(None))
    downtime = (limits.max_downtime or DEFAULT_DOWNTIME) / 1000
    needed = min(writing.rate, writing.working_set / downtime)
    return Forecast(
        now, dirty_rate=writing.rate, needed_bandwidth=needed, sentence=without_link(needed)
    )


def _limit(limits: Limits) -> float | None:
    return limits.bandwidth * _MIB if limits.bandwidth else None


def _capped(throughput: float | None, limits: Limits) -> float | None:
    known = [value for value in (throughput, _limit(limits)) if value]
    return min(known, default=None)


def _writing(measured: Measured, dirty_before: tuple[DirtyRate, ...]) -> Writing | None:
    """Return how the guest writes, None where only a second pass will tell."""
    points = measured.points[-3:]
    if any(seconds <= SHORT for seconds, _ in points):
        dirty_before = ()  # what is seen now is as good, and newer
    return fit(points, dirty_before, measured.total)


def _one_pass(measured: Measured, throughput: float, waiting: float, now: float) -> Forecast:
    """All that is known in the first pass without a dirty rate: it takes at least this pass."""
    low = waiting + measured.work / throughput
    return Forecast(
        now,
        confidence=Confidence.LOW,
        eta_low=low,
        throughput=throughput,
        post_copy_eta=low,
        at_minimum=at_minimum(measured, throughput, throughput * DEFAULT_DOWNTIME / 1000),
        sentence=sentence_of(Verdict.UNKNOWN, eta=low),
    )


def _after_switch(samples: Sequence[JobSample], limits: Limits, now: float) -> Forecast:
    """In post-copy nothing is sent twice: what remains, at the pace it has."""
    known = usable(samples)
    throughput, spread = smooth(known[-8:]) if len(known) > 1 else (None, 1.0)
    if limits.post_copy_bandwidth:
        cap = limits.post_copy_bandwidth * _MIB
        throughput = min(throughput or cap, cap)
    if not known or throughput is None:
        return Forecast(now, Verdict.POST_COPY, sentence=sentence_of(Verdict.POST_COPY))
    eta = (known[-1].memory_remaining or 0) / throughput
    trust = Confidence.HIGH if spread < 0.2 and len(known) > 3 else Confidence.MEDIUM
    return Forecast(
        now,
        Verdict.POST_COPY,
        trust,
        eta=eta,
        eta_low=eta * (1 - spread / 2),
        eta_high=eta * (1.2 + spread),
        throughput=throughput,
        post_copy_eta=eta,
        sentence=sentence_of(Verdict.POST_COPY, eta=eta),
    )
