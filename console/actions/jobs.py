"""The actions on the jobs of an instance: what steers them whoever began them."""

from __future__ import annotations

from console.actions.types import Action
from core.verbs.caution import Caution

JOBS = (
    Action(
        "instance.jobs",
        "Jobs",
        ("j",),
        "instance",
        "tabs",
        "Go to what its disks and libvirt are busy with.",
        "show_tab('jobs')",
    ),
    Action(
        "instance.job_speed",
        "Speed of a block job",
        ("s",),
        "instance",
        "jobs",
        "Limit how fast a block job of its disks goes.",
        "job('block-job-speed')",
        needs_write=True,
    ),
    Action(
        "instance.job_pivot",
        "Pivot a block job",
        ("V",),
        "instance",
        "jobs",
        "Go on on what a disk is mirrored to.",
        "job('block-job-pivot')",
        needs_write=True,
        caution=Caution.CONFIRM,
    ),
    Action(
        "instance.job_abort",
        "End a block job",
        ("X",),
        "instance",
        "jobs",
        "End a block job of its disks.",
        "job('block-job-abort')",
        needs_write=True,
        caution=Caution.CONFIRM,
    ),
)
