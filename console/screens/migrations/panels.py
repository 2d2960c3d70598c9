"""What the cockpit of a migration says, as lines of text. Pure."""

from __future__ import annotations

from console import format as fmt
from console.glyphs import glyphs
from console.screens.migrations import words
from console.screens.page import beside
from console.screens.view import View
from console.status_signs import status_sign
from console.widgets.charts import bar
from console.widgets.columns import Cell, CellValue
from core.migration.judgement import disks
from core.migration.judgement.words import against_not_open
from core.migration.report.report import downtime_of
from core.model import (
    Answer,
    JobSample,
    LinkStatus,
    Migration,
    MigrationResult,
    MigrationStatus,
    ObjectKey,
)
from core.model.text import clean

WIDE = 100
"""From this width on the hosts stand side by side."""
_BAR, _SHORT_BAR = 30, 10
_GAUGE = 12
_NAME, _SHORT_NAME = 40, 16
_HOST, _SHORT_HOST = 20, 12
"""Cells a name of an instance or a host may have; the whole of them is in the line above."""

_GRAVE = (
    MigrationStatus.FAILED,
    MigrationStatus.POST_COPY_FAILED,
    MigrationStatus.POST_COPY_INTERRUPTED,
)
SPLIT_BRAIN = (
    "Resuming the instance at the source is refused: it would run twice on the same disks "
    "(split brain)."
)
"""Why a source must not be resumed once the destination has run."""


def summary(view: View, row: Migration, width: int) -> list[CellValue]:
    """Status, way, time; progress, ETA, verdict; the forecast in words."""
    sign = status_sign(row.status)
    stale = words.lost(view, row)
    author = f"by {row.author}" if row.author else ""
    name, most = (_NAME, _HOST) if width >= WIDE else (_SHORT_NAME, _SHORT_HOST)
    first = words.spaced(
        Cell(f" {sign.glyph} {sign.word}", "muted" if stale else sign.role),
        (
            Cell(words.shortened(words.name_of(row), name), "strong"),
            Cell(f"  {words.route(row, most)}"),
        ),
        fmt.duration(words.took(view, row)),
        _policy(row),
        Cell("not started here" if row.foreign else author if width >= WIDE else "", "muted"),
    )
    return [first, _progress(view, row, width), *_sentences(view, row)]


def _policy(row: Migration) -> str:
    """The policy, and how far it may raise the max downtime."""
    limit = row.downtime_limit
    far = f" up to {fmt.milliseconds(limit)}" if limit and not row.status.final else ""
    return f"policy {row.policy}{far}"


def _progress(view: View, row: Migration, width: int) -> CellValue:
    share = row.part_done
    role = "muted" if words.lost(view, row) else "chart"
    said_below = row.status.final or (row.outcome and not words.lost(view, row))
    verdict = Cell("") if said_below else words.verdict_cell(view, row)
    drawn = bar(share, _BAR if width >= WIDE else _SHORT_BAR)
    done: CellValue = (Cell(" "), Cell(drawn, role), Cell(f" {fmt.percent(share):>4}", "strong"))
    if _stopped(row):  # a bar would look as if little was missing
        done = Cell(f" stopped at {fmt.percent(share)}" if share else " stopped", "muted")
    return words.spaced(
        done,
        verdict,
        words.eta_words(view, row, short=width < WIDE),
    )


def _stopped(row: Migration) -> bool:
    """Whether it ended before all was sent: how much was is no part of anything any more."""
    return row.status.final and row.status is not MigrationStatus.COMPLETED


