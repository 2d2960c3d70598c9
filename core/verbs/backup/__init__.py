"""Disks of instances that run backed up to files, in full or since a checkpoint; checkpoints."""

from __future__ import annotations

from core.verbs.backup.checkpoints import CREATE, DELETE
from core.verbs.backup.family import BACKUP, PULL

VERBS = (BACKUP, PULL, CREATE, DELETE)
