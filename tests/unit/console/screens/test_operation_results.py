"""What an operation has brought, on the screen of operations."""

from __future__ import annotations

from console.screens.operations.results import MOST_LINES, result_lines
from console.screens.table_text import plain
from core.verbs.agent.execute import ExecStatus


def lines(status: ExecStatus) -> list[str]:
    return [plain(line).rstrip() for line in result_lines(status.kept().told())]


def test_the_outputs_of_a_command_are_shown_and_move_no_cursor() -> None:
    status = ExecStatus(42, exited=True, exit_status=0, out=b"a\x1b[2J\n\tb\n", err=b"oh")
    shown = lines(status)
    assert shown[:2] == ["", " Result"]
    assert [" ".join(line.split()) for line in shown[2:5]] == [
        "pid 42",
        "exit status 0",
        "stderr oh",
    ]
    assert shown[5:] == ["  stdout", "    a\N{REPLACEMENT CHARACTER}[2J", "            b"]


def test_what_is_not_kept_whole_says_so() -> None:
    long = lines(ExecStatus(42, exited=True, exit_status=0, out=b"x\n" * (MOST_LINES + 1)))
    assert long[-1] == "    ... the rest is not kept"
    cut = lines(ExecStatus(42, exited=True, exit_status=0, out=b"x\n", out_whole=False))
    assert cut[-1] == "    ... the rest is not kept"
    assert not list(result_lines({}))
