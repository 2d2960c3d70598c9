"""A pre-copy at one moment: where it leads, how sure that is, and what would change it. Pure."""

from __future__ import annotations

import math

from msgspec.structs import replace

from core.migration.forecast.passes import Measured
from core.migration.forecast.projection import Outlook, project
from core.migration.forecast.sentences import sentence_of
from core.migration.forecast.writing import SHORT, Writing
from core.model.forecast import Confidence, Forecast, Verdict
from core.model.migration import Limits

DEFAULT_DOWNTIME = 300.0
"""libvirt's max downtime in milliseconds."""
MARGIN = 1.1
STALLED = 0.96
"""A pass that leaves more than this part of the least so far gains nothing (KubeVirt's 4 %)."""
NEAR = 1.0
"""Seconds of sending above the switch-over mark that count as the minimum: two polls."""
PATIENCE = 2.0
"""Passes over the whole memory that a quick migration needs at most after the present pass."""
_MOST_THROTTLE = 0.99
_FIRST_THROTTLE = 0.20
_THROTTLE_STEP = 0.10
_MIB = 1 << 20


def at_minimum(measured: Measured, throughput: float, threshold: float) -> bool:
    """Whether what remains is about at the lowest point of its sawtooth.

    `threshold`: the bytes that can be sent within the max downtime, where QEMU looks again.
    """
    above = measured.remaining - threshold
    lowest = measured.number > 2 and measured.remaining <= 1.04 * measured.lowest
    return above <= NEAR * throughput or lowest


