"""What is asked for where a device is attached or detached."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from core.model import Request
from core.model.secret_value import Secret
from core.verbs.applied import When
from core.verbs.limit_parameter import Limit, LimitGroup
from core.verbs.parameter import PATH_BYTES, parameter

Attempts = Annotated[
    int, parameter("How often the guest is asked to let go.", least=1, most=100, advanced=True)
]
Patience = Annotated[
    float,
    parameter("How long it may take each time.", least=1, most=3600, unit="s", advanced=True),
]

_Block = Annotated[
    int,
    parameter("As its guest sees it; 0: what QEMU takes.", least=0, most=2 << 20, unit="B",
              advanced=True),
]  # fmt: skip


class VolumeAttach(Request, frozen=True):
    """Attach a volume to an instance as a disk (virDomainAttachDeviceFlags)."""

    verb: ClassVar[str] = "volume-attach"
    volume: Annotated[
        str,
        parameter(
            "POOL/VOLUME, the path of a file or device on the host, or the URL of an image that "
            "QEMU reaches itself: rbd, iscsi, nbd, nfs, ssh, https.",
            longest=PATH_BYTES,
            source="volumes",
            place=True,
            typed=True,
        ),
    ] = ""
    target: Annotated[
        str,
        parameter(
            "The target of the disk: vdb. [default: the next free one of its bus]",
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
        parameter("Its format; as-known: as its pool says. Of a file it must be said.",
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
        parameter("How QEMU reads and writes it.", label="I/O", advanced=True),
    ] = "default"
    discard: Annotated[
        Literal["unmap", "ignore"], parameter("What the guest trims is freed.", advanced=True)
    ] = "unmap"
    connection_info: (
        Annotated[
            Secret,
            parameter("Instead of a volume: JSON that says how it is reached, as Cinder gives it.",
                      text=True, advanced=True),
        ]
        | None
    ) = None  # fmt: skip
    reached_by: Annotated[
        Literal["host", "qemu"],
        parameter("Who connects the iSCSI of a connection_info: the host by os-brick, or QEMU.",
                  advanced=True),
    ] = "host"  # fmt: skip
    multipath: Annotated[
        bool, parameter("The host connects it over all paths it has.", advanced=True)
    ] = False
    password: (
        Annotated[
            Secret,
            parameter("Of the user in its URL: of CHAP, or the key of Ceph.", advanced=True),
        ]
        | None
    ) = None
    passphrase: (
        Annotated[
            Secret,
            parameter("It is encrypted, and opened with this.", advanced=True),
        ]
        | None
    ) = None
    encryption: Annotated[
        Literal["luks", "luks2", "plain"],
        parameter("What the passphrase opens: luks QEMU itself; luks2 and plain its host, of a "
                  "connection_info, before QEMU has it.", advanced=True),
    ] = "luks"  # fmt: skip
    cipher: Annotated[
        str,
        parameter("Of plain. [default: cryptsetup's own]", pattern=r"[a-z0-9:-]{0,64}",
                  shape="a cipher such as aes-xts-plain64", advanced=True),
    ] = ""  # fmt: skip
    key_size: Annotated[
        int,
        parameter("Of plain; 0: cryptsetup's own.", least=0, most=4096, unit="bits", advanced=True),
    ] = 0
    alias: Annotated[
        str,
        parameter("By which events name it. [default: libvirt's own]",
                  pattern=r"(ua-[A-Za-z0-9_-]{1,60})?", shape="ua- and letters, digits, _ and -",
                  advanced=True),
    ] = ""  # fmt: skip
    logical_block: _Block = 0
    physical_block: _Block = 0
    limits: tuple[Limit, ...] = ()
    limit_group: LimitGroup = ""


class VolumeDetach(Request, frozen=True):
    """Have the guest let go of a disk (virDomainDetachDeviceFlags), and see that it does."""

    verb: ClassVar[str] = "volume-detach"
    disk: Annotated[str, parameter("The disk, by its target.", source="newest-disks")]
    when: When = "both"
    attempts: Attempts = 8
    patience: Patience = 20.0


_PAIR = r"[A-Za-z_0-9]+=[^,\s]+"
_Rate = Annotated[int, parameter("On average; 0: no limit.", least=0, most=1 << 30, unit="KiB/s",
                                 advanced=True)]  # fmt: skip
_Peak = Annotated[int, parameter("At most, for a while; 0: as on average.", least=0, most=1 << 30,
                                 unit="KiB/s", advanced=True)]  # fmt: skip
_Burst = Annotated[int, parameter("So much at its peak; 0: libvirt's choice.", least=0,
                                  most=1 << 30, unit="KiB", advanced=True)]  # fmt: skip
_QueueSize = Annotated[
    Literal["default", "256", "512", "1024"],
    parameter("Packets in a queue of virtio.", advanced=True),
]


class InterfaceAttach(Request, frozen=True):
    """Attach a network device to an instance (virDomainAttachDeviceFlags)."""

    verb: ClassVar[str] = "interface-attach"
    network: Annotated[
        str,
        parameter(
            "A network of the host by its name; or bridge:NAME, ovs:BRIDGE (Open vSwitch), "
            "direct:DEVICE (macvtap), hostdev:ADDRESS (SR-IOV), vhostuser:SOCKET, vdpa:DEVICE, "
            "tap:DEVICE; or user and passt, which nothing reaches from outside.",
            source="interface-networks",
            typed=True,
            longest=PATH_BYTES,
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
            label="MAC address",
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
        parameter("The tag of its VLAN, the untagged one of a trunk; 0: none.", least=0, most=4094,
                  label="VLAN", advanced=True),
    ] = 0  # fmt: skip
    nwfilter: Annotated[
        str,
        parameter("The filter of its traffic, by its name.", label="filter", longest=255,
                  source="filters", typed=True, advanced=True),
    ] = ""  # fmt: skip
    filter_values: tuple[
        Annotated[
            str,
            parameter("What its filter is told: IP=10.0.0.5.", pattern=_PAIR,
                      shape="NAME=VALUE without blanks and commas", advanced=True),
        ],
        ...,
    ] = ()  # fmt: skip
    trunk: Annotated[
        str,
        parameter(
            "The tags of the VLANs that it carries, with commas: 20,21.",
            pattern=r"(|[0-9]{1,4}(,[0-9]{1,4})*)",
            shape="numbers from 1 to 4094 with commas",
            advanced=True,
        ),
    ] = ""
    mode: Annotated[
        Literal["default", "bridge", "vepa", "private", "passthrough", "client", "server"],
        parameter(
            "Of direct: how it shares the device of the host, bridge by default. Of vhostuser: who "
            "makes the socket, client by default.",
            advanced=True,
        ),
    ] = "default"
    port: tuple[
        Annotated[
            str,
            parameter("What its port of a switch is told: interfaceid=UUID of Open vSwitch.",
                      pattern=_PAIR, shape="NAME=VALUE without blanks and commas", advanced=True),
        ],
        ...,
    ] = ()  # fmt: skip
    boot_order: Annotated[
        int, parameter("Its turn as one boots; 0: none.", least=0, most=999, advanced=True)
    ] = 0
    inbound: _Rate = 0
    inbound_peak: _Peak = 0
    inbound_burst: _Burst = 0
    outbound: _Rate = 0
    outbound_peak: _Peak = 0
    outbound_burst: _Burst = 0
    rx_queue: _QueueSize = "default"
    tx_queue: _QueueSize = "default"
    forward: tuple[
        Annotated[
            str,
            parameter(
                "Of passt: ports of the host that lead to it, tcp:2222:22.",
                pattern=r"(tcp|udp):[0-9]{1,5}:[0-9]{1,5}",
                shape="PROTOCOL:PORT-OF-HOST:PORT-OF-GUEST, such as tcp:2222:22",
                advanced=True,
            ),
        ],
        ...,
    ] = ()
    port_group: Annotated[
        str,
        parameter("Of a network: what its port is like, by the name of a port group.", longest=255,
                  source="ports-of-networks", typed=True, advanced=True),
    ] = ""  # fmt: skip


class InterfaceDetach(Request, frozen=True):
    """Have the guest let go of a network device (virDomainDetachDeviceFlags)."""

    verb: ClassVar[str] = "interface-detach"
    interface: Annotated[
        str,
        parameter(
            "The network device, by its MAC address. One of a failover pair by its alias, or by "
            "where it is: ua-backup, pci:0000:03:10.1.",
            pattern="[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}|ua-[A-Za-z0-9_-]+|pci:[0-9a-fA-F:.]+",
            shape="an address such as 52:54:00:12:34:56",
            source="newest-interfaces",
        ),
    ]
    when: When = "both"
    attempts: Attempts = 8
    patience: Patience = 20.0
