"""Targeted changes of a definition, each a verb: what is booted, CPU, limits, devices."""

from __future__ import annotations

from core.verbs.tuning import devices, limits, link, machine

VERBS = (*machine.VERBS, *limits.VERBS, *link.VERBS, *devices.VERBS)
