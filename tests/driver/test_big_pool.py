"""A pool with more volumes than libvirt's protocol lists: everything else of the host is told."""

from __future__ import annotations

import pytest

from core.clock import SystemClock
from core.hypervisor.connection.options import LinkOptions
from core.hypervisor.observe import describing
from core.hypervisor.session import Hypervisor
from core.model.host import LinkStatus
from core.model.observation import LinkChanged, Listed, Observation, VolumesDescribed
from tests.driver.command import Virtdeck
from tests.driver.private_daemon import PrivateDaemon
from tests.driver.watching import until
from tests.driver.worlds import POOL, VOLUME, uuid_of

LIMIT = 16_384
"""remote_protocol.x, REMOTE_STORAGE_VOL_LIST_MAX."""


def pool_xml(name: str, number: int, volumes: int) -> str:
    inside = "".join(VOLUME.format(name=f"{name}{each}.img") for each in range(volumes))
    pool = POOL.format(name=name, uuid=uuid_of(number))
    return pool.replace("</pool>", f"{inside}</pool>")


@pytest.fixture
def uri(daemon: PrivateDaemon) -> str:
    """A host with a pool that has one volume too many, and one that has two."""
    path = daemon.directory / "world.xml"
    path.write_text(f"<node>{pool_xml('big', 1, LIMIT + 1)}{pool_xml('small', 2, 2)}</node>")
    return f"test+unix://{path}?socket={daemon.socket}"


async def test_volumes_in_view_are_read_first(
    daemon: PrivateDaemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those too that were looked at before anything could be read of them."""
    path = daemon.directory / "world.xml"
    path.write_text(f"<node>{pool_xml('big', 1, 40)}</node>")
    monkeypatch.setattr(describing, "CHUNK_SECONDS", 0)
    names = {"big30.img", "big20.img"}
    order: list[str] = []

    def sink(observation: Observation) -> None:
        if isinstance(observation, Listed) and observation.volumes:
            keys = {volume.name: volume.key for volume in observation.volumes}
            host.prefer(tuple(keys[name] for name in names))
        elif isinstance(observation, VolumesDescribed):
            order.extend(volume.name for volume in observation.volumes)

    options = LinkOptions(statistics_interval=0, sweep_interval=0)
    uri = f"test+unix://{path}?socket={daemon.socket}"
    host = Hypervisor("host", uri, sink=sink, clock=SystemClock(), options=options)
    await host.start()
    await until(lambda: host.unread is not None and host.unread.at_rest, 60)
    await host.close()
    assert len(order) == 40
    assert set(order[:2]) == names


async def test_the_link_stays_up_and_the_pool_says_why(uri: str) -> None:
    seen: list[Observation] = []
    options = LinkOptions(statistics_interval=0, sweep_interval=0)
    host = Hypervisor("host", uri, sink=seen.append, clock=SystemClock(), options=options)
    await host.start()
    await until(lambda: host.unread is not None and host.unread.at_rest, 60)
    await host.close()
    links = [item.link.status for item in seen if isinstance(item, LinkChanged)]
    assert links == [LinkStatus.CONNECTING, LinkStatus.UP, LinkStatus.CLOSED]
    (listed,) = (item for item in seen if isinstance(item, Listed) and "pools" in item.kinds)
    errors = {pool.name: pool.error for pool in listed.pools}
    assert errors["small"] == ""
    assert f"{LIMIT + 1}" in errors["big"]
    assert f"{LIMIT}" in errors["big"]
    assert {volume.name for volume in listed.volumes} == {"small0.img", "small1.img"}


def test_a_list_of_volumes_says_that_it_is_not_whole(uri: str, virtdeck: Virtdeck) -> None:
    told = virtdeck("-c", f"alpha={uri}", "volumes", "--json")
    assert told.status == 4
    assert [row["name"] for row in told.rows] == ["small0.img", "small1.img"]
    assert "not complete: alpha: the volumes of big: " in told.err
