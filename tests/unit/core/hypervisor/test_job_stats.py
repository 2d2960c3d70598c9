"""virDomainGetJobStats's dictionaries, in the shapes that libvirt 9.0 with QEMU 7.2 gave them."""

from __future__ import annotations

from typing import Any

import libvirt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.hypervisor.job_stats import read_sample
from core.model.forecast import JobSample
from core.model.job import JOB_OPERATION, JOB_TYPE

FIRST: dict[str, Any] = {
    "type": 2,
    "operation": 5,
    "time_elapsed": 12,
    "data_total": 0,
    "data_processed": 0,
    "data_remaining": 0,
    "memory_total": 0,
    "memory_processed": 0,
    "memory_remaining": 0,
    "memory_constant": 0,
    "memory_normal": 0,
    "memory_normal_bytes": 0,
    "memory_dirty_rate": 0,
    "memory_iteration": 0,
    "memory_postcopy_requests": 0,
    "disk_total": 0,
    "disk_processed": 0,
    "disk_remaining": 0,
}
RUNNING: dict[str, Any] = {
    **FIRST,
    "time_elapsed": 7533,
    "downtime": 5217,
    "setup_time": 4,
    "memory_total": 168108032,
    "memory_processed": 95000000,
    "memory_remaining": 60000000,
    "memory_bps": 41943040,
    "memory_constant": 17000,
    "memory_normal": 23000,
    "memory_dirty_rate": 7383,
    "memory_page_size": 4096,
    "memory_iteration": 2,
    "disk_bps": 0,
    "auto_converge_throttle": 20,
    "of_a_newer_daemon": "x",
}


def test_a_running_migration() -> None:
    assert read_sample(RUNNING, 9.5) == JobSample(
        at=9.5,
        type="unbounded",
        operation="migration-out",
        elapsed=7.533,
        memory_total=168108032,
        memory_processed=95000000,
        memory_remaining=60000000,
        memory_bps=41943040,
        dirty_rate=7383 * 4096.0,
        page_size=4096,
        iteration=2,
        constant=17000,
        normal=23000,
        normal_bytes=0,
        disk_total=0,
        disk_processed=0,
        disk_remaining=0,
        disk_bps=0,
        downtime=5217.0,
        setup=4.0,
        throttle=20,
        post_copy_requests=0,
    )


def test_the_first_second_knows_nothing_of_the_memory() -> None:
    sample = read_sample(FIRST, 1.0)
    assert (sample.memory_total, sample.memory_processed, sample.memory_remaining) == (None,) * 3
    assert (sample.memory_bps, sample.page_size, sample.downtime) == (None,) * 3
    assert (sample.remaining, sample.total) == (None, None)
    assert sample.elapsed == 0.012


def test_disks_are_copied_before_the_memory() -> None:
    sample = read_sample({**FIRST, "disk_total": 9, "disk_remaining": 7}, 1.0)
    assert (sample.disk_total, sample.remaining, sample.total) == (9, 7, 9)


def test_a_migration_without_disks_has_none_of_them_left() -> None:
    assert read_sample(RUNNING, 1.0).remaining == 60000000


def test_what_a_newer_daemon_tells_of_devices() -> None:
    """As libvirt 10.6 has it: VIR_DOMAIN_JOB_VFIO_DATA_TRANSFERRED."""
    sample = read_sample({**RUNNING, "vfio_data_transferred": 96 << 20}, 1.0)
    assert sample.device_processed == 96 << 20
    assert sample.remaining == 60000000, "how much is left of it nobody tells"
    assert read_sample(RUNNING, 1.0).device_processed is None


def test_what_a_completed_job_tells_beside() -> None:
    done = {**RUNNING, "type": 3, "downtime": 280, "downtime_net": 213, "time_elapsed": 7600,
            "time_elapsed_net": 7533, "memory_normal_bytes": 94208000, "success": True}  # fmt: skip
    sample = read_sample(done, 1.0)
    assert (sample.downtime, sample.downtime_net) == (280.0, 213.0)
    assert (sample.elapsed, sample.elapsed_net) == (7.6, 7.533)
    assert (sample.normal_bytes, sample.success) == (94208000, True)
    assert read_sample({**done, "success": False}, 1.0).success is False
    assert read_sample(RUNNING, 1.0).success is None


def test_no_job_at_all() -> None:
    assert read_sample({"type": 0}, 2.0) == JobSample(at=2.0, type="none")


def test_pages_without_a_page_size_are_no_rate() -> None:
    assert read_sample({"type": 2, "memory_dirty_rate": 5}, 1.0).dirty_rate is None
    assert read_sample({"type": 2, "memory_dirty_rate": 0}, 1.0).dirty_rate == 0.0


def test_the_error_of_a_completed_job_cannot_move_a_cursor() -> None:
    sample = read_sample({"type": 4, "success": False, "errmsg": "no\x1b[2J route"}, 1.0)
    assert (sample.type, sample.error) == ("failed", "no\N{REPLACEMENT CHARACTER}[2J route")


def test_numbers_of_a_newer_daemon_have_no_word() -> None:
    sample = read_sample({"type": 9, "operation": 11}, 1.0)
    assert (sample.type, sample.operation) == ("unknown-9", "unknown-11")


@pytest.mark.parametrize(
    ("prefix", "words"),
    [("VIR_DOMAIN_JOB_", JOB_TYPE), ("VIR_DOMAIN_JOB_OPERATION_", JOB_OPERATION)],
)
def test_the_words_are_the_bindings_own(prefix: str, words: tuple[str, ...]) -> None:
    for number, name in enumerate(words):
        assert getattr(libvirt, prefix + name.upper().replace("-", "_")) == number


@given(st.dictionaries(st.sampled_from(sorted(RUNNING)), st.integers(0, 2**63)))
def test_any_part_of_the_fields_is_read(raw: dict[str, int]) -> None:
    sample = read_sample(raw, 1.0)
    for name in ("memory_bps", "downtime"):
        assert (getattr(sample, name) is None) is (name not in raw)
    assert (sample.iteration is None) is ("memory_iteration" not in raw)
