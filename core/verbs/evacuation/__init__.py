"""The verb for a dead host: its instances are defined and started elsewhere."""

from __future__ import annotations

from core.verbs.evacuation.evacuate import VERBS

__all__ = ["VERBS"]
