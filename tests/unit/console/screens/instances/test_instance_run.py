"""What an instance's page tells of its run: snapshots, block jobs, devices, the agent."""

from __future__ import annotations

from typing import Any

from console.screens.instances import panels
from console.screens.instances.jobs import FOLLOWING
from console.screens.table_text import plain
from console.screens.view import View
from core.model import (
    AgentNews,
    AgentState,
    BlockJob,
    BlockJobState,
    DeviceOutcome,
    Disk,
    DiskSource,
    Instance,
    InstanceRun,
    InstanceState,
    Snapshot,
    State,
    ThresholdCrossed,
)
from core.verbs.block.steering import STEERED

WEB = Instance(
    "a",
    "u",
    "web",
    InstanceState.RUNNING,
    agent=AgentState.CONNECTED,
    disks=(Disk("vda", source=DiskSource("file", "/a.qcow2")),),
)


def view(**fields: Any) -> View:
    made = View(now=lambda: 100.0)
    made.state = State(instances={WEB.key: WEB}, **fields)
    return made


def text(lines: Any) -> list[str]:
    return [" ".join(plain(line).split()) for line in lines]


def overview(**fields: Any) -> list[str]:
    return text(panels.overview(view(**fields), WEB, None, 80))


def disks(job: BlockJob) -> str:
    told = view(runs={WEB.key: InstanceRun((job,))})
    return next(line for line in text(panels.disks(told, WEB)) if line.startswith("job"))


def test_snapshots_are_counted_once_they_were_read() -> None:
    two = (Snapshot("one"), Snapshot("two", parent="one", current=True))
    assert "snapshots 2, current two" in overview(snapshots={WEB.key: two})
    assert "snapshots 1" in overview(snapshots={WEB.key: two[:1]})
    assert "snapshots none" in overview(snapshots={WEB.key: ()})
    assert not [line for line in overview() if line.startswith("snapshots")]


def test_a_block_job_stands_with_its_disk_and_what_it_does() -> None:
    copy = BlockJob("vda", "copy", BlockJobState.RUNNING, 50.0, 60.0, 1, 4)
    running = view(runs={WEB.key: InstanceRun((copy,))})
    assert "doing copy of vda 25%" in text(panels.overview(running, WEB, None, 80))
    assert disks(copy).startswith("job copy running 25% since ")
    failed = BlockJob("vda", "pull", BlockJobState.FAILED, 50.0, 60.0, error="no space left")
    assert disks(failed).startswith("job pull failed: no space left at ")
    gone = BlockJob("vda", "pull", BlockJobState.VANISHED, 50.0, 60.0, 1, 4)
    assert disks(gone).startswith("job pull vanished at ")
    image = BlockJob("vda", "copy", BlockJobState.CANCELED, 50.0, 60.0, whole=True)
    assert disks(image).startswith("job copy ended, equal to the disk then at ")
    half = BlockJob("vda", "copy", BlockJobState.CANCELED, 50.0, 60.0)
    assert disks(half).startswith("job copy canceled at ")


def test_what_the_guest_did_with_its_devices_and_its_agent() -> None:
    run = InstanceRun(
        devices=(DeviceOutcome("net1", "added", 1.0), DeviceOutcome("d1", "removal-failed", 2.0)),
        agent=AgentNews("connected", "channel", 3.0),
        thresholds=(ThresholdCrossed("vda", "/a.qcow2", 1 << 30, 1, 4.0),),
    )
    told = view(runs={WEB.key: run})
    lines = text(panels.devices(told, WEB))
    heading = lines.index("Plugged and unplugged")
    assert lines[heading + 2].startswith("d1 not given up by the guest ")
    assert lines[heading + 3].startswith("net1 added ")
    assert "Plugged and unplugged" not in text(panels.devices(view(), WEB))
    assert any(line.startswith("threshold 1.0G crossed") for line in text(panels.disks(told, WEB)))
    assert any(
        line.startswith("agent connected since ")
        for line in text(panels.overview(told, WEB, None, 80))
    )


def test_a_block_job_is_said_to_be_of_every_operation_that_follows_one() -> None:
    assert {request.verb for request in STEERED} == FOLLOWING
