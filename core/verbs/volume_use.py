"""What speaks against changing a volume: whoever uses it, and what lies over it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from core.model import Instance, Request, State, Volume
from core.model.lists import listed
from core.model.sizes import size
from core.model.text import clean
from core.state.images import BaseImage, image_of, users_in_words
from core.verbs.refusal import Refusal, RefusalCode


def place_of(volume: Volume) -> str:
    """Return a volume as POOL/NAME, to be shown."""
    return f"{clean(volume.pool_name)}/{clean(volume.name)}"


def against_use(volume: Volume, image: BaseImage, cure: str) -> Iterator[Refusal]:
    """Tell who needs a volume, through which chain."""
    if image.used:
        text = f"{clean(volume.name)} is needed: by {listed(users_in_words(image))}"
        yield Refusal(RefusalCode.STATE, text, cure)


def against_doubt(volume: Volume, image: BaseImage) -> Iterator[Refusal]:
    """Tell what is not known that might need a volume, where nothing is known to."""
    if not image.used and image.unknown:
        text = f"Whether {clean(volume.name)} is needed is not known: {listed(image.unknown, 2)}"
        yield Refusal(RefusalCode.STATE, text, "see to that, or read everything again")


def against_losing(state: State, volume: Volume, cure: str) -> Iterator[Refusal]:
    """Tell why what is in a volume must not be lost: something needs it, or may."""
    image = image_of(state, volume)
    yield from against_use(volume, image, cure)
    yield from against_doubt(volume, image)


def against_using(state: State, volume: Volume, cure: str) -> Iterator[Refusal]:
    """Tell who needs a volume; what is not known of that its confirmation tells (`doubts`)."""
    yield from against_use(volume, image_of(state, volume), cure)


def doubts(state: State, requests: Sequence[Request]) -> list[str]:
    """Say of which volumes nobody can tell that nothing needs them, and why."""
    found = [state.volumes.get(request.subject) for request in requests]
    return [
        str(refusal)
        for volume in found
        if volume is not None
        for refusal in against_doubt(volume, image_of(state, volume))
    ]


def against_encrypted(volume: Volume, parameter: str = "") -> Iterator[Refusal]:
    """Tell that a volume is encrypted: libvirt copies what is in it, not as it is."""
    if volume.encrypted:
        text = f"{clean(volume.name)} is encrypted: its copy by libvirt would be in clear"
        cure = "copy it as it is: `virtdeck volume download`, then `virtdeck volume upload`"
        yield Refusal(RefusalCode.UNSUPPORTED, text, cure, parameter)


def writers(state: State, volume: Volume) -> list[tuple[Instance, str]]:
    """Return the instances that are on and have a volume itself as a disk they may write to."""
    found = []
    for user in image_of(state, volume).users:
        instance = state.instances.get(user.instance)
        if instance is None or user.chain or not instance.state.active:
            continue
        disk = next((one for one in instance.disks if one.target == user.target), None)
        if disk is None or not disk.read_only:
            found.append((instance, user.target))
    return found


def sizes_in(verb: str, state: State, requests: Sequence[Request]) -> list[str]:
    """Say which volumes a verb is meant for, each with what it takes: nothing tells what is in."""
    told = [
        f"{place_of(volume)} ({size(volume.allocation)} on disk)"
        for request in requests
        if (volume := state.volumes.get(request.subject)) is not None
        and volume.allocation is not None
    ]
    return [f"{verb}: {listed(told)}."] if told else []
