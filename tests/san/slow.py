"""The time that an emulated host has to answer: more than virtdeck gives to one of iron."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import pytest

from core.fleet import LinkOptions
from core.hypervisor.calls import connecting
from core.hypervisor.connection.lane import Lane
from core.volumes.brick.process import BrickProcess
from tests.patience import PATIENCE

SLOW = LinkOptions(
    connect_timeout=30.0 * PATIENCE,
    call_deadline=60.0 * PATIENCE,
    listing_deadline=60.0 * PATIENCE,
    keepalive_interval=0,
    statistics_interval=0,
    sweep_interval=0,
)


def be_patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for os-brick's start, and for each call, as long as it takes on a busy machine."""
    patient = functools.partial(BrickProcess, starting=60.0 * PATIENCE)
    monkeypatch.setattr(connecting, "BrickProcess", patient)
    call = Lane.call

    async def longer(lane: Lane, function: Callable[..., Any], *, deadline: float) -> Any:
        return await call(lane, function, deadline=deadline * PATIENCE)

    monkeypatch.setattr(Lane, "call", longer)
