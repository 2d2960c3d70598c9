"""virDomainState and its reasons as words: one table for listings, readings and statistics.

A tuple's index is libvirt's number; the reasons are the words `virsh domstate --reason` shows.
"""

from __future__ import annotations

from core.model.instance import InstanceState

_STATES = (
    InstanceState.UNKNOWN,  # VIR_DOMAIN_NOSTATE
    InstanceState.RUNNING,
    InstanceState.RUNNING,  # VIR_DOMAIN_BLOCKED: runs, and waits on a resource (Xen)
    InstanceState.PAUSED,
    InstanceState.SHUTTING_DOWN,
    InstanceState.SHUTOFF,
    InstanceState.CRASHED,
    InstanceState.SUSPENDED,
)
_RUNNING = (
    "",
    "booted",
    "migrated",
    "restored",
    "from snapshot",
    "unpaused",
    "migration canceled",
    "save canceled",
    "event wakeup",
    "crashed",
    "post-copy",
    "post-copy failed",
)
_PAUSED = (
    "",
    "user",
    "migrating",
    "saving",
    "dumping",
    "I/O error",
    "watchdog",
    "from snapshot",
    "shutting down",
    "creating snapshot",
    "crashed",
    "starting up",
    "post-copy",
    "post-copy failed",
    "API error",
)
_SHUTOFF = (
    "",
    "shutdown",
    "destroyed",
    "crashed",
    "migrated",
    "saved",
    "failed",
    "from snapshot",
    "daemon",
)
_REASONS: tuple[tuple[str, ...], ...] = (
    (),
    _RUNNING,
    (),
    _PAUSED,
    ("", "user"),
    _SHUTOFF,
    ("", "panicked"),
    (),
)


def instance_state(state: int) -> InstanceState:
    """Return the word for a virDomainState; UNKNOWN for a number newer than this table."""
    return _STATES[state] if 0 <= state < len(_STATES) else InstanceState.UNKNOWN


def state_reason(state: int, reason: int) -> str:
    """Return the word for a virDomain*Reason: empty for "unknown", `unknown-N` for a newer one."""
    reasons = _REASONS[state] if 0 <= state < len(_REASONS) else ()
    if 0 <= reason < len(reasons):
        return reasons[reason]
    return f"unknown-{reason}" if reason > 0 else ""
