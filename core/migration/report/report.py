"""The report of a migration: what it took, what was decided and why, and what was verified.

One value, written as text, as Markdown and as JSON-able data. Pure: a migration and its samples in,
lines out; times are written in the zone that is asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo
from typing import Any

import msgspec

from core.migration.judgement import disks
from core.migration.report.data import Row, data_rows, dirtied
from core.migration.report.words import (
    passed_words,
    sentences,
    steer_words,
)
from core.model import JobSample, Migration, MigrationStatus, Value
from core.model.sizes import size_words
from core.model.text import clean
from core.model.times import duration, milliseconds


class Section(Value, frozen=True):
    """A part of a report: rows of two columns."""

    title: str
    rows: tuple[Row, ...]


class Report(Value, frozen=True):
    """A report, ready to be written in any form."""

    title: str
    outcome: str
    sections: tuple[Section, ...]


def report(
    migration: Migration, samples: Sequence[JobSample] = (), zone: tzinfo | None = UTC
) -> Report:
    """Make the report of a migration, finished or not.

    `samples` are its readings, oldest first; `zone` is what times are written in (None: the
    machine's own). Nothing unknown is made up: it is `-`.
    """
    sections = (
        Section("Times", _times(migration, zone)),
        Section("Downtime", _downtime(migration)),
        Section("Data", data_rows(migration, samples)),
        Section("Iterations", _iterations(migration, samples, zone)),
        Section("What was done and why", _steering(migration, zone)),
        Section("Verification", _checks(migration)),
        Section(
            "Timeline", tuple((_clock(one.at, zone), clean(one.text)) for one in migration.timeline)
        ),
        Section("The same as a command", (("virsh", clean(migration.virsh)),)
                if migration.virsh else ()),
    )  # fmt: skip
    return Report(_title(migration), _outcome(migration), sections)


def as_text(made: Report) -> str:
    """Write a report as plain text."""
    lines = [made.title, "=" * len(made.title), made.outcome]
    for section in _filled(made):
        width = max(len(name) for name, _ in section.rows)
        lines += ["", section.title]
        lines += [f"  {name:<{width}}  {text}".rstrip() for name, text in section.rows]
    return "\n".join(lines) + "\n"


def as_markdown(made: Report) -> str:
    """Write a report as Markdown: a table per section."""
    lines = [f"# {_escaped(made.title)}", "", _escaped(made.outcome)]
    for section in _filled(made):
        lines += ["", f"## {section.title}", "", "| | |", "| --- | --- |"]
        lines += [f"| {_escaped(name)} | {_escaped(text)} |" for name, text in section.rows]
    return "\n".join(lines) + "\n"


def as_value(migration: Migration, samples: Sequence[JobSample] = ()) -> dict[str, Any]:
    """Return what the report says as JSON-able data, in bytes, seconds and milliseconds.

    Times are seconds since the epoch; what is not known is null. The keys do not change.
    """
    row = migration
    passes = _passes(row, samples)
    value = {
        "id": row.id, "name": row.name, "uuid": row.uuid, "from": row.host, "to": row.to,
        "uri": row.uri, "status": row.status.value, "outcome": row.outcome, "hint": row.hint,
        "policy": row.policy, "author": row.author, "foreign": row.foreign,
        "resumable": row.resumable,
        "times": {
            "created": row.created, "started": row.started, "switched": row.switched,
            "resumed": [one.at for one in row.resumed], "ended": row.ended, "took": _took(row),
        },
        "downtime": {
            "measured": row.result.downtime if row.result else None,
            "net": row.result.downtime_net if row.result else None,
            "between_events": row.result.downtime_seen if row.result else None,
            "limit": row.limits.max_downtime, "policy_limit": row.downtime_limit,
            "within_limit": within_limit(row),
        },
        "limits": row.limits, "result": row.result, "memory": row.memory,
        "copied_disks": row.copied_disks, "copies_disks": disks.are_copied(row, samples),
        "post_copy": row.post_copy, "dirtied": dirtied(row, samples),
        "auto_converge": row.auto_converge,
        "iterations": [
            {"began": began, "remaining": remaining} for began, remaining in passes
        ],
        "steering": row.steering, "checks": row.checks, "timeline": row.timeline,
        "virsh": row.virsh,
    }  # fmt: skip
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(value))
    return plain


def downtime_of(migration: Migration) -> float | None:
    """Return how long the guest stood still, in ms: libvirt's figure, else the events'."""
    result = migration.result
    if result is None:
        return None
    return result.downtime if result.downtime is not None else result.downtime_seen


def within_limit(migration: Migration) -> bool | None:
    """Return whether the guest stood still no longer than allowed; None: not known.

    The limit is how far the policy might go, or what was in force where no policy has one.
    """
    downtime = downtime_of(migration)
    limit = migration.downtime_limit or migration.limits.max_downtime
    return None if downtime is None or limit is None else downtime <= limit


def _title(row: Migration) -> str:
    to = clean(row.to or row.uri) or "an unknown destination"
    return f"Migration of {clean(row.name)} from {clean(row.host)} to {to}"


def _outcome(row: Migration) -> str:
    words = sentences(clean(row.outcome), clean(row.hint))
    after = ""
    if row.status is MigrationStatus.POST_COPY_FAILED:
        after = " It can be resumed." if row.resumable else " It cannot be resumed from here."
    return f"{row.status.value.capitalize()}. {words}{after}".strip()


def _times(row: Migration, zone: tzinfo | None) -> tuple[Row, ...]:
    result = row.result
    rows = [
        ("asked", f"{_date(row.created, zone)} by {clean(row.author) or 'somebody else'}"),
        ("started", _date(row.started, zone)),
    ]
    if row.switched is not None:
        rows.append(("to post-copy", _date(row.switched, zone)))
    rows += [("resumed", f"{_date(one.at, zone)} by {clean(one.by)}") for one in row.resumed]
    rows.append(("ended", _date(row.ended, zone)))
    rows.append(("took", duration(_took(row))))
    if result is not None and result.total is not None:
        rows.append(("its job", duration(result.total)))
    if result is not None and result.total_net is not None:
        rows.append(("without hand-over", duration(result.total_net)))
    if result is not None and result.setup is not None:
        rows.append(("set-up", milliseconds(result.setup)))
    if result is not None and result.post_copy is not None:
        rows.append(("in post-copy", duration(result.post_copy)))
    return tuple(rows)


def _downtime(row: Migration) -> tuple[Row, ...]:
    result, downtime = row.result, downtime_of(row)
    if downtime is None:
        return (("stood still", "-"), ("max downtime", _limit(row)))
    within = within_limit(row)
    word = {True: ", within the limit", False: ", over the limit"}.get(bool(within), "")
    rows = [("stood still", milliseconds(downtime) + ("" if within is None else word))]
    if result is not None and result.downtime_net is not None:
        rows.append(("without hand-over", milliseconds(result.downtime_net)))
    if result is not None and result.downtime_seen is not None:
        rows.append(("between events", milliseconds(result.downtime_seen)))
    return (*rows, ("max downtime", _limit(row)))


def _limit(row: Migration) -> str:
    words = f"{milliseconds(row.limits.max_downtime)} in force"
    if row.downtime_limit is not None:
        words += f", the policy might go to {milliseconds(row.downtime_limit)}"
    return words


_MOST_PASSES = 20


def _iterations(
    row: Migration, samples: Sequence[JobSample], zone: tzinfo | None
) -> tuple[Row, ...]:
    count = row.result.iterations if row.result and row.result.iterations else None
    passes = _passes(row, samples)
    total = count if count is not None else len(passes) or None
    if total is None:
        return ()
    rows: list[Row] = [("number", str(total))]
    shown = passes[-_MOST_PASSES:]
    first = len(passes) - len(shown) + 1
    for number, (began, remaining) in enumerate(shown, first):
        left = "" if remaining is None else f"  {size_words(remaining)} left then"
        rows.append((f"{number}", f"{_clock(began, zone)}{left}"))
    return tuple(rows)


def _passes(row: Migration, samples: Sequence[JobSample]) -> list[tuple[float, int | None]]:
    """When each iteration began, and what was left of the memory then."""
    found: list[tuple[float, int | None]] = []
    place = 0
    for began in row.iterations:
        while place < len(samples) and samples[place].at < began:
            place += 1
        left = samples[place].memory_remaining if place < len(samples) else None
        found.append((began, left))
    return found


def _steering(row: Migration, zone: tzinfo | None) -> tuple[Row, ...]:
    """Every command, and every time a failed post-copy was asked to go on, oldest first."""
    done = [(one.at, f"{clean(one.by)}: {steer_words(one)}") for one in row.steering]
    done += [(one.at, f"{clean(one.by)}: resume the post-copy") for one in row.resumed]
    if done:
        return tuple((_clock(at, zone), text) for at, text in sorted(done))
    if row.foreign:
        return (("-", "Nothing from here: what others did is not known."),)
    return (("-", f"Nothing: the policy {clean(row.policy)} had no cause, and nobody asked."),)


def _checks(row: Migration) -> tuple[Row, ...]:
    return tuple(
        (clean(one.name), f"{passed_words(one.passed)}: {clean(one.text)}") for one in row.checks
    )


def _took(row: Migration) -> float | None:
    """Seconds from the start to the verified end, as every screen counts; the job is part of it."""
    if row.started is None or row.ended is None:
        return None
    return max(0.0, row.ended - row.started)


def _filled(made: Report) -> list[Section]:
    return [section for section in made.sections if section.rows]


def _clock(when: float | None, zone: tzinfo | None) -> str:
    return _written(when, zone, "%H:%M:%S")


def _date(when: float | None, zone: tzinfo | None) -> str:
    return _written(when, zone, "%Y-%m-%d %H:%M:%S %Z").strip()


def _written(when: float | None, zone: tzinfo | None, pattern: str) -> str:
    if when is None:
        return "-"
    try:
        moment = datetime.fromtimestamp(when, tz=zone)
    except (OverflowError, ValueError, OSError):  # no calendar has that year
        return "-"
    return (moment if zone is not None else moment.astimezone()).strftime(pattern)


def _escaped(text: str) -> str:
    """What would be Markdown or HTML in guest-supplied text is text."""
    for sign in "\\`*_[]<>|#":
        text = text.replace(sign, f"\\{sign}")
    return text
