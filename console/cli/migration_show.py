"""Everything known of one migration, as text. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from console.cli.migration_text import figures, result_text, steering_line
from console.format import bandwidth, clock_time, date_time, milliseconds, size
from core.migration.judgement import disks
from core.migration.judgement.words import against_not_open
from core.model import Limits, Migration
from core.model.text import clean


def lines_of(item: Migration, now: float) -> Iterator[str]:
    """Yield a migration: what it is, how it goes at `now`, what was done to it, how it ended."""
    to = item.to or item.uri or "a host that is not known"
    yield clean(f"migration of {item.name} from {item.host} to {to}: {item.status}")
    yield f"  id: {clean(item.id)}"
    if item.not_open:
        yield f"  {against_not_open(item)}"
    yield clean(f"  policy: {item.policy}; post-copy: {item.post_copy}{_converging(item)}")
    by = item.author or ("somebody else" if item.foreign else "-")
    yield clean(f"  asked for by: {by}, {date_time(item.created)}")
    for one in item.resumed:
        yield clean(f"  resumed by: {one.by}, {date_time(one.at)}")
    if item.memory:
        yield f"  memory: {size(item.memory)}{_disks(item)}"
    if told := limits(item.limits, item.downtime_limit):
        yield f"  limits: {told}"
    if not item.status.final and (known := figures(item, now)):
        yield f"  now: {', '.join(known)}"
    expected = item.forecast if item.status.copying else None
    if expected is not None and expected.sentence and expected.age(now) is None:
        yield clean(f"  {expected.sentence}")
    yield from _past(item)
    if item.outcome:
        yield clean(f"  outcome: {item.outcome}")
    if item.hint:
        yield clean(f"  {item.hint}")
    if item.virsh:
        yield clean(f"  the same with virsh: {item.virsh}")


def _converging(item: Migration) -> str:
    return "; auto-converge" if item.auto_converge else ""


def _disks(item: Migration) -> str:
    return f"; disks copied: {disks.names(item, ())}"


def limits(now: Limits, downtime_limit: float | None) -> str:
    """What is in force: `max downtime 300 ms of at most 500 ms, bandwidth unlimited`."""
    parts = []
    if now.max_downtime is not None:
        most = "" if downtime_limit is None else f" of at most {milliseconds(downtime_limit)}"
        parts.append(f"max downtime {milliseconds(now.max_downtime)}{most}")
    for what, value in (
        ("bandwidth", now.bandwidth),
        ("post-copy bandwidth", now.post_copy_bandwidth),
    ):
        if value is not None:
            parts.append(f"{what} {bandwidth(value)}")
    return ", ".join(parts)


def _past(item: Migration) -> Iterator[str]:
    if item.result is not None and (told := result_text(item.result)):
        yield f"  figures: {told}"
    for check in item.checks:
        sign = {True: "ok", False: "failed", None: "unknown"}[check.passed]
        yield clean(f"  check {check.name}: {sign}: {check.text}")
    if item.timeline:
        yield "  what happened"
        for step in item.timeline:
            yield clean(f"    {clock_time(step.at)} {step.text}")
    if item.steering:
        yield "  what was done"
        for record in item.steering:
            yield f"    {clock_time(record.at)} {steering_line(record)}"
            if record.virsh:
                yield clean(f"      {record.virsh}")
