"""The forecast, on migrations recorded with real QEMU and on simulated ones."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from core.hypervisor.job_stats import read_sample
from core.migration.forecast.forecast import forecast, forecast_before
from core.migration.forecast.writing import next_look
from core.model.forecast import Confidence, DirtyRate, Forecast, JobSample, MemoryUse, Verdict
from core.model.migration import Limits
from tests.places import DATA_DIRECTORY
from tests.unit.precopy import EPOCH, MIB, PreCopy, Region, Steered, polls, request

TAPES = DATA_DIRECTORY / "jobs"
LINK = 100.0
"""MiB/s of the simulated migrations, of guests of a GiB."""

QUIET = MemoryUse((DirtyRate(1.0, 0.0),))

CONVERGING = {
    "idle": (Region(900), Region(124, zero=True)),
    "a few writes": (Region(200, 20), Region(824)),
    "half the link": (Region(300, 50), Region(724)),
    "busy": (Region(300, 80), Region(724)),
    "page after page": (Region(300, 50, cyclic=True), Region(500), Region(200, zero=True)),
    "small hot set": (Region(25, 1000), Region(975)),
    "everywhere": (Region(1000, 40),),
}
STUCK = {
    "faster than the link": (Region(400, 150), Region(600)),
    "page after page": (Region(400, 150, cyclic=True), Region(600)),
    "everywhere": (Region(1000, 200),),
    "as fast as it can": (Region(1000, 2000),),
}


FORESEEN = {"converging": 0.3, "converging-again": 0.25, "part-of-it": 0.25, "all-of-it": 0.25}
"""Recorded migrations that converge, and how far the ETA may be off at a quarter of the first pass.

