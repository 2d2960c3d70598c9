"""How far a migration is: never done before it is done, never backwards by itself."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.migration.forecast.progress import progress
from core.model.forecast import JobSample
from core.model.migration import MigrationStatus
from core.model.steer import SteerKind
from tests.unit.precopy import EPOCH, MIB, PreCopy, Region, Steered, polls, request

RUNNING = MigrationStatus.RUNNING


def course(machine: PreCopy, most: float = 60) -> list[float]:
    """The progress at every poll, as far as it is known."""
    samples: list[JobSample] = []
    found = []
    for sample in polls(machine, most):
        samples.append(sample)
        known = progress(samples, RUNNING)
        if known is not None:
            found.append(known)
    return found


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (MigrationStatus.QUEUED, 0.0),
        (MigrationStatus.PREPARING, 0.0),
        (MigrationStatus.COMPLETING, 0.99),
        (MigrationStatus.VERIFYING, 0.99),
        (MigrationStatus.COMPLETED, 1.0),
        (MigrationStatus.RUNNING, None),
    ],
)
def test_what_the_status_says(status: MigrationStatus, expected: float | None) -> None:
    assert progress([], status) == expected


def test_the_first_pass_goes_evenly() -> None:
    found = course(PreCopy((Region(1000),), 100.0))
    assert found[0] == pytest.approx(0.09, abs=0.01)
    assert found[8] == pytest.approx(0.45, abs=0.01)
    assert found[-1] == pytest.approx(0.88, abs=0.03)


def test_a_migration_that_does_not_converge_stays_where_it_is() -> None:
    found = course(PreCopy((Region(400, 150), Region(600)), 100.0))
    late = found[-20:]
    assert max(late) < 0.99
    assert max(late) - min(late) < 0.01


def test_post_copy_goes_on_from_where_it_was() -> None:
    machine = PreCopy((Region(1000, 200),), 100.0)
    steered = Steered(machine, request(post_copy="allow")).run()
    switched = EPOCH + (machine.switched or 0)
    assert steered.of(SteerKind.POST_COPY)
    before = [one for one in steered.samples if one.at < switched]
    base = progress(before, RUNNING)
    assert base is not None
    found = [
        progress(steered.samples[:count], MigrationStatus.POST_COPY, switched)
        for count in range(len(before) + 1, len(steered.samples) + 1)
    ]
    known = [one for one in found if one is not None]
    assert known[0] == pytest.approx(base)
    assert known == sorted(known)
    assert 0.9 < known[-1] <= 0.99


def test_the_disks_come_first() -> None:
    def sample(second: float, disk: int, memory: int | None) -> JobSample:
        total = None if memory is None else 100 * MIB
        return JobSample(
            second,
            memory_total=total,
            memory_remaining=None if memory is None else memory * MIB,
            memory_processed=0,
            iteration=1,
            disk_total=1000 * MIB,
            disk_remaining=disk * MIB,
        )

    samples = [sample(1, 1000, None), sample(2, 500, None), sample(3, 0, 100), sample(4, 0, 50)]
    found = [progress(samples[:count], RUNNING) for count in range(1, 5)]
    assert found == pytest.approx([0.0, 0.225, 0.45, 0.675])


def test_the_state_of_devices_comes_on_top() -> None:
    def sample(second: float, memory: int, devices: int | None) -> JobSample:
        return JobSample(
            second,
            memory_total=100 * MIB,
            memory_remaining=memory * MIB,
            memory_processed=0,
            iteration=int(second),
            device_processed=devices,
        )

    without = [sample(1, 100, None), sample(2, 10, None), sample(3, 1, None)]
    devices = [sample(1, 100, 0), sample(2, 10, 8 * MIB), sample(3, 1, 96 * MIB)]
    done = [progress(rows, RUNNING) for rows in (without, devices)]
    assert done[0] is not None
    assert done[0] > 0.9
    assert done[1] == pytest.approx(0.9), "how much of it is left nobody tells"


@settings(max_examples=200)
@given(
    st.lists(
        st.builds(Region, st.floats(20, 800), st.floats(0, 300), st.booleans()),
        min_size=1,
        max_size=3,
    )
)
def test_it_never_runs_backwards_and_is_never_done(memory: list[Region]) -> None:
    found = course(PreCopy(tuple(memory), 100.0), most=40)
    assert all(0 <= one <= 0.99 for one in found)
    assert all(after >= before - 0.005 for before, after in pairwise(found))
