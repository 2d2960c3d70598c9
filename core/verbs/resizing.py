"""An instance gets another size: vCPUs, memory and larger disks, in one operation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Annotated, ClassVar

from core.errors import XmlError
from core.model import Instance, InstanceState, OperationStatus, Request, State
from core.model.sizes import size_words
from core.model.text import clean
from core.verbs.applied import KNOWN
from core.verbs.caution import Caution
from core.verbs.defining import RedefineCall, defining
from core.verbs.editing import Edit
from core.verbs.growing import GROW, GrowDiskCall, against_growth, growths, volume_of_disk
from core.verbs.parameter import parameter
from core.verbs.power.calls import CreateCall, ShutdownCall
from core.verbs.refusal import Refusal, RefusalCode
from core.verbs.sequence import Step, sequence
from core.verbs.situation import Action, End, Situation, cancelled, done, failed
from core.verbs.sizing import mib, vcpu_count
from core.verbs.thin import grown_words
from core.verbs.verb import Risk, Verb

PATIENCE = 120.0
"""Seconds a guest has to power off."""
MIB = 1 << 20

VCPUS = vcpu_count("How many vCPUs it has.", label="number of vCPUs", present="vcpus")
MEMORY = mib("How much memory it has.", present="memory")


class Resize(Request, frozen=True):
    """Give an instance more or fewer vCPUs, more or less memory, and larger disks."""

    verb: ClassVar[str] = "resize"
    vcpus: Annotated[int, VCPUS] | None = None
    memory: Annotated[int, MEMORY] | None = None
    grow: tuple[Annotated[str, GROW], ...] = ()
    restart: Annotated[
        bool, parameter("One that is on is shut down for it, and started again.")
    ] = False


def _on(now: Situation) -> bool:
    return now.instance is not None and now.instance.state.active


def _off(now: Situation) -> bool:
    return now.instance is not None and now.instance.state is InstanceState.SHUTOFF


def _was_on(now: Situation) -> bool:
    """Whether it was on when this was begun: its first call says so."""
    if not now.sent:
        return _on(now)
    first = now.sent[0].call
    return isinstance(first, ShutdownCall) or (isinstance(first, GrowDiskCall) and first.live)


def _redefines(request: Resize) -> bool:
    return request.vcpus is not None or request.memory is not None


def _steps(now: Situation) -> list[Step]:
    """Shut it down where it is on; define it anew; let its disks grow; start it again."""
    request, name = now.request, now.name
    assert isinstance(request, Resize)
    was_on = _was_on(now)
    steps = []
    if was_on and request.restart:
        steps.append(
            Step(
                ShutdownCall("acpi"),
                f"asking the guest of {name} to power off",
                _off,
                CreateCall(),
                goes_on=_obeying,
            )
        )
    if _redefines(request):
        sent = any(isinstance(one.call, RedefineCall) for one in now.sent)
        made = RedefineCall("", "") if now.document is None or sent else _made(now)
        steps.append(defining(now, made, f"defining {name} with {_size(request)}", undo=True))
    for target, capacity in growths(request.grow).items():
        path = _path(now, target)
        call = GrowDiskCall(target, path, capacity, live=was_on and not request.restart)
        steps.append(Step(call, f"letting {target} ({clean(path)}) grow to {size_words(capacity)}"))
    if was_on and request.restart:
        count = len(steps) + 1
        steps.append(
            Step(
                CreateCall(), f"starting {name}", lambda then: _on(then) and len(then.sent) >= count
            )
        )
    return steps


def _obeying(now: Situation) -> bool:
    """Whether a guest that was asked still has time to power off."""
    asked = now.sent[0]
    return _on(now) and asked.accepted and not now.cancelled and now.now < asked.at + PATIENCE


def _path(now: Situation, target: str) -> str:
    for one in now.sent:
        if isinstance(one.call, GrowDiskCall) and one.call.target == target:
            return one.call.path
    disks = () if now.instance is None else now.instance.disks
    found = next((disk for disk in disks if disk.target == target), None)
    return "" if found is None or found.source is None else found.source.path


def _made(now: Situation) -> RedefineCall:
    request, document = now.request, now.document or ""
    assert isinstance(request, Resize)
    from core.xml.definition.resizing import with_size

    return RedefineCall(with_size(document, request.vcpus, request.memory), document)


def _size(request: Resize) -> str:
    parts = []
    if request.vcpus is not None:
        parts.append(f"{request.vcpus} vCPU{'' if request.vcpus == 1 else 's'}")
    if request.memory is not None:
        parts.append(size_words(request.memory * MIB))
    return " and ".join(parts)


def _decide(now: Situation) -> Action:
    """Refuse what does not fit its definition; give up on a guest that does not power off."""
    request = now.request
    assert isinstance(request, Resize)
    if not now.sent and _redefines(request):
        try:
            made = _made(now)
        except XmlError as error:
            text = f"{error.message} {error.hint}"
            return End(OperationStatus.REFUSED, text, refused=RefusalCode.PARAMETER)
        if made.xml == made.base and not request.grow:
            return done(f"{now.name} has {_size(request)} already")
    if len(now.sent) == 1 and isinstance(now.last.call, ShutdownCall) and _on(now):
        if now.cancelled:
            return cancelled(f"resize of {now.name} was cancelled: nothing was changed")
        if now.last.accepted and not _obeying(now) and now.link_up:
            text = f"{now.name} did not power off in {PATIENCE:.0f} s: nothing was changed"
            return failed(text, "Shut it down, or stop it, and resize it then.")
    return _DECIDE(now)


def _outcome(now: Situation) -> str:
    request = now.request
    assert isinstance(request, Resize)
    parts = [_size(request)] if _redefines(request) else []
    parts += [f"{target} of {size_words(to)}" for target, to in growths(request.grow).items()]
    runs = " and runs again" if _was_on(now) and request.restart else ""
    return f"{now.name} has {', '.join(parts)}{runs}"


_DECIDE = sequence(_steps, _outcome)


def _undo(now: Situation) -> Request | None:
    """Return the edit that puts vCPUs and memory back: disks stay as large as they are."""
    request = now.request
    assert isinstance(request, Resize)
    if now.document is None or not _redefines(request):
        return None
    try:
        made = _made(now)
    except XmlError:
        return None
    return None if made.xml == made.base else Edit(request.subject, made.base, made.xml)


def _against(state: State, request: Request, _: str) -> Iterator[Refusal]:
    assert isinstance(request, Resize)
    instance = state.instances.get(request.subject)
    if instance is None:
        return
    name = clean(instance.name)
    if not (_redefines(request) or request.grow):
        text = "No size was given"
        yield Refusal(RefusalCode.PARAMETER, text, "give vCPUs, memory, or a disk that grows")
    if not instance.persistent and (_redefines(request) or request.restart):
        yield Refusal(RefusalCode.STATE, f"{name} is transient", "it has no next start")
    if instance.managed_save and not instance.state.active:
        text = f"The memory of {name} is saved, and what was saved wins"
        yield Refusal(RefusalCode.STATE, text, "start it, or drop that: save-remove")
    if instance.state.active and _redefines(request) and not request.restart:
        text = f"{name} is on"
        cure = "shut it down first, or have it restarted (restart); at once: set-vcpus, set-memory"
        yield Refusal(RefusalCode.STATE, text, cure)
    if request.restart and instance.state in (InstanceState.PAUSED, InstanceState.CRASHED):
        text = f"{name} is {instance.state.value}, its guest cannot power off"
        yield Refusal(RefusalCode.STATE, text, "resume it first, or stop it")
    yield from against_vcpus(state, instance, request.vcpus)
    if instance.described:
        yield from against_growth(state, instance, request.grow)


def against_vcpus(
    state: State, instance: Instance, vcpus: int | None, host: str = ""
) -> Iterator[Refusal]:
    """Tell that a host gives no machine of that kind so many vCPUs, where it says what it gives.

    `host` is where it is to run; empty: where it is.
    """
    found = state.hosts.get(host or instance.host)
    platform = None if found is None or found.facts is None else found.facts.platform
    if platform is None or vcpus is None or not (most := platform.vcpus_maximum):
        return
    alike = (platform.type, platform.architecture) == (instance.type, instance.architecture)
    of_one_kind = platform.machine.rpartition("-")[0] or platform.machine
    if alike and of_one_kind and of_one_kind in instance.machine and vcpus > most:
        text = f"A {of_one_kind} of {clean(host or instance.host)} has {most} vCPUs at most"
        yield Refusal(RefusalCode.PARAMETER, text, f"give it {most} or fewer", "vcpus")


def _changes(state: State, requests: Sequence[Request]) -> list[str]:
    """Say what each has now, and what it is to have; and what its host does not have."""
    found: list[str] = []
    for request in requests:
        instance = state.instances.get(request.subject)
        if instance is not None:
            assert isinstance(request, Resize)
            found += _of_one(state, instance, request)
    return found


def _of_one(state: State, instance: Instance, request: Resize) -> Iterator[str]:
    name, changes = clean(instance.name), []
    if request.vcpus is not None:
        before = _counted(instance.vcpus, instance.vcpus_maximum, str)
        changes.append(f"{before} to {request.vcpus} vCPUs")
    if request.memory is not None:
        before = _counted(instance.memory, instance.memory_maximum, size_words)
        changes.append(f"{before} to {size_words(request.memory * MIB)} of memory")
    for disk in instance.disks:
        wanted = growths(request.grow).get(disk.target)
        volume = None if wanted is None else volume_of_disk(state.volumes, instance, disk)
        if wanted is not None:
            has = "what it has" if volume is None else size_words(volume.capacity)
            changes.append(f"{disk.target} from {has} to {size_words(wanted)}, for good")
    if changes:
        yield f"Resizes {name}: {'; '.join(changes)}."
    if instance.state.active and request.restart:
        yield f"Shuts {name} down for that, and starts it again: it serves nothing meanwhile."
    yield from beyond(state, instance.host, request.vcpus, request.memory)


def _counted(has: int, most: int, words: Callable[[int], str]) -> str:
    """Say what an instance has, and what it may have where that is another figure."""
    return words(has) if has in (0, most) else f"{words(has)} of {words(most)}"


def beyond(state: State, host: str, vcpus: int | None, memory: int | None) -> Iterator[str]:
    """Say where an instance is to have more than its whole host."""
    found = state.hosts.get(host)
    facts = None if found is None else found.facts
    if facts is None:
        return
    if vcpus is not None and facts.cpus and vcpus > facts.cpus:
        yield f"{clean(host)} has {facts.cpus} CPUs: {vcpus} vCPUs of one instance share them."
    if memory is not None and facts.memory and memory * MIB > facts.memory:
        yield (
            f"{clean(host)} has {size_words(facts.memory)} of memory: it may not start with "
            f"{size_words(memory * MIB)}."
        )


RESIZE = Verb(
    Resize,
    title="Resize",
    help="Give it another number of vCPUs, amount of memory, and larger disks, in one go.",
    doing="being resized",
    group="resources",
    key="r",
    decide=_decide,
    steps=_steps,
    resumable=True,
    calls=(RedefineCall, GrowDiskCall, ShutdownCall, CreateCall),
    waits=True,
    states=KNOWN,
    refusals=_against,
    needs_description=True,
    storage_for=("grow",),
    needs_facts=True,
    during_move=False,
    looks_at=frozenset({"document"}),
    undo=_undo,
    cancelled="What was changed of its definition is put back; a disk that grew stays so.",
    risk=Risk(Caution.CONFIRM, after=_changes, warns=grown_words),
)

VERBS = (RESIZE,)
