"""What exists, as immutable values: no libvirt, no I/O, no clock.

The names below are loaded when they are first used: what a command does not need costs it nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from core.model.alert import Alert, AlertKind, Severity
    from core.model.base import ObjectKey, Value
    from core.model.event import AnyEvent, Event
    from core.model.forecast import (
        UNMEASURED,
        Confidence,
        DirtyRate,
        Forecast,
        JobSample,
        MemoryUse,
        Verdict,
    )
    from core.model.host import (
        GuestPlatform,
        Host,
        HostFacts,
        HugePages,
        Limitation,
        Link,
        LinkChange,
        LinkStatus,
        NumaCell,
        Unread,
    )
    from core.model.identity import HostIdentity
    from core.model.instance import (
        Address,
        AgentState,
        Device,
        Disk,
        DiskSource,
        Instance,
        InstanceDetail,
        InstanceState,
        Interface,
        Snapshot,
        SnapshotDisk,
    )
    from core.model.job import Job
    from core.model.migration import (
        Before,
        Check,
        Limits,
        Migration,
        MigrationResult,
        MigrationStatus,
        Resumption,
    )
    from core.model.network import Network
    from core.model.observation import Observation
    from core.model.operation import OperationRecord, OperationStatus, OperationStep
    from core.model.preflight import Finding, Level, Preflight
    from core.model.request import Request
    from core.model.rewrites import Rewrites
    from core.model.run import (
        AgentNews,
        BlockJob,
        BlockJobState,
        DeviceOutcome,
        InstanceRun,
        JobOutcome,
        ThresholdCrossed,
    )
    from core.model.state import Delta, Histories, State, Tracks, merge
    from core.model.stats import (
        SERIES,
        Counters,
        DiskCounters,
        DiskRates,
        InterfaceCounters,
        Rates,
    )
    from core.model.steer import Answer, Steer, SteerKind, SteerRecord
    from core.model.storage import Pool, PoolState, Volume

_NAMES = {
    "alert": ("Alert", "AlertKind", "Severity"),
    "base": ("ObjectKey", "Value"),
    "event": ("AnyEvent", "Event"),
    "forecast": (
        "UNMEASURED",
        "Confidence",
        "DirtyRate",
        "Forecast",
        "JobSample",
        "MemoryUse",
        "Verdict",
    ),
    "host": (
        "Host",
        "GuestPlatform",
        "HostFacts",
        "HugePages",
        "Limitation",
        "Link",
        "LinkChange",
        "LinkStatus",
        "NumaCell",
        "Unread",
    ),
    "identity": ("HostIdentity",),
    "instance": (
        "Address",
        "AgentState",
        "Device",
        "Disk",
        "DiskSource",
        "Instance",
        "InstanceDetail",
        "InstanceState",
        "Interface",
        "Snapshot",
        "SnapshotDisk",
    ),
    "job": ("Job",),
    "migration": (
        "Before",
        "Check",
        "Limits",
        "Migration",
        "MigrationResult",
        "MigrationStatus",
        "Resumption",
    ),
    "network": ("Network",),
    "observation": ("Observation",),
    "operation": ("OperationRecord", "OperationStatus", "OperationStep"),
    "preflight": ("Finding", "Level", "Preflight"),
    "request": ("Request",),
    "rewrites": ("Rewrites",),
    "run": (
        "AgentNews",
        "BlockJob",
        "BlockJobState",
        "DeviceOutcome",
        "InstanceRun",
        "JobOutcome",
        "ThresholdCrossed",
    ),
    "state": ("Delta", "Histories", "State", "Tracks", "merge"),
    "stats": ("SERIES", "Counters", "DiskCounters", "DiskRates", "InterfaceCounters", "Rates"),
    "steer": ("Answer", "Steer", "SteerKind", "SteerRecord"),
    "storage": ("Pool", "PoolState", "Volume"),
}
"""By module: the names it has of those below."""
_HOMES = {name: module for module, names in _NAMES.items() for name in names}

__all__ = [
    "SERIES",
    "UNMEASURED",
    "Address",
    "AgentNews",
    "AgentState",
    "Alert",
    "AlertKind",
    "Answer",
    "AnyEvent",
    "Before",
    "BlockJob",
    "BlockJobState",
    "Check",
    "Confidence",
    "Counters",
    "Delta",
    "Device",
    "DeviceOutcome",
    "DirtyRate",
    "Disk",
    "DiskCounters",
    "DiskRates",
    "DiskSource",
    "Event",
    "Finding",
    "Forecast",
    "GuestPlatform",
    "Histories",
    "Host",
    "HostFacts",
    "HostIdentity",
    "HugePages",
    "Instance",
    "InstanceDetail",
    "InstanceRun",
    "InstanceState",
    "Interface",
    "InterfaceCounters",
    "Job",
    "JobOutcome",
    "JobSample",
    "Level",
    "Limitation",
    "Limits",
    "Link",
    "LinkChange",
    "LinkStatus",
    "MemoryUse",
    "Migration",
    "MigrationResult",
    "MigrationStatus",
    "Network",
    "NumaCell",
    "ObjectKey",
    "Observation",
    "OperationRecord",
    "OperationStatus",
    "OperationStep",
    "Pool",
    "PoolState",
    "Preflight",
    "Rates",
    "Request",
    "Resumption",
    "Rewrites",
    "Severity",
    "Snapshot",
    "SnapshotDisk",
    "State",
    "Steer",
    "SteerKind",
    "SteerRecord",
    "ThresholdCrossed",
    "Tracks",
    "Unread",
    "Value",
    "Verdict",
    "Volume",
    "merge",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'core.model' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"core.model.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
