"""A migration between two hosts that are far from the console: 100 ms there and back, with jitter.

Each host is reached through a link of its own; between them is their own network.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from core.model import Answer, LinkStatus, Steer, SteerKind
from tests.driver.command import Virtdeck
from tests.lab import burner
from tests.lab.burner import Burner
from tests.lab.migrating import SLOW, M, opened, passed, said, start, states, told
from tests.lab.networked import NetworkedHosts
from tests.slow_link import SlowLink

FASTER = 2 * SLOW
BUSY = Burner("far", memory=64, writes=48, rate=30)
"""Even at a quarter of its rate it does not converge at `FASTER`."""


@pytest.fixture
def far(networked: NetworkedHosts, tmp_path: Path) -> Iterator[dict[str, str]]:
    """Both hosts by their names: URIs over slow links."""
    with ExitStack() as stack:
        links = {
            host.name: stack.enter_context(
                SlowLink(tmp_path / f"to-{host.name}", host.socket, round_trip=0.1, jitter=0.02)
            )
            for host in networked.hosts
        }
        yield {name: f"qemu+unix:///system?socket={link.path}" for name, link in links.items()}


@pytest.fixture
def busy(networked: NetworkedHosts) -> Iterator[str]:
    yield burner.start(networked, "alpha", BUSY)
    burner.remove(networked, BUSY.name)


async def test_a_migration_is_started_steered_and_reported_over_slow_links(
    far: dict[str, str], networked: NetworkedHosts, busy: str, tmp_path: Path
) -> None:
    command_line = Virtdeck(tmp_path)
    async with opened(far, Path(command_line.environment["VIRTDECK_JOURNAL"])) as fleet:
        up = {name: host.link for name, host in fleet.state.hosts.items()}
        assert {link.status for link in up.values()} == {LinkStatus.UP}
        moved = await start(
            fleet, busy, bandwidth=SLOW, policy="manual", post_copy="allow", max_downtime=100,
            **networked.way("beta"),
        )  # fmt: skip
        await moved.reaches(M.RUNNING)
        for steer in (
            Steer(SteerKind.MAX_DOWNTIME, 200),
            Steer(SteerKind.BANDWIDTH, FASTER),
            Steer(SteerKind.POST_COPY),
        ):
            record = await fleet.migrations.steer(moved.now.id, steer)
            assert record.answer is Answer.DONE, said(record)
        migration = await moved.reaches(M.COMPLETED)
        assert passed(migration), told(migration)
        assert migration.switched is not None
        assert {name: host.link for name, host in fleet.state.hosts.items()} == up  # never lost
    assert states(networked.hosts, busy) == {"beta": "running"}

    hosts = [word for name, uri in far.items() for word in ("-c", f"{name}={uri}")]
    result = command_line(*hosts, "migration", "report", busy, "--format", "json")
    assert (result.status, result.err) == (0, "")
    (report,) = result.rows
    assert (report["from"], report["to"], report["status"]) == ("alpha", "beta", "completed")
    assert (report["limits"]["max_downtime"], report["limits"]["bandwidth"]) == (200, FASTER)
    ours = [record for record in report["steering"] if record["by"] == report["author"]]
    assert [(record["steer"]["kind"], record["answer"]) for record in ours] == [
        ("max-downtime", "done"),
        ("bandwidth", "done"),
        ("post-copy", "done"),
    ]
    assert all(check["passed"] for check in report["checks"])
