"""What exists, as immutable values: no libvirt, no I/O, no clock."""

from core.model.alert import Alert, AlertKind, Severity
from core.model.base import ObjectKey, Value
from core.model.event import AnyEvent, Event
from core.model.host import (
    Host,
    HostFacts,
    HugePages,
    Limitation,
    Link,
    LinkChange,
    LinkStatus,
    NumaCell,
)
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
)
from core.model.job import Job
from core.model.network import Network
from core.model.observation import Observation
from core.model.operation import OperationRecord, OperationStatus, Step
from core.model.request import (
    VERBS,
    AnyRequest,
    Pause,
    Reboot,
    Request,
    Reset,
    Resume,
    Shutdown,
    Start,
    Stop,
)
from core.model.state import Delta, Histories, State, merge
from core.model.stats import (
    SERIES,
    Counters,
    DiskCounters,
    InterfaceCounters,
    Rates,
)
from core.model.storage import Pool, PoolState, Volume

__all__ = [
    "SERIES",
    "VERBS",
    "Address",
    "AgentState",
    "Alert",
    "AlertKind",
    "AnyEvent",
    "AnyRequest",
    "Counters",
    "Delta",
    "Device",
    "Disk",
    "DiskCounters",
    "DiskSource",
    "Event",
    "Histories",
    "Host",
    "HostFacts",
    "HugePages",
    "Instance",
    "InstanceDetail",
    "InstanceState",
    "Interface",
    "InterfaceCounters",
    "Job",
    "Limitation",
    "Link",
    "LinkChange",
    "LinkStatus",
    "Network",
    "NumaCell",
    "ObjectKey",
    "Observation",
    "OperationRecord",
    "OperationStatus",
    "Pause",
    "Pool",
    "PoolState",
    "Rates",
    "Reboot",
    "Request",
    "Reset",
    "Resume",
    "Severity",
    "Shutdown",
    "Snapshot",
    "Start",
    "State",
    "Step",
    "Stop",
    "Value",
    "Volume",
    "merge",
]
