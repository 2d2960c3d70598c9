"""What helps where a volume is in no pool as read."""

from __future__ import annotations

import pytest

from core.model import Pool, PoolState
from core.state.pool_cures import cure_of_place

ON, OFF = PoolState.ACTIVE, PoolState.INACTIVE


@pytest.mark.parametrize(
    ("place", "cure"),
    [
        ("/on/a.qcow2", "refresh its pool: `virtdeck pool refresh alpha/on`"),
        ("/off/a.qcow2", "start its pool: `virtdeck pool start alpha/off`"),
        ("/both/a.qcow2", "refresh its pool: `virtdeck pool refresh alpha/second`"),
        ("/nowhere/a.qcow2", "define a pool of /nowhere, and start it"),
        ("/a.qcow2", "define a pool of /, and start it"),
        ("off/a.qcow2", "start its pool: `virtdeck pool start alpha/off`"),
        ("on/a.qcow2", "refresh its pool: `virtdeck pool refresh alpha/on`"),
        ("none/a.qcow2", "alpha has no pool none"),
    ],
)
def test_a_pool_that_is_off_is_started_and_none_is_defined(place: str, cure: str) -> None:
    pools = [
        Pool("alpha", "u-on", "on", state=ON, path="/on/"),
        Pool("alpha", "u-off", "off", state=OFF, path="/off"),
        Pool("alpha", "u-first", "first", state=OFF, path="/both"),
        Pool("alpha", "u-second", "second", state=ON, path="/both"),
        Pool("beta", "u-none", "none", state=ON, path="/nowhere"),
    ]
    assert cure_of_place({pool.key: pool for pool in pools}, "alpha", place) == cure
