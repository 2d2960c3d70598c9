"""A group of commands that is called without one."""

import pytest

from console.cli.root import run


def test_it_prints_its_help_line_by_line(capsys: pytest.CaptureFixture[str]) -> None:
    run(["pool"])
    said = capsys.readouterr()
    lines = (said.err + said.out).splitlines()
    assert lines[0].startswith("Usage: virtdeck pool")
    assert any(line.split()[:1] == ["refresh"] for line in lines)
