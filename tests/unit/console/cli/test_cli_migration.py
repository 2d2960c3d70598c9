"""What the command line prints of a migration while it runs: a fake clock, synthetic values."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.cell_width import cells
from console.cli import interrupts
from console.cli.migration import aborted, report_text, write_new
from console.cli.migration_follow import INTERRUPTED, Following
from console.cli.migration_lookup import look_for, running
from console.cli.migration_progress import (
    PAINT_SECONDS,
    QUIET_SECONDS,
    SAMPLE_JSON_SECONDS,
    SAMPLE_SECONDS,
    ProgressPrinter,
)
from console.cli.migration_show import lines_of
from console.cli.migration_text import (
    bar_line,
    end_lines,
    finding_lines,
    json_of,
    percent_done,
    progress_line,
    steering_line,
)
from console.cli.migrations import MIGRATIONS, newest
from console.cli.output import table
from core.clock import SystemClock
from core.engine.handle import Handle
from core.errors import NotFoundError, RefusedError, VirtdeckError
from core.model import (
    Answer,
    Check,
    Delta,
    Finding,
    Forecast,
    Host,
    JobSample,
    Level,
    Limits,
    Link,
    LinkStatus,
    Migration,
    MigrationResult,
    MigrationStatus,
    ObjectKey,
    OperationRecord,
    OperationStatus,
    OperationStep,
    Request,
    Resumption,
    State,
    Steer,
    SteerKind,
    SteerRecord,
    Unread,
    Verdict,
)
from core.verbs.migration.requests import Migrate

MIB = 2**20


class FakeClock:
    """Stands still until it is moved on."""

    def __init__(self) -> None:
        self.at = NOW

    def now(self) -> float:
        return self.at

    monotonic = now

    def advance(self, seconds: float) -> None:
        self.at += seconds


NOW = 1000.0
SAMPLE = JobSample(at=10.0, memory_remaining=120 * MIB, memory_bps=40 * MIB, dirty_rate=30 * MIB,
                   iteration=3)  # fmt: skip
WEB = Migration(
    id="m1", host="alpha", uuid="web-uuid", name="web", to="beta", status=MigrationStatus.RUNNING,
    policy="adaptive", progress=0.42, sample=SAMPLE,
    forecast=Forecast(at=NOW, verdict=Verdict.CONVERGES, eta=12.0),
)  # fmt: skip
DONE = msgspec.structs.replace(
    WEB, status=MigrationStatus.COMPLETED, progress=1.0, outcome="web runs on beta",
    result=MigrationResult(total=33.0, downtime=120.4, transferred=2 * 2**30, iterations=5),
)  # fmt: skip
STEERED = SteerRecord(
    at=1.0, steer=Steer(SteerKind.MAX_DOWNTIME, value=500.0, reason="It would finish there."),
    by="policy adaptive", answer=Answer.DONE,
)  # fmt: skip


def but(migration: Migration, **changes: Any) -> Migration:
    return msgspec.structs.replace(migration, **changes)


def later(**changes: Any) -> Migration:
    return but(WEB, sample=msgspec.structs.replace(SAMPLE, **changes))


# -- one line --------------------------------------------------------------------------------


def test_a_line_says_how_far_it_is_and_whether_it_will_end() -> None:
    assert progress_line(WEB, NOW) == (
        "web: running: 42%, 120M left, 40M/s sent, 12s to go, converges, dirty 30M/s, iteration 3"
    )


def test_a_forecast_of_an_old_reading_is_marked_as_old() -> None:
    for now, fresh in ((NOW + 2.0, True), (NOW + 15.0, False)):
        for text in (progress_line(WEB, now), bar_line(WEB, 200, now)):
            assert ("12s to go, converges" in text) is fresh
            assert ("as of 15s ago" in text) is not fresh
    expected = Forecast(at=NOW, sentence="It converges in 12 s.")
    assert "It converges" not in "\n".join(lines_of(but(WEB, forecast=expected), NOW + 15.0))


def test_what_will_not_come_to_its_end_has_no_percentage() -> None:
    unread = but(WEB, progress=0.0, sample=None, forecast=None)
    assert json_of(unread)["progress"] is None  # it runs, and nobody read how far it is
    never = but(WEB, progress=0.96, forecast=Forecast(at=NOW, verdict=Verdict.NOT))
    assert percent_done(never) == ""
    line = bar_line(never, 160, NOW)
    assert "%" not in line
    assert "[" not in line
    assert "will not converge" in line
    assert percent_done(but(never, status=MigrationStatus.POST_COPY)) == "96%"
    assert json_of(never)["progress"] is None
    assert json_of(but(never, status=MigrationStatus.POST_COPY))["progress"] == 0.96


def test_what_was_done_before_a_resumption_is_no_news_after_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    again = but(WEB, steering=(STEERED,), resumed=(Resumption(900.0, "me@here"),))
    ProgressPrinter(False, FakeClock(), live=False).tell(again)
    assert "max-downtime" not in capsys.readouterr().out
    ProgressPrinter(False, FakeClock(), live=False).tell(but(again, resumed=()))
    assert "max-downtime" in capsys.readouterr().out


@pytest.mark.parametrize("progress", [0.991, 0.9999, 1.0])
@pytest.mark.parametrize("status", [item for item in MigrationStatus if item != "completed"])
def test_it_is_never_a_hundred_percent_before_it_is_done(
    status: MigrationStatus, progress: float
) -> None:
    assert percent_done(but(WEB, status=status, progress=progress)) == "99%"
    assert percent_done(DONE) == "100%"
    assert percent_done(but(WEB, progress=None)) == ""


def test_the_dirty_rate_is_of_no_interest_after_the_switch() -> None:
    line = progress_line(but(WEB, status=MigrationStatus.POST_COPY), NOW)
    assert "dirty" not in line


@given(
    width=st.integers(1, 200),
    name=st.text(min_size=1, max_size=80),
    progress=st.none() | st.floats(0, 1),
    status=st.sampled_from(MigrationStatus),
)
def test_a_bar_fits_its_terminal(
    width: int, name: str, progress: float | None, status: MigrationStatus
) -> None:
    line = bar_line(but(WEB, name=name, progress=progress, status=status), width, NOW)
    assert cells(line) <= width
    assert "\n" not in line
    assert "\x1b" not in line


def test_a_bar_shows_the_most_important_where_there_is_no_room() -> None:
    assert bar_line(WEB, 79, NOW) == (
        "web running [####......] 42%, 120M left, 40M/s sent, 12s to go, converges"
    )
    assert bar_line(WEB, 20, NOW) == "web running 42%"
    wide = bar_line(WEB, 160, NOW)
    assert wide.endswith("iteration 3")


def test_what_was_done_is_told_with_its_reason_and_answer() -> None:
    assert steering_line(STEERED) == (
        "policy adaptive: max-downtime 500 ms (It would finish there): done"
    )
    refused = SteerRecord(at=1.0, steer=Steer(SteerKind.ABORT), by="a@b", answer=Answer.REFUSED,
                          detail="It runs at beta.")  # fmt: skip
    assert steering_line(refused) == "a@b: abort: refused: It runs at beta."
    advised = SteerRecord(at=1.0, steer=Steer(SteerKind.ADVISE, reason="Allow post-copy."),
                          by="policy manual", answer=Answer.ADVISED)  # fmt: skip
    assert steering_line(advised) == "policy manual: Allow post-copy."
    unlimited = SteerRecord(at=1.0, steer=Steer(SteerKind.BANDWIDTH, value=0.0), by="a@b")
    assert steering_line(unlimited) == "a@b: bandwidth unlimited: requested"


def test_the_end_has_its_figures_and_what_did_not_hold() -> None:
    ended = but(DONE, checks=(Check("uuid", True, "The same."), Check("agent", False, "Silent."),
                              Check("gone", None, "alpha is down.")))  # fmt: skip
    assert list(end_lines(ended)) == [
        "web: completed: web runs on beta",
        "  33s in its job, downtime 120 ms, 2.0G sent, 5 iterations",
        "  agent: failed: Silent.",
        "  gone: unknown: alpha is down.",
    ]


def test_findings_come_worst_first_with_their_cures() -> None:
    found = (
        Finding("agent", Level.OK, "It answers."),
        Finding("skew", Level.WARNING, "beta is newer.", "Update alpha."),
        Finding("clock", Level.UNKNOWN, "Not seen."),
        Finding("cpu", Level.BLOCKER, "beta lacks avx2.", "Choose a baseline."),
        Finding("disk-vda", Level.BLOCKER, "Not there."),
    )
    assert list(finding_lines(found, ("disk-vda",), passed=True)) == [
        "blocker: cpu: beta lacks avx2.",
        "  Choose a baseline.",
        "  Or start in spite of it: --override cpu",
        "overridden: disk-vda: Not there.",
        "unknown: clock: Not seen.",
        "warning: skew: beta is newer.",
        "  Update alpha.",
        "ok: agent",
    ]


def test_no_override_is_offered_where_none_helps() -> None:
    there = Finding("there", Level.BLOCKER, "It is there already.", fixed=True)
    assert list(finding_lines((there,), ("there",))) == ["blocker: there: It is there already."]


@pytest.mark.parametrize(("format_", "words"), [("text", "web"), ("markdown", "# ")])
def test_a_report_is_written_as_asked(format_: str, words: str) -> None:
    assert words in report_text(DONE, [SAMPLE], format_)


def test_a_report_as_json_is_one_line_with_every_figure() -> None:
    text = report_text(DONE, [SAMPLE], "json")
    assert "\n" not in text
    row = json.loads(text)
    assert row["downtime"]["measured"] == 120.4
    assert row["status"] == "completed"


def test_a_report_is_never_written_over_anything(tmp_path: Path) -> None:
    file = tmp_path / "report.txt"
    write_new(file, "one")
    with pytest.raises(VirtdeckError, match="cannot be written"):
        write_new(file, "two")
    assert file.read_text() == "one\n"


def test_everything_of_one_is_shown() -> None:
    item = but(
        WEB, author="me@here", memory=2**30, limits=Limits(max_downtime=300.0, bandwidth=0.0),
        downtime_limit=500.0, steering=(STEERED,),
        timeline=(OperationStep(1.0, "the copying began"),),
        virsh="virsh migrate web", forecast=Forecast(at=NOW, sentence="It converges in 12 s."),
    )  # fmt: skip
    text = "\n".join(lines_of(item, NOW))
    for words in (
        "migration of web from alpha to beta: running",
        "id: m1",
        "max downtime 300 ms of at most 500 ms, bandwidth unlimited",
        "It converges in 12 s.",
        "the copying began",
        "max-downtime 500 ms",
        "the same with virsh: virsh migrate web",
    ):
        assert words in text
    assert "somebody else" in "\n".join(lines_of(but(item, author="", foreign=True), NOW))


def test_the_list_keeps_what_runs_and_the_newest_of_the_rest() -> None:
    rows = [but(DONE, id=f"d{number}") for number in range(5)]
    rows.insert(0, but(WEB, id="runs"))
    assert [row.id for row in newest(rows, 2)] == ["runs", "d3", "d4"]
    assert [row.id for row in newest(rows, 0)] == ["runs"]


def test_the_list_shows_eta_and_verdict_of_what_runs_only() -> None:
    now = SystemClock().now()
    fresh, old = (but(WEB, forecast=Forecast(at, Verdict.CONVERGES, eta=12.0))
                  for at in (now, now - 15.0))  # fmt: skip
    _, running, aged, done = table([fresh, old, DONE], MIGRATIONS)
    assert running.split()[1:9] == [
        "web", "alpha", "beta", "running", "42%", "120M", "12s", "converges"
    ]  # fmt: skip
    assert aged.split()[5:11] == ["42%", "120M", "-", "as", "of", "15s"]
    assert done.split()[4:8] == ["completed", "100%", "-", "-"]


# -- as it goes ------------------------------------------------------------------------------


def printed(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().out.splitlines()


def in_pipe(clock: FakeClock) -> ProgressPrinter:
    return ProgressPrinter(as_json=False, clock=clock, live=False)


def test_a_pipe_gets_a_line_for_what_happens_and_no_more(
    capsys: pytest.CaptureFixture[str],
) -> None:
    clock = FakeClock()
    progress = in_pipe(clock)
    progress.tell(WEB)
    assert len(printed(capsys)) == 1
    clock.advance(QUIET_SECONDS / 2)
    progress.tell(later(iteration=4))
    assert printed(capsys) == []
    clock.advance(QUIET_SECONDS)
    progress.tell(later(iteration=4))
    assert printed(capsys)[0].endswith("iteration 4")
    clock.advance(QUIET_SECONDS)
    progress.tell(later(iteration=4, memory_remaining=MIB))
    assert printed(capsys) == []
    clock.advance(SAMPLE_SECONDS)
    progress.tell(later(iteration=4, memory_remaining=MIB))
    assert "1.0M left" in printed(capsys)[0]
    progress.tell(but(later(iteration=4), status=MigrationStatus.POST_COPY))
    assert printed(capsys)[0].startswith("web: post-copy: ")
    progress.tell(DONE)
    assert printed(capsys)[0] == "web: completed: web runs on beta"
    progress.tell(DONE)
    assert printed(capsys) == []


def test_what_was_done_is_told_when_asked_for_and_when_answered(
    capsys: pytest.CaptureFixture[str],
) -> None:
    progress = in_pipe(FakeClock())
    progress.tell(WEB)
    printed(capsys)
    asked = msgspec.structs.replace(STEERED, answer=Answer.REQUESTED)
    progress.tell(but(WEB, steering=(asked,)))
    assert printed(capsys)[0].endswith(": requested")
    progress.tell(but(WEB, steering=(STEERED,)))
    progress.tell(but(WEB, steering=(STEERED,)))
    assert [line.rpartition(": ")[2] for line in printed(capsys)] == ["done"]


def test_what_another_console_writes_down_late_is_told_once(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The word of the console that runs it may lack our command, or have one more before it."""
    progress = in_pipe(FakeClock())
    progress.tell(but(WEB, steering=(STEERED,)))
    printed(capsys)
    earlier = msgspec.structs.replace(STEERED, at=STEERED.at - 1, by="bob@desk")
    for steering in ((), (STEERED,), (earlier, STEERED)):
        progress.tell(but(WEB, steering=steering))
    assert [line.split(": ")[1] for line in printed(capsys)] == ["bob@desk"]


