"""What the forms of a new instance have in common: its name, its size, what it is connected to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Literal

from core.model.image_format import named_format, only_found
from core.model.lists import listed
from core.model.new_instance import NewDisk
from core.model.storage import OF_DEVICES
from core.model.text import clean
from core.verbs.create.site import Site
from core.verbs.definition import NAME_BYTES
from core.verbs.parameter import PATH_BYTES, parameter
from core.verbs.refusal import Refusal, RefusalCode

GIB = 1 << 30

Name = Annotated[
    str,
    parameter(
        "Its name.",
        pattern=r"[^./\x00-\x1f\x7f-\x9f][^/\x00-\x1f\x7f-\x9f]*",
        shape="one that begins with no dot, without / and control characters",
        longest=min(NAME_BYTES, 200),
        argument=True,
    ),
]
Memory = Annotated[int, parameter("How much memory it has.", least=16, most=1 << 34, unit="MiB")]
Vcpus = Annotated[
    int, parameter("How many vCPUs it has.", least=1, most=4096, label="number of vCPUs")
]
PoolName = Annotated[
    str,
    parameter(
        "The pool in which its disk is made. [default: the only one, or `default`]", source="pools"
    ),
]
NetworkName = Annotated[
    str,
    parameter(
        "A network of the host by its name, bridge:NAME, user (QEMU's own, which nothing reaches "
        "from outside), or none.",
        source="interface-networks",
        typed=True,
    ),
]
Firmware = Annotated[Literal["bios", "uefi"], parameter("The firmware it boots with.")]
Graphics = Annotated[
    Literal["vnc", "spice", "none"],
    parameter("Its screen, which the host itself can look at.", advanced=True),
]
Tpm = Annotated[bool, parameter("Give it an emulated TPM 2.0.", label="TPM", advanced=True)]
AutostartToo = Annotated[bool, parameter("Have it started with its host.", advanced=True)]
StartToo = Annotated[bool, parameter("Start it.")]


def host_path(help_: str) -> object:
    """Return the parameter of a file on the host; empty: there is none."""
    return parameter(
        help_,
        pattern=r"(/[^\x00-\x1f\x7f-\x9f]+)?",
        shape="a whole path, which begins with /",
        longest=PATH_BYTES,
        advanced=True,
    )


@dataclass(frozen=True, slots=True)
class MachineWishes:
    """What every form of a new instance asks of its host."""

    firmware: str
    tpm: bool
    vcpus: int
    network: str


def against_machine(site: Site, wishes: MachineWishes) -> Iterator[Refusal]:
    """Tell what the host does not have of what an instance is to have."""
    platform, host = site.platform, site.name
    if platform is None:
        text = f"{host} does not tell what new guests can have there"
        yield Refusal(RefusalCode.UNSUPPORTED, text, "make it from XML")
        return
    if (
        platform.firmware is not None
        and wishes.firmware == "uefi"
        and "efi" not in platform.firmware
    ):
        text = f"{host} has no UEFI firmware for guests"
        cure = "install it there (on Debian: ovmf), or take bios"
        yield Refusal(RefusalCode.PARAMETER, text, cure, "firmware")
    if wishes.tpm and "emulator" not in (platform.tpm or ()):
        text = f"{host} has no TPM emulator"
        yield Refusal(RefusalCode.PARAMETER, text, "install swtpm there, or leave it out", "tpm")
    most = platform.vcpus_maximum
    if most is not None and wishes.vcpus > most:
        text = f"{host} gives a guest at most {most} vCPUs"
        yield Refusal(RefusalCode.PARAMETER, text, f"take {most} or fewer", "vcpus")
    yield from _against_network(site, wishes.network)


def _against_network(site: Site, wanted: str) -> Iterator[Refusal]:
    kind, _, name = wanted.partition(":")
    if wanted in ("user", "none") or (kind == "bridge" and name):
        return
    network = site.networks.get(wanted)
    known = [clean(one) for one in site.networks]
    if network is None:
        text = f"{site.name} has no network {clean(wanted)}"
        cure = f"take {listed(known)}, bridge:NAME, user or none" if known else (
            "it has none: take bridge:NAME, user or none"
        )  # fmt: skip
        yield Refusal(RefusalCode.PARAMETER, text, cure, "network")
    elif not network.active:
        text = f"The network {clean(wanted)} of {site.name} is off"
        cure = f"start it: `virtdeck network start {clean(site.name)}/{clean(wanted)}`"
        yield Refusal(RefusalCode.PARAMETER, text, cure, "network")


def disk_at(site: Site, place: str, device: Literal["disk", "cdrom"] = "disk") -> NewDisk:
    """Return what is there already: `POOL/NAME`, or a path on the host."""
    volume = None if place.startswith("/") else site.volume(place)
    source = place if volume is None else volume.path
    block = source.startswith("/dev/") or (volume is not None and volume.type == "block")
    known = "" if volume is None else volume.format
    if device == "cdrom" or known in ("iso", "raw", "") or block:
        raw = device == "cdrom" or known or block
        format_ = "raw" if raw else named_format(source) or "qcow2"
    else:
        format_ = known
    return NewDisk(source, "block" if block else "file", format_, device)


def against_found_format(site: Site, place: str, field: str, cure: str) -> Iterator[Refusal]:
    """Tell of a volume whose format nothing tells but what it begins with, which a guest writes."""
    volume = None if place.startswith("/") else site.volume(place)
    if volume is None or volume.type == "block" or not only_found(volume.name, volume.format):
        return
    if volume.format == "qcow2" and not volume.backing:  # it names no other file to be read
        return
    over = f" over {clean(volume.backing)}" if volume.backing else ""
    text = (
        f"{clean(place)} reads as {volume.format}{over}, and its name does not say so: a guest "
        "that had it as a raw disk may have written that, to be given another file of the host"
    )
    yield Refusal(RefusalCode.PARAMETER, text, cure, field)


def new_disk(site: Site, pool_name: str, name: str, format_: str) -> NewDisk:
    """Return the disk that a volume will be."""
    pool = site.pool(pool_name)
    assert pool is not None, "checked before"
    block = pool.type in OF_DEVICES
    return NewDisk(site.path(pool, name), "block" if block else "file", "raw" if block else format_)


def file_of(name: str, format_: str, pool_name: str, site: Site) -> str:
    """Return what the volume of a new instance's disk is called in its pool."""
    pool = site.pool(pool_name)
    if pool is not None and pool.type in OF_DEVICES:
        return name
    return f"{name}.{'img' if format_ == 'raw' else format_}"
