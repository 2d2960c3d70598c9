"""Hosts whose libvirt dies of resuming a failed post-copy migration. Pure.

From 11.2 on (where saving to sparse images came) the destination reads through a pointer that a
resume does not give (qemuProcessIncomingDefNew): the daemon dies, with virsh as with anything. Seen
with 11.3.0 of Debian 13. A later source no longer has it; which release mended it is not known to
us, so all of the series is taken to have it.
"""

from __future__ import annotations

from core.model import ObjectKey, State
from core.model.text import clean

CRASHES = (((11, 2), (12, 0)),)
"""From and before which libvirt at the destination; the one place that says so."""

FAILED = "post-copy failed"


def crash_of(state: State, subject: ObjectKey) -> tuple[str, str]:
    """Return why resuming the post-copy of an instance would end its destination's daemon, and what
    can be done instead, sentences; empty: nothing is known against it.

    `subject` is the instance at its source.
    """
    for host in state.hosts.values():
        there = state.instances.get(ObjectKey("instance", host.name, subject.id))
        if host.name == subject.host or there is None or there.reason != FAILED:
            continue
        version = "" if host.facts is None else host.facts.libvirt_version
        if not crashes(version):
            continue
        name, where = clean(there.name), clean(host.name)
        return (
            f"libvirt {clean(version)} on {where} is known to die of resuming a post-copy "
            f"migration: {where} would be out of reach until its daemon is started again, and the "
            "migration would not go on.",
            f"Update libvirt on {where} and start its daemon anew, which leaves {name} running, "
            f"then resume. Or stop {name} on {where}, then what is left of it on "
            f"{clean(subject.host)}, and start it anew from its disks.",
        )
    return "", ""


def crashes(version: str) -> bool:
    """Whether a libvirt of this version dies of it; False where it is not known."""
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
    return bool(numbers) and any(first <= numbers < mended for first, mended in CRASHES)
