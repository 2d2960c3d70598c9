"""`migrations`: those that run, wait or ended lately, a line for each."""

from __future__ import annotations

from collections.abc import Sequence

import click

from console.cli import completeness
from console.cli.completeness import complete, tell
from console.cli.invocation import Invocation, common, json_option
from console.cli.listings import print_rows
from console.cli.live import OPERATE, on_fleet
from console.cli.migration_text import percent_done
from console.cli.operations import entries_of, journal_of, run_by_nobody
from console.cli.output import TextColumn, note
from console.format import date_time, duration, size
from core.clock import SystemClock
from core.fleet import Fleet
from core.model import Forecast, Migration, Verdict

NEWEST = 20
"""How many that are over are listed without --all."""
KEPT = 10_000
"""Operations of the journal that are looked through for who runs those that are not over."""

MIGRATIONS: Sequence[TextColumn[Migration]] = (
    TextColumn("CREATED", lambda row: date_time(row.created) if row.created else ""),
    TextColumn("NAME", lambda row: row.name),
    TextColumn("FROM", lambda row: row.host),
    TextColumn("TO", lambda row: row.to or row.uri),
    TextColumn("STATUS", lambda row: row.status.value),
    TextColumn("DONE", percent_done, right=True),
    TextColumn("LEFT", lambda row: _left(row), right=True),
    TextColumn("ETA", lambda row: _eta(row), right=True),
    TextColumn("VERDICT", lambda row: _verdict(row)),
    TextColumn("POLICY", lambda row: row.policy),
    TextColumn("BY", lambda row: row.author or ("somebody else" if row.foreign else "")),
    TextColumn("OUTCOME", lambda row: row.outcome),
)


def _left(row: Migration) -> str:
    running = not row.status.final and row.sample is not None
    return size(row.sample.remaining) if running and row.sample is not None else ""


def _eta(row: Migration) -> str:
    forecast = row.forecast
    if not row.status.copying or forecast is None or forecast.eta is None or _age(forecast):
        return ""
    return duration(forecast.eta)


def _verdict(row: Migration) -> str:
    forecast = row.forecast
    if not row.status.copying or forecast is None or forecast.verdict is Verdict.UNKNOWN:
        return ""
    age = _age(forecast)
    return f"as of {duration(age)} ago" if age else forecast.verdict.value


def _age(forecast: Forecast) -> float | None:
    return forecast.age(SystemClock().now())


def newest(rows: Sequence[Migration], over: int) -> list[Migration]:
    """Every one that is not over, and the newest of those that are, in their order."""
    ended = [row.id for row in rows if row.status.final]
    kept = set(ended[-over:]) if over else set()
    return [row for row in rows if not row.status.final or row.id in kept]


@click.command()
@click.option("--all", "all_", is_flag=True, help="Also what ended long ago.")
@common
@json_option
@click.pass_obj
def migrations(invocation: Invocation, all_: bool) -> int:
    """List migrations, oldest first: the newest 20, and every one that is not over."""

    async def work(fleet: Fleet) -> int:
        gaps = await complete(fleet, completeness.migrations(fleet.migrations.known))
        rows = list(fleet.state.migrations.values())
        shown = rows if all_ else newest(rows, NEWEST)
        print_rows(shown, MIGRATIONS, invocation.json, lambda row: {"progress": row.part_done})
        running = {row.id for row in shown if not row.status.final}
        entries = await entries_of(journal_of(invocation), KEPT) if running else []
        for line in run_by_nobody(one for one in entries if one.record.id in running):
            note(line)
        return tell(gaps)

    return on_fleet(invocation, work, **OPERATE)
