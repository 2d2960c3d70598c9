"""Live migration on the command line, as a process, between the two hosts of the real lab."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from core.lab import Lab
from tests.driver.command import Result, Virtdeck, finish
from tests.lab import burner
from tests.lab.burner import Burner
from tests.patience import PATIENCE

Command = Callable[..., Result]

SLOWLY = ("--yes", "--unsafe", "--policy", "manual", "--bandwidth", "2", "--max-downtime", "30")
"""So slow that a small guest is under way for as long as a test needs."""


@pytest.fixture
def home(tmp_path: Path) -> Virtdeck:
    return Virtdeck(tmp_path)


@pytest.fixture
def hosts(uris: dict[str, str]) -> list[str]:
    return [word for name, uri in uris.items() for word in ("-c", f"{name}={uri}")]


@pytest.fixture
def virtdeck(home: Virtdeck, hosts: list[str]) -> Command:
    return lambda *arguments: home(*hosts, *arguments)


@pytest.fixture
def name(lab: Lab) -> Iterator[str]:
    """A guest that writes more than `SLOWLY` lets pass; its first pass is then most of a minute."""
    large = Burner("mover", memory=128, writes=24, rate=10, fills=110)
    yield burner.start(lab, "alpha", large)
    burner.remove(lab, "mover")


@pytest.fixture
def booted_guest(guest: Callable[..., str], booted: Callable[..., None]) -> str:
    """The same with a kernel that has booted and an agent that answers."""
    made = guest("alpha", "booted", "vd.write=24:20")
    booted("alpha", made)
    return made


def places(lab: Lab, name: str) -> dict[str, str]:
    """Host -> the state of an instance there, in virsh's words; hosts without it are left out."""
    listed = {host.name: host.instances() for host in lab.hosts}
    return {host: rows[name] for host, rows in listed.items() if name in rows}


def begun(
    home: Virtdeck, hosts: list[str], name: str, *more: str
) -> tuple[subprocess.Popen[str], str]:
    """Start a slow migration to beta; returns the process and what it said until it copied."""
    process = home.begin(*hosts, "migrate", name, "--to", "beta", *SLOWLY, *more)
    assert process.stdout is not None
    said = ""
    while "running" not in said:
        line = process.stdout.readline()
        assert line, process.communicate()[1]
        said += line
    return process, said


def test_a_dry_run_says_everything_and_touches_nothing(
    virtdeck: Command, name: str, lab: Lab
) -> None:
    result = virtdeck("migrate", name, "--to", "beta", "--dry-run", "--unsafe", "--bandwidth", 50)
    assert result.status == 0, result.err
    for words in ("Would migrate mover from alpha to beta.", "PEER2PEER", "bandwidth: 50 MiB/s",
                  " migrate mover ", "--bandwidth 50", "preflight", "forecast"):  # fmt: skip
        assert words in result.out
    (row,) = virtdeck("migrate", name, "--to", "beta", "--dry-run", "--unsafe", "--json").rows
    assert row["kind"] == "plan"
    assert {finding["id"] for finding in row["preflight"]["findings"]} >= {"cpu", "memory"}
    assert not [key for key in row["parameters"] if "xml" in key]
    assert places(lab, name) == {"alpha": "running"}
    assert virtdeck("migrations", "--json").rows == []


def test_what_blocks_is_told_and_nothing_is_started(virtdeck: Command, name: str, lab: Lab) -> None:
    result = virtdeck("migrate", name, "--to", "beta", "--yes", "--offline")
    assert result.status == 1
    assert f"{name}: blocker: " in result.err
    assert f"{name} runs" in result.err
    assert "Nothing was started" in result.err
    assert "--override" not in result.err  # it runs, whatever is overridden
    assert places(lab, name) == {"alpha": "running"}


def test_what_is_doubtful_wants_a_yes(virtdeck: Command, name: str, lab: Lab) -> None:
    doubted = virtdeck("migrate", name, "--to", "beta")
    assert doubted.status == 1
    assert "warning: " in doubted.err
    assert "Add --yes" in doubted.err
    assert places(lab, name) == {"alpha": "running"}


