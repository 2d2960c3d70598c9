"""What speaks against making an instance from an image. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from core.model import Request, State
from core.model.secret_value import Secret
from core.model.sizes import size_words
from core.model.storage import OF_DEVICES
from core.model.text import clean
from core.state.usage import users_of
from core.verbs.create.family import against_name
from core.verbs.create.image_request import CreateFromImage
from core.verbs.create.machine import GIB, MachineWishes, against_machine, file_of
from core.verbs.create.site import (
    Site,
    against_new,
    against_pool,
    against_volume,
    site_in,
)
from core.verbs.refusal import Refusal, RefusalCode
from core.verbs.room import against_room
from core.verbs.thin import thin_words
from core.verbs.volume_use import against_encrypted

_HASH = re.compile(r"\$[0-9a-z]{1,3}\$[^\s:]{8,}")
"""crypt(5), as /etc/shadow has it: `$6$...`."""


def against_image_request(state: State, request: Request, _: str) -> Iterator[Refusal]:
    """Tell all that speaks against it: of its host, the image, the seed."""
    assert isinstance(request, CreateFromImage)
    site = site_in(state, request.subject.host)
    yield from against_name(state, request, request.name, "name")
    wishes = MachineWishes(request.firmware, request.tpm, request.vcpus, request.network)
    yield from against_machine(site, wishes)
    yield from against_pool(site, request.pool)
    file = file_of(request.name, request.format, request.pool, site)
    yield from against_new(site, request.pool, file, "name")
    yield from _against_image(state, site, request)
    yield from against_room(site.pool(request.pool), _wanted(site, request))
    yield from _against_seed(request)
    if (request.initrd or request.cmdline) and not request.kernel:
        text = "An initrd and a command line are a kernel's"
        yield Refusal(RefusalCode.PARAMETER, text, "give the kernel too", "kernel")


def _wanted(site: Site, request: CreateFromImage) -> int:
    """Return how many bytes its disk may come to have; 0: that is not known before."""
    image = None if request.from_file else site.volume(request.image)
    return request.size * GIB or (0 if image is None else image.capacity or 0)


def short_of_room(state: State, requests: Sequence[Request]) -> list[str]:
    """Say of a disk made of a file that its pool has less free than that may come to take."""
    found: list[str] = []
    for one in requests:
        if isinstance(one, CreateFromImage):
            site = site_in(state, one.subject.host)
            found += thin_words(site.pool(one.pool), one.name, _wanted(site, one))
    return found


def _against_image(state: State, site: Site, request: CreateFromImage) -> Iterator[Refusal]:
    pool = site.pool(request.pool)
    devices = pool is not None and pool.type in OF_DEVICES
    if request.from_file:
        if request.how == "over":
            text = "A disk lies over a volume of the host, not over a file of this machine"
            yield Refusal(RefusalCode.PARAMETER, text, "have it copied", "how")
        if devices and not request.size:
            text = f"How large the disk is to be in {request.pool} is not known before"
            yield Refusal(RefusalCode.PARAMETER, text, "say it", "size")
        return
    yield from against_volume(site, request.image, "image")
    image = site.volume(request.image)
    if image is None:
        return
    yield from against_encrypted(image, "image")
    if image.capacity is None:
        text = f"How large the image {clean(request.image)} is was not read yet"
        yield Refusal(RefusalCode.STATE, text, "ask for it again")
    elif 0 < request.size * GIB < image.capacity:
        text = f"The image {clean(request.image)} is {size_words(image.capacity)} large"
        yield Refusal(RefusalCode.PARAMETER, text, "make its disk as large at least", "size")
    if request.how == "over":
        yield from _against_base(state, request, devices=devices)


def _against_base(state: State, request: CreateFromImage, *, devices: bool) -> Iterator[Refusal]:
    """Tell why a disk cannot lie over an image."""
    image = site_in(state, request.subject.host).volume(request.image)
    assert image is not None
    if request.format != "qcow2" or devices:
        text = "Only a disk in qcow2 lies over another, in a pool of files"
        yield Refusal(RefusalCode.PARAMETER, text, "take such a one, or have it copied", "how")
    users = [
        one.name
        for one in users_of(state, image)
        for disk in one.disks
        if disk.source is not None and disk.source.path == image.path and not disk.read_only
    ]
    if users:
        text = (
            f"{clean(users[0])} writes to {clean(request.image)}, and would destroy what is over it"
        )
        yield Refusal(RefusalCode.PARAMETER, text, "have it copied", "how")


def _against_seed(request: CreateFromImage) -> Iterator[Refusal]:
    secret = request.password_hash
    own = [
        ("user", request.user),
        ("ssh_key", request.ssh_key),
        ("password_hash", "" if secret is None else "given"),
    ]
    given = [name for name, value in own if value]
    if request.user_data and given:
        text = "The user data says itself who may log in"
        yield Refusal(RefusalCode.PARAMETER, text, "leave user, key and password out", given[0])
    if not request.seed and (given or request.user_data or request.network_config):
        text = "Without a seed nobody tells the guest who may log in"
        yield Refusal(RefusalCode.PARAMETER, text, "give it a seed", "seed")
    if secret is not None and secret != Secret(None) and not _HASH.fullmatch(secret.reveal()):
        text = "The password's hash is none"
        yield Refusal(
            RefusalCode.PARAMETER, text, "make it by `openssl passwd -6`", "password_hash"
        )
