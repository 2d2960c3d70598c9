"""Screens on tapes: the same bytes every time.

The tape was recorded on the lab (record_tapes.py). A replay stands still on it; its time is the
console's clock, the zone is fixed, so ages, times and charts never differ.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta, timezone
from pathlib import Path

import pytest
from textual.pilot import Pilot

from console.screens.base import ConsoleScreen
from console.settings import DisplaySettings, Settings
from console.shell.app import VirtdeckApp
from core.journal.replay import Replay

TAPE = Path(__file__).resolve().parents[1] / "data/tapes/two-hosts.jsonl.gz"
ZONE = timezone(timedelta(hours=2), "CEST")
SIZES = ((80, 24), (120, 40), (200, 50))
MOMENTS = {"loaded": 32.0, "operating": 45.3, "error": 57.0, "lost": 65.0}
"""Seconds into the tape: six guests, a shutdown under way, a dead guest, a dead daemon."""
LONG = {
    '"name":"web"': '"name":"web-front-end-of-the-reservation-system-production-frankfurt-01"',
    '"name":"db"': '"name":"数据库-主节点-生产环境-东京-第一机房-备用"',
    '"host":"beta"': '"host":"beta.virtualisation.datacenter-2.example.org"',
    '"name":"beta"': '"name":"beta.virtualisation.datacenter-2.example.org"',
    '"name":"mail.qcow2"': '"name":"mail-%s.qcow2"' % ("0123456789" * 8),
}
KEPT_WHEN_EMPTY = ("host-added", "link-changed", "host-read")

Moment = Callable[[str], VirtdeckApp]


@pytest.fixture(scope="session")
def long_tape(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tape with names nobody planned the columns for, wide characters among them."""
    text = gzip.decompress(TAPE.read_bytes()).decode()
    for short, long in LONG.items():
        text = text.replace(short, long)
    path = tmp_path_factory.mktemp("tapes") / "long.jsonl"
    path.write_text(text)
    return path


@pytest.fixture(scope="session")
def empty_tape(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tape without what is on its hosts."""
    header, *lines = gzip.decompress(TAPE.read_bytes()).decode().splitlines()
    kept = [line for line in lines if json.loads(line)["event"] in KEPT_WHEN_EMPTY]
    path = tmp_path_factory.mktemp("tapes") / "empty.jsonl"
    path.write_text("\n".join([header, *kept]) + "\n")
    return path


@pytest.fixture
def console(long_tape: Path, empty_tape: Path) -> Iterator[Moment]:
    """An app on the tape at a moment: one of MOMENTS, `long` or `empty`."""
    replays: list[Replay] = []

    def at(moment: str, theme: str = "dark", tape: Path = TAPE) -> VirtdeckApp:
        if moment == "empty":
            replay = Replay.at(empty_tape, 5.0)
        elif moment == "long":
            replay = Replay.at(long_tape, MOMENTS["loaded"])
        else:
            replay = Replay.at(tape, MOMENTS[moment])
        replays.append(replay)
        settings = Settings(display=DisplaySettings(theme=theme, glyphs="unicode", refresh_rate=30))
        return VirtdeckApp(lambda: replay, settings, clock=replay.clock, zone=ZONE)

    yield at
    for replay in replays:
        replay.close()


@pytest.fixture
def source() -> Iterator[Replay]:
    """The tape, whose hosts take what they are asked and answer as a test says."""
    from tests.screens.migrate_source import Answering

    source = Answering.at(TAPE, MOMENTS["loaded"])
    yield source
    source.close()


@pytest.fixture
def app(source: Replay) -> VirtdeckApp:
    """A console on the source of the test."""
    settings = Settings(display=DisplaySettings(theme="dark", glyphs="unicode", refresh_rate=30))
    return VirtdeckApp(lambda: source, settings, clock=source.clock, zone=ZONE)


async def settled(pilot: Pilot[None]) -> None:
    """Wait until the screen shows the newest picture and nothing is on its way."""
    app = pilot.app
    assert isinstance(app, VirtdeckApp)
    for _ in range(2000):
        await pilot.pause(0.005)
        screens = [screen for screen in app.screen_stack if isinstance(screen, ConsoleScreen)]
        shown = screens[-1].seen if screens else -1
        if shown > 0 and shown == app.bridge.state.revision and not app.asking:
            await pilot.pause()
            return
    raise AssertionError("the screen never showed the newest picture")


async def until(pilot: Pilot[None], condition: Callable[[], bool], pauses: int = 2000) -> None:
    """Wait until something is so."""
    for _ in range(pauses):
        if condition():
            return
        await pilot.pause(0.005)
    raise AssertionError("it did not come true in time")


async def press(pilot: Pilot[None], *keys: str) -> None:
    """Press keys, each on a settled screen."""
    await settled(pilot)
    for key in keys:
        await pilot.press(key)
        await settled(pilot)


@pytest.fixture(autouse=True)
async def tasks_as_in_a_process() -> None:
    """Have a pilot's tasks begin at once, as those of a process do where Python can do that.

    Textual's `run` asks for it from Python 3.12 on, its `run_test` does not; then the order in
    which widgets are mounted is another.
    """
    if sys.version_info >= (3, 12):
        asyncio.get_running_loop().set_task_factory(asyncio.eager_task_factory)


@pytest.fixture(autouse=True)
def plain_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Nothing of the machine that runs the tests shows on a screen, nothing is left on it."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path_factory.getbasetemp() / "state"))
    for name in ("NO_COLOR", "SSH_CONNECTION", "COLUMNS", "LINES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLORTERM", "truecolor")
