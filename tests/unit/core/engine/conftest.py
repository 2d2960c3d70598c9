"""What the tests of the engine share: a journal, and a world whose runner keeps it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from core.clock import SystemClock
from core.engine.runner import Runner
from core.journal.journal import Journal
from tests.unit.core.engine.world import World


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[Journal]:
    opened = await Journal.open(tmp_path / "journal.sqlite3")
    yield opened
    await opened.close()


@pytest.fixture
async def world(journal: Journal) -> AsyncIterator[World]:
    made = World()
    made.runner = Runner(made, journal, SystemClock(), lambda: made.state, made.publish, "ann@desk")
    yield made
    made.hold.set()
    await made.runner.close()
