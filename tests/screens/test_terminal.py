"""The console as a process on a terminal that has, or is to have, no colours."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.bench.terminal import Terminal
from tests.patience import PATIENCE
from tests.screens.conftest import TAPE


@pytest.mark.parametrize("said", [{"NO_COLOR": "1"}, {"TERM": "vt220", "COLORTERM": ""}])
def test_where_there_is_no_colour_none_is_sent(said: dict[str, str], tmp_path: Path) -> None:
    own = {name: str(tmp_path) for name in ("HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME")}
    with Terminal(["-m", "console", "replay", str(TAPE)], environment=own | said) as terminal:
        assert terminal.wait(lambda lines: "archive" in "\n".join(lines), 20 * PATIENCE)
        cells = [cell for line in terminal.screen.buffer.values() for cell in line.values()]
        assert {(cell.fg, cell.bg) for cell in cells} == {("default", "default")}
        assert any(cell.reverse for cell in cells), "the cursor is seen"


@pytest.mark.parametrize("elsewhere", ["2>/dev/null", "2>&-"])
def test_the_console_is_on_the_terminal_wherever_the_error_stream_goes(
    elsewhere: str, tmp_path: Path
) -> None:
    own = {name: str(tmp_path) for name in ("HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME")}
    script = f'exec "$0" -m console replay "$1" {elsewhere}'
    command = ["sh", "-c", script, sys.executable, str(TAPE)]
    with Terminal(command=command, environment=own) as terminal:
        assert terminal.wait(lambda lines: "archive" in "\n".join(lines), 20 * PATIENCE)
