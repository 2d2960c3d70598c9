"""The real virtdeck as a process on a terminal, under every Python that the machine has.

A pilot is not a process: Textual's `run` prepares the event loop otherwise than its `run_test`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bench.terminal import Terminal
from tests.environments import ROOT, environments
from tests.screens.conftest import TAPE

SECONDS = 100.0
"""For each step: a machine may be busy."""
ESCAPE = "\x1b"
EVERY_PYTHON = pytest.mark.parametrize("environment", environments(), ids=lambda path: path.name)


def opened(environment: Path, arguments: list[str], place: Path) -> Terminal:
    """`virtdeck` of an environment, with a place of its own for all it writes."""
    own = {name: str(place) for name in ("HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME")}
    return Terminal(
        command=[str(environment / "bin/virtdeck"), *arguments],
        environment=own | {"PYTHONWARNINGS": "default"},
    )


def shows(terminal: Terminal, *words: str) -> None:
    """Wait until all of the words are on the screen."""
    seen = terminal.wait(lambda lines: all(word in "\n".join(lines) for word in words), SECONDS)
    assert seen is not None, (words, terminal.screen.display)


def hides(terminal: Terminal, word: str) -> None:
    """Wait until a word is gone from the screen."""
    assert terminal.wait(lambda lines: word not in "\n".join(lines), SECONDS) is not None, word


def walk(terminal: Terminal, *instances: str) -> None:
    """Through the console by keys: lists, the filter line, an instance, a dialog; then leave."""
    shows(terminal, "1 Instances", *instances)
    terminal.press("2")
    shows(terminal, "LINK▲")
    terminal.press("1")
    shows(terminal, "NAME▲", *instances)
    terminal.press("/web")
    shows(terminal, "1 of 6 instances")
    terminal.press("\r")
    shows(terminal, "enter Open")
    terminal.press("\r")
    shows(terminal, "overview", "snapshots")
    terminal.press(ESCAPE)
    shows(terminal, "1 of 6 instances")
    terminal.press(":")
    shows(terminal, "action, screen or instance")
    terminal.press(ESCAPE)  # a key that follows at once would be taken as one with Alt
    hides(terminal, "action, screen or instance")
    terminal.press("q")
    assert terminal.left_with(SECONDS) == 0, terminal.screen.display


def nothing_broke(place: Path) -> None:
    """No crash was kept, and no warning of our own code is in the log."""
    assert not list(place.rglob("crash-*"))
    for log in place.rglob("*.log"):
        ours = [line for line in log.read_text().splitlines() if f"{ROOT}/co" in line]
        assert not ours


@EVERY_PYTHON
def test_the_console_opens_on_a_tape_takes_keys_and_leaves(
    environment: Path, tmp_path: Path
) -> None:
    with opened(environment, ["replay", str(TAPE)], tmp_path) as terminal:
        walk(terminal, "archive", "batch", "web")
    nothing_broke(tmp_path)


@EVERY_PYTHON
def test_instances_are_listed_on_a_terminal(environment: Path, tmp_path: Path) -> None:
    with opened(environment, ["instances", "-c", "test:///default"], tmp_path) as terminal:
        assert terminal.left_with(SECONDS) == 0
        said = "\n".join(terminal.screen.display)
        assert "running" in said
        assert "test" in said
    nothing_broke(tmp_path)
