"""What is asked for where a device is attached or detached."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from core.model import Request
from core.verbs.applied import When
from core.verbs.parameter import PATH_BYTES, parameter

Attempts = Annotated[
    int, parameter("How often the guest is asked to let go.", least=1, most=100, advanced=True)
]
Patience = Annotated[
    float,
    parameter("How long it may take each time.", least=1, most=3600, unit="s", advanced=True),
]


class VolumeAttach(Request, frozen=True):
    """Attach a volume to an instance as a disk (virDomainAttachDeviceFlags)."""

    verb: ClassVar[str] = "volume-attach"
    volume: Annotated[
        str,
        parameter(
            "POOL/VOLUME, or the path of a file or device on the host.",
            longest=PATH_BYTES,
            source="volumes",
            typed=True,
        ),
    ]
    target: Annotated[
        str,
        parameter(
            "What it is called. [default: the next free one of its bus]",
            pattern=r"(|(vd|sd|hd|xvd)[a-z]{1,3})",
            shape="a name such as vdb",
        ),
    ] = ""
    bus: Annotated[
        Literal["virtio", "scsi", "usb", "sata", "ide"],
        parameter("How it is connected; sata and ide only from the next start on."),
    ] = "virtio"
    access: Annotated[
        Literal["read-write", "read-only"], parameter("What its guest may do with it.")
    ] = "read-write"
    when: When = "both"
    format: Annotated[
        Literal["as-known", "raw", "qcow2"],
        parameter("What it is in; as-known: as its pool says. Of a file it must be said.",
                  advanced=True),
    ] = "as-known"  # fmt: skip
    shareable: Annotated[
        bool, parameter("Several instances write to it, as a cluster's do.", advanced=True)
    ] = False
    serial: Annotated[
        str,
        parameter(
            "By which its guest finds it.",
            pattern=r"[A-Za-z0-9_ .+-]{0,36}",
            shape="at most 36 letters, digits and _ . + -",
            advanced=True,
        ),
    ] = ""
    cache: Annotated[
        Literal["default", "none", "writeback", "writethrough", "directsync", "unsafe"],
        parameter("Of the host.", advanced=True),
    ] = "default"
    io: Annotated[
        Literal["default", "native", "threads", "io_uring"],
        parameter("How QEMU reads and writes it.", advanced=True),
    ] = "default"
    discard: Annotated[
        Literal["unmap", "ignore"], parameter("What the guest trims is freed.", advanced=True)
    ] = "unmap"


class VolumeDetach(Request, frozen=True):
    """Have the guest let go of a disk (virDomainDetachDeviceFlags), and see that it does."""

    verb: ClassVar[str] = "volume-detach"
    disk: Annotated[str, parameter("The disk, by its target.", source="newest-disks")]
    when: When = "both"
    attempts: Attempts = 8
    patience: Patience = 20.0


class InterfaceAttach(Request, frozen=True):
    """Attach a network device to an instance (virDomainAttachDeviceFlags)."""

    verb: ClassVar[str] = "interface-attach"
    network: Annotated[
        str,
        parameter(
            "A network of the host by its name, bridge:NAME, direct:DEVICE (macvtap on a device of "
            "the host), or user (QEMU's own, which nothing reaches from outside).",
            source="networks",
            typed=True,
        ),
    ]
    model: Annotated[
        Literal["virtio", "e1000e", "e1000", "rtl8139", "vmxnet3"],
        parameter("As the guest sees it."),
    ] = "virtio"
    mac: Annotated[
        str,
        parameter(
            "Its MAC address. [default: a new one]",
            pattern="(|[0-9a-fA-F][02468aceACE](:[0-9a-fA-F]{2}){5})",
            shape="an address of one device such as 52:54:00:12:34:56",
        ),
    ] = ""
    link: Annotated[Literal["up", "down"], parameter("Whether its cable is plugged in.")] = "up"
    when: When = "both"
    mtu: Annotated[
        int,
        parameter("The largest packet; 0: what the network has.", least=0, most=65535, unit="B",
                  label="MTU", advanced=True),
    ] = 0  # fmt: skip
    queues: Annotated[int, parameter("Of virtio; 0: one.", least=0, most=256, advanced=True)] = 0
    vlan: Annotated[
        int,
        parameter("The tag of its VLAN; 0: none.", least=0, most=4094, label="VLAN", advanced=True),
    ] = 0
    nwfilter: Annotated[
        str,
        parameter("The filter of its traffic, by its name.", label="filter", longest=255,
                  advanced=True),
    ] = ""  # fmt: skip


class InterfaceDetach(Request, frozen=True):
    """Have the guest let go of a network device (virDomainDetachDeviceFlags)."""

    verb: ClassVar[str] = "interface-detach"
    interface: Annotated[
        str,
        parameter(
            "The network device, by its MAC address.",
            pattern="[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}",
            shape="an address such as 52:54:00:12:34:56",
            source="newest-interfaces",
        ),
    ]
    when: When = "both"
    attempts: Attempts = 8
    patience: Patience = 20.0
