"""The cloud-init seed of an instance is removed: once its guest was set up, nobody needs it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from core.model import Disk, Instance, Request, State
from core.model.seed import is_seed
from core.model.text import clean
from core.verbs.call import Call
from core.verbs.caution import Caution
from core.verbs.refusal import Refusal, RefusalCode
from core.verbs.sequence import Step, sequence
from core.verbs.situation import Situation
from core.verbs.undefining import VolumeOfPathDeleteCall
from core.verbs.verb import Risk, Verb


class RemoveSeed(Request, frozen=True):
    """Take the cloud-init seed out of an instance, and delete it (virDomainDetachDeviceFlags)."""

    verb: ClassVar[str] = "remove-seed"


class DetachDiskCall(Call, frozen=True):
    """virDomainDetachDeviceFlags of a disk: from what runs and from the definition."""

    repeatable: ClassVar[bool] = True
    target: str
    path: str
    """What lies in it: it is deleted next."""

    def virsh(self, name: str) -> tuple[str, ...]:
        """`virsh detach-disk`."""
        return ("detach-disk", name, self.target, "--persistent")


def seed_disk(instance: Instance) -> Disk | None:
    """Return the drive with an instance's own seed; None: it has none."""
    return next(
        (
            disk
            for disk in instance.disks
            if disk.source is not None and is_seed(disk.source.path, instance.uuid)
        ),
        None,
    )


def _steps(situation: Situation) -> list[Step]:
    sent = [one.call for one in situation.sent if isinstance(one.call, DetachDiskCall)]
    target, path = _found(situation)
    detach = sent[0] if sent else DetachDiskCall(target, path)
    return [
        Step(
            detach,
            f"taking the seed out of {situation.name}",
            lambda now: now.instance is not None and seed_disk(now.instance) is None,
        ),
        Step(VolumeOfPathDeleteCall(detach.path), f"deleting {clean(detach.path)}"),
    ]


def _found(situation: Situation) -> tuple[str, str]:
    instance = situation.instance
    disk = None if instance is None else seed_disk(instance)
    if disk is None or disk.source is None:
        return "", ""
    return disk.target, disk.source.path


def _against(state: State, request: Request, _: str) -> Iterator[Refusal]:
    instance = state.instances.get(request.subject)
    if instance is not None and instance.described and seed_disk(instance) is None:
        text = f"{instance.name} has no seed that virtdeck made"
        yield Refusal(RefusalCode.STATE, text, "what else is in its drives is left alone")


REMOVE_SEED = Verb(
    RemoveSeed,
    title="Remove its seed",
    help="Take the cloud-init seed out and delete it: once the guest was set up, not before.",
    doing="losing its seed",
    group="define",
    decide=sequence(_steps, lambda now: f"the seed of {now.name} is gone"),
    steps=_steps,
    resumable=True,
    calls=(DetachDiskCall, VolumeOfPathDeleteCall),
    needs_description=True,
    refusals=_against,
    risk=Risk(
        Caution.CONFIRM,
        lambda _, subjects: (
            f"Deletes the cloud-init seed of {subjects.whom}: a guest that was not set up yet "
            "never will be."
        ),
    ),
)
