"""What an operator sees of a defect of virtdeck itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from console.cli.root import run
from console.shell.app import VirtdeckApp
from tests.screens.conftest import TAPE


def test_a_defect_of_the_screen_is_told_and_logged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def broken(app: VirtdeckApp) -> None:
        raise ZeroDivisionError("a defect")

    whole = VirtdeckApp.run
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setattr(VirtdeckApp, "on_mount", broken, raising=False)
    monkeypatch.setattr(VirtdeckApp, "run", lambda app, mouse: whole(app, headless=True))
    monkeypatch.setattr("console.cli.opening.require_terminal", lambda: None)
    assert run(["replay", str(TAPE)]) == 1
    assert "This is a defect of virtdeck" in capfd.readouterr().err
    assert "ZeroDivisionError" in next(tmp_path.rglob("virtdeck.log")).read_text()
