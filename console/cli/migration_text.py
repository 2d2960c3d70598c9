"""Migrations in one line each: the bar of a terminal, the line of a pipe, the end. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from console.cell_width import cells
from console.cli.output import plain
from console.format import bandwidth, duration, milliseconds, percent, rate, size
from core.model import (
    Answer,
    Finding,
    Level,
    Migration,
    MigrationResult,
    MigrationStatus,
    SteerKind,
    SteerRecord,
    Verdict,
)
from core.model.text import clean

EXIT: dict[MigrationStatus, int] = {
    MigrationStatus.COMPLETED: 0,
    MigrationStatus.ABORTED: 1,
    MigrationStatus.FAILED: 1,
    MigrationStatus.POST_COPY_FAILED: 1,
}
"""The exit status a migration's end stands for; any other status: 4, the outcome is unknown."""
_VALUED = (SteerKind.MAX_DOWNTIME, SteerKind.BANDWIDTH, SteerKind.POST_COPY_BANDWIDTH)
_BARS = (24, 16, 10)
"""How long a bar may be: the longest that leaves room for every figure, else the shortest."""
_ROOM = 24
"""Cells that a bar leaves for figures, or it is not there."""


def json_of(migration: Migration) -> dict[str, Any]:
    """A migration as JSON has it; its progress is null where there is no telling."""
    return {"kind": "migration", **plain(migration), "progress": migration.part_done}


def percent_done(migration: Migration) -> str:
    """How far it is: 100% only when it is completed; nothing where there is no telling."""
    done = migration.part_done
    return "" if done is None else percent(done)


def figures(migration: Migration, now: float) -> list[str]:
    """What is known at `now` of how it goes, the most important first; nothing that is not known,
    and no forecast from old readings: how old they are.
    """
    sample, forecast = migration.sample, migration.forecast
    parts = [percent_done(migration)]
    if sample is not None:
        if sample.remaining is not None:
            more = " and device state" if sample.device_processed else ""
            parts.append(f"{size(sample.remaining)}{more} left")
        if sample.memory_bps:
            parts.append(f"{rate(sample.memory_bps)} sent")
        if sample.disk_bps:
            parts.append(f"{rate(sample.disk_bps)} of disks")
    if forecast is not None and migration.status.copying:
        age = forecast.age(now)
        parts.append(_expected(migration) if age is None else f"as of {duration(age)} ago")
    if sample is not None:
        if sample.rewritten and migration.status is MigrationStatus.RUNNING:
            parts.append(f"dirty {rate(sample.rewritten)}")
        if sample.iteration:
            parts.append(f"iteration {sample.iteration}")
        if sample.throttle:
            parts.append(f"slowed {percent(sample.throttle / 100)}")
    return [part for part in parts if part]


def _expected(migration: Migration) -> str:
    forecast = migration.forecast
    if forecast is None:
        return ""
    verdict = "" if forecast.verdict is Verdict.UNKNOWN else forecast.verdict.value
    if verdict == migration.status.value:  # it is in post-copy, which is said already
        verdict = ""
    eta = "" if forecast.eta is None else f"{duration(forecast.eta)} to go"
    return ", ".join(part for part in (eta, verdict) if part)


def progress_line(migration: Migration, now: float) -> str:
    """One line of a pipe: name, status, figures as they are at `now`."""
    known = figures(migration, now)
    told = f": {', '.join(known)}" if known and not migration.status.final else ""
    if migration.outcome:
        told = f": {migration.outcome}"
    return clean(f"{migration.name}: {migration.status.value}{told}")


