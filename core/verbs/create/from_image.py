"""An instance is made from the image of a system, as clouds boot it, with a seed for cloud-init."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from core.model import ObjectKey, Request, State
from core.model.new_instance import NewDisk, NewInstance, target_of
from core.model.secret_value import Secret
from core.model.seed import seed_capacity, seed_name
from core.model.storage import OF_DEVICES
from core.verbs.create.calls import DefineCall, ProveCall, SeedCall, TakeBackCall
from core.verbs.create.family import made, undo_of
from core.verbs.create.image_checks import against_image_request, short_of_room
from core.verbs.create.image_request import CreateFromImage, seed_of
from core.verbs.create.machine import (
    GIB,
    file_of,
    new_disk,
)
from core.verbs.create.making import making
from core.verbs.create.plan import How, InstancePlan, NewVolume
from core.verbs.create.site import (
    Site,
    site_in,
    site_of,
)
from core.verbs.definition import AutostartCall
from core.verbs.power.calls import CreateCall
from core.verbs.situation import Situation
from core.verbs.verb import Risk, Verb
from core.verbs.volume import (
    StopTransferCall,
    VolumeCloneCall,
    VolumeCreateCall,
    VolumeDeleteCall,
    VolumeResizeCall,
    VolumeUploadCall,
)
from core.verbs.whole import whole


def _planned(situation: Situation) -> tuple[InstancePlan, Sequence[Secret]]:
    from core.xml.new_instance import instance_xml

    request, site = situation.request, site_of(situation)
    assert isinstance(request, CreateFromImage)
    pool = site.pool(request.pool)
    assert site.platform is not None, "checked before"
    assert pool is not None, "checked before"
    file = file_of(request.name, request.format, request.pool, site)
    disks = [new_disk(site, request.pool, file, request.format)]
    volumes = [_disk_volume(site, request, pool.name, file, disks[0].format)]
    if request.seed:
        name = seed_name(request.name, request.subject.id)
        path = site.path(pool, name)
        block = "block" if pool.type in OF_DEVICES else "file"
        disks.append(NewDisk(path, block, "raw", "cdrom", optional=True))  # type: ignore[arg-type]
        capacity = seed_capacity(seed_of(request))
        target = target_of(tuple(disks), 1)
        volumes.append(NewVolume(pool.name, name, "seed", capacity, "raw", target=target))
    new = NewInstance(
        name=request.name,
        uuid=request.subject.id,
        memory=request.memory,
        vcpus=request.vcpus,
        firmware=request.firmware,
        disks=tuple(disks),
        network=request.network,
        graphics=request.graphics,
        tpm=request.tpm,
        kernel=request.kernel,
        initrd=request.initrd,
        cmdline=request.cmdline,
    )
    xml = instance_xml(new, site.platform)
    return InstancePlan(request.name, xml, tuple(volumes), request.start, request.autostart), ()


def _disk_volume(
    site: Site, request: CreateFromImage, pool: str, name: str, format_: str
) -> NewVolume:
    how: How = "file" if request.from_file else request.how
    capacity = request.size * GIB
    if how == "over" and not capacity:
        image = site.volume(request.image)
        capacity = 0 if image is None else image.capacity or 0
    return NewVolume(pool, name, how, capacity, format_, request.image, "vda")


def _seed_call(situation: Situation, volume: NewVolume) -> SeedCall:
    request = situation.request
    assert isinstance(request, CreateFromImage)
    return SeedCall(volume.pool, volume.name, seed_of(request), request.password_hash)


def volumes_of(state: State, request: Request) -> Iterable[ObjectKey]:
    """Return the image: how large it is, is to be known."""
    assert isinstance(request, CreateFromImage)
    image = (
        None if request.from_file else site_in(state, request.subject.host).volume(request.image)
    )
    return () if image is None else (image.key,)


def _made(situation: Situation) -> str:
    request = situation.request
    assert isinstance(request, CreateFromImage)
    stays = f"; its seed stays until `remove-seed` of {request.name}" if request.seed else ""
    return f"{made(situation)}{stays}"


_STEPS = making(_planned, _seed_call)

CREATE_FROM_IMAGE = Verb(
    CreateFromImage,
    title="Create from an image",
    help="Make an instance from a cloud image, which cloud-init sets up at its first boot.",
    doing="being created",
    group="create",
    key="i",
    subject="host",
    makes="instance",
    needs_host=True,
    volumes=volumes_of,
    decide=whole(_STEPS, _made),
    steps=_STEPS,
    resumable=True,
    calls=(
        *(ProveCall, VolumeCreateCall, VolumeCloneCall, VolumeUploadCall, VolumeResizeCall),
        *(SeedCall, DefineCall, AutostartCall, CreateCall),
        *(TakeBackCall, VolumeDeleteCall, StopTransferCall),
    ),
    waits=True,
    single=True,
    refusals=against_image_request,
    undo=undo_of(_planned),
    cancelled="What was made of it is removed again.",
    risk=Risk(warns=short_of_room),
)