class PreCopy:
    """A pre-copy at one moment: what was measured, and where that leads."""

    def __init__(
        self, measured: Measured, throughput: float, writing: Writing, limits: Limits
    ) -> None:
        self.measured = measured
        self.throughput = throughput
        self.writing = writing
        self.max_downtime = limits.max_downtime or DEFAULT_DOWNTIME
        self.post_copy_cap = (limits.post_copy_bandwidth or 0.0) * _MIB
        self.threshold = throughput * self.max_downtime / 1000
        off = min(0.05 + measured.spread / 2, 0.3)
        busier = 0.1 if measured.number > 2 else 0.2
        self.outlook = self._play(1.0, 1.0)
        self.best = self._play(1 + off, 1 - busier)
        self.worst = self._play(1 - off, 1 + busier)
        self.stalled = self._is_stalled()

    def _play(self, slower: float, busier: float) -> Outlook:
        """Play it to its end with a slower link and a busier guest than were measured."""
        throughput = self.throughput * slower
        return project(
            self.measured.work,
            self.measured.since,
            throughput,
            throughput * self.max_downtime / 1000,
            Writing(self.writing.rate * busier, self.writing.working_set),
        )

    def _is_stalled(self) -> bool:
        """Whether the newest pass had as much to send as the best one before, and too much."""
        if self.measured.hovers:
            return True
        peaks = self.measured.peaks
        if len(peaks) < 2 or peaks[-1] <= self.threshold + self.throughput / 2:
            return False
        return peaks[-1] >= STALLED * min(peaks[:-1])

    def forecast(
        self,
        now: float,
        waiting: float,
        post_copy: bool,
        auto_converge: bool,
        calculated: bool,
    ) -> Forecast:
        """Return the forecast.

        `waiting`: seconds of disk copying on top; `calculated`: whether the dirty rate was
        measured before the start.
        """
        finishes = self.outlook.finishes and not self.stalled
        throttle = self.measured.newest.throttle or 0
        low, eta, high = self._times(waiting, finishes)
        if not finishes and (auto_converge or throttle):
            low, eta, high = self._throttled(waiting, throttle / 100)
        verdict = self._verdict(finishes, eta)
        confidence = self._confidence(finishes, calculated)
        needed = verdict in (Verdict.NOT, Verdict.SLOWLY)
        downtime = self.outlook.next_peak / self.throughput * 1000
        result = Forecast(
            now,
            verdict,
            confidence,
            eta=eta,
            eta_low=low,
            eta_high=high,
            downtime=self._final_downtime() if finishes else downtime,
            throughput=self.throughput,
            dirty_rate=self.writing.rate,
            needed_downtime=self._needed_downtime() if needed else None,
            needed_bandwidth=self._needed_bandwidth(calculated) if needed else None,
            post_copy_eta=self._post_copy_eta(),
            at_minimum=at_minimum(self.measured, self.throughput, self.threshold),
        )
        return _worded(result, self.max_downtime, post_copy, throttle, auto_converge)

    def _times(
        self, waiting: float, finishes: bool
    ) -> tuple[float | None, float | None, float | None]:
        """Return low, expected and high seconds; all None where it does not finish."""
        if not finishes:
            return None, None, None
        best, worst, eta = self.best, self.worst, self.outlook.seconds
        high = worst.seconds if worst.finishes else None
        return (
            waiting + min(best.seconds, eta * 0.9),
            waiting + eta,
            None if high is None else waiting + max(high, eta * 1.1),
        )

    def _throttled(
        self, waiting: float, throttle: float
    ) -> tuple[float | None, float | None, float | None]:
        """Return the times with QEMU's auto-converge: 10 % more every second pass without gain."""
        full = self.writing.rate / max(1 - throttle, 0.01)
        throttle = max(throttle, _FIRST_THROTTLE - _THROTTLE_STEP)
        needed = 1 - 0.9 * self.throughput / full if full > 0 else 0.0
        if needed > _MOST_THROTTLE or throttle >= _MOST_THROTTLE:
            return None, None, None
        steps = max(math.ceil((needed - throttle) / _THROTTLE_STEP), 1)
        # every second pass brings a step, and each step makes the passes shorter
        a_pass = self.outlook.next_peak / self.throughput
        eta = waiting + self.measured.work / self.throughput + a_pass * (steps + 1)
        return eta / 2, eta, eta * 2

    def _verdict(self, finishes: bool, eta: float | None) -> Verdict:
        if not finishes:
            return Verdict.NOT if eta is None else Verdict.SLOWLY
        this_pass = self.measured.work / self.throughput
        a_whole = self.measured.total / self.throughput
        slow = self.outlook.seconds - this_pass > PATIENCE * a_whole or self.outlook.passes > 30
        return Verdict.SLOWLY if slow else Verdict.CONVERGES

    def _confidence(self, finishes: bool, calculated: bool) -> Confidence:
        measured = self.measured
        if measured.number == 1 and measured.remaining > 0.8 * measured.total:
            return Confidence.LOW
        if not calculated and measured.number < 3 and finishes:
            return Confidence.LOW  # one long pass says too little of a guest that writes quickly
        other = self.worst if finishes else self.best
        close = other.finishes is not self.outlook.finishes and not self.stalled
        if measured.number > 2 and measured.spread < 0.25 and not close:
            return Confidence.HIGH
        return Confidence.LOW if close else Confidence.MEDIUM

    def _final_downtime(self) -> float:
        return min(self.outlook.floor / self.throughput * 1000, self.max_downtime)

    def _needed_downtime(self) -> float:
        """Milliseconds, with a margin, in which the least that a pass left can be sent.

        Where it converges by itself those in which the next pass is the last one.
        """
        peaks = self.measured.peaks[-4:]
        if self.outlook.finishes and not self.stalled:
            least = self.outlook.next_peak
        elif self.measured.hovers:
            least = max(peaks)  # each pass so far found that much: the least was luck
        else:
            least = min(peaks) if len(peaks) > 1 else min([self.outlook.floor, *peaks])
        return MARGIN * least / self.throughput * 1000

    def _needed_bandwidth(self, calculated: bool) -> float:
        """Bytes/s at which the passes shrink, or a pass of the working set fits the downtime.

        A stalled migration whose passes are all long shows its working set, not its rate.
        """
        fits = self.writing.working_set / (self.max_downtime / 1000)
        short = any(seconds <= SHORT for seconds, _ in self.measured.points[-3:])
        if not calculated and not short and (self.stalled or not self.outlook.finishes):
            return fits
        return min(fits, MARGIN * max(self.writing.rate, self.throughput))

    def _post_copy_eta(self) -> float:
        """Seconds to fetch what remains and what was written since the pass began."""
        measured, pace = self.measured, self.throughput
        if self.post_copy_cap:
            pace = min(pace, self.post_copy_cap)
        if measured.number == 1:
            again = self._again()
        else:
            again = self.writing.within(measured.since)
            again *= 1 - min(1.0, measured.remaining / max(self.writing.working_set, 1.0))
        return min(measured.work + again, measured.total) / pace

    def _again(self) -> float:
        """Bytes sent in this first pass that were written again since.

        It depends on where they lie: at worst all was sent before it was written. That is taken
        where the migration may not end; else what is between that and the average.
        """
        measured = self.measured
        pace = min(self.writing.rate, self.throughput)
        most = min(pace * measured.since, self.writing.working_set)
        if not self.worst.finishes:
            return most
        return (most + self.writing.again(measured.since, self.throughput, measured.total)) / 2


def _worded(
    result: Forecast, max_downtime: float, post_copy: bool, throttle: int, auto_converge: bool
) -> Forecast:
    sentence = sentence_of(
        result.verdict,
        eta=result.eta,
        low=result.eta_low,
        high=result.eta_high,
        max_downtime=max_downtime,
        needed_downtime=result.needed_downtime,
        factor=(result.needed_bandwidth or 0.0) / (result.throughput or 1.0),
        post_copy=post_copy,
        throttle=throttle,
        auto_converge=auto_converge,
    )
    return replace(result, sentence=sentence)
