"""An evacuation whose console died before the start, and whose dead host is back by then."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from uuid import uuid4

import pytest

from core.fleet import Fleet
from core.hypervisor.connection.binding import libvirt
from core.hypervisor.connection.options import LinkOptions
from core.model import LinkStatus, OperationRecord, OperationStatus
from tests.driver.killed_console import KILLED, Errand, Starter, starter
from tests.driver.private_daemon import PrivateDaemon
from tests.driver.test_crash_points import keep_of_dead
from tests.driver.watching import until
from tests.patience import PATIENCE

QUIET = LinkOptions(statistics_interval=3600, sweep_interval=0, backoff_first=0.05)


@pytest.fixture
def daemon() -> Iterator[PrivateDaemon]:
    with PrivateDaemon(0, 0) as private:
        yield private


async def defined_only(
    daemon: PrivateDaemon, dead: str, directory: Path, consoles: Starter
) -> tuple[Path, str]:
    """An evacuation whose console was killed once it was defined, and before it was started.

    Returns the journal, and the UUID.
    """
    for point in count(1):
        journal, uuid = directory / f"{point}.sqlite3", str(uuid4())
        keep_of_dead(dead, journal, uuid, f"web{point}")
        options = {"source": "omega", "fenced": "omega", "name": f"web{point}"}
        errand = Errand(
            *(daemon.uri, str(journal), "evacuate", uuid, options, point, {"omega": dead})
        )
        assert await consoles.run(errand) == KILLED
        try:
            made = daemon.keeper.lookupByUUIDString(uuid)
        except libvirt.libvirtError:
            continue
        assert not made.isActive()
        return journal, uuid
    raise AssertionError


async def end_of(daemon: PrivateDaemon, source: str, journal: Path) -> OperationRecord:
    hosts = [f"alpha={daemon.uri}", f"omega={source}"]
    async with Fleet.open(hosts, journal=journal, options=QUIET) as fleet:
        assert await fleet.ready(10 * PATIENCE)
        assert fleet.state.hosts["omega"].link.status is LinkStatus.UP
        await until(lambda: all(one.status.final for one in fleet.state.operations.values()), 60)
        (record,) = fleet.state.operations.values()
        return record


@pytest.mark.parametrize("by_then", ["off", "running"])
async def test_what_was_defined_is_taken_back_unless_it_runs_by_then(
    by_then: str, daemon: PrivateDaemon, tmp_path: Path
) -> None:
    with PrivateDaemon(0, 0) as other, starter() as consoles:
        address, _, socket = other.uri.partition("socket=")
        back = tmp_path / "back.sock"
        source = f"{address}socket={back}"
        journal, uuid = await defined_only(daemon, source, tmp_path, consoles)
        if by_then == "running":
            daemon.keeper.lookupByUUIDString(uuid).create()
        back.symlink_to(socket)
        record = await end_of(daemon, source, journal)
    name = record.name
    if by_then == "off":
        assert record.status is OperationStatus.FAILED, record
        assert "what was done before was undone" in record.outcome
        with pytest.raises(libvirt.libvirtError):
            daemon.keeper.lookupByUUIDString(uuid)
        return
    assert daemon.keeper.lookupByUUIDString(uuid).isActive()
    assert record.status is OperationStatus.FAILED, record
    assert f"{name} runs on alpha, where it was evacuated to" in record.outcome
    assert "omega has a definition of it as well" in record.outcome
    assert f"`virtdeck undefine omega/{name}`" in record.hint
    assert f"`virtdeck undefine alpha/{name}`" in record.hint
    assert not any("once more" in step.text for step in record.steps)
