"""Snapshots of instances: made, reverted to, deleted."""

from __future__ import annotations

from core.verbs.snapshot.create import CREATE
from core.verbs.snapshot.delete import DELETE
from core.verbs.snapshot.revert import REVERT

VERBS = (CREATE, REVERT, DELETE)