def bar_line(migration: Migration, width: int, now: float) -> str:
    """One line of a terminal, at most `width` cells: what does not fit is left out from its end."""
    name = clean(migration.name)
    head = f"{name} {migration.status.value}"
    if cells(head) >= width:
        return _cut(head, width)
    known = figures(migration, now)
    figured = cells(head) + sum(cells(part) + 2 for part in known) - 1
    length = next((size for size in _BARS if figured + size + 3 <= width), _BARS[-1])
    done = migration.part_done
    if done is not None and cells(head) + length + _ROOM <= width:
        filled = int(length * done)
        head += f" [{'#' * filled}{'.' * (length - filled)}]"
    line = head
    for place, part in enumerate(known):
        longer = line + (" " if place == 0 else ", ") + part
        if cells(longer) > width:
            break
        line = longer
    return line


def _cut(text: str, width: int) -> str:
    while cells(text) > width:
        text = text[:-1]
    return text


def wish(kind: SteerKind, value: float | None, text: str) -> str:
    """What is done to a migration, in words: `max-downtime 500 ms`, `policy manual`, `abort`."""
    if value is not None:
        shown = milliseconds(value) if kind is SteerKind.MAX_DOWNTIME else bandwidth(value)
        return f"{kind.value} {shown}"
    return f"{kind.value} {text}".strip()


def steering_line(record: SteerRecord) -> str:
    """One steering command and what came of it: `adaptive: max-downtime 500 ms: done (...)`."""
    steer = record.steer
    what = wish(steer.kind, steer.value if steer.kind in _VALUED else None, steer.text)
    if record.answer is Answer.ADVISED:
        return clean(f"{record.by}: {steer.reason or steer.text}")
    why = f" ({steer.reason.rstrip('.')})" if steer.reason else ""
    detail = f": {record.detail}" if record.detail else ""
    return clean(f"{record.by}: {what}{why}: {record.answer.value}{detail}")


def end_lines(migration: Migration) -> Iterator[str]:
    """The end of a migration: its outcome, its figures, and every check that failed."""
    outcome = migration.outcome or f"it is {migration.status.value}"
    yield clean(f"{migration.name}: {migration.status.value}: {outcome}")
    if migration.result is not None and (told := result_text(migration.result)):
        yield f"  {told}"
    for check in migration.checks:
        if check.passed is not True:
            sign = "unknown" if check.passed is None else "failed"
            yield clean(f"  {check.name}: {sign}: {check.text}")


def result_text(result: MigrationResult) -> str:
    """The figures of the end: total, downtime, what was sent; only those that are known."""
    parts = []
    if result.total is not None:
        parts.append(f"{duration(result.total)} in its job")
    if result.downtime is not None:
        parts.append(f"downtime {milliseconds(result.downtime)}")
    if result.post_copy is not None:
        parts.append(f"{duration(result.post_copy)} in post-copy")
    if result.transferred is not None:
        parts.append(f"{size(result.transferred)} sent")
    if result.throughput is not None:
        parts.append(f"{rate(result.throughput)} on average")
    if result.iterations:
        parts.append(f"{result.iterations} iterations")
    return ", ".join(parts)


_ORDER = (Level.BLOCKER, Level.UNKNOWN, Level.WARNING)


def finding_lines(
    findings: Sequence[Finding], overrides: Sequence[str], *, passed: bool = False
) -> Iterator[str]:
    """The findings of a preflight, worst first, each with its cure; `passed` also names those ok.

    A blocker that is not overridden is followed by the option that would.
    """
    for level in _ORDER:
        for finding in findings:
            if finding.level is level:
                yield from _finding(finding, overrides)
    fine = [finding.id for finding in findings if finding.level is Level.OK]
    if passed and fine:
        yield clean(f"ok: {', '.join(fine)}")


def _finding(finding: Finding, overrides: Sequence[str]) -> Iterator[str]:
    blocks = finding.level is Level.BLOCKER
    overridden = blocks and not finding.fixed and finding.id in overrides
    word = "overridden" if overridden else finding.level.value
    yield clean(f"{word}: {finding.id}: {finding.text}")
    if finding.cure:
        yield clean(f"  {finding.cure}")
    if blocks and not overridden and not finding.fixed:
        yield clean(f"  Or start in spite of it: --override {finding.id}")
