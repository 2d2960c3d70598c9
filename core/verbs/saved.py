"""An instance's memory on disk: saved and restored by libvirt."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from core.model import InstanceState, OperationStatus, Request, State
from core.verbs.call import Call
from core.verbs.caution import Caution
from core.verbs.device.calls import AttachCall, DetachCall
from core.verbs.kept_memory import against_shares
from core.verbs.letting_go import against, leaving, letting_go, rehearsed, taking_back
from core.verbs.parameter import parameter
from core.verbs.refusal import Refusal, RefusalCode
from core.verbs.second_copy_parameter import SecondCopy
from core.verbs.sequence import Step, sequence
from core.verbs.situation import Action, End, Situation, failed
from core.verbs.states import STARTING_UP, TO_BE_OFF, TO_BE_ON, held_for, lives_on
from core.verbs.verb import Risk, Subjects, Verb

Then = Literal["as-it-is", "running", "paused"]


class AbortJobCall(Call, frozen=True):
    """virDomainAbortJob: what is under way ends, and the guest runs on."""

    command: ClassVar[str] = "domjobabort"
    urgent: ClassVar[bool] = True


class Save(Request, frozen=True):
    """Write the guest's memory to disk and turn it off: its next start goes on from there."""

    verb: ClassVar[str] = "save"
    then: Annotated[Then, parameter("How it is once it is restored.", advanced=True)] = "as-it-is"
    bypass_cache: Annotated[bool, parameter("Write past the host's page cache.", advanced=True)] = (
        False
    )


class SaveCall(Call, frozen=True):
    """virDomainManagedSave."""

    long: ClassVar[bool] = True
    then: Then = "as-it-is"
    bypass_cache: bool = False

    def virsh(self, name: str) -> tuple[str, ...]:
        """`virsh managedsave`."""
        then = () if self.then == "as-it-is" else (f"--{self.then}",)
        return ("managedsave", name, *then, *(("--bypass-cache",) if self.bypass_cache else ()))


def _save(situation: Situation) -> list[Step]:
    request = situation.request
    assert isinstance(request, Save)

    def shows(now: Situation) -> bool:
        instance = now.instance
        return bool(instance and instance.state is InstanceState.SHUTOFF and instance.managed_save)

    return [
        Step(
            SaveCall(request.then, request.bypass_cache),
            f"saving the memory of {situation.name}",
            shows,
            goes_on=lambda now: held_for("saving", now.instance),
            abort=AbortJobCall(),
            fails=lambda now: lives_on("saving", now.instance),
        )
    ]


def _against_save(state: State, request: Request, _: str) -> Iterator[Refusal]:
    instance = state.instances.get(request.subject)
    if instance is not None and not instance.persistent:
        text = f"{instance.name} is transient"
        yield Refusal(RefusalCode.STATE, text, "only what is defined can be saved by libvirt")
    elif instance is not None:
        yield from against(instance)
        yield from against_shares(state, instance)


def _saves(_: Request, subjects: Subjects) -> str:
    return (
        f"Turns {subjects.whom} off, with what the memory holds kept on the host: what "
        f"{subjects.they_serve} ends until the next start goes on from there."
    )


SAVE = Verb(
    Save,
    title="Save",
    help="Write its memory to disk and turn it off: its next start goes on from there.",
    doing="saving",
    group="state",
    key="s",
    decide=letting_go(
        sequence(_save, lambda now: f"{now.name} is off, its memory is saved", powers=True)
    ),
    steps=lambda now: [*rehearsed(now), *_save(now)],
    calls=(SaveCall, AbortJobCall, DetachCall, AttachCall),
    waits=True,
    needs_description=True,
    needs_facts=True,
    looks_at=frozenset({"backup", "document"}),
    during_backups=False,
    states={
        **TO_BE_ON,
        InstanceState.CRASHED: ("{name} has crashed, there is nothing to go on from", "{restart}"),
        InstanceState.SHUTTING_DOWN: ("{name} is shutting down", "wait until it is off"),
    },
    refusals=_against_save,
    risk=Risk(Caution.KEY, _saves, after=leaving),
    cancelled="The saving is aborted, and the guest runs on.",
    undo=lambda now: Restore(now.request.subject),
)


class Restore(Request, frozen=True):
    """Start an instance from its saved memory (virDomainCreate)."""

    verb: ClassVar[str] = "restore"
    second_copy: SecondCopy = ""


class RestoreCall(Call, frozen=True):
    """virDomainCreate of an instance with saved memory."""

    command: ClassVar[str] = "start"
    long: ClassVar[bool] = True


def _restore(situation: Situation) -> list[Step]:
    def shows(now: Situation) -> bool:
        instance = now.instance
        return instance is not None and instance.state.active and not instance.managed_save

    return [
        Step(
            RestoreCall(),
            f"restoring {situation.name}",
            shows,
            goes_on=lambda now: held_for(STARTING_UP, now.instance),
        )
    ]


_restoring = sequence(
    _restore, lambda now: f"{now.name} goes on from its saved memory", powers=True
)


def _restored(situation: Situation) -> Action:
    """As any list of calls, and not done where libvirt booted it.

    It throws an image away that is not whole, as one is of which the daemon died, and says yes.
    (Its test driver calls each start a boot.)
    """
    action, instance = _restoring(situation), situation.instance
    booted = instance is not None and instance.reason == "booted" and instance.type != "test"
    if isinstance(action, End) and action.status is OperationStatus.DONE and booted:
        return failed(
            f"{situation.name} was booted afresh: libvirt threw its saved memory away",
            "It does so where that was not written whole: see the log of its hypervisor.",
        )
    return action


def _without_image(state: State, request: Request, _: str) -> Iterator[Refusal]:
    instance = state.instances.get(request.subject)
    if instance is not None and not instance.managed_save:
        yield Refusal(RefusalCode.STATE, f"{instance.name} has no saved memory", "start starts it")


RESTORE = Verb(
    Restore,
    title="Restore",
    help="Start it from its saved memory.",
    doing="restoring",
    group="state",
    decide=taking_back(_restored),
    steps=_restore,
    calls=(RestoreCall, AttachCall),
    looks_at=frozenset({"definition", "document"}),
    needs_networks=True,
    states=TO_BE_OFF,
    refusals=_without_image,
    lets_run=lambda _: True,
)


class SaveRemove(Request, frozen=True):
    """Throw an instance's saved memory away (virDomainManagedSaveRemove)."""

    verb: ClassVar[str] = "save-remove"


class SaveRemoveCall(Call, frozen=True):
    """virDomainManagedSaveRemove."""

    command: ClassVar[str] = "managedsave-remove"


def _save_remove(situation: Situation) -> list[Step]:
    def shows(now: Situation) -> bool:
        return now.instance is not None and not now.instance.managed_save

    text = f"throwing the saved memory of {situation.name} away"
    return [Step(SaveRemoveCall(), text, shows)]


def _removes(_: Request, subjects: Subjects) -> str:
    return (
        f"Throws the saved memory of {subjects.whom} away: the next start boots, and "
        f"{subjects.unwritten} is lost."
    )


SAVE_REMOVE = Verb(
    SaveRemove,
    title="Remove the saved memory",
    help="Throw its saved memory away: its next start boots.",
    doing="removing its saved memory",
    group="state",
    decide=sequence(_save_remove, lambda now: f"the saved memory of {now.name} is gone"),
    steps=_save_remove,
    calls=(SaveRemoveCall,),
    refusals=_without_image,
    risk=Risk(Caution.TYPE, _removes),
)


VERBS = (SAVE, RESTORE, SAVE_REMOVE)
