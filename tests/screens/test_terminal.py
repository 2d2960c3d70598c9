"""The console as a process on a terminal that has, or is to have, no colours."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bench.terminal import Terminal
from tests.screens.conftest import TAPE


@pytest.mark.parametrize("said", [{"NO_COLOR": "1"}, {"TERM": "vt220", "COLORTERM": ""}])
def test_where_there_is_no_colour_none_is_sent(said: dict[str, str], tmp_path: Path) -> None:
    own = {name: str(tmp_path) for name in ("HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME")}
    with Terminal(["-m", "console", "replay", str(TAPE)], environment=own | said) as terminal:
        assert terminal.wait(lambda lines: "archive" in "\n".join(lines), 20)
        cells = [cell for line in terminal.screen.buffer.values() for cell in line.values()]
        assert {(cell.fg, cell.bg) for cell in cells} == {("default", "default")}
        assert any(cell.reverse for cell in cells), "the cursor is seen"
