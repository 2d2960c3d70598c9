"""The definitions that a console keeps while it runs, on libvirt's test driver."""

from __future__ import annotations

import asyncio
from pathlib import Path

from core.fleet import Fleet
from core.model.kept import KeptDefinition
from tests.driver.private_daemon import PrivateDaemon
from tests.driver.watching import until
from tests.patience import PATIENCE

XML = (
    "<domain type='test'><name>{}</name><memory>8192</memory><os><type>hvm</type></os>"
    "<devices><graphics type='vnc' passwd='s3cret'/></devices></domain>"
)


async def kept(fleet: Fleet) -> dict[str, KeptDefinition]:
    found = await fleet.kept.host("alpha")
    return {one.name: one for one in found.definitions}


async def shows(
    fleet: Fleet, *, there: str = "", gone: str = "", runs: str = "", text: str = ""
) -> None:
    """Wait until what is kept is so."""
    async with asyncio.timeout(60 * PATIENCE):
        while True:
            found = await kept(fleet)
            ran = not runs or (runs in found and found[runs].ran)
            is_there = not there or (there in found and text in found[there].xml)
            if is_there and gone not in found and ran:
                return
            await asyncio.sleep(0.1)


async def test_definitions_are_kept_without_secrets_and_dropped_with_their_instance(
    daemon: PrivateDaemon, tmp_path: Path
) -> None:
    journal = tmp_path / "j.sqlite3"
    domain = daemon.keeper.defineXML(XML.format("mine"))
    async with Fleet.open([f"alpha={daemon.uri}"], journal=journal) as fleet:
        assert await fleet.ready(20 * PATIENCE)
        await shows(fleet, there="mine")
        found = (await kept(fleet))["mine"]
        assert "<name>mine</name>" in found.xml
        assert not found.ran
        domain.create()
        await shows(fleet, runs="mine")
        daemon.keeper.defineXML(XML.format("late"))
        await shows(fleet, there="late")
        changed = found.xml.replace("8192", "16384").replace("***", "s3cret")
        daemon.keeper.defineXML(changed)
        await shows(fleet, there="mine", text="16384")  # an event tells of that, and nothing else
    written = await asyncio.to_thread(lambda: [one.read_bytes() for one in tmp_path.iterdir()])
    assert len(written) > 1
    assert not any(b"s3cret" in each for each in written)
    async with Fleet.open([f"alpha={daemon.uri}"], journal=journal) as fleet:
        assert await fleet.ready(20 * PATIENCE)  # as a command that is over at once
        assert {"mine", "late"} <= (await kept(fleet)).keys()
        domain.destroy()
        domain.undefine()
        await until(lambda: all(row.name != "mine" for row in fleet.state.instances.values()))
    async with Fleet.open([f"alpha={daemon.uri}"], journal=journal) as fleet:
        found_now = await kept(fleet)
        assert "late" in found_now
        assert "mine" not in found_now


async def test_what_went_while_no_console_ran_is_dropped(
    daemon: PrivateDaemon, tmp_path: Path
) -> None:
    domain = daemon.keeper.defineXML(XML.format("brief"))
    async with Fleet.open([f"alpha={daemon.uri}"], journal=tmp_path / "j") as fleet:
        await shows(fleet, there="brief")
    domain.undefine()
    async with Fleet.open([f"alpha={daemon.uri}"], journal=tmp_path / "j") as fleet:
        await shows(fleet, gone="brief")
