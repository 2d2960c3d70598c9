"""An instance is made from a short form: a new disk or one that is there, perhaps an installer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, ClassVar, Literal

from core.model import ObjectKey, Request, State
from core.model.image_format import named_format
from core.model.new_instance import NewInstance, target_of
from core.model.secret_value import Secret
from core.model.text import clean
from core.state.usage import users_of
from core.verbs.create.calls import DefineCall, ProveCall, TakeBackCall
from core.verbs.create.family import against_name, made, undo_of
from core.verbs.create.machine import (
    GIB,
    AutostartToo,
    Firmware,
    Graphics,
    MachineWishes,
    Memory,
    Name,
    NetworkName,
    PoolName,
    StartToo,
    Tpm,
    Vcpus,
    against_found_format,
    against_machine,
    disk_at,
    file_of,
    host_path,
    new_disk,
)
from core.verbs.create.making import making
from core.verbs.create.plan import InstancePlan, NewVolume
from core.verbs.create.site import (
    Site,
    against_new,
    against_pool,
    against_volume,
    site_in,
    site_of,
)
from core.verbs.definition import AutostartCall
from core.verbs.growing import MOST_BYTES
from core.verbs.parameter import PATH_BYTES, parameter
from core.verbs.power.calls import CreateCall
from core.verbs.refusal import Refusal, RefusalCode
from core.verbs.room import against_room
from core.verbs.situation import Situation
from core.verbs.thin import thin_words
from core.verbs.verb import Risk, Verb
from core.verbs.volume import VolumeCreateCall, VolumeDeleteCall
from core.verbs.whole import whole


class Create(Request, frozen=True):
    """Make an instance with one disk (virDomainDefineXML), and start it."""

    verb: ClassVar[str] = "create"
    name: Name
    memory: Memory = 2048
    vcpus: Vcpus = 2
    size: Annotated[
        int,
        parameter(
            "How large its new disk is; 0: it has none.", least=0, most=MOST_BYTES >> 30, unit="GiB"
        ),
    ] = 20
    pool: PoolName = ""
    disk: Annotated[
        str,
        parameter(
            "A disk that is there, instead of a new one: POOL/VOLUME, or a path on the host.",
            longest=PATH_BYTES,
            source="volumes",
            place=True,
            typed=True,
        ),
    ] = ""
    cdrom: Annotated[
        str,
        parameter(
            "An installer's ISO image in its drive: POOL/VOLUME, or a path on the host. It is "
            "booted from while its disk is empty.",
            longest=PATH_BYTES,
            label="installer",
            source="volumes",
            place=True,
            typed=True,
        ),
    ] = ""
    network: NetworkName = "default"
    firmware: Firmware = "bios"
    start: StartToo = True
    boot: Annotated[
        Literal["disk", "cdrom", "network"],
        parameter("Where it boots from first; the others follow.", advanced=True),
    ] = "disk"
    format: Annotated[
        Literal["qcow2", "raw"], parameter("The format of its new disk.", advanced=True)
    ] = "qcow2"
    graphics: Graphics = "vnc"
    tpm: Tpm = False
    autostart: AutostartToo = False
    kernel: Annotated[str, host_path("A kernel on the host that is booted past all else.")] = ""
    initrd: Annotated[str, host_path("Its initrd, on the host.")] = ""
    cmdline: Annotated[str, parameter("The command line of the kernel.", advanced=True)] = ""

    @property
    def makes(self) -> str:
        """Its name."""
        return self.name


def _planned(situation: Situation) -> tuple[InstancePlan, Sequence[Secret]]:
    from core.xml.new_instance import instance_xml

    request, site = situation.request, site_of(situation)
    assert isinstance(request, Create)
    assert site.platform is not None, "checked before"
    disks, volumes = [], []
    if request.disk:
        disks.append(disk_at(site, request.disk))
    elif request.size:
        file = file_of(request.name, request.format, request.pool, site)
        disks.append(new_disk(site, request.pool, file, request.format))
        pool = site.pool(request.pool)
        assert pool is not None
        target = target_of(tuple(disks), 0)
        volumes.append(
            NewVolume(pool.name, file, "empty", request.size * GIB, disks[0].format, target=target)
        )
    if request.cdrom:
        disks.append(disk_at(site, request.cdrom, "cdrom"))
    new = NewInstance(
        name=request.name,
        uuid=request.subject.id,
        memory=request.memory,
        vcpus=request.vcpus,
        firmware=request.firmware,
        disks=tuple(disks),
        network=request.network,
        first=request.boot,
        graphics=request.graphics,
        tpm=request.tpm,
        kernel=request.kernel,
        initrd=request.initrd,
        cmdline=request.cmdline,
    )
    xml = instance_xml(new, site.platform)
    plan = InstancePlan(request.name, xml, tuple(volumes), request.start, request.autostart)
    return plan, ()


def _against(state: State, request: Request, _: str) -> Iterator[Refusal]:
    assert isinstance(request, Create)
    site = site_in(state, request.subject.host)
    yield from against_name(state, request, request.name, "name")
    wishes = MachineWishes(request.firmware, request.tpm, request.vcpus, request.network)
    yield from against_machine(site, wishes)
    if request.disk:
        yield from against_volume(site, request.disk, "disk")
        yield from _against_use(state, site, request)
        cure = "make it without a disk (--size 0), then `virtdeck volume attach --format`"
        yield from against_found_format(site, request.disk, "disk", cure)
        of_host = request.disk.startswith("/") and not request.disk.startswith("/dev/")
        if of_host and not named_format(request.disk):
            text = f"What format {clean(request.disk)} has is not known"
            yield Refusal(RefusalCode.PARAMETER, text, cure, "disk")
    elif request.size:
        yield from against_pool(site, request.pool)
        file = file_of(request.name, request.format, request.pool, site)
        yield from against_new(site, request.pool, file, "name")
        yield from against_room(site.pool(request.pool), request.size * GIB)
    if request.cdrom:
        yield from against_volume(site, request.cdrom, "cdrom")
    if (request.initrd or request.cmdline) and not request.kernel:
        text = "An initrd and a command line are a kernel's"
        yield Refusal(RefusalCode.PARAMETER, text, "give the kernel too", "kernel")
    wanted = {"cdrom": request.cdrom, "network": request.network.replace("none", "")}
    if not wanted.get(request.boot, "disk"):
        text = f"It has no {request.boot} to boot from"
        yield Refusal(RefusalCode.PARAMETER, text, "give it one, or boot from its disk", "boot")


def _against_use(state: State, site: Site, request: Create) -> Iterator[Refusal]:
    volume = None if request.disk.startswith("/") else site.volume(request.disk)
    users = [] if volume is None else users_of(state, volume)
    if users:
        text = f"{clean(request.disk)} is used by {clean(users[0].name)}"
        cure = "two that write to one image destroy it: take another, or clone that one"
        yield Refusal(RefusalCode.PARAMETER, text, cure, "disk")


def _warns(state: State, requests: Sequence[Request]) -> list[str]:
    """Say of a disk made of a file that its pool has less free than that may come to take."""
    return [
        sentence
        for one in requests
        if isinstance(one, Create) and not one.disk
        for sentence in thin_words(
            site_in(state, one.subject.host).pool(one.pool), one.name, one.size * GIB
        )
    ]


def volumes_of(state: State, request: Request) -> Iterable[ObjectKey]:
    """Return the disk that is there already: what format it has is to be known."""
    assert isinstance(request, Create)
    volume = site_in(state, request.subject.host).volume(request.disk)
    return () if volume is None else (volume.key,)


CREATE = Verb(
    Create,
    title="Create",
    help="Make an instance: with a new disk or one that is there, perhaps from an installer.",
    doing="being created",
    group="create",
    key="c",
    subject="host",
    makes="instance",
    needs_host=True,
    volumes=volumes_of,
    decide=whole(making(_planned), made),
    steps=making(_planned),
    resumable=True,
    calls=(
        *(ProveCall, VolumeCreateCall, DefineCall, AutostartCall, CreateCall),
        *(TakeBackCall, VolumeDeleteCall),
    ),
    waits=True,
    single=True,
    refusals=_against,
    undo=undo_of(_planned),
    cancelled="What was made of it is removed again.",
    risk=Risk(warns=_warns),
)