def test_json_has_a_line_for_each_change_and_each_sample(
    capsys: pytest.CaptureFixture[str],
) -> None:
    clock = FakeClock()
    progress = ProgressPrinter(as_json=True, clock=clock, live=True)
    progress.tell(WEB)
    progress.tell(later(iteration=4))
    progress.tell(later(iteration=5))  # libvirt is asked more often than anybody reads
    progress.tell(DONE)
    clock.advance(SAMPLE_JSON_SECONDS)
    progress.tell(but(DONE, sample=None))
    rows = [json.loads(line) for line in printed(capsys)]
    assert [row["kind"] for row in rows] == ["migration", "sample", "migration"]
    assert rows[1]["sample"]["iteration"] == 4
    assert rows[1]["forecast"]["verdict"] == "converges"
    assert rows[2]["result"]["downtime"] == 120.4
    assert rows[2].keys() >= set(Migration.__struct_fields__)


def on_terminal(columns: int = 80, lines: int = 24) -> ProgressPrinter:
    return ProgressPrinter(
        as_json=False, clock=FakeClock(), live=True, size=lambda: (columns, lines)
    )


class Screen:
    """Just enough of a terminal to see what lines stay."""

    def __init__(self) -> None:
        self.lines, self.row, self.column = [""], 0, 0

    def feed(self, text: str) -> list[str]:
        while text:
            if text.startswith("\x1b["):
                end = next(place for place, sign in enumerate(text[2:], 2) if sign.isalpha())
                number, code, text = text[2:end], text[end], text[end + 1 :]
                if code == "A":
                    self.row -= int(number)
                elif code == "K":
                    self.lines[self.row] = self.lines[self.row][: self.column]
                elif code == "J":
                    self.feed("\x1b[K")
                    del self.lines[self.row + 1 :]
                continue
            sign, text = text[0], text[1:]
            if sign == "\r":
                self.column = 0
            elif sign == "\n":
                self.row, self.column = self.row + 1, 0
                self.lines += [""] * (self.row + 1 - len(self.lines))
            else:
                line = self.lines[self.row].ljust(self.column)
                self.lines[self.row] = line[: self.column] + sign + line[self.column + 1 :]
                self.column += 1
        return [line for line in self.lines if line]


