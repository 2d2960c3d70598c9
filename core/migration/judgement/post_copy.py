"""What a post-copy has come to, from both sides' words. Pure.

After the switch the instance runs at the destination and the source keeps what it has not sent. A
side that loses the other says "post-copy failed" by itself: libvirt's source does so when the
connection between the daemons was silent for 30 s, while QEMU goes on as soon as the network is
back (seen with cuts of 36 and 83 s). So one side's word is an interruption, and nothing here ends
by a time-out; a failure needs the word of both, and is taken back when they say otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass

from core.migration.judgement.seen import Judgement, Seen, Side
from core.model import InstanceState, MigrationStatus

ACTIVE, FAILED = "post-copy", "post-copy failed"
"""libvirt's reasons of the state: paused at the source, running at the destination."""


@dataclass(frozen=True, slots=True)
class PostCopyNames:
    """What the sentences call the instance and its hosts."""

    name: str
    host: str
    to: str


def concerns(seen: Seen) -> bool:
    """Whether it was switched to post-copy, as far as either side or what was seen before says.

    One that its source let go, and whose destination misses nothing, ends as any other.
    """
    source, destination = seen.source, seen.destination
    if destination.reason in (ACTIVE, FAILED) or seen.status is MigrationStatus.POST_COPY_FAILED:
        return True
    return not source.gone and (seen.status.switched or source.reason in (ACTIVE, FAILED))


def judge(seen: Seen, names: PostCopyNames) -> Judgement:
    """Decide about a migration after its switch; the source tells."""
    source, destination = seen.source, seen.destination
    if source.gone:
        return _let_go(seen, names)
    if source.reason == FAILED:
        return _source_failed(seen, names)
    if source.reason == ACTIVE:
        return _source_waits(seen, names)
    if source.state is InstanceState.PAUSED and source.reason == "migrating":
        return Judgement(MigrationStatus.POST_COPY)  # the switch is not through yet
    if not destination.up:
        return _interrupted(
            f"{names.name} is {_how(source)} on {names.host}, and {names.to} does not answer",
            _NEVER.format(names=names),
        )
    if destination.gone:
        if seen.status is MigrationStatus.POST_COPY:
            return Judgement(MigrationStatus.POST_COPY)  # the switch was asked for, not seen
        return Judgement(
            MigrationStatus.POST_COPY_FAILED,
            f"post-copy of {names.name} failed; it was begun anew on {names.host}",
        )
    if destination.incoming:
        return Judgement(MigrationStatus.POST_COPY)
    return _interrupted(
        f"{names.name} is {_how(source)} on {names.host} and {_how(destination)} on {names.to}",
        f"Look at both at once: two that run would write to the same disks. {_NEVER}".format(
            names=names
        ),
    )


def _source_waits(seen: Seen, names: PostCopyNames) -> Judgement:
    """The source has memory that is not sent, and does not know of a failure."""
    destination = seen.destination
    if destination.up and destination.reason == FAILED:
        return _interrupted(
            f"{names.to} lost the connection to {names.host}: {names.name} runs on {names.to} and "
            f"waits there for what is still on {names.host}",
            _MEND.format(names=names),
        )
    if destination.gone:
        return _interrupted(
            f"{names.name} is gone from {names.to}, and {names.host} still waits to send the rest "
            "of its memory",
            f"What became of it is known as soon as {names.host} says so. {_NEVER}".format(
                names=names
            ),
        )
    if whole(destination):
        return Judgement(MigrationStatus.COMPLETING)
    if not destination.up and names.to:
        return Judgement(
            MigrationStatus.POST_COPY,
            f"{names.to} does not answer here; {names.host} says that it goes on",
        )
    return Judgement(MigrationStatus.POST_COPY)


