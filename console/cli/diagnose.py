"""`diagnose`: why an instance is slow, and the figures that speak for it."""

from __future__ import annotations

import asyncio

import click

from console.cli import lookup
from console.cli.invocation import Invocation, common, json_option
from console.cli.live import read_once
from console.cli.output import json_line, plain, say
from console.diagnosis_words import figure_words, sections
from core.fleet import Fleet, Reading
from core.model.instance import Instance
from core.model.sizes import rate_words
from core.model.text import clean
from core.state.diagnosis import Diagnosis, diagnosis
from core.state.slowness import Slowness, judged


@click.command()
@click.argument("name")
@click.option(
    "--seconds",
    type=click.FloatRange(0.5, 60.0),
    default=2.0,
    show_default=True,
    help="How long it is watched.",
)
@click.option("--dirty-rate", is_flag=True, help="Measure how fast it writes to its memory, too.")
@common
@json_option
@click.pass_obj
def diagnose(invocation: Invocation, name: str, seconds: float, dirty_rate: bool) -> int:
    """Say why the instance NAME is slow, the likeliest reason first, with the figures.

    It is watched for a moment: its vCPUs, memory, disks, network and jobs, and its host. The exit
    status says nothing of what was found.
    """

    async def work(fleet: Fleet) -> int:
        row = lookup.instance(fleet.state, name)
        before = await fleet.diagnostics.sample(row.key)
        await asyncio.sleep(seconds)
        found = diagnosis(before, await fleet.diagnostics.sample(row.key))
        wrote = await fleet.diagnostics.dirty_rate(row.key, row.memory) if dirty_rate else None
        row = await fleet.read(row.key) or row
        slow = judged(fleet.state, row, found)
        if invocation.json:
            say(json_line(_told(row, found, slow, wrote)))
        else:
            _print(row, found, slow, wrote, asked=dirty_rate)
        return 0

    return read_once(invocation, work, {Reading.INSTANCES, Reading.FACTS})


def _told(
    row: Instance, found: Diagnosis, slow: Slowness, wrote: float | None
) -> dict[str, object]:
    return {
        "name": row.name,
        "host": row.host,
        "uuid": row.uuid,
        "verdict": slow.verdict,
        "findings": plain(slow.findings),
        "unknown": list(slow.unknown),
        "dirty_rate": wrote,
        "figures": plain(found),
    }


def _print(
    row: Instance, found: Diagnosis, slow: Slowness, wrote: float | None, *, asked: bool
) -> None:
    say(clean(f"{row.name} on {row.host}, watched for {found.seconds:.1f} s"))
    if not slow.findings:
        say(f"  {slow.verdict}")
    for finding in slow.findings:
        say(clean(f"  {finding.text}"))
    for sentence in slow.unknown:
        say(clean(f"  ? {sentence}"))
    if asked:
        rate = "not to be measured" if wrote is None else rate_words(wrote)
        say(f"  It writes to its memory: {rate}.")
    for title, rows in sections(found):
        say()
        say(title)
        for cells in rows:
            say(clean("  " + "  ".join(figure_words(cells))))
