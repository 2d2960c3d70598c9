"""Block jobs, devices, agent and ended jobs of an instance's run."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from core.model import BlockJob, BlockJobState, InstanceRun, InstanceState, LinkStatus
from core.model import event as ev
from core.model.observation import BlockJobsRead, InstanceGone, LinkChanged
from core.state import runs
from tests.unit.state_builders import DOWN, HOST, disk, instance, lifecycle, listed, store

WEB = instance(disks=(disk("vda"), disk("vdb", "/pool/data.qcow2")))
KEY = WEB.key
RUNNING, READY, FAILED = BlockJobState.RUNNING, BlockJobState.READY, BlockJobState.FAILED
VANISHED, COMPLETED = BlockJobState.VANISHED, BlockJobState.COMPLETED


def told(kind, *fields, at=20.0):
    return kind(HOST, at, "web-uuid", "web", *fields)


def block(status, disk="vda", kind="copy", at=20.0):
    return told(ev.BlockJobChanged, disk, kind, status, at=at)


def read(*jobs, at=20.0):
    return BlockJobsRead(HOST, at, "web-uuid", jobs)


def copying(disk="vda", at=20.0, current=50, end=100, state=RUNNING):
    return BlockJob(disk, "copy", state, at, at, current, end)


def run(*observations) -> InstanceRun:
    return store(listed(WEB), *observations).state.runs.get(KEY, InstanceRun())


def vda(*observations) -> BlockJob:
    found = run(*observations).block_job("vda")
    assert found is not None
    return found


def test_a_block_job_from_its_reading_to_its_end():
    begun = vda(read(copying()))
    assert (begun.state, begun.progress) == (RUNNING, 0.5)
    ready = vda(read(copying()), block("ready", at=25.0))
    assert (ready.state, ready.since, ready.at, ready.progress) == (READY, 20.0, 25.0, 1.0)
    still = vda(read(copying()), block("ready", at=25.0), read(copying(at=30.0), at=30.0))
    assert (still.state, still.since, still.at) == (READY, 20.0, 30.0)
    ended = vda(read(copying()), block("completed", at=35.0))
    assert (ended.state, ended.at) == (COMPLETED, 35.0)
    assert not run(read(copying()), block("completed", at=35.0)).running_block_jobs


def test_one_that_is_not_there_any_more_has_vanished_until_an_event_tells_its_end():
    assert vda(read(copying()), read(at=30.0)).state is VANISHED
    assert vda(read(copying()), read(at=30.0), block("completed", at=30.1)).state is COMPLETED
    assert vda(read(copying()), block("completed", at=29.0), read(at=30.0)).state is COMPLETED


@pytest.mark.parametrize("late", [read(at=19.0), read(copying(at=19.0), at=19.0)])
def test_a_reading_older_than_an_event_changes_nothing(late):
    assert vda(block("ready", at=20.0), late).state is READY
    assert vda(block("failed", at=20.0), late).state is FAILED


def test_the_next_job_of_a_disk_takes_the_place_of_the_last():
    new = vda(block("failed"), read(copying(at=30.0), at=30.0))
    assert new == replace(copying(at=30.0), least=50, least_at=30.0)
    other = vda(read(copying()), block("ready", kind="active-commit", at=30.0))
    assert (other.type, other.since) == ("active-commit", 30.0)


def test_how_long_what_is_left_has_not_fallen_is_known():
    def left(at, current, end):
        return read(replace(copying(at=at), current=current, end=end), at=at)

    mib = 1 << 20
    going = vda(left(20.0, 0, 8 * mib), left(22.0, mib, 8 * mib))
    assert (going.least, going.least_at) == (7 * mib, 22.0)
    outrun = vda(left(20.0, 0, 8 * mib), left(22.0, mib, 9 * mib), left(24.0, mib + 9, 9 * mib))
    assert (outrun.left, outrun.least, outrun.least_at) == (8 * mib - 9, 8 * mib, 20.0)


def test_a_mirror_that_was_ready_and_is_ended_is_whole():
    ended = vda(read(copying()), block("ready", at=25.0), block("canceled", at=30.0))
    assert (ended.state, ended.whole) == (BlockJobState.CANCELED, True)
    assert not vda(read(copying()), block("canceled", at=30.0)).whole
    again = vda(
        block("ready", at=25.0), block("canceled", at=30.0), read(copying(at=40.0), at=40.0)
    )
    assert not again.whole


def test_each_disk_has_its_own():
    found = run(block("ready", "vdb"), block("completed", "vda"))
    assert [(job.disk, job.state) for job in found.block_jobs] == [
        ("vda", COMPLETED),
        ("vdb", READY),
    ]


@pytest.mark.parametrize(
    ("path", "alias", "at", "error"),
    [
        ("/pool/web.qcow2", "", 21.0, "no space left"),
        ("", "virtio-vda", 21.0, "no space left"),
        ("/pool/data.qcow2", "virtio-vdb", 21.0, ""),
        ("/pool/web.qcow2", "virtio-vda", 19.0, ""),
    ],
)
def test_a_failed_job_has_the_io_error_of_its_disk(path, alias, at, error):
    trouble = told(ev.IoError, path, alias, "pause", "enospc", at=at)
    assert vda(read(copying()), trouble, block("failed", at=22.0)).error == error
    assert vda(read(copying()), trouble, block("canceled", at=22.0)).error == ""


def test_what_comes_of_devices_by_alias():
    found = run(
        told(ev.DeviceAdded, "net1", at=20.0),
        told(ev.DeviceRemovalFailed, "virtio-disk1", at=21.0),
        told(ev.DeviceRemoved, "net1", at=22.0),
    )
    net, drive = found.device("net1"), found.device("virtio-disk1")
    assert net is not None
    assert (net.outcome, net.at) == ("removed", 22.0)
    assert drive is not None
    assert (drive.outcome, drive.at) == ("removal-failed", 21.0)
    many = run(*(told(ev.DeviceAdded, f"net{number}") for number in range(100)))
    assert len(many.devices) == runs.DEVICES
    assert many.devices[-1].alias == "net99"


def test_agent_and_thresholds():
    found = run(
        told(ev.AgentChanged, "connected", "channel"),
        told(ev.BlockThreshold, "vda", "/pool/web.qcow2", 100, 5),
        told(ev.BlockThreshold, "vda", "/pool/web.qcow2", 200, 7, at=30.0),
    )
    assert found.agent is not None
    assert (found.agent.state, found.agent.reason, found.agent.at) == ("connected", "channel", 20.0)
    assert [(one.threshold, one.excess, one.at) for one in found.thresholds] == [(200, 7, 30.0)]


@pytest.mark.parametrize(
    ("values", "told_of"),
    [
        ({"operation": 2, "type": 3}, ("save", "completed", "")),
        ({"operation": 5, "type": 5}, ("migration-out", "cancelled", "")),
        ({"operation": 9, "success": False, "errmsg": "full"}, ("backup", "failed", "full")),
        ({"operation": 99}, ("unknown", "completed", "")),
        ({}, ("unknown", "completed", "")),
    ],
)
def test_how_the_last_job_ended(values, told_of):
    last = run(told(ev.JobCompleted, values)).last_job
    assert last is not None
    assert (last.operation, last.result, last.error, last.at) == (*told_of, 20.0)


EVERYTHING = (
    told(ev.DeviceAdded, "net1"),
    told(ev.AgentChanged, "connected", "channel"),
    told(ev.BlockThreshold, "vda", "/x", 1, 1),
    told(ev.JobCompleted, {"operation": 2}),
    block("completed", "vdb"),
    read(copying(), at=21.0),
)


def test_of_a_run_that_ended_only_the_ends_of_its_jobs_stay_and_until_the_next():
    stopped = run(*EVERYTHING, lifecycle("stopped", "destroyed", at=40.0))
    assert (stopped.devices, stopped.agent, stopped.thresholds) == ((), None, ())
    assert [(job.state, job.at) for job in stopped.block_jobs] == [
        (VANISHED, 40.0),
        (COMPLETED, 20.0),
    ]
    assert stopped.last_job is not None
    agent = told(ev.AgentChanged, "disconnected", "domain-started", at=50.0)
    again = run(
        *EVERYTHING,
        lifecycle("stopped", "destroyed", at=40.0),
        agent,  # libvirt tells that before the start
        lifecycle("started", "booted", at=51.0),
    )
    assert (again.block_jobs, again.last_job) == ((), None)
    assert again.agent is not None
    assert again.agent.at == 50.0


def test_what_runs_on_a_host_out_of_sight_is_not_known():
    found = run(*EVERYTHING, LinkChanged(HOST, 50.0, DOWN))
    assert DOWN.status is LinkStatus.DOWN
    assert [job.disk for job in found.block_jobs] == ["vdb"], "what has ended has ended"
    assert found.device("net1") is not None


def test_nothing_is_kept_of_what_is_not_there():
    assert not store(listed(), *EVERYTHING).state.runs
    gone = store(listed(WEB), *EVERYTHING)
    delta = gone.apply(InstanceGone(HOST, 60.0, "web-uuid"))
    assert not gone.state.runs
    assert KEY in delta.gone


def test_a_change_of_a_run_is_a_change_of_its_instance():
    made = store(listed(WEB))
    assert KEY in made.apply(block("ready")).changed
    assert KEY not in made.apply(read(copying(state=READY), at=19.0)).changed
    assert made.state.instances[KEY].state is InstanceState.RUNNING
