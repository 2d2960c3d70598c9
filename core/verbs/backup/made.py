"""What is said of a backup that is whole: its files, and how one image is made of them. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from core.model.base import Value
from core.model.lists import listed
from core.model.sizes import size
from core.model.text import clean
from core.verbs.answer import CallAnswer
from core.verbs.backup.course import Course
from core.verbs.situation import End, done


class BackupFile(Value, frozen=True):
    """The file of a disk."""

    disk: str
    path: str
    size: int | None = None
    """Bytes that it takes; None: not known."""
    parent: str = ""
    """The file that it adds to: both are needed."""
    restore: str = ""
    """The command that makes one image of it and what it is based on."""


class BackupMade(CallAnswer, frozen=True):
    """A backup that is whole."""

    name: str
    files: tuple[BackupFile, ...]
    since: str = ""
    """The checkpoint since which it is; empty: it is a full one."""
    checkpoint: bool = True
    """The next increment can be since this one."""


def made(course: Course, sizes: Mapping[str, int]) -> End:
    """Return the end of a backup that is whole."""
    now, plan = course.now, course.plan
    files = tuple(
        BackupFile(
            *(disk.target, disk.path, sizes.get(disk.path), disk.parent),
            restore=_restore(disk.path, plan.format),
        )
        for disk in plan.disks
    )
    places = [f"{clean(file.path)} ({size(file.size)})" for file in files]
    since = f", with what was written since {clean(plan.since)}" if plan.since else ""
    loose = [disk for disk in plan.disks if plan.since and not disk.parent]
    hint = f"One image of it: `{clean(files[0].restore)}`."
    if loose:
        hint = (
            "It is based on nothing: put it on the backup that was made with "
            f"{clean(plan.since)}: `{_rebase(loose[0].path)}`."
        )
    elif plan.since:
        hint = f"It needs {clean(plan.disks[0].parent)}. {hint}"
    text = f"{now.name} is backed up in {listed(places)}{since}"
    return done(text, hint, BackupMade(plan.name, files, plan.since, plan.checkpoint))


def _restore(path: str, format_: str) -> str:
    return shlex.join(["qemu-img", "convert", "-f", format_, "-O", "qcow2", path, "NEW.qcow2"])


def _rebase(path: str) -> str:
    return shlex.join(["qemu-img", "rebase", "-u", "-F", "qcow2", "-b", "FULL.qcow2", path])