def test_a_terminal_shows_one_line_each_in_place(capsys: pytest.CaptureFixture[str]) -> None:
    progress, screen = on_terminal(), Screen()
    db = but(WEB, id="m2", name="db", progress=0.1)
    for migration in (WEB, db, later(memory_remaining=MIB), but(db, progress=0.2)):
        progress.tell(migration)
    progress.draw()
    shown = screen.feed(capsys.readouterr().out)
    assert shown[0].startswith("web: running: 42%")
    assert shown[1].startswith("db: running: 10%")
    assert [line[:22] for line in shown[2:]] == ["web running [####.....", "db running [##........"]
    progress.tell(but(DONE))
    shown = screen.feed(capsys.readouterr().out)
    assert shown[2] == "web: completed: web runs on beta"
    assert [line[:10] for line in shown[4:]] == ["db running"]
    progress.erase()
    assert screen.feed(capsys.readouterr().out) == shown[:4]


def test_a_terminal_is_not_painted_more_often_than_anybody_reads(
    capsys: pytest.CaptureFixture[str],
) -> None:
    clock = FakeClock()
    progress = ProgressPrinter(as_json=False, clock=clock, live=True, size=lambda: (80, 24))
    progress.tell(WEB)
    printed(capsys)
    for _ in range(10):
        clock.advance(PAINT_SECONDS / 4)
        progress.tell(later(memory_remaining=MIB))
    assert capsys.readouterr().out.count("1.0M left") == 2


