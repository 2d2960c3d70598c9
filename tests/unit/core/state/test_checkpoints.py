"""Checkpoints and backups as the state has them: read when somebody looks."""

from __future__ import annotations

from core.model import LinkStatus
from core.model import event as ev
from core.model.checkpoint import Checkpoint
from core.model.observation import BackupRead, CheckpointsRead, InstanceGone
from tests.unit.state_builders import HOST, instance, listed, store

WEB = instance()
KEY = WEB.key
ONE, TWO = Checkpoint("one"), Checkpoint("two", "one")


def read(*checkpoints: Checkpoint, at: float = 20.0) -> CheckpointsRead:
    return CheckpointsRead(HOST, at, "web-uuid", checkpoints)


def backup(runs: bool, at: float = 20.0) -> BackupRead:
    return BackupRead(HOST, at, "web-uuid", runs)


def ended(at: float) -> ev.JobCompleted:
    return ev.JobCompleted(HOST, at, "web-uuid", "web", {"operation": 9, "success": True})


def test_the_newest_reading_is_what_is_known_and_goes_with_its_instance() -> None:
    made = store(listed(WEB))
    assert KEY not in made.state.checkpoints
    assert KEY in made.apply(read(ONE, TWO)).changed
    assert made.apply(read(ONE, TWO, at=30.0)).changed == frozenset()
    made.apply(read(ONE, at=25.0))  # one that began before
    assert made.state.checkpoints[KEY] == (ONE, TWO)
    made.apply(read(at=40.0))
    assert made.state.checkpoints[KEY] == ()
    made.apply(InstanceGone(HOST, 50.0, "web-uuid"))
    assert KEY not in made.state.checkpoints


def test_a_backup_is_a_job_until_an_event_or_a_reading_tells_its_end() -> None:
    made = store(listed(WEB))
    made.apply(backup(True))
    assert (made.state.jobs[KEY].kind, made.state.jobs[KEY].since) == ("backup", 20.0)
    made.apply(backup(True, at=30.0))
    assert made.state.jobs[KEY].since == 20.0
    made.apply(ended(40.0))
    assert KEY not in made.state.jobs
    made.apply(backup(True, at=35.0))  # read before it ended, and told after
    assert KEY not in made.state.jobs
    made.apply(backup(True, at=50.0))
    made.apply(backup(False, at=60.0))
    assert KEY not in made.state.jobs
    assert LinkStatus.UP is made.state.hosts[HOST].link.status
