"""virDomainState and its reasons as words: for readings, statistics and whoever compares the two.

The hypervisor package reads the numbers, statistics samples carry them (`Counters.state`), the
store compares them with what it holds: all through this table, so that they never disagree.
"""

from __future__ import annotations

from core.model.instance import InstanceState

_STATES = (
    InstanceState.UNKNOWN,  # VIR_DOMAIN_NOSTATE
    InstanceState.RUNNING,
    InstanceState.RUNNING,  # VIR_DOMAIN_BLOCKED: on a resource; only Xen says so
    InstanceState.PAUSED,
    InstanceState.SHUTTING_DOWN,
    InstanceState.SHUTOFF,
    InstanceState.CRASHED,
    InstanceState.SUSPENDED,
)

# By virDomainState, then by its virDomain*Reason; virsh's words. 0 is "unknown" in all of them.
_REASONS: tuple[tuple[str, ...], ...] = (
    ("",),
    (
        "",
        "booted",
        "migrated",
        "restored",
        "from snapshot",
        "unpaused",
        "migration canceled",
        "save canceled",
        "wakeup",
        "crashed",
        "post-copy",
        "post-copy failed",
    ),
    ("",),
    (
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
        "api error",
    ),
    ("", "user"),
    (
        "",
        "shutdown",
        "destroyed",
        "crashed",
        "migrated",
        "saved",
        "failed",
        "from snapshot",
        "daemon",
    ),
    ("", "panicked"),
    ("",),
)


def decode_state(state: int, reason: int = 0) -> tuple[InstanceState, str]:
    """Return a virDomainState and its reason as words: `(3, 5)` is `(PAUSED, "I/O error")`.

    An unknown reason of libvirt's is `""`; a number newer than this table reads `unknown-N`, and a
    state newer than it `InstanceState.UNKNOWN`.
    """
    if not 0 <= state < len(_STATES):
        return InstanceState.UNKNOWN, f"unknown-{state}"
    reasons = _REASONS[state]
    word = reasons[reason] if 0 <= reason < len(reasons) else f"unknown-{reason}"
    return _STATES[state], word
