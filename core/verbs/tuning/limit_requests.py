"""What is asked for where an instance's use of its host is limited."""

from __future__ import annotations

from typing import Annotated, ClassVar

from core.model import Request
from core.verbs.applied import When
from core.verbs.limit_parameter import Limit, LimitGroup
from core.verbs.parameter import parameter

_Rate = Annotated[int, parameter("Of it; 0: no limit.", least=0, most=1 << 30, unit="MiB/s")]
_Iops = Annotated[int, parameter("Of it; 0: no limit.", least=0, most=1 << 30, unit="a second")]
Mac = Annotated[
    str,
    parameter(
        "The network device, by its MAC address.",
        pattern="[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}",
        shape="an address such as 52:54:00:12:34:56",
        source="interfaces",
    ),
]


class SetCpuLimits(Request, frozen=True):
    """Set an instance's share of its host's CPUs, and a cap on each vCPU."""

    verb: ClassVar[str] = "set-cpu-limits"
    shares: (
        Annotated[
            int, parameter("Its weight beside the others', 1024 by default.", least=2, most=262_144)
        ]
        | None
    ) = None
    cap: (
        Annotated[
            int,
            parameter("Of one CPU, for each vCPU; 0: none.", least=0, most=100, unit="%"),
        ]
        | None
    ) = None
    when: When = "both"


class SetMemoryLimits(Request, frozen=True):
    """Limit what an instance's process may take of its host's memory."""

    verb: ClassVar[str] = "set-memory-limits"
    hard: (
        Annotated[int, parameter("At most; 0: no limit.", least=0, most=1 << 30, unit="MiB")] | None
    ) = None
    soft: (
        Annotated[
            int,
            parameter(
                "What it is held to where its host is short of memory; 0: no limit.",
                least=0,
                most=1 << 30,
                unit="MiB",
            ),
        ]
        | None
    ) = None
    when: When = "both"


class SetDiskLimits(Request, frozen=True):
    """Limit how fast a disk is read and written (virDomainSetBlockIoTune)."""

    verb: ClassVar[str] = "set-disk-limits"
    disk: Annotated[str, parameter("The disk, by its target.", source="disks")]
    total_rate: _Rate | None = None
    read_rate: _Rate | None = None
    write_rate: _Rate | None = None
    total_iops: _Iops | None = None
    read_iops: _Iops | None = None
    write_iops: _Iops | None = None
    when: When = "both"
    limits: tuple[Limit, ...] = ()
    """Those above in other units, bursts, how long they last, the size of a request."""
    limit_group: LimitGroup = ""


_NetworkRate = Annotated[
    int, parameter("On average; 0: no limit.", least=0, most=1 << 30, unit="KiB/s")
]
_Peak = Annotated[
    int,
    parameter("At most, for a while.", least=0, most=1 << 30, unit="KiB/s", advanced=True),
]
_Burst = Annotated[
    int, parameter("So much at its peak.", least=0, most=1 << 30, unit="KiB", advanced=True)
]


class SetNetworkLimits(Request, frozen=True):
    """Limit what a network device carries (virDomainSetInterfaceParameters).

    Inbound is what goes to the guest, outbound what comes from it.
    """

    verb: ClassVar[str] = "set-network-limits"
    interface: Mac
    inbound: _NetworkRate | None = None
    outbound: _NetworkRate | None = None
    inbound_peak: _Peak | None = None
    inbound_burst: _Burst | None = None
    outbound_peak: _Peak | None = None
    outbound_burst: _Burst | None = None
    when: When = "both"
