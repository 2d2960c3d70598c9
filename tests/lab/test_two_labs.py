"""Two labs whose hosts have the same names, and one journal: what is of one is not taken for the
other's, whatever it is called."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.engine.takeover import POLL
from core.errors import RefusedError
from core.lab import Lab
from core.model import MigrationStatus, OperationStatus, Steer, SteerKind
from tests.driver.command import Virtdeck
from tests.lab.migrating import opened, states, told, until
from tests.lab.test_migrate_cli import begun
from tests.places import lab_name

M = MigrationStatus


@pytest.fixture(scope="module")
def second() -> Iterator[dict[str, str]]:
    """Another lab, without guests: its hosts' addresses by the names they share with the first."""
    lab = Lab(lab_name("b"))
    try:
        lab.up(guests=False, say=print)
        yield {host.name: host.uri for host in lab.hosts}
    finally:
        lab.down()


def words(uris: dict[str, str]) -> list[str]:
    return [word for name, uri in uris.items() for word in ("-c", f"{name}={uri}")]


async def test_a_migration_is_steered_and_adopted_by_its_own_hosts_alone(
    second: dict[str, str],
    uris: dict[str, str],
    lab: Lab,
    guest: Callable[..., str],
    tmp_path: Path,
) -> None:
    name = guest("alpha", "stranger", "vd.write=24:20")
    home = Virtdeck(tmp_path)
    journal = Path(home.environment["VIRTDECK_JOURNAL"])
    console, _ = await asyncio.to_thread(begun, home, words(uris), name)
    try:
        await asyncio.to_thread(told_apart_on_the_command_line, home, second, uris, name)
        assert states(lab.hosts, name)["alpha"] == "running"
    finally:
        console.send_signal(signal.SIGKILL)
        console.communicate()
    async with opened(second, journal) as fleet:
        (row,) = fleet.state.migrations.values()
        record = fleet.state.operations[row.id]
        assert (row.host, row.to) == ("alpha (not open)", "beta (not open)")
        assert row.not_open == record.not_open == uris["alpha"]
        await until(lambda: all(host.facts for host in fleet.state.hosts.values()), "the facts")
        await asyncio.sleep(3 * POLL)  # its looks at the journal: it must not take it over
        assert not fleet.state.operations[row.id].status.final
        assert not any(
            "taken over" in step.text for step in fleet.state.migrations[row.id].timeline
        )
        with pytest.raises(RefusedError, match="another host than those open here"):
            await fleet.migrations.steer(row.id, Steer(SteerKind.ABORT))
        with pytest.raises(RefusedError, match="another host than those open here"):
            await fleet.cancel(row.id)
    renamed = {"one": uris["alpha"], "two": uris["beta"]}
    async with opened(renamed, journal, hosts=("one", "two")) as fleet:
        await until(
            lambda: any(
                "taken over" in step.text for step in fleet.state.migrations[row.id].timeline
            ),
            "its own hosts, under other names, take it over",
        )
        adopted = fleet.state.migrations[row.id]
        assert (adopted.host, adopted.to, adopted.not_open) == ("one", "two", "")
        await fleet.migrations.steer(row.id, Steer(SteerKind.ABORT))
        await until(lambda: fleet.state.operations[row.id].status.final, "its end")
        ended = fleet.state.migrations[row.id]
        assert ended.status is M.ABORTED, told(ended)
        assert fleet.state.operations[row.id].status is OperationStatus.CANCELLED
    assert states(lab.hosts, name) == {"alpha": "running"}


def told_apart_on_the_command_line(
    home: Virtdeck, second: dict[str, str], uris: dict[str, str], name: str
) -> None:
    listed = home(*words(second), "migrations")
    assert "alpha (not open)" in listed.out
    shown = home(*words(second), "migration", "show", name)
    assert "alpha (not open) is another host than those open here" in shown.out
    assert uris["alpha"] in shown.out
    for command in (["abort", "--yes"], ["post-copy", "--yes"], ["set", "--max-downtime", "900"]):
        refused = home(*words(second), "migration", *command, name)
        assert refused.status == 1, refused
        assert "another host than those open here" in refused.err
    record = next(row for row in home("operations", "--json").rows if row["verb"] == "migrate")
    assert [host["uri"] for host in record["hosts"]] == [uris["alpha"], uris["beta"]]
    assert all(host["uuid"] for host in record["hosts"])
    own = home(*words(uris), "migrations")
    assert "not open" not in own.out
