"""`images`: the base images of every host, and who needs them through which chain."""

from __future__ import annotations

import click

from console.cli.completeness import complete, descriptions, listed, tell
from console.cli.invocation import Invocation, common, json_option
from console.cli.listings import in_order, print_rows
from console.cli.live import read_once
from console.cli.output import TextColumn, say
from console.cli.storage_gaps import pools_off, volume_sizes
from console.format import date, size
from core.fleet import Fleet, Reading
from core.model.lists import listed as in_words
from core.model.sizes import size as sized
from core.state import images as image_use
from core.state.images import BaseImage, sums, users_in_words

READS = (Reading.INSTANCES, Reading.DESCRIPTIONS, Reading.STORAGE, Reading.VOLUMES)
COLUMNS: tuple[TextColumn[BaseImage], ...] = (
    TextColumn("HOST", lambda one: one.volume.host),
    TextColumn("POOL", lambda one: one.volume.pool_name),
    TextColumn("IMAGE", lambda one: one.volume.name),
    TextColumn("FORMAT", lambda one: one.volume.format),
    TextColumn("SIZE", lambda one: size(one.volume.capacity), right=True),
    TextColumn("ON DISK", lambda one: size(one.volume.allocation), right=True),
    TextColumn("OVERLAYS", lambda one: str(len(one.overlays)), right=True),
    TextColumn("LAST USED", lambda one: date(one.volume.used_at)),
    TextColumn("NEEDED BY", lambda one: needed_by(one)),
)


def needed_by(one: BaseImage) -> str:
    """Say who needs an image; of one that nobody is seen to need, whether that is sure."""
    if one.used:
        return in_words(users_in_words(one))
    return f"not known: {in_words(one.unknown, 2)}" if one.unknown else "nobody"


@click.command("images")
@click.option("--unused", is_flag=True, help="Only those that nothing needs.")
@common
@json_option
@click.pass_obj
def images(invocation: Invocation, unused: bool) -> int:
    """List the base images of every host: who needs them, through which chain.

    An image that something lies over is needed; one that no instance has as a disk, and nothing
    lies over, is not: `virtdeck volume delete` takes it away.
    """

    async def work(fleet: Fleet) -> int:
        looks = (listed("instances", "pools", "volumes"), volume_sizes, pools_off, descriptions)
        status = tell(await complete(fleet, *looks))
        found = image_use.images(fleet.state)
        rows = [one for one in found.values() if not (unused and (one.used or one.unknown))]
        rows.sort(key=lambda one: in_order(one.volume.host, one.volume.pool_name, one.volume.name))
        print_rows(rows, COLUMNS, invocation.json, lambda one: {"used": one.used})
        count, taken = sums(found)
        if count and not invocation.json:
            say(f"{count:,} of them needed by nothing, {sized(taken)} on disk.")
        return status

    return read_once(invocation, work, READS)