def test_it_moves_and_is_listed_shown_and_reported(
    virtdeck: Command, name: str, lab: Lab, tmp_path: Path
) -> None:
    result = virtdeck("migrate", name, "--to", "beta", "--yes", "--unsafe")
    assert result.status == 0, result.out + result.err
    assert f"{name}: completed: {name} runs on beta" in result.out
    assert "downtime" in result.out
    assert "\x1b" not in result.out
    assert places(lab, name) == {"beta": "running"}
    (row,) = virtdeck("migrations", "--json").rows
    assert (row["name"], row["host"], row["to"], row["status"]) == (
        name, "alpha", "beta", "completed",
    )  # fmt: skip
    for word in (name, f"alpha/{name}", f"beta/{name}", row["id"]):
        assert "from alpha to beta: completed" in virtdeck("migration", "show", word).out
    assert "Verification" in virtdeck("migration", "report", name).out
    file = tmp_path / "report.md"
    assert virtdeck("migration", "report", name, "--format", "markdown", "-o", file).status == 0
    assert file.read_text().startswith("# ")
    (report,) = virtdeck("migration", "report", name, "--format", "json").rows
    assert report["downtime"]["measured"] == row["result"]["downtime"]
    over = virtdeck("migration", "abort", name, "--yes")
    assert (over.status, "is over: completed" in over.err) == (1, True)
    nothing = virtdeck("migration", "resume", name)
    assert (nothing.status, "nothing to resume" in nothing.err) == (1, True)


def test_json_tells_the_preflight_every_change_the_samples_and_the_end(
    virtdeck: Command, name: str
) -> None:
    result = virtdeck("migrate", name, "--to", "beta", "--yes", "--unsafe", "--json",
                      "--bandwidth", 20)  # fmt: skip
    assert result.status == 0, result.err
    kinds = [row["kind"] for row in result.rows]
    assert (kinds[0], kinds[-1]) == ("preflight", "operation")
    assert {"migration", "sample"} <= set(kinds)
    changes = [row["status"] for row in result.rows if row["kind"] == "migration"]
    assert list(dict.fromkeys(changes))[-1] == "completed"
    samples = [row for row in result.rows[: end(result)] if row["kind"] == "sample"]
    progress = [row["progress"] for row in samples]
    known = [value for value in progress if value is not None]
    assert known == sorted(known)
    assert max(known, default=0) < 1


def end(result: Result) -> int:
    """At which line the migration is over."""
    return next(n for n, row in enumerate(result.rows) if row.get("status") == "completed")


def test_another_terminal_steers_and_aborts_it(
    home: Virtdeck, hosts: list[str], virtdeck: Command, booted_guest: str, lab: Lab
) -> None:
    name = booted_guest
    process, _ = begun(home, hosts, name)
    try:
        (row,) = virtdeck("migrations", "--json").rows
        assert row["status"] == "running"
        steered = virtdeck("migration", "set", name, "--bandwidth", 3, "--max-downtime", 40)
        assert steered.status == 0, steered.err
        assert "bandwidth 3 MiB/s: done" in steered.out
        assert lab.host("alpha").virsh("migrate-getspeed", name).strip() == "3"
        unsure = virtdeck("migration", "abort", name)
        assert (unsure.status, "Add --yes" in unsure.err) == (1, True)
        refused = virtdeck("migration", "post-copy", name, "--yes")
        assert refused.status == 1
        assert "not allowed" in refused.err
        aborted = virtdeck("migration", "abort", name, "--yes", "--json")
        assert aborted.status == 0, aborted.err
        assert aborted.rows[0]["answer"] == "done"
        result = finish(process)
    finally:
        process.kill()
    assert result.status == 1
    assert f"{name}: aborted: " in result.out
    assert places(lab, name) == {"alpha": "running"}


