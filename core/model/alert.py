"""Alerts: what an operator should look at now, and since when."""

from __future__ import annotations

from enum import StrEnum

from core.model.base import ObjectKey, Value


class Severity(StrEnum):
    """How bad it is."""

    WARNING = "warning"
    ERROR = "error"


class AlertKind(StrEnum):
    """What is wrong."""

    IO_ERROR = "io-error"
    CRASHED = "crashed"
    WATCHDOG = "watchdog"
    MEMORY_FAILURE = "memory-failure"
    AGENT_LOST = "agent-lost"
    HOST_UNREACHABLE = "host-unreachable"
    POOL_FULL = "pool-full"
    NOT_ANSWERING = "not-answering"
    """The hypervisor process of an instance does not answer (hung QEMU)."""


class Alert(Value, frozen=True):
    """One thing that is wrong; it goes away by itself when its cause does."""

    kind: AlertKind
    severity: Severity
    subject: ObjectKey
    name: str
    """The subject's name."""
    since: float
    cause: str
    """One sentence."""
