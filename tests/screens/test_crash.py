"""A console that crashes, as a process on a terminal: what it says and what it keeps."""

from __future__ import annotations

import re
import stat
from pathlib import Path

from tests.bench.terminal import Terminal
from tests.screens.conftest import TAPE

SECRETS = ("hunter2", "rosebud")
BROKEN = """
from console.screens.hosts import hosts
def broken(*_):
    kept = "secret-of-a-variable"
    raise RuntimeError(f"no page for qemu+tcp://root:{'hunter'}2@alpha, password={'rose'}bud")
hosts.host_lines = broken
from console.__main__ import main
main()
"""
"""The real console with a defect on one of its screens; the secrets are not in its source lines."""


def test_a_crash_keeps_its_traceback_its_events_and_its_log_and_names_the_file(
    tmp_path: Path,
) -> None:
    own = {name: str(tmp_path) for name in ("HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME")}
    log = tmp_path / "virtdeck/virtdeck.log"
    log.parent.mkdir()
    log.write_text("what was logged before\n")
    command = ["-c", BROKEN, "replay", str(TAPE)]
    with Terminal(command, columns=200, environment=own) as terminal:
        assert terminal.wait(lambda lines: "archive" in "\n".join(lines), 100)
        terminal.press("2")
        assert terminal.left_with(100) == 1
        said = "\n".join(terminal.screen.display)
    assert "internal error (RuntimeError: no page for qemu+tcp://root:***@alpha" in said
    (path,) = log.parent.glob("crash-*.txt")
    assert str(path) in said, "the file is named"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    kept = path.read_text()
    assert re.search(r'File ".*hosts\.py", line \d+, in show_panel', kept), "where it broke"
    assert "alpha is connected" in kept, "the events before it"
    assert "what was logged before" in kept
    assert re.search(r"virtdeck \S+, textual \d.*Python 3\.", kept)
    for text in (said, kept, log.read_text()):
        assert "secret-of-a-variable" not in text.replace(BROKEN, "")
        assert not [secret for secret in SECRETS if secret in text]


def test_only_the_last_crashes_are_kept(tmp_path: Path, monkeypatch) -> None:
    from console.shell.crash import KEPT, keep_crash

    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    folder = tmp_path / "virtdeck"
    folder.mkdir()
    for number in range(KEPT + 3):
        (folder / f"crash-20200101-0000{number:02}-1.txt").touch()
    new = keep_crash(ValueError("it broke"))
    assert new is not None
    left = sorted(folder.glob("crash-*.txt"))
    assert len(left) == KEPT
    assert left[-1] == new
    assert "ValueError: it broke" in new.read_text()


def test_where_no_file_can_be_written_there_is_none(tmp_path: Path, monkeypatch) -> None:
    from console.shell.crash import keep_crash

    (tmp_path / "virtdeck").write_text("a file where the folder should be")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert keep_crash(ValueError("it broke")) is None
