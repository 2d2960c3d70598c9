"""The numbers in libvirt's events as words: libvirt's constant names in lower case, with hyphens.

A tuple's index is the number. The words are kept here rather than derived from the binding, for a
binding built against old headers lacks the names of what a newer daemon sends; a test holds them
against the constants of the installed binding.
"""

from __future__ import annotations

Words = tuple[str, ...]

LIFECYCLE: Words = (
    "defined",
    "undefined",
    "started",
    "suspended",
    "resumed",
    "stopped",
    "shutdown",
    "pmsuspended",
    "crashed",
)
"""virDomainEventType."""

LIFECYCLE_DETAILS: tuple[Words, ...] = (
    ("added", "updated", "renamed", "from-snapshot"),
    ("removed", "renamed"),
    ("booted", "migrated", "restored", "from-snapshot", "wakeup"),
    (
        "paused",
        "migrated",
        "ioerror",
        "watchdog",
        "restored",
        "from-snapshot",
        "api-error",
        "postcopy",
        "postcopy-failed",
    ),
    ("unpaused", "migrated", "from-snapshot", "postcopy", "postcopy-failed"),
    ("shutdown", "destroyed", "crashed", "migrated", "saved", "failed", "from-snapshot"),
    ("finished", "guest", "host"),
    ("memory", "disk"),
    ("panicked", "crashloaded"),
)
"""virDomainEvent*DetailType, by the lifecycle event."""

WATCHDOG: Words = ("none", "pause", "reset", "poweroff", "shutdown", "debug", "injectnmi")
"""virDomainEventWatchdogAction."""

IO_ERROR: Words = ("none", "pause", "report")
"""virDomainEventIOErrorAction."""

GRAPHICS_PHASE: Words = ("connect", "initialize", "disconnect")
"""virDomainEventGraphicsPhase."""

BLOCK_JOB_TYPE: Words = ("unknown", "pull", "copy", "commit", "active-commit", "backup")
"""virDomainBlockJobType."""

BLOCK_JOB_STATUS: Words = ("completed", "failed", "canceled", "ready")
"""virConnectDomainEventBlockJobStatus."""

DISK_CHANGE: Words = ("change-missing-on-start", "drop-missing-on-start")
"""virConnectDomainEventDiskChangeReason."""

TRAY: Words = ("open", "close")
"""virDomainEventTrayChangeReason."""

AGENT_STATE: Words = ("", "connected", "disconnected")
"""virConnectDomainEventAgentLifecycleState."""

AGENT_REASON: Words = ("unknown", "domain-started", "channel")
"""virConnectDomainEventAgentLifecycleReason."""

METADATA: Words = ("description", "title", "element")
"""virDomainMetadataType, and virNetworkMetadataType, which is alike."""

MEMORY_FAILURE_RECIPIENT: Words = ("hypervisor", "guest")
"""virDomainMemoryFailureRecipientType."""

MEMORY_FAILURE_ACTION: Words = ("ignore", "inject", "fatal", "reset")
"""virDomainMemoryFailureActionType."""

NETWORK: Words = ("defined", "undefined", "started", "stopped")
"""virNetworkEventLifecycleType."""

POOL: Words = ("defined", "undefined", "started", "stopped", "created", "deleted")
"""virStoragePoolEventLifecycleType."""

SECRET: Words = ("defined", "undefined")
"""virSecretEventLifecycleType."""

NODE_DEVICE: Words = ("created", "deleted", "defined", "undefined")
"""virNodeDeviceEventLifecycleType."""


def word(words: Words, number: int) -> str:
    """Return the word for a number, `unknown-N` for one this virtdeck has no word for."""
    if 0 <= number < len(words) and words[number]:
        return words[number]
    return f"unknown-{number}"


def lifecycle_words(event: int, detail: int) -> tuple[str, str]:
    """Return a VIR_DOMAIN_EVENT_ID_LIFECYCLE's two numbers as (change, detail)."""
    details = LIFECYCLE_DETAILS[event] if 0 <= event < len(LIFECYCLE_DETAILS) else ()
    return word(LIFECYCLE, event), word(details, detail)
