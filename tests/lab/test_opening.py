"""The real console on the real lab, under every Python that the machine has."""

from __future__ import annotations

from pathlib import Path

from tests.screens.test_opening import EVERY_PYTHON, SECONDS, nothing_broke, opened, walk


def both(uris: dict[str, str]) -> list[str]:
    return [word for name, uri in uris.items() for word in ("-c", f"{name}={uri}")]


@EVERY_PYTHON
def test_the_console_opens_on_the_lab_takes_keys_and_leaves(
    environment: Path, uris: dict[str, str], tmp_path: Path
) -> None:
    with opened(environment, both(uris), tmp_path) as terminal:
        walk(terminal, "archive", "batch", "web", "● alpha up", "● beta up")
    nothing_broke(tmp_path)


@EVERY_PYTHON
def test_the_labs_instances_are_listed_on_a_terminal(
    environment: Path, uris: dict[str, str], tmp_path: Path
) -> None:
    with opened(environment, ["instances", *both(uris)], tmp_path) as terminal:
        assert terminal.left_with(SECONDS) == 0
        said = "\n".join(terminal.screen.display)
        assert all(word in said for word in ("web", "alpha", "archive", "beta"))
    nothing_broke(tmp_path)