def test_more_than_fit_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    progress, screen = on_terminal(lines=5), Screen()
    for number in range(6):
        progress.tell(but(WEB, id=f"m{number}", name=f"vm{number}"))
    shown = screen.feed(capsys.readouterr().out)
    assert len(shown) == 6 + 3
    assert shown[-1] == "and 4 more"


def test_nothing_is_painted_while_a_question_is_asked(capsys: pytest.CaptureFixture[str]) -> None:
    progress = on_terminal()
    progress.held = True
    progress.tell(WEB)
    assert len(printed(capsys)) == 1
    progress.draw()
    assert printed(capsys) == []


# -- following -------------------------------------------------------------------------------


class Fleet:
    """Stands for a fleet: each request becomes an operation and a migration that a test moves."""

    def __init__(self) -> None:
        self.migrations = self
        self.state = State()
        self.deltas: asyncio.Queue[Delta] = asyncio.Queue()
        self.handles: dict[str, Handle] = {}
        self.steered: list[tuple[str, Steer]] = []
        self.cancelled: list[str] = []

    async def submit(self, request: Request, waiting: object = None) -> Handle:
        assert isinstance(request, Migrate)
        if request.to == "nowhere":
            raise RefusedError("nowhere is down.", "Wait for it.")
        record = OperationRecord(
            id=f"op-{request.subject.id}", verb="migrate", host="alpha", subject=request.subject,
            name=request.subject.id, author="a@b", created=1.0,
        )  # fmt: skip
        self.handles[record.id] = Handle(record)
        return self.handles[record.id]

    def changes(self) -> AsyncIterator[Delta]:
        async def deltas() -> AsyncIterator[Delta]:
            while True:
                yield await self.deltas.get()

        return deltas()

    async def cancel(self, operation_id: str) -> None:
        self.cancelled.append(operation_id)

    async def steer(self, migration_id: str, steer: Steer) -> SteerRecord:
        self.steered.append((migration_id, steer))
        self.ends(migration_id, MigrationStatus.ABORTED, OperationStatus.CANCELLED)
        return SteerRecord(at=1.0, steer=steer, by="a@b", answer=Answer.DONE)

    def puts(self, migration: Migration) -> None:
        self.state = State(migrations={**self.state.migrations, migration.id: migration})
        self.deltas.put_nowait(Delta(revision=1, at=1.0, changed=frozenset({migration.key})))

    def ends(self, id_: str, status: MigrationStatus, end: OperationStatus) -> None:
        known = self.state.migrations[id_]
        self.puts(but(known, status=status, outcome=f"it is {status}"))
        handle = self.handles[id_]
        handle.advance(msgspec.structs.replace(handle.record, status=end, outcome="over"))


