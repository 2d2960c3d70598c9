"""The instances' XML read in the background, beside readings that somebody waits for."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import pytest

from core.hypervisor.connection.binding import Connection, libvirt
from core.hypervisor.observe.describing import Chunk, InstanceDescriptions
from core.model import Instance, ObjectKey

T = TypeVar("T")


@pytest.mark.parametrize("meanwhile", ["nothing", "read", "not readable"])
async def test_what_somebody_read_meanwhile_is_not_overtaken_by_what_may_be_older(
    meanwhile: str,
) -> None:
    conn = libvirt.open("test:///default")
    key = ObjectKey("instance", "alpha", conn.lookupByName("test").UUIDString())
    handed: list[Instance] = []

    def no_lane() -> None:
        raise AssertionError("no lane helps")

    descriptions = InstanceDescriptions(
        "alpha", handed.extend, no_lane, lanes=0, deadline=lambda: 10.0  # type: ignore[arg-type]
    )  # fmt: skip

    async def call(function: Callable[[Connection], T], *, deadline: float) -> T:
        found = function(conn)
        if isinstance(found, Chunk) and meanwhile != "nothing":
            descriptions.dealt_with((key,), () if meanwhile == "read" else (key,))
        return found

    descriptions.backlog.add([key])
    await descriptions.step(call)
    assert [one.name for one in handed] == ([] if meanwhile == "read" else ["test"])
    assert descriptions.left == 0
