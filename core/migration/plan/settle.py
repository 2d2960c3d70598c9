"""Options settled among themselves: what gives way to what, each with its note (nova-map 2.2).

Pure. What comes out says exactly what the call will do: every option is a flag or a parameter.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from core.migration.plan.checks import converges_by_default
from core.model import Instance, InstanceState
from core.model.text import clean
from core.verbs.migration.requests import Migrate


def settle(
    request: Migrate, instance: Instance, targets: tuple[str, ...]
) -> tuple[Migrate, tuple[str, ...]]:
    """Return the request as it is carried out and a sentence for each thing that gave way.

    `targets` are the disks that are copied. `auto_converge` comes out True or False.
    """
    notes: list[str] = []
    for rule in _RULES:
        request = rule(request, instance, targets, notes)
    return request, tuple(notes)


_SWITCHED = ("post-copy", "post-copy failed")
"""Why libvirt pauses the source of a migration that was switched: it is to be resumed as it was."""

_Rule = Callable[[Migrate, Instance, tuple[str, ...], list[str]], Migrate]


def _definition(
    request: Migrate, instance: Instance, _targets: tuple[str, ...], notes: list[str]
) -> Migrate:
    if request.undefine and not request.persist and instance.persistent:
        notes.append(
            "Its definition stays at the source: without persisting it at the destination it "
            "would be nowhere."
        )
        return replace(request, undefine=False)
    if request.persist and not instance.persistent:
        notes.append("It is transient here and will be persistent at the destination.")
    return request


def _offline(
    request: Migrate, _instance: Instance, _targets: tuple[str, ...], notes: list[str]
) -> Migrate:
    if not request.offline:
        return request
    memory = {
        "the bandwidth": bool(request.bandwidth),
        "compression": bool(request.compression),
        "TLS": request.tls,
        "the migration address": bool(request.migrate_uri or request.listen_address),
    }
    if unused := [what for what, asked in memory.items() if asked]:
        notes.append(f"Offline moves only the definition, without {', '.join(unused)}.")
    return replace(
        request,
        bandwidth=None,
        compression=(),
        tls=False,
        tls_destination="",
        auto_converge=False,
        auto_converge_initial=None,
        auto_converge_increment=None,
    )


def _convergence(
    request: Migrate, instance: Instance, _targets: tuple[str, ...], notes: list[str]
) -> Migrate:
    if request.post_copy == "never":
        if request.auto_converge is None:
            return replace(request, auto_converge=converges_by_default(request, instance))
        return request
    tuned = request.auto_converge_initial or request.auto_converge_increment
    if request.auto_converge or tuned:
        notes.append(
            "Auto-converge is left out: post-copy is allowed, and they exclude each other."
        )
    return replace(
        request, auto_converge=False, auto_converge_initial=None, auto_converge_increment=None
    )


def _paused(
    request: Migrate, instance: Instance, _targets: tuple[str, ...], notes: list[str]
) -> Migrate:
    if instance.state is not InstanceState.PAUSED or instance.reason in _SWITCHED:
        return request
    name = clean(instance.name)
    if request.post_copy != "never":
        notes.append(f"Post-copy is left out: {name} is paused and writes nothing.")
        request = replace(request, post_copy="never", post_copy_bandwidth=None)
    if request.auto_converge:
        notes.append(f"Auto-converge is left out: {name} is paused and writes nothing.")
    return replace(
        request, auto_converge=False, auto_converge_initial=None, auto_converge_increment=None
    )


def _storage(
    request: Migrate, _instance: Instance, targets: tuple[str, ...], notes: list[str]
) -> Migrate:
    if request.storage == "shared" or targets:
        return request
    # libvirt takes an empty list for every disk that can be written to
    notes.append("No disk is left to be copied: the flag that copies storage is left out.")
    return replace(
        request, storage="shared", disks=(), synchronous_writes=False, detect_zeroes=False,
        disks_uri="", disks_port=None,
    )  # fmt: skip


def _cautions(
    request: Migrate, _instance: Instance, _targets: tuple[str, ...], notes: list[str]
) -> Migrate:
    if request.unsafe:
        notes.append("libvirt will not look whether the disks' cache modes are safe.")
    if request.detect_zeroes:
        notes.append(
            "Blocks of zeros are not sent: a disk that is there already must read as zeros before, "
            "or it is corrupted."
        )
    if request.parallel and request.post_copy != "never":
        notes.append("QEMU before 10.1 cannot switch parallel connections to post-copy.")
    return request


# what is off converges on nothing, so paused comes after convergence
_RULES: tuple[_Rule, ...] = (_definition, _offline, _convergence, _paused, _storage, _cautions)
