"""The lab: two private libvirt hosts with real guests, on one machine, without root.

    lab = Lab("demo")
    lab.up(say=print)                # adopts what is there, makes what is missing
    for host in lab.hosts:
        print(host.name, host.uri)
    lab.down()                       # no process and no file stays

All calls are synchronous: an asyncio caller runs them in a thread. No libvirt binding is needed.
"""

from __future__ import annotations

from core.lab.furnish import ensure_guest, wait_ready
from core.lab.guests import IGNORE_UNPLUG, Guest, Wanted
from core.lab.host import LabHost
from core.lab.lab import Lab
from core.lab.post_copy import Ability
from core.lab.prerequisites import MissingPiece
from core.lab.prerequisites import missing_pieces as prerequisites
from core.lab.status import HostStatus, LabStatus

__all__ = [
    "IGNORE_UNPLUG",
    "Ability",
    "Guest",
    "HostStatus",
    "Lab",
    "LabHost",
    "LabStatus",
    "MissingPiece",
    "Wanted",
    "ensure_guest",
    "prerequisites",
    "wait_ready",
]
