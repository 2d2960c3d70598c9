"""What a steering command is as virsh, and what speaks against it."""

from __future__ import annotations

import pytest

from core.migration.judgement.words import speaks_against, virsh_for, virsh_resume
from core.model import JobSample, Migration, MigrationStatus, Steer, SteerKind, Verdict
from core.model.observation import MigrationChanged
from core.state.operations import activity
from tests.unit import state_builders as make
from tests.unit.migration_builders import START, forecast, migration

S = MigrationStatus
READ = JobSample(at=START)


@pytest.mark.parametrize(
    ("steer", "line"),
    [
        (Steer(SteerKind.ABORT), "virsh domjobabort web"),
        (Steer(SteerKind.POST_COPY), "virsh migrate-postcopy web"),
        (Steer(SteerKind.MAX_DOWNTIME, 800.0), "virsh migrate-setmaxdowntime web 800"),
        (Steer(SteerKind.MAX_DOWNTIME), "virsh migrate-setmaxdowntime web MS"),
        (Steer(SteerKind.BANDWIDTH, 0.0), "virsh migrate-setspeed web 0"),
        (Steer(SteerKind.BANDWIDTH), "virsh migrate-setspeed web MIB"),
        (Steer(SteerKind.POST_COPY_BANDWIDTH, 64.0), "virsh migrate-setspeed web 64 --postcopy"),
        (Steer(SteerKind.PAUSE), "virsh suspend web"),
        (Steer(SteerKind.POLICY, text="nova"), ""),
        (Steer(SteerKind.ADVISE), ""),
    ],
)
def test_every_command_has_its_virsh_line(steer: Steer, line: str):
    assert virsh_for(steer, migration()) == line


def test_an_abort_in_post_copy_says_so():
    row = migration(status=S.POST_COPY)
    assert virsh_for(Steer(SteerKind.ABORT), row) == "virsh domjobabort web --postcopy"


def test_a_name_cannot_break_out_of_the_line():
    row = migration(name="web; rm -rf /\x1b[2J")
    line = virsh_for(Steer(SteerKind.ABORT), row)
    assert "\x1b" not in line
    assert line.startswith("virsh domjobabort 'web; rm -rf /")


def test_a_resumption_is_the_command_it_was_begun_with():
    assert virsh_resume(migration(virsh="virsh migrate web URI --postcopy")) == (
        "virsh migrate web URI --postcopy --postcopy-resume"
    )
    foreign = virsh_resume(migration(uri="qemu+ssh://beta/system", virsh=""))
    assert foreign.startswith("virsh migrate web qemu+ssh://beta/system ")
    assert foreign.endswith(" --postcopy --postcopy-resume")


CAN = {
    S.QUEUED: {SteerKind.ABORT, SteerKind.POLICY},
    S.PREPARING: {SteerKind.ABORT, SteerKind.POLICY},
    S.RUNNING: set(SteerKind) - {SteerKind.POST_COPY, SteerKind.POST_COPY_BANDWIDTH},
    S.POST_COPY: {SteerKind.POST_COPY_BANDWIDTH, SteerKind.ADVISE},
    S.POST_COPY_INTERRUPTED: {SteerKind.POST_COPY_BANDWIDTH, SteerKind.ADVISE},
}
"""What can be done where post-copy was not allowed; nothing in the other statuses."""


@pytest.mark.parametrize("kind", SteerKind)
@pytest.mark.parametrize("status", S)
def test_what_can_be_done_when(status: MigrationStatus, kind: SteerKind):
    row = migration(status=status, post_copy="never")
    against = speaks_against(kind, row)
    assert (not against) is (kind in CAN.get(status, set())), against
    assert not against or against.endswith(".")


def test_post_copy_needs_to_be_allowed_at_the_start():
    against = speaks_against(SteerKind.POST_COPY, migration(post_copy="never"))
    assert against == "Post-copy was not allowed at the start."
    assert not speaks_against(SteerKind.POST_COPY, migration(post_copy="allow"))
    # what somebody else allowed is not known: the host has the last word
    assert not speaks_against(SteerKind.POST_COPY, migration(post_copy="never", foreign=True))


def test_there_is_nothing_to_abort_after_the_end():
    against = speaks_against(SteerKind.ABORT, migration(status=S.COMPLETED))
    assert against == "There is nothing to abort: it is completed."


NOW = START + 20


@pytest.mark.parametrize(
    ("row", "here", "there"),
    [
        (
            migration(progress=0.43, sample=READ, forecast=forecast(verdict=Verdict.CONVERGES)),
            "migrating to beta 43%, 12 s left, converges",
            "migrating from alpha 43%, 12 s left, converges",
        ),
        (
            migration(progress=0.96, forecast=forecast(eta=None)),
            "migrating to beta, will not converge",
            "migrating from alpha, will not converge",
        ),
        (
            migration(
                progress=0.43,
                sample=READ,
                forecast=forecast(at=NOW - 15, verdict=Verdict.CONVERGES),
            ),
            "migrating to beta 43%, as of 15 s ago",
            "migrating from alpha 43%, as of 15 s ago",
        ),
        (
            migration(progress=1.0, sample=READ),
            "migrating to beta 99%",
            "migrating from alpha 99%",
        ),
        (migration(progress=0.1), "migrating to beta", "migrating from alpha"),
        (migration(status=S.QUEUED), "migration to beta queued", "migration from alpha queued"),
        (migration(to="", uri=""), "migrating", "migrating from alpha"),
        (
            migration(status=S.POST_COPY, progress=0.9),
            "migrating to beta 90%, post-copy",
            "migrating from alpha 90%, post-copy",
        ),
        (migration(status=S.COMPLETED), "", ""),
    ],
)
def test_an_instance_says_that_it_migrates(row: Migration, here: str, there: str):
    state = make.store(MigrationChanged("alpha", NOW, row)).state
    assert activity(state, row.source_key) == here
    assert activity(state, row.destination_key) == there
