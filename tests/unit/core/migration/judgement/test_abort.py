"""Aborted or failed: decided from what was observed of real migrations that were aborted."""

from __future__ import annotations

from typing import Any

import pytest

from core.migration.judgement.monitor import judge
from core.migration.judgement.seen import Judgement, Seen, Side
from core.model import Instance, InstanceState, JobSample, MigrationStatus

NOW = 1000.0
RUNS = Side(True, Instance("alpha", "u", "web", InstanceState.RUNNING, id=7))
NOBODY = Side(True, None)
# libvirt 9.0 with QEMU 7.2: 110 migrations at 150 MiB/s, each ended by virDomainAbortJob
TOLD = (78, "libvirt on alpha: operation aborted: job 'migration out' canceled by client")
LOADING = (
    1,
    "libvirt on alpha: internal error: qemu unexpectedly closed the monitor: qemu-system-x86_64: "
    "error while loading state section id 3(ram) qemu-system-x86_64: load of migration failed: "
    "Input/output error",
)
FLAGS = (
    1,
    "libvirt on alpha: internal error: qemu unexpectedly closed the monitor: qemu-system-x86_64: "
    "Unknown combination of migration flags: 0x0 qemu-system-x86_64: error while loading state "
    "section id 3(ram) qemu-system-x86_64: load of migration failed: Invalid argument",
)
WRITING = (
    9,
    "libvirt on alpha: operation failed: job 'migration out' failed: Unable to write to socket: "
    "Broken pipe",
)
MISREAD = (LOADING, FLAGS, WRITING)
ANOTHER = (1, "libvirt on alpha: internal error: unable to execute QEMU command 'migrate'")


def judged(code: int, error: str, **seen: Any) -> Judgement:
    one = Seen(
        NOW, MigrationStatus.RUNNING, RUNS, NOBODY, calling=False, returned=NOW, error=error,
        hint="See the log.", code=code, job=JobSample(at=NOW, type="none"), **seen,
    )  # fmt: skip
    return judge(one, "web", "alpha", "beta")


def test_libvirt_s_own_word_is_enough() -> None:
    found = judged(*TOLD)
    assert (found.status, found.outcome) == (MigrationStatus.ABORTED, "web still runs on alpha")


@pytest.mark.parametrize("told", MISREAD, ids=["loading", "flags", "writing"])
@pytest.mark.parametrize("known", ["aborted", "abort_sent", "cancelled"])
def test_one_that_was_asked_for_is_one_whatever_libvirt_makes_of_it(
    told: tuple[int, str], known: str
) -> None:
    found = judged(*told, **{known: True})
    assert found.status is MigrationStatus.ABORTED
    assert found.outcome.startswith("web still runs on alpha: it was aborted, which libvirt tells")
    assert told[1].rstrip(".") in found.outcome


@pytest.mark.parametrize("told", MISREAD, ids=["loading", "flags", "writing"])
def test_one_that_nobody_here_asked_for_is_a_failure_that_may_be_one(told: tuple[int, str]) -> None:
    found = judged(*told)
    assert found.status is MigrationStatus.FAILED
    assert told[1] in found.outcome
    assert "domjobabort" in found.hint


def test_any_other_failure_is_no_abort() -> None:
    found = judged(*ANOTHER)
    assert (found.status, found.hint) == (MigrationStatus.FAILED, "See the log.")


def test_an_abort_makes_no_arrival_an_end_at_the_source() -> None:
    there = Side(True, Instance("beta", "u", "web", InstanceState.RUNNING, id=3))
    seen = Seen(NOW, MigrationStatus.RUNNING, NOBODY, there, calling=False, returned=NOW,
                abort_sent=True)  # fmt: skip
    assert judge(seen, "web", "alpha", "beta").status is MigrationStatus.VERIFYING
