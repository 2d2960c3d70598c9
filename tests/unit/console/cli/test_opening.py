"""Opening the console: what is loaded for good is not looked through for garbage."""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from console.cli.opening import _collecting


@pytest.fixture(autouse=True)
def collected() -> Iterator[None]:
    yield
    gc.unfreeze()
    gc.enable()


async def test_garbage_is_collected_from_when_the_source_is_open() -> None:
    during: list[bool] = []

    @asynccontextmanager
    async def source() -> AsyncIterator[Any]:
        during.append(gc.isenabled())
        yield "source"

    gc.disable()
    async with _collecting(source) as opened:
        assert opened == "source"
        assert gc.isenabled()
        assert gc.get_freeze_count()
    assert during == [False]
