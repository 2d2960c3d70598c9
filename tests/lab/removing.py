"""Removing what a test has made, wherever it is by now."""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from core.errors import LabError, UnreachableError

ATTEMPTS = 20
"""A migration that is aborted lets go of its halves by and by, and a busy machine takes time to end
a process: what is left over would be in the way of the next test."""
PAUSE = 0.25
"""Seconds between two of them."""
FORGETTING = ("--managed-save", "--snapshots-metadata", "--checkpoints-metadata")


def remove_instance(hosts: Iterable[Any], name: str) -> None:
    """Power an instance off and undefine it on each host that has it. Blocking."""
    for host in hosts:
        with suppress(UnreachableError):  # a test has ended its daemon
            for attempt in range(ATTEMPTS):
                if name not in host.instances():
                    break
                time.sleep(PAUSE if attempt else 0.0)
                with suppress(LabError):  # it may be off
                    host.virsh("destroy", name)
                with suppress(LabError):  # it may be transient, or gone
                    host.virsh("undefine", name, *FORGETTING)
