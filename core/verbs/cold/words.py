"""What a cold migration does, and what confirming or reverting it takes away, in words. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from core.model import Instance, ObjectKey, Request, State
from core.model.lists import listed
from core.model.sizes import size_words
from core.model.text import clean
from core.state.usage import volume_of
from core.verbs.caution import Caution
from core.verbs.cold.copying import copies
from core.verbs.cold.requests import ColdMigrate, ConfirmColdMigration, RevertColdMigration
from core.verbs.cold.sides import Sides, sides_of, volumes_of
from core.verbs.disk_deletion import image_of
from core.verbs.growing import growths
from core.verbs.resizing import beyond
from core.verbs.thin import thin_words
from core.verbs.verb import Subjects


def moves_there(request: Request, subjects: Subjects) -> str:
    """Say what a cold migration does."""
    assert isinstance(request, ColdMigrate)
    copied = f" Copies {listed(request.copy)} there." if request.copy else ""
    source, there = clean(request.subject.host), clean(request.to)
    return (
        f"Moves {subjects.whom} to {there}.{copied} {source} keeps it, and does not start it, "
        "until that is confirmed or reverted."
    )


def larger_there(state: State, requests: Sequence[Request]) -> list[str]:
    """Say what it is to have there that it has not, and what the host has not."""
    found: list[str] = []
    for request in requests:
        assert isinstance(request, ColdMigrate)
        there = [f"{request.vcpus} vCPUs"] if request.vcpus is not None else []
        there += [f"{request.memory} MiB of memory"] if request.memory is not None else []
        there += [f"{target} of {size_words(to)}" for target, to in growths(request.grow).items()]
        if there:
            found.append(f"It has {listed(there)} there.")
        found += beyond(state, request.to, request.vcpus, request.memory)
    return list(dict.fromkeys(found))


def short_there(state: State, requests: Sequence[Request]) -> list[str]:
    """Say of what is copied that the pools there have less free than it may come to take."""
    found: list[str] = []
    for request in requests:
        assert isinstance(request, ColdMigrate)
        instance = state.instances.get(request.subject)
        known = state.volumes, state.pools
        larger, wanted = growths(request.grow), dict[ObjectKey, dict[str, int]]()
        copied = () if instance is None else copies(
            instance, request.copy, request.to, request.pool, *known
        )  # fmt: skip
        for one in copied:
            original = volume_of(state.volumes.values(), request.subject.host, one.original)
            pool = next(
                key for key, pool in state.pools.items()
                if (pool.host, pool.name) == (request.to, one.pool)
            )  # fmt: skip
            size = 0 if original is None else original.capacity or 0
            wanted.setdefault(pool, {})[one.target] = max(size, larger.get(one.target, 0))
        for pool, sizes in wanted.items():
            found += thin_words(state.pools[pool], listed(list(sizes)), sum(sizes.values()))
    return found


def confirm_takes(state: State, requests: Sequence[Request]) -> list[str]:
    """Say what goes at the source."""
    found = [sides_of(state, request.subject) for request in requests]
    return [
        f"Removes the definition of {_name(one)} from {clean(one.source)}: from then on it is on "
        f"{clean(one.destination)} alone, and the move cannot be reverted."
        f"{_deleted(state, request, one)}{_forgets(state, one.at_source)}"
        for request, one in zip(requests, found, strict=True)
        if one is not None
    ]


def _deleted(state: State, request: Request, sides: Sides) -> str:
    """Name what is deleted at the source."""
    assert isinstance(request, ConfirmColdMigration)
    instance = sides.at_source
    own = () if request.originals == "keep" else volumes_of(instance)
    if instance is None or not own:
        return ""
    disks = [one for one in instance.disks if one.source is not None and one.source.path in own]
    images = [image_of(state, instance, disk) for disk in disks]
    of_disks = {one.source.path for one in disks if one.source is not None}
    images += [clean(path) for path in own if path not in of_disks]
    return f" Deletes on {clean(sides.source)}: {listed(images)}."


def confirm_caution(state: State, request: Request) -> Caution:
    """Have the name typed where disks are deleted."""
    sides = sides_of(state, request.subject)
    return Caution.TYPE if sides and _deleted(state, request, sides) else Caution.NONE


def revert_caution(state: State, request: Request) -> Caution:
    """Have the name typed where what was written to copies may be thrown away."""
    assert isinstance(request, RevertColdMigration)
    sides = sides_of(state, request.subject)
    copied = sides is not None and bool(volumes_of(sides.at_destination))
    return Caution.TYPE if copied and request.discard else Caution.NONE


def revert_takes(state: State, requests: Sequence[Request]) -> list[str]:
    """Say what goes at the destination."""
    found = [sides_of(state, request.subject) for request in requests]
    return [_reverts(state, one) for one in found if one is not None]


def _forgets(state: State, half: Instance | None) -> str:
    """Name the checkpoints that go with the definition of a half, as far as they were read."""
    known = () if half is None else state.checkpoints.get(half.key, ())
    if half is None or not known:
        return ""
    what = "checkpoint" if len(known) == 1 else "checkpoints"
    return (
        f" {clean(half.host)} forgets its {what} {listed([one.name for one in known])}: no backup "
        "can be made since then any more, and the bitmaps stay in the images."
    )


def _reverts(state: State, sides: Sides) -> str:
    name, there = _name(sides), clean(sides.destination)
    again = f"It starts on {clean(sides.source)} as before."
    if sides.at_destination is None:
        return f"{there} has no definition of {name} of that move.{_left_over(sides)} {again}"
    return (
        f"Removes the definition of {name} from {there}: what was changed of it there is "
        f"lost.{_copies_named(sides)}{_forgets(state, sides.at_destination)} {again}"
    )


def _left_over(sides: Sides) -> str:
    """Say that copies may lie there: only the definition that is gone told where."""
    if not volumes_of(sides.at_source):
        return ""
    originals = listed(volumes_of(sides.at_source))
    return f" What was copied of {originals} may still be there: nothing tells where."


def _copies_named(sides: Sides) -> str:
    own = [clean(path) for path in volumes_of(sides.at_destination)]
    return f" Deletes there: {listed(own)}." if own else ""


def _name(sides: Sides) -> str:
    found = sides.at_source or sides.at_destination
    return "" if found is None else clean(found.name)
