"""Cold migrations that fail in the middle of a copy, or are cancelled there: nothing is left."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import pytest

from core.errors import LabError, OperationCancelledError, OperationFailedError
from core.fleet import Fleet
from core.lab import Lab, LabHost
from core.lab.places import write_file
from core.model import ObjectKey
from core.verbs.cold.requests import ColdMigrate
from tests.lab.migrating import opened, states, until
from tests.lab.scratch_disk import own, small_file_system
from tests.lab.test_cold_migration import at

XML = """
<domain type='qemu'>
  <name>heavy</name><memory unit='MiB'>32</memory>
  <os><type arch='x86_64'>hvm</type></os>
  <devices><disk type='file' device='disk'>
    <source file='{path}'/><target dev='vda' bus='virtio'/>
  </disk></devices>
</domain>"""
POOL = "<pool type='dir'><name>small</name><target><path>{path}</path></target></pool>"
MIB = 1 << 20


class Heavy(NamedTuple):
    """An instance of alpha with a disk that takes a while."""

    image: Path
    before: str
    """Its definition."""


@pytest.fixture
async def fleet(uris: dict[str, str], tmp_path: Path) -> AsyncIterator[Fleet]:
    async with opened(uris, tmp_path / "journal.sqlite3") as made:
        yield made


@pytest.fixture
def heavy(lab: Lab, alpha: LabHost, beta: LabHost) -> Iterator[Heavy]:
    image = alpha.pool / "heavy.raw"
    with image.open("wb") as file:
        for _ in range(384):
            file.write(os.urandom(MIB))
    own(lab, image)
    alpha.virsh("pool-refresh", "default")
    definition = alpha.directory / "heavy.xml"
    write_file(definition, XML.format(path=image), alpha.account)
    alpha.virsh("define", str(definition))
    yield Heavy(image, alpha.virsh("dumpxml", "heavy", "--inactive"))
    for host in (alpha, beta):
        with suppress(LabError):
            host.virsh("undefine", "heavy")
        (host.pool / "heavy.raw").unlink(missing_ok=True)
        host.virsh("pool-refresh", "default")


async def ready(fleet: Fleet, pool: str = "default") -> ObjectKey:
    """Wait until all is known that the move is judged by."""
    key = await at(fleet, "alpha", "heavy")

    def known() -> bool:
        volumes = [one for one in fleet.state.volumes.values() if one.name == "heavy.raw"]
        pools = {(one.host, one.name) for one in fleet.state.pools.values() if one.active}
        return bool(volumes and volumes[0].capacity) and ("beta", pool) in pools

    await until(known, "the disk and the pools are seen")
    return key


async def test_a_copy_that_is_cancelled_leaves_nothing(
    fleet: Fleet, lab: Lab, alpha: LabHost, beta: LabHost, heavy: Heavy
) -> None:
    here = await ready(fleet)
    operation = await fleet.submit(ColdMigrate(here, to="beta", copy=("vda",)))

    def far() -> bool:
        record = fleet.state.operations[operation.id]
        return bool(record.progress) or record.status.final

    await until(far, "a part of it is copied")
    assert not fleet.state.operations[operation.id].status.final, "it was too fast to be cancelled"
    await fleet.cancel(operation.id)
    with pytest.raises(OperationCancelledError, match="what was done before was undone"):
        await operation
    assert states(lab.hosts, "heavy") == {"alpha": "shut off"}
    assert not (beta.pool / "heavy.raw").exists()
    assert heavy.image.stat().st_size == 384 * MIB
    after = alpha.virsh("dumpxml", "heavy", "--inactive")
    assert after.replace("<metadata/>", "").split() == heavy.before.split()


async def test_a_destination_that_is_full_is_named_and_left_as_it_was(
    fleet: Fleet, lab: Lab, alpha: LabHost, beta: LabHost, heavy: Heavy
) -> None:
    with small_file_system(lab, beta, 448) as place:
        definition = beta.directory / "small.xml"
        write_file(definition, POOL.format(path=place), beta.account)
        await asyncio.to_thread(beta.virsh, "pool-create", str(definition))
        try:
            here = await ready(fleet, "small")
            filler = place / "filler"
            await asyncio.to_thread(filler.write_bytes, bytes(256 * MIB))
            request = ColdMigrate(
                here, to="beta", copy=("vda",), pool="small", overrides=("space-small",)
            )
            with pytest.raises(OperationFailedError, match="No space left"):
                await (await fleet.submit(request))
            assert [path.name for path in place.iterdir()] == ["filler"]
            assert states(lab.hosts, "heavy") == {"alpha": "shut off"}
            after = alpha.virsh("dumpxml", "heavy", "--inactive")
            assert after.replace("<metadata/>", "").split() == heavy.before.split()
        finally:
            await asyncio.to_thread(beta.virsh, "pool-destroy", "small")


async def test_a_destination_that_is_lost_in_mid_copy_has_nothing_left_once_it_is_back(
    fleet: Fleet, lab: Lab, alpha: LabHost, beta: LabHost, heavy: Heavy
) -> None:
    here = await ready(fleet)
    operation = await fleet.submit(ColdMigrate(here, to="beta", copy=("vda",)))
    await until(lambda: bool(fleet.state.operations[operation.id].progress), "a part is copied")
    await asyncio.to_thread(beta.stop_daemon)
    try:

        def waits() -> bool:
            steps = fleet.state.operations[operation.id].steps
            return any("waiting for beta: what was done is undone" in one.text for one in steps)

        await until(waits, "it waits for beta")
        assert not fleet.state.operations[operation.id].status.final
        assert alpha.instances()["heavy"] == "shut off"
    finally:
        await asyncio.to_thread(beta.ensure_daemon)
    with pytest.raises(OperationFailedError, match="what was done before was undone"):
        await operation
    assert states(lab.hosts, "heavy") == {"alpha": "shut off"}
    assert not (beta.pool / "heavy.raw").exists()
    after = alpha.virsh("dumpxml", "heavy", "--inactive")
    assert after.replace("<metadata/>", "").split() == heavy.before.split()
