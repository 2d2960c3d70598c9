"""Why a migration cannot be planned: every reason at once, before anything is touched. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from core.migration.plan.disks import disk_objections, disks_to_copy
from core.migration.plan.options import contradictions
from core.model import Disk, Instance, InstanceState
from core.model.text import clean
from core.verbs.migration.requests import Migrate
from core.verbs.parameter import against_parameters


def objections(request: Migrate, instance: Instance, disks: tuple[Disk, ...]) -> tuple[str, ...]:
    """Return why libvirt, QEMU or good sense would refuse it, a sentence each."""
    # post-copy wins over auto-converge (nova-map 2.2): that is noted, not refused
    wins = replace(request, auto_converge=None) if request.post_copy != "never" else request
    rules = (
        contradictions(wins),
        _state(request, instance),
        _tunnel(request, disks),
        _compression(request),
        _tuning(request, instance),
        _disk_address(request),
        disk_objections(request, disks, clean(instance.name)),
    )
    return tuple(dict.fromkeys(sentence for rule in rules for sentence in rule))


def malformed(request: Migrate) -> tuple[str, ...]:
    """Return what makes no sense as written, a sentence each."""
    return tuple(sentence for rule in (_values, _names) for sentence in rule(request))


def _state(request: Migrate, instance: Instance) -> Iterator[str]:
    name = clean(instance.name)
    if request.offline and instance.state.active:
        yield f"{name} is {instance.state.value}: offline moves an instance that is off."
    if not request.offline and instance.state is InstanceState.SHUTOFF:
        yield f"{name} is shut off: move its definition offline, or start it first."
    if request.offline and not instance.persistent:
        yield f"{name} is transient: it has no definition to move offline."


def _tunnel(request: Migrate, disks: tuple[Disk, ...]) -> Iterator[str]:
    if not request.tunnelled:
        return
    if disks_to_copy(request, disks)[0]:
        # Nova would copy none and go on: the destination would start without its data
        yield "A tunnel through libvirt copies no disks: use shared storage, or no tunnel."
    if request.offline:
        yield "A definition that is moved offline needs no tunnel."
    if request.listen_address:
        yield "A tunnel through libvirt excludes a listen address."


def _compression(request: Migrate) -> Iterator[str]:
    if request.parallel and len(request.compression) > 1:
        yield "Parallel connections take one compression only."
    if "mt" in request.compression and request.post_copy != "never":
        yield "Post-copy excludes the compression mt."


def _tuning(request: Migrate, instance: Instance) -> Iterator[str]:
    tuned = request.auto_converge_initial or request.auto_converge_increment
    by_default = request.auto_converge is None and not converges_by_default(request, instance)
    if tuned and by_default and request.post_copy == "never":
        yield "The initial value and the increment of auto-converge need auto-converge."


def converges_by_default(request: Migrate, instance: Instance) -> bool:
    """Whether auto-converge is on when nobody said: the adaptive policy's last resort.

    Never for a guest that is emulated: with QEMU 7.2's TCG a throttled guest loses pages that it
    writes, and its kernel panics at the destination (seen with plain virsh in most migrations).
    """
    adaptive = request.policy == "adaptive" and request.post_copy == "never"
    return adaptive and not request.offline and instance.type != "qemu"


def _disk_address(request: Migrate) -> Iterator[str]:
    if request.disks_port is None:
        return
    if request.storage == "shared":
        yield "A port for the disks is of no use with shared storage: say what is copied."
    if request.disks_uri:
        yield "The disks have both an address and a port: write the port into the address."


def _values(request: Migrate) -> Iterator[str]:
    for refusal in against_parameters(request):
        yield str(refusal)


def _names(request: Migrate) -> Iterator[str]:
    if len(set(request.compression)) < len(request.compression):
        yield "A compression is named twice."
    name = request.destination_name
    if name and (not name.isprintable() or "/" in name or name.strip() != name):
        yield f"The name {clean(name)!r} cannot be that of an instance: it has '/' or blanks."
