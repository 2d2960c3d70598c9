"""What a steering command is in words: the virsh line that does the same, and what speaks against
it. Pure, any thread."""

from __future__ import annotations

import shlex

from core.model import Migration, MigrationStatus, Steer, SteerKind
from core.model.text import clean


def virsh_name(migration: Migration) -> str:
    """Return the name of what moves as a word of a virsh command."""
    return shlex.quote(clean(migration.name))


def virsh_for(steer: Steer, migration: Migration) -> str:
    """Return the virsh command that does the same on the source; empty: virsh has none.

    A command that takes a value has MS or MIB in its place while there is none. The commands are
    those of virsh since 1.3.3 (migrate-postcopy) and 8.5 (domjobabort --postcopy).
    """
    name = virsh_name(migration)
    unit = "MS" if steer.kind is SteerKind.MAX_DOWNTIME else "MIB"
    value = unit if steer.value is None else f"{steer.value:.0f}"
    match steer.kind:
        case SteerKind.ABORT:
            after = " --postcopy" if migration.status.switched else ""
            return f"virsh domjobabort {name}{after}"
        case SteerKind.POST_COPY:
            return f"virsh migrate-postcopy {name}"
        case SteerKind.MAX_DOWNTIME:
            return f"virsh migrate-setmaxdowntime {name} {value}"
        case SteerKind.BANDWIDTH:
            return f"virsh migrate-setspeed {name} {value}"
        case SteerKind.POST_COPY_BANDWIDTH:
            return f"virsh migrate-setspeed {name} {value} --postcopy"
        case SteerKind.PAUSE:
            return f"virsh suspend {name}"
        case _:
            return ""


def doing(steer: Steer) -> str:
    """Return what a command does, as a line of an operation's log."""
    value = f"{steer.value or 0:.0f}"
    match steer.kind:
        case SteerKind.ABORT:
            return "aborting it"
        case SteerKind.POST_COPY:
            return "switching to post-copy"
        case SteerKind.MAX_DOWNTIME:
            return f"setting its max downtime to {value} ms"
        case SteerKind.BANDWIDTH:
            return f"setting its bandwidth to {value} MiB/s"
        case SteerKind.POST_COPY_BANDWIDTH:
            return f"setting its post-copy bandwidth to {value} MiB/s"
        case SteerKind.PAUSE:
            return "pausing the guest"
        case _:
            return steer.kind.value


def virsh_resume(migration: Migration) -> str:
    """Return the virsh command that goes on with a failed post-copy: the one it was begun with."""
    name, uri = virsh_name(migration), shlex.quote(clean(migration.uri or "URI"))
    begun = clean(migration.virsh) or f"virsh migrate {name} {uri} --live --p2p --postcopy"
    return f"{begun} --postcopy-resume"


def speaks_against(kind: SteerKind, migration: Migration) -> str:
    """Return why a command makes no sense as the migration stands, a sentence; empty: it does.

    The host has the last word: what passes here may still be refused there.
    """
    status = migration.status
    if migration.not_open:
        return against_not_open(migration)
    if status.final:
        nothing = "abort" if kind is SteerKind.ABORT else "steer"
        return f"There is nothing to {nothing}: it is {status.value}."
    if status is MigrationStatus.UNKNOWN:
        known = clean(migration.outcome) or f"The link to {migration.host} is lost"
        return f"{known}: nothing can be sent meanwhile."
    if status in (MigrationStatus.COMPLETING, MigrationStatus.VERIFYING):
        return "It is too late: it is switching over or done, and being checked."
    if status.switched:
        return _IN_POST_COPY.get(kind, "")
    if kind in _OF_POST_COPY and migration.post_copy == "never" and not migration.foreign:
        return "Post-copy was not allowed at the start."
    if status is MigrationStatus.RUNNING or kind in _BEFORE:
        return ""
    return f"It is {status.value}: libvirt has not begun to copy."


def against_not_open(migration: Migration) -> str:
    """Return why nothing can be done to a migration between other hosts than those open here."""
    where = f"{clean(migration.host)} is another host than those open here"
    return f"{where}: open {clean(migration.not_open)} to steer its migration."


_IN_POST_COPY = {
    SteerKind.ABORT: "In post-copy it cannot be aborted: neither host has all of the memory.",
    SteerKind.POST_COPY: "It is in post-copy already.",
    SteerKind.MAX_DOWNTIME: "In post-copy there is no downtime left to limit.",
    SteerKind.BANDWIDTH: "In post-copy the post-copy bandwidth counts: set that one.",
    SteerKind.PAUSE: "In post-copy it runs at the destination: pausing it there helps nothing.",
    SteerKind.POLICY: "In post-copy no policy has anything left to decide.",
}
_OF_POST_COPY = (SteerKind.POST_COPY, SteerKind.POST_COPY_BANDWIDTH)
_BEFORE = (SteerKind.ABORT, SteerKind.POLICY)
"""What can be done before the copying has begun."""
