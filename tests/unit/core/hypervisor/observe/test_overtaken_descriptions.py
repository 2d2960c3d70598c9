"""A volume that is being described while somebody else reads it: the later reading stays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from core.hypervisor.observe.describing import Chunk, Descriptions
from core.model import Volume


async def test_a_volume_that_was_read_meanwhile_is_not_handed_over_as_it_was_before() -> None:
    volumes = [Volume("a", "p", "pool", name, described=False) for name in ("one", "two")]
    handed: list[Volume] = []
    descriptions: Descriptions[Volume] = Descriptions(lambda _, v: v, handed.extend, deadline=1.0)
    descriptions.want(volumes, {volume.key: None for volume in volumes})

    async def call(_: Callable[[Any], Any], *, deadline: float) -> Any:
        descriptions.told([volumes[0].key])
        return Chunk(described=list(volumes), keys=[volume.key for volume in volumes])

    await descriptions.step(call)
    assert handed == [volumes[1]]
    descriptions.want([volumes[0]], {volumes[0].key: None})

    async def again(_: Callable[[Any], Any], *, deadline: float) -> Any:
        return Chunk(described=[volumes[0]], keys=[volumes[0].key])

    await descriptions.step(again)
    assert handed == [volumes[1], volumes[0]], "what was told before it began is older"
