"""By what name a hint tells people to call this program."""

from __future__ import annotations

from pathlib import Path

import pytest

from console.cli.invocation import called


@pytest.mark.parametrize("on_path", [True, False])
def test_it_is_called_by_a_name_that_works(
    on_path: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`./dev run` calls it by its path in an environment that is on nobody's PATH."""
    program = tmp_path / "virtdeck"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setattr("sys.argv", [str(program), "demo"])
    monkeypatch.setenv("PATH", str(tmp_path) if on_path else "/nowhere")
    assert called() == ("virtdeck" if on_path else str(program))
