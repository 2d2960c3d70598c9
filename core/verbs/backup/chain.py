"""Since which checkpoint an increment can be, and what breaks a chain of them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from core.model.checkpoint import Checkpoint
from core.model.lists import listed
from core.model.text import clean
from core.verbs.refusal import Refusal, RefusalCode

FULL = "take a full backup"


def newest_good(
    checkpoints: Sequence[Checkpoint], targets: Iterable[str], name: str
) -> Checkpoint | Refusal:
    """Return the newest checkpoint since which these disks can be backed up, or why there is none.

    One that others made has no backup that is known of: it is taken only where it is named.
    """
    wanted = list(targets)
    why: Refusal | None = None
    for one in sorted(enumerate(checkpoints), key=_age, reverse=True):
        refusal = against_base(one[1], wanted)
        if refusal is None and one[1].backed_up:
            return one[1]
        why = why or refusal
    if why is not None:
        return why
    text = f"{name} has no checkpoint of which the backup is known"
    return Refusal(RefusalCode.STATE, text, f"{FULL} first, or name one by since", "since")


def _age(one: tuple[int, Checkpoint]) -> tuple[float, int]:
    return one[1].created or 0.0, one[0]


def against_base(base: Checkpoint, targets: Sequence[str]) -> Refusal | None:
    """Return why no increment of these disks can be since a checkpoint; None: it can."""
    name = clean(base.name)
    delete = f"{FULL}; delete checkpoint {name} with those made after it"
    if base.unfinished:
        text = f"No whole backup was made with the checkpoint {name}"
        return Refusal(RefusalCode.STATE, text, f"delete it by checkpoint-delete, or {FULL}")
    without = [one for one in targets if base.disk(one) is None]
    if without:
        text = f"The checkpoint {name} is not of {listed(without)}"
        return Refusal(RefusalCode.STATE, text, f"exclude it, or {FULL}", "since")
    broken = [one for one in base.broken if one in targets]
    if broken:
        text = f"The checkpoint {name} is broken: QEMU has no whole bitmap of {listed(broken)}"
        return Refusal(RefusalCode.STATE, text, delete, "since")
    return None


def faults(checkpoints: Sequence[Checkpoint]) -> list[str]:
    """Return what is wrong with the checkpoints of an instance, a sentence each, with the cure."""
    found = []
    broken = [clean(one.name) for one in checkpoints if one.broken]
    if broken:
        one = len(broken) == 1
        found.append(
            f"{listed(broken)} {'is' if one else 'are'} broken: QEMU was killed, or the image was "
            f"replaced. Take a full backup, and delete {'it' if one else 'them'}."
        )
    unfinished = [clean(one.name) for one in checkpoints if one.unfinished]
    if unfinished:
        found.append(
            f"The backup of {listed(unfinished)} was not seen to be whole, and its files are of no "
            "use. Delete the checkpoint."
        )
    return found


KEPT_VALID = (
    "A chain holds as long as the files of its backups are there, and every bitmap is in the image "
    "it was made in. A killed QEMU, a revert, or an image changed or replaced while the instance is"
    " off breaks it; shutting down, a power cut by Force off and external snapshots do not."
)
"""What is shown beside a chain."""