def _sentences(view: View, row: Migration) -> list[CellValue]:
    """What an operator must know, the gravest first."""
    lines: list[CellValue] = []
    if row.not_open:
        lines.append(Cell(f" {glyphs().alert} {against_not_open(row)}", "warning"))
    elif age := words.old(view, row):
        why = (
            f"The link to {clean(row.host)} is not up"
            if view.stale(row.host)
            else f"{clean(row.host)} told nothing of it lately"
        )
        lines.append(
            Cell(f" {glyphs().alert} {why}: what is shown is {age} old. "
                 "The migration may go on meanwhile.", "warning")
        )  # fmt: skip
    sentence = words.forecast_sentence(row)
    if sentence:
        grave = row.status in _GRAVE
        role = "muted" if words.lost(view, row) else ""
        lines.append(Cell(f" {sentence}", "error" if grave else role))
    if advice := _advice(row):
        lines.append(Cell(f" {glyphs().alert} The policy {row.policy} says: {advice}", "warning"))
    if row.status is MigrationStatus.POST_COPY_INTERRUPTED:
        lines.append(Cell(f" {glyphs().alert} {SPLIT_BRAIN}", "warning"))
    if row.status is MigrationStatus.POST_COPY_FAILED:
        way = (
            "It can be recovered: R resumes the post-copy migration."
            if row.resumable
            else "It cannot be resumed from here."
        )
        lines.append(Cell(f" {glyphs().alert} {SPLIT_BRAIN}", "warning"))
        lines.append(Cell(f" {way}", "strong"))
    return lines


def _advice(row: Migration) -> str:
    """What a policy says to the operator, while nothing was done since."""
    last = row.steering[-1] if row.steering else None
    if last is None or last.answer is not Answer.ADVISED or not row.status.copying:
        return ""
    return clean(last.steer.reason or last.steer.text)


