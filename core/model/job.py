"""libvirt's jobs: what a hypervisor is busy with on an instance."""

from __future__ import annotations

from core.model.base import ObjectKey, Value


class Job(Value, frozen=True):
    """A job seen on an instance: ours, or somebody else's."""

    host: str
    uuid: str
    kind: str
    """migration, save, dump, backup, snapshot, or pull, copy, commit, active-commit for a disk."""
    since: float
    detail: str = ""
    """The disk, the iteration..."""
    progress: float | None = None
    """0 to 1, where it is known."""

    @property
    def key(self) -> ObjectKey:
        """The key of the instance it runs on."""
        return ObjectKey("instance", self.host, self.uuid)