def asked_for(name: str, to: str = "beta") -> Migrate:
    return Migrate(subject=ObjectKey("instance", "alpha", name), to=to)


def moving(name: str) -> Migration:
    return but(WEB, id=f"op-{name}", name=name)


async def until(condition: Callable[[], object]) -> None:
    for _ in range(10_000):
        if condition():
            return
        await asyncio.sleep(0)
    raise AssertionError("it did not come true")


def following(fleet: Fleet, answer: str = interrupts.CONTINUE) -> Following:
    async def ask(_: str, __: asyncio.Event) -> str:
        return answer

    source: Any = fleet
    return Following(source, ProgressPrinter(as_json=False, live=False), ask=ask)


ENDS = [
    (MigrationStatus.COMPLETED, OperationStatus.DONE, 0),
    (MigrationStatus.ABORTED, OperationStatus.CANCELLED, 1),
    (MigrationStatus.FAILED, OperationStatus.FAILED, 1),
    (MigrationStatus.POST_COPY_FAILED, OperationStatus.FAILED, 1),
    (MigrationStatus.UNKNOWN, OperationStatus.UNKNOWN, 4),
]


@pytest.mark.parametrize(("status", "end", "exit_status"), ENDS)
async def test_the_end_of_a_migration_is_the_status_of_the_command(
    status: MigrationStatus, end: OperationStatus, exit_status: int,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    fleet = Fleet()
    running = asyncio.create_task(following(fleet).carry_out([asked_for("web")]))
    await until(lambda: fleet.handles)
    fleet.puts(moving("web"))
    fleet.ends("op-web", status, end)
    assert await running == exit_status
    out = capsys.readouterr().out
    assert f"web: {end if status is MigrationStatus.UNKNOWN else status}: " in out
    told = 2 if status is MigrationStatus.UNKNOWN else 1  # when it is so, and at the end
    assert out.count("over") + out.count(f"it is {status}") == told


async def test_what_is_refused_costs_no_other(capsys: pytest.CaptureFixture[str]) -> None:
    fleet = Fleet()
    requests = [asked_for("web"), asked_for("db", "nowhere")]
    running = asyncio.create_task(following(fleet).carry_out(requests))
    await until(lambda: fleet.handles)
    fleet.puts(moving("web"))
    fleet.ends("op-web", MigrationStatus.COMPLETED, OperationStatus.DONE)
    assert await running == 1
    out, err = capsys.readouterr()
    assert "web: completed" in out
    assert err == "db: nowhere is down.\n  Wait for it.\n"


async def pressed(fleet: Fleet, answer: str, monkeypatch: pytest.MonkeyPatch) -> int:
    """Ctrl-C on a terminal while one migration runs and one waits."""
    events: list[asyncio.Event] = []

    class Caught:
        def __enter__(self) -> asyncio.Event:
            events.append(asyncio.Event())
            return events[0]

        def __exit__(self, *_: object) -> None: ...

    monkeypatch.setattr(interrupts, "caught", Caught)
    running = asyncio.create_task(
        following(fleet, answer).carry_out([asked_for("web"), asked_for("db")])
    )
    await until(lambda: len(fleet.handles) == 2)
    fleet.puts(moving("web"))
    await until(fleet.deltas.empty)
    await asyncio.sleep(0)
    events[0].set()
    if answer == interrupts.LEAVE:
        return await running
    if answer == interrupts.ABORT:
        await until(lambda: fleet.steered and fleet.cancelled)
    else:
        await until(lambda: fleet.cancelled or not events[0].is_set())
        fleet.ends("op-web", MigrationStatus.COMPLETED, OperationStatus.DONE)
    handle = fleet.handles["op-db"]
    handle.advance(msgspec.structs.replace(handle.record, status=OperationStatus.CANCELLED))
    return await running


async def test_ctrl_c_can_abort(monkeypatch: pytest.MonkeyPatch) -> None:
    fleet = Fleet()
    assert await pressed(fleet, interrupts.ABORT, monkeypatch) == 1
    assert [(id_, steer.kind) for id_, steer in fleet.steered] == [("op-web", SteerKind.ABORT)]
    assert fleet.cancelled == ["op-db"]


async def test_ctrl_c_can_stop_what_has_not_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    fleet = Fleet()
    assert await pressed(fleet, interrupts.STOP, monkeypatch) == 1
    assert fleet.cancelled == ["op-db"]
    assert not fleet.steered


async def test_ctrl_c_can_leave_it_running(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fleet = Fleet()
    assert await pressed(fleet, interrupts.LEAVE, monkeypatch) == INTERRUPTED
    err = capsys.readouterr().err
    assert "its migration to beta goes on" in err
    assert "virtdeck migration show alpha/web" in err
    assert "No longer waiting for db" in err
    assert not fleet.steered
    assert not fleet.cancelled


async def test_ctrl_c_can_be_a_slip(monkeypatch: pytest.MonkeyPatch) -> None:
    fleet = Fleet()
    assert await pressed(fleet, interrupts.CONTINUE, monkeypatch) == 1
    assert not fleet.steered


async def test_without_a_terminal_ctrl_c_leaves_it_running_and_says_how_to_follow(
    capsys: pytest.CaptureFixture[str],
) -> None:
    fleet = Fleet()
    running = asyncio.create_task(following(fleet).carry_out([asked_for("web")]))
    await until(lambda: fleet.handles)
    fleet.puts(moving("web"))
    await until(fleet.deltas.empty)
    await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert "virtdeck migration show alpha/web" in capsys.readouterr().err
    assert not fleet.steered


async def test_looking_on_ends_with_what_is_looked_at(capsys: pytest.CaptureFixture[str]) -> None:
    fleet = Fleet()
    fleet.puts(moving("web"))
    fleet.puts(moving("db"))
    looking = asyncio.create_task(following(fleet).look_on(fleet.state.migrations["op-web"]))
    await until(fleet.deltas.empty)
    fleet.puts(but(moving("web"), status=MigrationStatus.FAILED, outcome="no memory"))
    assert await looking == 1
    out = capsys.readouterr().out
    assert "web: failed: no memory" in out
    assert "db" not in out


# -- asking ----------------------------------------------------------------------------------


@pytest.fixture
def keyboard(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Standard input as a pipe; the fixture types into it, nothing ends it."""
    reader, writer = os.pipe()
    with open(reader) as stdin:  # noqa: PTH123 - a descriptor
        monkeypatch.setattr("sys.stdin", stdin)

        def type_(text: str) -> None:
            if text:
                os.write(writer, text.encode())
            else:
                os.close(writer)

        yield type_
    with suppress(OSError):
        os.close(writer)


@pytest.mark.parametrize(
    ("typed", "answer"),
    [
        ("a\n", interrupts.ABORT),
        ("L\n", interrupts.LEAVE),
        (" c \n", interrupts.CONTINUE),
        ("\n", interrupts.CONTINUE),
        ("", interrupts.LEAVE),
    ],
)
async def test_a_letter_is_an_answer_and_no_answer_leaves_it(
    keyboard: Callable[[str], None], typed: str, answer: str
) -> None:
    keyboard(typed)
    assert await interrupts.choice("Abort?", asyncio.Event()) == answer


async def test_stop_is_an_answer_where_it_is_offered(keyboard: Callable[[str], None]) -> None:
    keyboard("s\n")
    answer = await interrupts.choice("Stop? [s/a/l/c]", asyncio.Event(), may_stop=True)
    assert answer == interrupts.STOP


async def test_anything_else_is_asked_again(
    keyboard: Callable[[str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    asking = asyncio.create_task(interrupts.choice("Abort?", asyncio.Event()))
    keyboard("what\n")
    shown = ""
    for _ in range(1000):
        await asyncio.sleep(0.001)
        shown += capsys.readouterr().err
        if shown.count("Abort?") == 2:
            break
    keyboard("a\n")
    assert await asking == interrupts.ABORT
    assert shown.count("Abort?") == 2


async def test_ctrl_c_while_it_is_asked_leaves_it(keyboard: Callable[[str], None]) -> None:
    pressed = asyncio.Event()
    asking = asyncio.create_task(interrupts.choice("Abort?", pressed))
    await asyncio.sleep(0)
    pressed.set()
    assert await asking == interrupts.LEAVE


@pytest.mark.parametrize(
    ("status", "exit_status"),
    [
        (MigrationStatus.ABORTED, 0),
        (MigrationStatus.FAILED, 1),
        (MigrationStatus.COMPLETED, 1),
    ],
)
async def test_an_abort_tells_what_it_has_come_to_by_the_owners_word(
    status: MigrationStatus, exit_status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    fleet = Fleet()
    await fleet.submit(asked_for("web"))
    row = moving("web")
    fleet.puts(row)
    telling = asyncio.create_task(aborted(fleet, row, as_json=False))
    await asyncio.sleep(0)
    fleet.ends("op-web", status, OperationStatus.CANCELLED)
    assert await telling == exit_status
    assert f"web: {status}: it is {status}" in capsys.readouterr().out


def test_an_interrupted_post_copy_is_said_in_words() -> None:
    row = but(
        WEB, status=MigrationStatus.POST_COPY_INTERRUPTED, outcome="alpha lost the connection",
    )  # fmt: skip
    assert progress_line(row, NOW) == "web: interrupted: alpha lost the connection"
    assert "interrupted" in bar_line(row, 100, NOW)
    assert "outcome: alpha lost the connection" in "\n".join(lines_of(row, NOW))


# -- those that others began ----------------------------------------------------------------------


class Links:
    """Those of a fleet whose one host was read."""

    unread: ClassVar[dict[str, Unread | None]] = {"alpha": Unread()}


class Discovering:
    """Stands for a fleet whose host is looked through only after it is asked for changes."""

    def __init__(self, found: Migration | None) -> None:
        self.migrations, self.links = self, Links()
        host = Host("alpha", "qemu:///system", link=Link(LinkStatus.UP))
        self.state = State(hosts={"alpha": host})
        self._found = found
        self._known: bool | None = None

    def known(self, host: str) -> bool | None:
        return self._known

    async def changes(self) -> AsyncIterator[Delta]:
        self._known = self._found is not None
        if self._found is not None:
            migrations = {self._found.id: self._found}
            self.state = State(hosts=self.state.hosts, migrations=migrations)
        yield Delta(1, 1.0)


async def test_one_that_somebody_else_began_is_waited_for_before_it_is_not_there() -> None:
    row = but(WEB, foreign=True)
    fleet: Any = Discovering(row)
    with pytest.raises(NotFoundError):
        running(fleet.state, row.name)
    await look_for(fleet, row.name)
    assert running(fleet.state, row.name) == row


class Preparing(Discovering):
    """Stands for a fleet that shows what another console is about to migrate."""

    def __init__(self, record: OperationRecord, found: Migration | None) -> None:
        super().__init__(found)
        self.state = State(hosts=self.state.hosts, operations={record.id: record})
        self._record = record

    async def changes(self) -> AsyncIterator[Delta]:
        yield Delta(1, 1.0)  # of something else
        async for delta in super().changes():
            if self._found is None:
                over = msgspec.structs.replace(self._record, status=OperationStatus.REFUSED)
                self.state = State(hosts=self.state.hosts, operations={over.id: over})
            self._known = True
            yield delta


async def test_one_that_is_being_prepared_is_waited_for(capsys: pytest.CaptureFixture[str]) -> None:
    row = but(WEB, id="m-2")
    record = OperationRecord(
        *("m-2", "migrate", row.host, ObjectKey("instance", row.host, row.uuid), row.name),
        *("ann@desk", 0.0),
    )
    for name in (row.name, f"{row.host}/{row.name}", row.uuid, "m-2"):
        fleet: Any = Preparing(record, row)
        await look_for(fleet, name)
        assert running(fleet.state, name) == row
        assert "is being prepared" in capsys.readouterr().err
    refused: Any = Preparing(record, None)
    with pytest.raises(NotFoundError):
        await look_for(refused, row.name)


async def test_it_is_said_where_it_cannot_be_found_out(capsys: pytest.CaptureFixture[str]) -> None:
    fleet: Any = Discovering(None)
    with pytest.raises(NotFoundError) as caught:
        await look_for(fleet, "web")
    assert caught.value.exit_status == 4
    assert (
        "not complete: alpha: whether migrations that others began run" in capsys.readouterr().err
    )