def hosts(view: View, row: Migration, width: int) -> list[CellValue]:
    """Both hosts: side by side where it is wide, else a line each."""
    ends = (
        ("source", row.host, row.source_key),
        ("destination", row.to, row.destination_key),
    )
    if width < WIDE:
        return [_host_line(view, row, *end) for end in ends]
    left, right = (_host_column(view, row, *end) for end in ends)
    return beside(left, right, width // 2, width)


def _host_line(view: View, row: Migration, side: str, host: str, key: ObjectKey) -> CellValue:
    link, state, figures = _host_cells(view, row, host, key)
    name = words.shortened(clean(host), _SHORT_HOST)
    return (
        Cell(f" {side:<12}", "muted"), Cell(f"{name:<6} ", "strong"), *link, Cell("  "), *state,
        Cell("  "), *figures,
    )  # fmt: skip


def _host_column(
    view: View, row: Migration, side: str, host: str, key: ObjectKey
) -> list[CellValue]:
    link, state, figures = _host_cells(view, row, host, key)
    title = (
        Cell(f" {side}  ", "muted"),
        Cell(words.shortened(clean(host), _HOST) or fmt.UNKNOWN, "strong"),
        Cell("  "),
    )
    return [
        (*title, *link),
        (Cell("   "), *state),
        (Cell("   "), *figures),
    ]


Cells = tuple[Cell, ...]


def _host_cells(
    view: View, row: Migration, host: str, key: ObjectKey
) -> tuple[Cells, Cells, Cells]:
    """How the link stands, what the instance is there, and what it uses."""
    known = view.state.hosts.get(host)
    if known is None:
        where = clean(row.uri) if not host or host == row.to else ""
        return (Cell(f"not open here {where}".rstrip(), "muted"),), (Cell(fmt.UNKNOWN),), ()
    sign = status_sign(known.link.status)
    stale = known.link.status is not LinkStatus.UP
    age = f", {view.stale_age(host)} old" if stale else ""
    link = (Cell(f"{sign.glyph} {sign.word}{age}", sign.role),)
    instance = view.state.instances.get(key)
    if instance is None:
        return link, (Cell("not there" if not stale else fmt.UNKNOWN, "muted"),), ()
    state = fmt.instance_state(instance.state)
    reason = f" ({clean(instance.reason)})" if instance.reason else ""
    what = Cell(f"{state.glyph} {state.word}{reason}", "muted" if stale else state.role)
    return link, (what,), _usage(view, key, stale=stale)


def _usage(view: View, key: ObjectKey, *, stale: bool) -> Cells:
    rates = view.state.rates.get(key)
    cpu = fmt.UNKNOWN if rates is None or rates.cpu is None else fmt.percent(rates.cpu / 100)
    used = fmt.size(rates.memory) if rates is not None else fmt.UNKNOWN
    total = rates.memory_total if rates is not None else None
    of = f"/{fmt.size(total)}" if total else ""
    return (Cell(f"cpu {cpu}  mem {used}{of}", "muted" if stale else ""),)


def figures(row: Migration, width: int) -> list[CellValue]:
    """Memory, disks apart, downtime against the limit, throttle, requests; two a line if wide."""
    sample, result = row.sample or JobSample(at=0.0), row.result or MigrationResult()
    throttle = result.throttle or sample.throttle
    share = None if throttle is None else throttle / 100
    memory, downtime = _memory(row, sample), _downtime(row)
    copied = None if _stopped(row) else _part(sample.disk_remaining, sample.disk_total)
    disks = _gauge("disks", copied, _disks(row, sample))
    braked = _gauge("throttle", share, _throttle(row, throttle))
    rest = words.spaced(
        f" iteration {fmt.count(result.iterations or sample.iteration)}",
        f"bandwidth {fmt.bandwidth(row.limits.bandwidth)}",
        _post_copy(row, sample),
    )
    if width >= WIDE:
        return [*beside([memory, downtime], [disks, braked], width // 2, width), rest]
    lines = [memory, *([disks] if _copies(row, sample) else []), downtime]
    return [*lines, *([braked] if throttle or row.auto_converge else []), rest]


def _memory(row: Migration, sample: JobSample) -> CellValue:
    if row.status is MigrationStatus.COMPLETED:
        result = row.result or MigrationResult()
        text = f"{fmt.size(result.transferred)} sent, {fmt.rate(result.throughput)} on average"
        return _gauge("memory", 1.0, text)
    total = sample.memory_total or None
    remaining = sample.memory_remaining if total else None
    sent = sample.device_processed
    devices = f" and device state, {fmt.size(sent)} of it sent" if sent else ""
    part = None if _stopped(row) else _part(remaining, total)
    return _gauge("memory", part, _of(remaining, total) + devices)


def _post_copy(row: Migration, sample: JobSample) -> CellValue:
    """Whether it may be switched, with what bandwidth, and the pages asked for since."""
    if row.post_copy == "never" and not row.foreign and row.switched is None:
        return Cell("post-copy not allowed", "muted")
    limit = fmt.bandwidth(row.limits.post_copy_bandwidth)
    return f"post-copy {limit}, requests {fmt.count(sample.post_copy_requests)}"


def _copies(row: Migration, sample: JobSample) -> bool:
    return bool(disks.are_copied(row, (sample,)))


def _gauge(name: str, fraction: float | None, text: str, role: str = "chart") -> CellValue:
    return (
        Cell(f" {name:<9} ", "muted"),
        Cell(bar(fraction, _GAUGE), role),
        Cell(f" {text}", "" if role == "chart" else role),
    )


def _part(remaining: int | None, total: int | None) -> float | None:
    if remaining is None or not total:
        return None
    return 1 - min(1.0, remaining / total)


def _of(remaining: int | None, total: int | None) -> str:
    if remaining is None and total is None:
        return fmt.UNKNOWN
    return f"{fmt.size(remaining)} of {fmt.size(total)} left"


def _disks(row: Migration, sample: JobSample) -> str:
    if not _copies(row, sample):
        known = disks.are_copied(row, (sample,)) is not None
        return "shared: none is copied" if known else fmt.UNKNOWN
    names = clean(", ".join(row.copied_disks))
    rate = f" at {fmt.rate(sample.disk_bps)}" if sample.disk_bps else ""
    return f"{_of(sample.disk_remaining, sample.disk_total)}{rate} {names}".rstrip()


def _throttle(row: Migration, throttle: int | None) -> str:
    if throttle:
        return f"{fmt.percent(throttle / 100)} slower: auto-converge brakes the guest"
    off = "" if row.auto_converge or row.foreign else ", auto-converge is off"
    return f"none{off}"


def _downtime(row: Migration) -> CellValue:
    """Expected (or real) against the limit; the bar is how much of the limit it takes."""
    value, limit = words.expected_downtime(row), row.limits.max_downtime
    over = value is not None and limit is not None and value > limit
    word = "was" if downtime_of(row) is not None else "expected"
    fraction = None if value is None or not limit else value / limit
    sign = f" {glyphs().alert}" if over else ","
    text = f"{word} {fmt.milliseconds(value)}{sign} limit {fmt.milliseconds(limit)}"
    return _gauge("downtime", fraction, text, "warning" if over else "chart")
