"""What is asked for where an instance is made from an image. Pure values."""

from __future__ import annotations

import re
from typing import Annotated, ClassVar, Literal

from core.model import Request
from core.model.secret_value import Secret
from core.model.seed import Seed
from core.verbs.create.machine import (
    AutostartToo,
    Firmware,
    Graphics,
    Memory,
    Name,
    NetworkName,
    PoolName,
    StartToo,
    Tpm,
    Vcpus,
    host_path,
)
from core.verbs.parameter import PATH_BYTES, parameter

_HOST = r"([A-Za-z0-9]([A-Za-z0-9-]{0,62}(?<!-))?(\.(?!$)|$))*"


class CreateFromImage(Request, frozen=True):
    """Make an instance from a cloud image, with a cloud-init seed (virStorageVolCreateXMLFrom)."""

    verb: ClassVar[str] = "create-from-image"
    name: Name
    image: Annotated[
        str,
        parameter(
            "The image its disk is made from: POOL/VOLUME, or a file of this machine, which "
            "begins with /, ./ or ~.",
            longest=PATH_BYTES,
            source="volumes",
            place=True,
            typed=True,
        ),
    ]
    how: Annotated[
        Literal["copy", "over"],
        parameter("copy: its disk is its own. over: it lies over the image, which has to stay."),
    ] = "copy"
    size: Annotated[
        int,
        parameter("How large its disk is; 0: as the image.", least=0, most=1 << 23, unit="GiB"),
    ] = 0
    memory: Memory = 2048
    vcpus: Vcpus = 2
    pool: PoolName = ""
    network: NetworkName = "default"
    firmware: Firmware = "bios"
    user: Annotated[
        str,
        parameter(
            "Who may log in, and become root. [default: the image's own user]",
            pattern=r"([a-z_][a-z0-9_-]{0,31})?",
            shape="a name of small letters, digits, - and _",
        ),
    ] = ""
    ssh_key: Annotated[
        str,
        parameter(
            "The public ssh key that the user logs in with, as in authorized_keys.",
            pattern=r"([a-z][a-z0-9@.-]+ [A-Za-z0-9+/=]+( [^\x00-\x1f\x7f-\x9f]*)?)?",
            shape="a public key such as `ssh-ed25519 AAAA... me@here`",
            longest=16384,
            label="SSH key",
        ),
    ] = ""
    password_hash: (
        Annotated[
            Secret,
            parameter("The hash of the user's password, as `openssl passwd -6` makes it."),
        ]
        | None
    ) = None
    hostname: Annotated[
        str,
        parameter(
            "What the guest calls itself. [default: its name]",
            pattern=_HOST,
            shape="a host name of letters, digits, - and dots",
            longest=253,
            label="host name",
            advanced=True,
        ),
    ] = ""
    user_data: Annotated[
        str,
        parameter(
            "cloud-init's user data, instead of user, key and password.",
            text=True,
            longest=1 << 18,
            label="user data",
            advanced=True,
        ),
    ] = ""
    network_config: Annotated[
        str,
        parameter(
            "cloud-init's network configuration. [default: DHCP on the first interface]",
            text=True,
            longest=1 << 18,
            label="network config",
            advanced=True,
        ),
    ] = ""
    seed: Annotated[
        bool, parameter("Give it a seed; without one it is told nothing.", advanced=True)
    ] = True
    start: StartToo = True
    format: Annotated[
        Literal["qcow2", "raw"],
        parameter("The format of its disk, and of a file of this machine.", advanced=True),
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

    @property
    def from_file(self) -> bool:
        """Whether the image is a file of this machine."""
        return self.image.startswith(("/", "./", "../", "~"))


def seed_of(request: CreateFromImage) -> Seed:
    """Return what the guest is told."""
    return Seed(
        instance_id=request.subject.id,
        hostname=request.hostname or re.sub(r"[^A-Za-z0-9.-]+", "-", request.name).strip("-."),
        user=request.user,
        ssh_keys=(request.ssh_key,) if request.ssh_key else (),
        user_data=request.user_data,
        network_config=request.network_config,
    )