def _source_failed(seen: Seen, names: PostCopyNames) -> Judgement:
    """The source says that it failed: the destination has the other word."""
    destination = seen.destination
    why = f" ({seen.error.rstrip('.')})" if seen.error else ""
    to = names.to or "the destination"
    if not destination.up:
        return _interrupted(
            f"{names.host} lost the connection to {to}, and {to} does not answer here either: "
            f"whether {names.name} runs there is not known{why}",
            f"It is known as soon as {to} answers. {_NEVER}".format(names=names),
        )
    if whole(destination):
        return Judgement(
            MigrationStatus.COMPLETING,
            f"{names.name} has all of its memory on {to}; {names.host} has not let it go yet",
        )
    if destination.gone:
        return Judgement(
            MigrationStatus.POST_COPY_FAILED,
            f"{names.name} is lost: its process on {to} ended in post-copy, and {names.host} has "
            "only a part of its memory",
            f"It cannot be resumed, here or there. Stop what is left of it on {names.host}, then "
            "start it anew from its disks.",
            followed=True,
        )
    if destination.reason == FAILED:
        return Judgement(
            MigrationStatus.POST_COPY_FAILED,
            f"post-copy of {names.name} broke, both hosts say so: it runs on {to} without the "
            f"memory still on {names.host}, and what it misses stands still{why}",
            "Mend the connection between the hosts. Where it does not go on by itself then, "
            f"resume the migration. {_NEVER}".format(names=names),
            resumable=True,
            followed=True,
        )
    return _interrupted(
        f"{names.host} lost the connection to {to}: {names.name} runs on {to} and waits there for "
        f"what is still on {names.host}{why}",
        _MEND.format(names=names),
    )


def _let_go(seen: Seen, names: PostCopyNames) -> Judgement:
    """The source holds nothing of it any more: it sent everything, or was ended."""
    source, destination = seen.source, seen.destination
    failed = seen.status is MigrationStatus.POST_COPY_FAILED
    # one that is not defined there any more left no reason
    sent = source.reason == "migrated" or (source.instance is None and not failed)
    if whole(destination):
        if destination.reason == "booted":
            return Judgement(
                MigrationStatus.POST_COPY_FAILED,
                f"post-copy of {names.name} failed; it was started anew on {names.to}",
            )
        return Judgement(MigrationStatus.VERIFYING)
    if failed and destination.gone:
        if source.reason == "migrated":
            return Judgement(
                MigrationStatus.COMPLETED,
                f"{names.name} left {names.host} with all of its memory, and ended on {names.to} "
                "since",
            )
        return Judgement(
            MigrationStatus.POST_COPY_FAILED,
            f"post-copy of {names.name} failed; it runs neither on {names.host} nor on "
            f"{names.to} any more",
            "Start it anew from its disks.",
        )
    if destination.reason == FAILED and not sent:
        return Judgement(
            MigrationStatus.POST_COPY_FAILED,
            f"post-copy of {names.name} failed: what was left of it on {names.host} was ended, and "
            f"on {names.to} it misses that memory for good",
            f"Stop it on {names.to}, then start it anew from its disks.",
            followed=True,
        )
    if destination.reason == ACTIVE and not sent:
        return _interrupted(
            f"what was left of {names.name} on {names.host} was ended, and {names.to} has not "
            "said yet that it misses it",
        )
    return Judgement(MigrationStatus.COMPLETING)


def _interrupted(outcome: str, hint: str = "") -> Judgement:
    return Judgement(MigrationStatus.POST_COPY_INTERRUPTED, outcome, hint)


def whole(side: Side) -> bool:
    """Whether the instance is there with all of its memory."""
    return side.holds and side.reason not in (ACTIVE, FAILED)


def _how(side: Side) -> str:
    return f"{side.state} ({side.reason})" if side.reason else f"{side.state}"


_NEVER = "Never resume {names.name} on {names.host}: two would write to its disks."
_MEND = (
    "Mend the connection between the hosts: it goes on by itself then. Where it does not, `virsh "
    "domjobabort {names.name} --postcopy` on {names.host} pauses it on both sides, and the "
    "migration can be resumed. " + _NEVER
)


def unseen(seen: Seen, names: PostCopyNames) -> Judgement:
    """Decide about a migration after its switch whose source does not tell."""
    if whole(seen.destination) and seen.destination.reason != "booted":
        return Judgement(MigrationStatus.VERIFYING)
    what = "what became of it is not known"
    if seen.destination.up and seen.destination.instance is not None:
        what = f"on {names.to} it is {_how(seen.destination)}"
    return Judgement(
        MigrationStatus.UNKNOWN,
        f"{names.host} is out of reach in the post-copy of {names.name}: {what}",
        f"More is known as soon as {names.host} is back.",
    )
