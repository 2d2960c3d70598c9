"""The Migrate dialog on the lab: real preflights, read from the rendered lines."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from core.lab import Lab
from tests.lab.screen_pilot import Operator, at_console


@pytest.fixture
async def console(uris: dict[str, str], tmp_path: Path) -> AsyncIterator[Operator]:
    async with at_console(uris, tmp_path / "journal.sqlite3", (80, 24)) as operator:
        yield operator


async def test_a_guest_is_moved_by_few_keys_at_80x24(
    console: Operator, guest: Callable[..., str], lab: Lab
) -> None:
    name = await asyncio.to_thread(guest, "alpha", "mover")
    await console.sees_row(name, "running")
    await console.show_only(f"name:{name}")
    await console.press("m")
    await console.sees(f"Migrate {name} from alpha", "running")
    await console.sees("To", "beta", "free")
    await console.sees("ok", "source-link")
    await console.press("down", "down", "down", "down", "right")
    await console.sees("Post-copy", "< allow >")
    await console.sees("unknown post-copy")  # what is found follows what is chosen
    await console.press("ctrl+s")
    await console.sees(name, "alpha", "beta")  # its cockpit
    await console.sees("completed")
    await console.press("escape")
    await console.press("6")
    await console.sees(name, "completed", "alpha", "beta")
    assert lab.host("beta").instances().get(name) == "running"
    assert name not in lab.host("alpha").instances()


async def test_what_cannot_be_is_said_while_it_is_chosen(
    console: Operator, guest: Callable[..., str], lab: Lab
) -> None:
    name = await asyncio.to_thread(guest, "alpha", "stayer")
    await console.sees_row(name, "running")
    await console.show_only(f"name:{name}")
    await console.press("m")
    await console.sees("source-link")
    offline = console.app.screen.query_one("#offline")
    console.app.screen.query_one("#more").focus()
    await console.press("right")
    offline.focus()
    await console.press("left")
    await console.sees("blocker", f"{name} runs")
    await console.press("ctrl+s")
    await console.sees("only what is off is migrated offline")
    await console.press("escape", "escape")
    await console.sees_row(name, "running")
    assert lab.host("alpha").instances().get(name) == "running"
