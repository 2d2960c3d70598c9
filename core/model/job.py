"""libvirt's jobs: what a hypervisor is busy with on an instance."""

from __future__ import annotations

from core.model.base import ObjectKey, Value

JOB_TYPE = ("none", "bounded", "unbounded", "completed", "failed", "cancelled")
"""virDomainJobType."""
JOB_OPERATION = (
    "unknown",
    "start",
    "save",
    "restore",
    "migration-in",
    "migration-out",
    "snapshot",
    "snapshot-revert",
    "dump",
    "backup",
    "snapshot-delete",
)
"""virDomainJobOperation."""
BACKUP = JOB_OPERATION.index("backup")
"""The number of a backup among them."""


class Job(Value, frozen=True):
    """A job seen on an instance: ours, or somebody else's. Those of its disks are `BlockJob`s."""

    host: str
    uuid: str
    kind: str
    """migration, save, dump, backup, snapshot; `job` where that is not known."""
    since: float
    detail: str = ""
    """The iteration, the stage..."""

    @property
    def key(self) -> ObjectKey:
        """The key of the instance it runs on."""
        return ObjectKey("instance", self.host, self.uuid)
