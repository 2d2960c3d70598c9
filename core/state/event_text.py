"""Events as sentences: one line for the event log, and how bad it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from core.model import event as of
from core.model.event import Event
from core.model.text import clean
from core.model.times import milliseconds
from core.state.incoming import ABORTED, BROKEN, ENDING

_WARNING = "warning"
_ERROR = "error"

_LIFECYCLE = {
    ("started", "booted"): "started",
    ("started", "migrated"): "started to receive a migration",
    ("started", "restored"): "started from its saved state",
    ("started", "from-snapshot"): "started from a snapshot",
    ("started", "wakeup"): "woke up",
    ("suspended", "paused"): "was paused",
    ("suspended", "migrated"): "was paused to finish its migration",
    ("suspended", "ioerror"): "was paused by an I/O error",
    ("suspended", "watchdog"): "was paused by its watchdog",
    ("suspended", "postcopy"): "was paused for post-copy migration",
    ("suspended", "postcopy-failed"): "was paused: its post-copy migration failed",
    ("resumed", "unpaused"): "runs again",
    ("resumed", "migrated"): "runs after its migration",
    ("resumed", "postcopy"): "runs in post-copy migration",
    ("resumed", "postcopy-failed"): "runs, but its post-copy migration failed",
    ("stopped", "shutdown"): "shut down",
    ("stopped", "destroyed"): "was stopped",
    ("stopped", "crashed"): "crashed",
    ("stopped", "migrated"): "left for another host",
    ("stopped", "saved"): "was saved",
    ("stopped", "failed"): "failed: its hypervisor process ended",
    ("shutdown", "guest"): "is shutting down, as its guest wants",
    ("shutdown", "host"): "is being stopped from the host",
    ("shutdown", "finished"): "is shutting down",
    ("crashed", "panicked"): "panicked",
    ("crashed", "crashloaded"): "panicked and loaded its crash kernel",
    ("pmsuspended", "memory"): "went to sleep",
    ("pmsuspended", "disk"): "went to sleep on disk",
    ("defined", "added"): "was defined",
    ("defined", "updated"): "was redefined",
    ("defined", "renamed"): "got this name",
    ("undefined", "removed"): "was undefined",
    ("undefined", "renamed"): "lost this name",
}
_GRAVE_DETAILS = ("ioerror", "watchdog", "crashed", "failed", "postcopy-failed", "panicked",
                  "crashloaded", "api-error")  # fmt: skip
_POOL = {
    "created": "was built",
    "deleted": "had its storage deleted",
}
_SIMPLE = {"defined": "was defined", "undefined": "was undefined", "started": "started",
           "stopped": "stopped", "created": "appeared", "deleted": "vanished"}  # fmt: skip


def describe(event: Event) -> str:
    """Return one line about any event, without its time and host: `web was paused by...`.

    Words from outside are cleaned again: a tape may have been tampered with.
    """
    sentence = _SENTENCES.get(type(event))
    words = sentence(event) if sentence is not None else type(event).__name__
    return clean(f"{event.name or event.uuid or event.host} {words}".strip())


def severity(event: Event) -> str:
    """Return info, warning or error."""
    rule = _SEVERITIES.get(type(event))
    return rule(event) if rule is not None else "info"


_ENDED = {
    ABORTED: "ended where it waited for its memory: its migration was aborted",
    BROKEN: "ended where it waited for its memory: its migration was aborted or failed",
    ENDING: "ends: its hypervisor process closed its monitor",
}
_CAUSE_SEVERITY = {ABORTED: "info", BROKEN: _WARNING, ENDING: "info"}


def _lifecycle(event: of.InstanceLifecycle) -> str:
    if event.cause in _ENDED:
        return _ENDED[event.cause]
    known = _LIFECYCLE.get((event.change, event.detail))
    return known or f"{event.change} ({event.detail})".removesuffix(" ()")


def _io_error(event: of.IoError) -> str:
    what = "no space left" if event.reason == "enospc" else "I/O error"
    where = event.alias or event.path
    path = f" ({event.path})" if event.path and event.path != where else ""
    return f"has an {what}".replace("an no", "no") + f" on {where}{path}; action: {event.action}"


def _graphics(event: of.GraphicsChanged) -> str:
    who = f" from {event.remote}" if event.remote else ""
    words = {"connect": "a viewer connected", "disconnect": "a viewer left",
             "initialize": "a viewer logged in"}  # fmt: skip
    return f"console: {words.get(event.phase, event.phase)}{who}"


def _block_job(event: of.BlockJobChanged) -> str:
    status = "is ready to be finished" if event.status == "ready" else event.status
    return f"{event.type} job on {event.disk} {status}"


def _disk(event: of.DiskChanged) -> str:
    new = event.new_source or "nothing"
    return f"medium of {event.alias} changed from {event.old_source or 'nothing'} to {new}"


def _values(values: dict[str, of.Scalar]) -> str:
    return ", ".join(f"{name}={value}" for name, value in sorted(values.items()))


def _job(event: of.JobCompleted) -> str:
    elapsed = event.values.get("time_elapsed")
    message = event.values.get("errmsg")
    if message is None and event.values.get("success") in (False, 0):
        message = "no reason given"
    took = f" after {milliseconds(elapsed)}" if isinstance(elapsed, int | float) else ""
    return f"job completed{took}" if not message else f"job failed{took}: {message}"


def _link(event: of.LinkEvent) -> str:
    words = {"up": "is connected", "down": "is unreachable", "closed": "was disconnected"}
    return words.get(event.change, event.change) + (f": {event.reason}" if event.reason else "")


def _unknown(event: of.UnknownEvent) -> str:
    values = ", ".join(str(value) for value in event.values)
    return f"{event.object} event {event.id} of a newer libvirt ({values})".replace(" ()", "")


def _object(kind: str, words: dict[str, str]) -> Callable[[Any], str]:
    return lambda event: f"({kind}) {words.get(event.change, event.change)}"


_SENTENCES: dict[type[Event], Callable[[Any], str]] = {
    of.InstanceLifecycle: _lifecycle,
    of.Rebooted: lambda _: "rebooted",
    of.ClockChanged: lambda e: f"set its clock to {e.offset:+d} s",
    of.WatchdogFired: lambda e: f"watchdog fired; action: {e.action}",
    of.IoError: _io_error,
    of.GraphicsChanged: _graphics,
    of.ControlError: lambda e: _ENDED.get(e.cause, "lost the monitor of its hypervisor process"),
    of.BlockJobChanged: _block_job,
    of.DiskChanged: _disk,
    of.TrayMoved: lambda e: f"tray of {e.alias} {'opened' if e.reason == 'open' else 'closed'}",
    of.PowerManagement: lambda e: f"power management: {e.change}",
    of.BalloonChanged: lambda e: f"memory is now {e.actual / 2**20:.0f} MiB",
    of.DeviceAdded: lambda e: f"device {e.alias} added",
    of.DeviceRemoved: lambda e: f"device {e.alias} removed",
    of.DeviceRemovalFailed: lambda e: f"refused to give up device {e.alias}",
    of.TunableChanged: lambda e: f"tuned: {_values(e.values)}",
    of.AgentChanged: lambda e: f"guest agent {e.state}",
    of.MigrationIteration: lambda e: f"memory copy: iteration {e.iteration}",
    of.JobCompleted: _job,
    of.MetadataChanged: lambda e: f"metadata changed: {e.namespace or e.type}",
    of.BlockThreshold: lambda e: (
        f"{e.disk} was written past {e.threshold} bytes, by {e.excess} ({e.path})"
    ),
    of.MemoryFailure: lambda e: f"host memory failed under the {e.recipient}; action: {e.action}",
    of.MemoryDeviceResized: lambda e: f"memory device {e.alias} is now {e.size / 2**20:.0f} MiB",
    of.MacChanged: lambda e: f"MAC of {e.alias} changed from {e.old} to {e.new}",
    of.VcpuRemoved: lambda e: f"vCPU {e.vcpu} removed",
    of.NetworkLifecycle: _object("network", _SIMPLE),
    of.NetworkMetadataChanged: lambda e: f"(network) metadata changed: {e.namespace or e.type}",
    of.PoolLifecycle: _object("pool", _SIMPLE | _POOL),
    of.PoolRefreshed: lambda _: "(pool) was refreshed",
    of.SecretLifecycle: _object("secret", _SIMPLE),
    of.SecretValueChanged: lambda _: "(secret) got another value",
    of.NodeDeviceLifecycle: _object("host device", _SIMPLE),
    of.NodeDeviceUpdated: lambda _: "(host device) changed",
    of.LinkEvent: _link,
    of.Found: lambda e: f"({e.object}) found: {e.change}",
    of.UnknownEvent: _unknown,
}


def _lifecycle_severity(event: of.InstanceLifecycle) -> str:
    grave = _ERROR if event.detail in _GRAVE_DETAILS else "info"
    return _CAUSE_SEVERITY.get(event.cause, grave)


_SEVERITIES: dict[type[Event], Callable[[Any], str]] = {
    of.InstanceLifecycle: _lifecycle_severity,
    of.WatchdogFired: lambda _: _ERROR,
    of.IoError: lambda _: _ERROR,
    of.ControlError: lambda e: _CAUSE_SEVERITY.get(e.cause, _ERROR),
    of.MemoryFailure: lambda e: _ERROR if e.action in ("fatal", "reset") else _WARNING,
    of.BlockJobChanged: lambda e: _ERROR if e.status == "failed" else "info",
    of.JobCompleted: lambda e: _ERROR if _job(e).startswith("job failed") else "info",
    of.AgentChanged: lambda e: (
        _WARNING if e.state == "disconnected" and e.reason != "domain-started" else "info"
    ),
    of.DeviceRemovalFailed: lambda _: _WARNING,
    of.BlockThreshold: lambda _: _WARNING,
    of.LinkEvent: lambda e: _ERROR if e.change == "down" else "info",
    of.Found: lambda _: _WARNING,
    of.UnknownEvent: lambda _: _WARNING,
}
