"""Every call by its type."""

from __future__ import annotations

from core.hypervisor.binding import Connection
from core.hypervisor.calls import power
from core.hypervisor.calls.executor import Executors
from core.model import ObjectKey
from core.verbs.call import Call

EXECUTORS: Executors = {**power.EXECUTORS}


def execute(conn: Connection, subject: ObjectKey, call: Call) -> None:
    """Make a call; raises libvirtError, HypervisorError. On a lane's thread."""
    EXECUTORS[type(call)](conn, subject, call)
