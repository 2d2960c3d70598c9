"""What speaks against a migration, found before anything is touched."""

from __future__ import annotations

from enum import StrEnum

from core.model.base import Value
from core.model.detached_device import DetachedDevice
from core.model.forecast import UNMEASURED, Forecast, MemoryUse


class Level(StrEnum):
    """What a finding of a preflight means for the start, worst first."""

    BLOCKER = "blocker"
    """It would fail, or lose something: it does not start unless it is overridden by name."""
    UNKNOWN = "unknown"
    """It could not be found out. Never taken for ok."""
    WARNING = "warning"
    OK = "ok"


class Finding(Value, frozen=True):
    """One thing a preflight looked at."""

    id: str
    """What is named to override it: `cpu`, `disk-vda`, `network-default`."""
    level: Level
    text: str
    cure: str = ""
    fixed: bool = False
    """A blocker that cannot be overridden."""


class Preflight(Value, frozen=True):
    """Everything that was looked at before a migration, at once; nothing was touched."""

    at: float
    findings: tuple[Finding, ...] = ()
    forecast: Forecast | None = None
    """What is to be expected, where the dirty rate could be measured."""
    virsh: str = ""
    """The command that would do the same as the plan."""
    memory: MemoryUse = UNMEASURED
    """How the guest uses its memory, where that was measured."""
    vouched: bool = False
    """Both daemons are on this machine and have the same files open to them: libvirt, which may
    take them for two hosts' own, can be told that the disks are shared."""

    leaving: tuple[DetachedDevice, ...] = ()
    """The devices of its host that its guest is to let go of first."""

    def of(self, level: Level) -> tuple[Finding, ...]:
        """The findings of one level, in their order."""
        return tuple(finding for finding in self.findings if finding.level is level)

    @property
    def against_cold(self) -> tuple[Finding, ...]:
        """The blockers of a cold migration: how libvirt would call it is none of its concern."""
        found = self.of(Level.BLOCKER)
        return tuple(finding for finding in found if not finding.id.startswith("options"))
