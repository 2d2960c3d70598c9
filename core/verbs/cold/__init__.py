"""An instance moves while it is off, in two phases: kept by both hosts until one is chosen."""

from __future__ import annotations

from core.verbs.cold.moving import COLD_MIGRATE
from core.verbs.cold.settling import CONFIRM, REVERT

VERBS = (COLD_MIGRATE, CONFIRM, REVERT)
