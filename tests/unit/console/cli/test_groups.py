"""A group of commands that is called without one."""

import click
import pytest

from console.cli.root import run
from console.cli.verb_names import GROUPS, commands
from console.cli.verbs import command


def test_it_prints_its_help_line_by_line(capsys: pytest.CaptureFixture[str]) -> None:
    run(["pool"])
    said = capsys.readouterr()
    lines = (said.err + said.out).splitlines()
    assert lines[0].startswith("Usage: virtdeck pool")
    assert any(line.split()[:1] == ["refresh"] for line in lines)


@pytest.mark.parametrize("group", ["", *GROUPS])
def test_no_two_parameters_of_a_command_have_one_name(group: str) -> None:
    if group:
        made = command(group)
        assert isinstance(made, click.Group)
        found = list(made.commands.values())
    else:
        found = [one for verb in commands() if (one := command(verb.name)) is not None]
    assert found
    for each in found:
        names = [one.name for one in each.params]
        assert len(names) == len(set(names)), (each.name, names)