def test_another_terminal_switches_it_to_post_copy(
    home: Virtdeck, hosts: list[str], virtdeck: Command, name: str, lab: Lab
) -> None:
    process, _ = begun(home, hosts, name, "--post-copy", "allow")
    try:
        assert virtdeck("migration", "post-copy", name).status == 1
        switched = virtdeck("migration", "post-copy", name, "--yes")
        assert switched.status == 0, switched.err
        result = finish(process)
    finally:
        process.kill()
    assert result.status == 0, result.out + result.err
    assert f"{name}: post-copy" in result.out
    assert "in post-copy" in result.out.splitlines()[-1]
    assert places(lab, name) == {"beta": "running"}


def test_ctrl_c_without_a_terminal_leaves_it_running_and_the_next_command_takes_it_up(
    home: Virtdeck, hosts: list[str], virtdeck: Command, name: str, lab: Lab
) -> None:
    process, _ = begun(home, hosts, name)
    result = finish(process, interrupt=True)
    assert result.status == 130
    assert f"virtdeck migration show alpha/{name}" in result.err
    assert "its migration to beta goes on" in result.err
    assert "Time elapsed" in lab.host("alpha").virsh("domjobinfo", name)
    aborted = virtdeck("migration", "abort", name, "--yes")
    assert aborted.status == 0, aborted.err
    assert places(lab, name) == {"alpha": "running"}


class Terminal:
    """A command on a terminal of its own."""

    def __init__(self, home: Virtdeck, arguments: Sequence[str]) -> None:
        self._leader, follower = pty.openpty()
        self.shown, self._read = "", 0
        self.process = subprocess.Popen(
            [sys.executable, "-m", "console", *arguments],
            stdin=follower, stdout=follower, stderr=follower, start_new_session=True,
            env={**home.environment, "TERM": "xterm", "COLUMNS": "100"}, cwd=home.home,
        )  # fmt: skip
        os.close(follower)

    def until(self, words: str, seconds: float = 60.0) -> None:
        """Read until something is shown after what was waited for before."""
        end = time.monotonic() + seconds * PATIENCE
        while (place := self.shown.find(words, self._read)) < 0:
            assert time.monotonic() < end, self.shown
            if select.select([self._leader], [], [], 0.1)[0]:
                try:
                    self.shown += os.read(self._leader, 65536).decode(errors="replace")
                except OSError:
                    raise AssertionError(f"it ended without {words!r}: {self.shown}") from None
        self._read = place + len(words)

    def type(self, keys: str) -> None:
        os.write(self._leader, keys.encode())

    def interrupt(self) -> None:
        self.process.send_signal(signal.SIGINT)

    def end(self) -> int:
        """Read to the end; returns the exit status."""
        try:
            while True:
                self.shown += os.read(self._leader, 65536).decode(errors="replace")
        except OSError:  # the other end is closed: the command is over
            return self.process.wait(30 * PATIENCE)
        finally:
            os.close(self._leader)


@pytest.fixture
def terminal(home: Virtdeck, hosts: list[str], name: str) -> Any:
    command = Terminal(home, [*hosts, "migrate", name, "--to", "beta", *SLOWLY])
    yield command
    command.process.kill()
    command.process.wait()


def test_on_a_terminal_one_line_is_painted_and_ctrl_c_can_abort(
    terminal: Terminal, name: str, lab: Lab
) -> None:
    terminal.until(f"{name} running ")
    terminal.until("left")
    terminal.interrupt()
    terminal.until("[a/l/c]")
    terminal.type("x\n")  # no answer: it asks again
    terminal.until("[a/l/c]")
    terminal.type("c\n")
    terminal.until(f"{name} running ")
    terminal.interrupt()
    terminal.until("[a/l/c]")
    terminal.type("a\n")
    assert terminal.end() == 1
    assert f"{name}: aborted: " in terminal.shown
    assert places(lab, name) == {"alpha": "running"}


def test_on_a_terminal_ctrl_c_can_leave_it_running(
    terminal: Terminal, virtdeck: Command, name: str, lab: Lab
) -> None:
    terminal.until(f"{name} running ")
    terminal.interrupt()
    terminal.until("[a/l/c]")
    terminal.type("l\n")
    assert terminal.end() == 130
    assert "goes on" in terminal.shown
    assert "Time elapsed" in lab.host("alpha").virsh("domjobinfo", name)
    assert virtdeck("migration", "abort", name, "--yes").status == 0