The first two are of guests of 256 MiB, of which QEMU looks at 128 pages: at 8 MiB/s a dozen of them
are different after three seconds, four after one, so that it said 6 MiB/s once and 0 another time.
"""


@dataclass(frozen=True)
class Tape:
    """A recorded migration."""

    samples: list[JobSample]
    limits: Limits
    use: MemoryUse
    auto_converge: bool
    switched: float | None
    ended: float

    def at(self, count: int, *, before: bool = True) -> Forecast:
        samples = self.samples[:count]
        now = samples[-1].at
        switched = self.switched if self.switched is not None and now >= self.switched else None
        return forecast(
            samples,
            limits=self.limits,
            post_copy=self.switched is not None,
            now=now,
            switched=switched,
            use=self.use if before else MemoryUse(used=self.use.used),
            auto_converge=self.auto_converge,
        )

    @property
    def quarter(self) -> int:
        """How many samples there were when a quarter of the first pass was done."""
        for count, sample in enumerate(self.samples, 1):
            if (sample.memory_remaining or 1 << 60) <= 0.75 * (sample.memory_total or 0):
                return count
        raise AssertionError("no quarter")


def tape(name: str) -> Tape:
    raw: dict[str, Any] = json.loads((TAPES / f"{name}.json").read_text())
    switched = [at for at, what, _ in raw["events"] if what == "switched"]
    ends = [at for at, what, detail in raw["events"] if what == "lifecycle" and detail == [3, 1]]
    return Tape(
        samples=[read_sample(one, at) for at, one in raw["samples"] if one["type"] == 2],
        limits=Limits(
            max_downtime=raw["max_downtime"],
            bandwidth=raw["bandwidth"],
            post_copy_bandwidth=raw["post_copy_bandwidth"] or None,
        ),
        use=MemoryUse(
            tuple(DirtyRate(span, rate) for span, rate in raw["dirty_rates"]), raw.get("used")
        ),
        auto_converge=name == "auto-converge",
        switched=switched[0] if switched else None,
        ended=ends[0] if ends and not switched else raw["samples"][-1][0],
    )


def at_quarter(
    machine: PreCopy, luck: Callable[[float], float] = lambda part: part
) -> tuple[Forecast, float, float | None]:
    """The forecast at a quarter of the first pass, the time, and how long it then really took."""
    use, samples = machine.use(luck), []
    found: Forecast | None = None
    then = 0.0
    for sample in polls(machine, most=400):
        samples.append(sample)
        if found is None and (sample.memory_remaining or 1 << 60) <= 0.75 * machine.total * MIB:
            then = machine.time
            found = forecast(
                samples,
                limits=Limits(max_downtime=machine.max_downtime, bandwidth=machine.bandwidth),
                post_copy=True,
                now=sample.at,
                use=use,
            )
    assert found is not None
    return found, then, None if machine.ended is None else machine.ended - then


@pytest.mark.parametrize("name", CONVERGING)
def test_at_a_quarter_of_the_first_pass_the_end_is_foreseen_within_a_quarter(name: str) -> None:
    expected, _, took = at_quarter(PreCopy(CONVERGING[name], LINK))
    assert took is not None
    assert expected.verdict is Verdict.CONVERGES
    assert expected.confidence is Confidence.MEDIUM
    assert expected.eta == pytest.approx(took, rel=0.26)


def sampled(total: float, seed: int) -> Callable[[float], float]:
    """QEMU looks at 512 pages of a GiB, and finds by chance more or fewer that are different."""
    chance, pages = random.Random(seed), int(total / 2)
    return lambda part: sum(chance.random() < part for _ in range(pages)) / pages


HALF_THE_LINK = {
    "part of it, page after page": (Region(205, 48, cyclic=True), Region(307)),
    "part of it": (Region(205, 48), Region(307)),
    "all of it, page after page": (Region(508, 48, cyclic=True), Region(4)),
    "all of it": (Region(508, 48), Region(4)),
    "a hot set": (Region(12, 500), Region(500)),
}


@pytest.mark.parametrize("name", HALF_THE_LINK)
def test_with_a_sample_of_the_pages_it_is_foreseen_nearly_always(name: str) -> None:
    errors = []
    for seed in range(40):
        machine = PreCopy(HALF_THE_LINK[name], 96)
        expected, _, took = at_quarter(machine, sampled(machine.total, seed))
        assert took is not None
        right = expected.verdict is Verdict.CONVERGES
        assert right or expected.confidence is Confidence.LOW
        errors.append(abs((expected.eta or 0) - took) / took)
    assert sum(error <= 0.25 for error in errors) >= 38, errors


def test_a_working_set_that_takes_longer_than_the_looks_is_taken_for_larger() -> None:
    """Page after page, it is not through with it: late, and not sure of it."""
    machine = PreCopy((Region(300, 70, cyclic=True), Region(724)), LINK)
    expected, _, took = at_quarter(machine)
    assert expected.confidence is Confidence.LOW
    assert expected.eta is not None
    assert took is not None
    assert took < expected.eta < 1.5 * took


@pytest.mark.parametrize("name", STUCK)
def test_at_a_quarter_of_the_first_pass_what_will_not_end_is_known(name: str) -> None:
    expected, _, took = at_quarter(PreCopy(STUCK[name], LINK))
    assert took is None
    assert expected.verdict is Verdict.NOT
    assert (expected.eta, expected.eta_low, expected.eta_high) == (None, None, None)


@pytest.mark.parametrize("name", STUCK)
def test_with_the_downtime_or_the_bandwidth_it_names_it_ends(name: str) -> None:
    steered = Steered(PreCopy(STUCK[name], LINK), request(), policy="manual", most=60).run()
    last = steered.forecasts[-1]
    assert last.verdict is Verdict.NOT
    assert last.confidence is Confidence.HIGH
    assert last.needed_downtime is not None
    assert last.needed_bandwidth is not None
    patient = PreCopy(STUCK[name], LINK, max_downtime=last.needed_downtime)
    list(polls(patient, most=200))
    assert patient.ended is not None
    assert patient.downtime <= last.needed_downtime
    quick = PreCopy(STUCK[name], last.needed_bandwidth / MIB)
    list(polls(quick, most=200))
    assert quick.ended is not None


@pytest.mark.parametrize("name", [*STUCK])
def test_without_a_dirty_rate_before_it_is_known_from_the_third_pass_on(name: str) -> None:
    machine = PreCopy(STUCK[name], LINK)
    steered = Steered(machine, request(), policy="manual", measured=False, most=60).run()
    for sample, expected in zip(steered.samples, steered.forecasts, strict=True):
        if (sample.iteration or 0) <= 1:
            assert expected.verdict is Verdict.UNKNOWN
            assert expected.eta is None
        if expected.confidence is Confidence.HIGH:
            assert expected.verdict is Verdict.NOT
    assert steered.forecasts[-1].verdict is Verdict.NOT


def test_a_hot_set_that_fits_no_downtime_is_found_out_though_it_looks_slow_from_outside() -> None:
    """Sixty MiB written again and again are sixty MiB a second, whatever the guest does."""
    machine = PreCopy((Region(60, 400), Region(940)), LINK)
    steered = Steered(machine, request(), policy="manual", most=60).run()
    assert steered.forecasts[-1].verdict is Verdict.NOT
    assert (steered.forecasts[-1].needed_downtime or 0) > 300


def test_the_first_second_says_nothing() -> None:
    samples = [JobSample(1.0, elapsed=0.0), JobSample(1.5, elapsed=0.5, dirty_rate=0.0)]
    expected = forecast(samples, limits=Limits(), post_copy=True, now=1.5)
    assert (expected.verdict, expected.confidence) == (Verdict.UNKNOWN, Confidence.NONE)
    assert expected.sentence == "too early to say"
    assert forecast([], limits=Limits(), post_copy=True, now=1.0).verdict is Verdict.UNKNOWN


def test_what_remains_of_devices_makes_no_sure_forecast() -> None:
    recorded = tape("idle")
    plain = recorded.at(len(recorded.samples))
    samples = [replace(one, device_processed=96 * MIB) for one in recorded.samples]
    expected = forecast(
        samples, limits=recorded.limits, post_copy=False, now=plain.at, use=recorded.use
    )
    assert expected.eta == plain.eta
    assert expected.confidence in (Confidence.LOW, Confidence.NONE)
    assert expected.sentence.endswith("; device state comes on top (96 MiB of it sent)")


def test_recorded_idle_and_converging() -> None:
    for name in ("idle", *FORESEEN):
        recorded = tape(name)
        verdicts = {recorded.at(count).verdict for count in range(3, len(recorded.samples) + 1)}
        assert verdicts <= {Verdict.UNKNOWN, Verdict.CONVERGES}, name


@pytest.mark.parametrize("name", ["idle", *FORESEEN])
def test_recorded_at_a_quarter_of_the_first_pass(name: str) -> None:
    recorded = tape(name)
    expected = recorded.at(recorded.quarter)
    assert expected.confidence is Confidence.MEDIUM
    assert expected.eta == pytest.approx(
        recorded.ended - recorded.samples[recorded.quarter - 1].at, rel=FORESEEN.get(name, 0.25)
    )


@pytest.mark.parametrize("name", FORESEEN)
def test_recorded_converging_is_foreseen(name: str) -> None:
    """In the first pass as well as the sample allows; from the second on the passes tell."""
    recorded = tape(name)
    for count in range(recorded.quarter, len(recorded.samples)):
        expected, sample = recorded.at(count), recorded.samples[count - 1]
        assert expected.eta is not None
        left = recorded.ended - sample.at
        part = 2 * FORESEEN[name] if sample.iteration == 1 else 0.15
        assert abs(expected.eta - left) <= max(part * left, 0.8), sample


def test_recorded_not_converging() -> None:
    recorded = tape("not-converging")
    for count in range(recorded.quarter, len(recorded.samples)):
        expected = recorded.at(count)
        assert expected.verdict is Verdict.NOT
        assert expected.sentence.startswith("will not converge at 300 ms: needs ")
    assert expected.confidence is Confidence.HIGH
    # 96 MiB at 16 MiB/s are 6 s; QEMU itself says so in its expected downtime
    assert expected.needed_downtime == pytest.approx(6300, rel=0.1)
    assert recorded.samples[-2].downtime == pytest.approx(expected.downtime, rel=0.15)


def test_recorded_not_converging_without_a_rate_before() -> None:
    recorded = tape("not-converging")
    for count in range(3, len(recorded.samples)):
        expected = recorded.at(count, before=False)
        if (recorded.samples[count - 1].iteration or 0) >= 3:
            assert expected.verdict is Verdict.NOT
        else:
            assert expected.confidence in (Confidence.NONE, Confidence.LOW)


def test_recorded_post_copy() -> None:
    recorded = tape("post-copy")
    after = [
        count
        for count, sample in enumerate(recorded.samples, 1)
        if sample.at >= (recorded.switched or 0) + 2
    ]
    for count in after:
        expected = recorded.at(count)
        assert expected.verdict is Verdict.POST_COPY
        assert expected.eta is not None
        assert expected.needed_downtime is None
        assert expected.sentence.startswith("in post-copy: finishes in about ")
        assert abs(expected.eta - (recorded.ended - recorded.samples[count - 1].at)) < 4


def test_recorded_auto_converge_is_no_lost_case() -> None:
    recorded = tape("auto-converge")
    for count in range(recorded.quarter, len(recorded.samples)):
        expected = recorded.at(count)
        assert expected.verdict in (Verdict.SLOWLY, Verdict.CONVERGES)
        assert expected.eta is not None
        assert expected.eta_low is not None
    throttled = [
        recorded.at(count).sentence
        for count, sample in enumerate(recorded.samples, 1)
        if sample.throttle == 30
    ]
    assert throttled
    assert all("auto-converge slows the vCPUs by 30%" in sentence for sentence in throttled)


def test_before_the_start() -> None:
    def before(dirty: float | None, link: float | None) -> Forecast:
        return forecast_before(
            ram=1024 * MIB,
            use=MemoryUse(() if dirty is None else (DirtyRate(1.0, dirty * MIB),)),
            bandwidth=None if link is None else link * MIB,
            limits=Limits(max_downtime=300),
            post_copy=True,
            now=5.0,
        )

    stuck = before(300, 100)
    assert stuck.verdict is Verdict.NOT
    assert stuck.confidence is Confidence.LOW
    # 300 MiB in a second, at random places of the 40% that guests usually write to
    assert "6.1x the bandwidth, or post-copy" in stuck.sentence
    assert stuck.post_copy_eta == pytest.approx(10.24)
    quick = before(10, 100)
    assert quick.verdict is Verdict.CONVERGES
    assert quick.eta == pytest.approx(11, rel=0.1)
    unknown = before(None, 100)
    assert (unknown.verdict, unknown.eta, unknown.eta_low) == (Verdict.UNKNOWN, None, 10.24)
    unknown = before(10, None)
    assert unknown.sentence.startswith("converges where the link carries more than 10")
    assert (unknown.verdict, unknown.eta) == (Verdict.UNKNOWN, None)
    assert before(0, None).sentence.startswith("the guest writes next to nothing")
    assert before(None, None).sentence.startswith("neither the link's speed is known")


def test_a_limit_caps_what_was_measured() -> None:
    machine = PreCopy(CONVERGING["idle"], LINK)
    samples = [sample for sample, _ in zip(polls(machine), range(8), strict=False)]
    slow = forecast(
        samples, limits=Limits(bandwidth=50), post_copy=False, now=samples[-1].at, use=QUIET
    )
    assert slow.throughput == 50 * MIB


def test_disks_are_added_to_what_the_memory_takes() -> None:
    def sample(second: int, left: int) -> JobSample:
        return JobSample(
            EPOCH + second,
            elapsed=float(second),
            disk_total=1000 * MIB,
            disk_processed=(1000 - left) * MIB,
            disk_remaining=left * MIB,
        )

    samples = [sample(second, 1000 - 100 * second) for second in range(4)]
    early = forecast(samples, limits=Limits(), post_copy=False, now=EPOCH + 3, memory=200 * MIB)
    assert early.verdict is Verdict.UNKNOWN
    assert early.eta_low == pytest.approx(7 + 2)
    assert "the disks and one pass over the memory take about 9 s" in early.sentence


def test_an_iteration_counted_on_from_a_cancelled_try_is_the_first() -> None:
    machine = PreCopy(STUCK["everywhere"], LINK)
    samples = [sample for sample, _ in zip(polls(machine), range(12), strict=False)]
    shifted = [
        JobSample(
            **{
                **{name: getattr(one, name) for name in one.__struct_fields__},
                "iteration": (one.iteration or 0) + 7 if one.iteration else None,
            }
        )
        for one in samples
    ]
    limits = Limits(max_downtime=300, bandwidth=LINK)
    for some in (samples, shifted):
        assert forecast(some, limits=limits, post_copy=True, now=some[-1].at).verdict is (
            Verdict.UNKNOWN
        )


def test_the_minimum_is_told() -> None:
    recorded = tape("not-converging")
    lows = [recorded.at(count).at_minimum for count in range(10, len(recorded.samples))]
    peaks = [one.memory_remaining or 0 for one in recorded.samples[9:]]
    assert any(lows)
    for low, remaining in zip(lows, peaks, strict=False):
        assert not (low and remaining > 60 * MIB)


def test_where_post_copy_is_not_to_be_had_it_is_not_offered() -> None:
    machine = PreCopy(STUCK["everywhere"], LINK)
    steered = Steered(machine, request(post_copy="never"), policy="manual", most=30).run()
    assert "post-copy" not in steered.forecasts[-1].sentence


sizes = st.floats(20, 2000)
regions = st.lists(
    st.builds(Region, sizes, st.floats(0, 500), st.booleans()), min_size=1, max_size=3
)


@settings(max_examples=200)
@given(regions, st.floats(20, 400), st.floats(50, 2000), st.booleans())
def test_whatever_happens_the_numbers_make_sense(
    memory: list[Region], link: float, downtime: float, measured: bool
) -> None:
    machine = PreCopy(tuple(memory), link, max_downtime=downtime)
    steered = Steered(machine, request(), policy="manual", measured=measured, most=25).run()
    for expected in steered.forecasts:
        if expected.eta is not None:
            assert expected.eta_low is not None
            assert 0 <= expected.eta_low <= expected.eta <= (expected.eta_high or 1e9)
        if expected.verdict is Verdict.NOT:
            assert expected.eta is None
            assert (expected.needed_downtime or 0) > 0
            assert (expected.needed_bandwidth or 0) > 0
        assert (expected.downtime or 0) >= 0
        assert expected.sentence


@pytest.mark.parametrize(
    ("gib", "found", "seconds"),
    [
        (4, [], 1),
        (4, [(1, 0)], None),  # one of 2,048 pages would have shown it
        (4, [(1, 60)], 3),
        (4, [(1, 60), (3, 50)], None),
        (0.25, [(1, 0)], 1),
        (0.25, [(1, 0), (1, 0)], None),
        (0.25, [(1, 0), (1, 8)], 3),
        (0.25, [(1, 0), (1, 8), (3, 8)], None),
    ],
)
def test_a_guest_is_looked_at_until_it_is_known(
    gib: float, found: list[tuple[int, int]], seconds: int | None
) -> None:
    rates = [DirtyRate(float(span), rate * float(MIB)) for span, rate in found]
    assert next_look(rates, gib * 1024 * MIB) == seconds
