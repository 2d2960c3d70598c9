"""The SAN's guest, one for a run: `./dev test san`.

`san`    tests.san.host.SanHost: `.run(line)` runs shell in it, `.brick` is where os-brick runs
`brick`  the process with os-brick in it, as virtdeck starts it behind ssh; one for a run
`clean`  used by every test: what a host has connected is gone after it
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from core.volumes.brick.process import BrickProcess
from tests.patience import PATIENCE
from tests.san.host import SanHost
from tests.san.image import ensure_image
from tests.san.left import left
from tests.san.targets import SECRET


def pytest_collection_finish(session: pytest.Session) -> None:
    """Make the guest's system before the clock of any single test runs."""
    if any("san" in getattr(item, "fixturenames", ()) for item in session.items):
        ensure_image(print)


@pytest.fixture(scope="session")
def san() -> Iterator[SanHost]:
    with SanHost(ensure_image(print), print) as host:
        yield host


@pytest.fixture(scope="session")
def brick(san: SanHost) -> Iterator[BrickProcess]:
    with BrickProcess(san.brick, secrets=(SECRET,), starting=60.0 * PATIENCE) as process:
        yield process


@pytest.fixture(autouse=True)
def clean(san: SanHost) -> Iterator[None]:
    yield
    assert left(san) == []
