"""A hundred hosts in one console: what is wrong stands first, and groups pick them everywhere."""

from __future__ import annotations

import pytest

from console.screens.hosts.hosts import HostsScreen
from console.screens.listing import ListScreen
from console.shell.app import VirtdeckApp
from core.model import (
    Instance,
    InstanceState,
    Link,
    LinkStatus,
    ObjectKey,
    Observation,
    OperationRecord,
)
from core.model.identity import HostIdentity
from core.model.observation import (
    HostAdded,
    LinkChanged,
    Listed,
    MigrationChanged,
    OperationChanged,
)
from tests.screens.conftest import press
from tests.screens.migration_source import MigrationSource, app_of
from tests.unit.migration_builders import START, migration

GATE = "its turn to log in at jump:22, where 6 do at a time"
LINKS = {
    31: Link(LinkStatus.CONNECTING, since=START, waiting=GATE),
    47: Link(LinkStatus.DOWN, since=START, error="It does not answer.", attempt=3),
    52: Link(LinkStatus.CONNECTING, since=START),
    60: Link(LinkStatus.CONNECTING, since=START, waiting=GATE),
}


def _hosts() -> list[Observation]:
    found: list[Observation] = []
    for number in range(100):
        name = f"host{number:02}"
        link = LINKS.get(number, Link(LinkStatus.UP, since=START))
        groups = ("prod",) if number < 40 else ()
        found.append(HostAdded(name, START, f"qemu+ssh://{name}/system", groups))
        if link.status is not LinkStatus.CONNECTING:
            found.append(LinkChanged(name, START, Link(LinkStatus.UP, since=START)))
            rows = tuple(
                Instance(
                    name,
                    f"{name}-{each}",
                    f"vm{each}",
                    state=InstanceState.RUNNING if each else InstanceState.SHUTOFF,
                )
                for each in range(3)
            )
            found.append(Listed(name, START, instances=rows))
        found.append(LinkChanged(name, START, link))
    return found


def _text(app: VirtdeckApp) -> list[str]:
    strips = app.screen._compositor.render_strips()
    return ["".join(piece.text for piece in line) for line in strips]


@pytest.mark.parametrize("size", [(80, 24), (200, 50)], ids=str)
async def test_what_is_wrong_stands_first_and_all_is_summed_up(size: tuple[int, int]) -> None:
    app = app_of(MigrationSource(*_hosts()))
    async with app.run_test(size=size) as pilot:
        await press(pilot, "2")
        assert isinstance(app.screen, HostsScreen)
        first = app.screen.table.model.order[:5]
        assert first == ["host47", "host52", "host31", "host60", "host00"]
        summed = next(line for line in _text(app) if "active" in line and "down" in line)
        for words in ("1 down", "1 connecting", "2 waiting", "96 up", "192 of 291 instances"):
            assert words in summed
        assert ("2 when last seen" in summed) is (size[0] > 80), "of the host that is down"
        await press(pilot, "down", "down")
        assert any("host31" in line and " waiting " in line for line in _text(app))
        assert any(GATE in line for line in _text(app)), "the panel says what it waits for"


async def test_groups_pick_hosts_migrations_and_operations() -> None:
    told: list[Observation] = []
    for name, to in (("in", "host07"), ("out", "host70"), ("away", "host71")):
        host = "host08" if name == "out" else "host80"
        row = migration(name, host=host, to=to)
        told.append(MigrationChanged(host, START, row))
        hosts = (HostIdentity(host), HostIdentity(to))
        operation = OperationRecord(
            name, "migrate", host, ObjectKey("instance", host, name), name, "me@here", START,
            hosts=hosts,
        )  # fmt: skip
        told.append(OperationChanged(host, START, operation))
    app = app_of(MigrationSource(*_hosts(), *told))
    async with app.run_test(size=(120, 40)) as pilot:
        for key, total, prod in (("2", 100, 40), ("4", 3, 2), ("6", 3, 2)):
            await press(pilot, key)
            screen = app.screen
            assert isinstance(screen, ListScreen)
            for words, found in (
                ("group:PROD", prod),
                ("!group:prod", total - prod),
                ("group:pro", 0),
                ("group:", 0),  # cannot be read: the one before stays
            ):
                screen.set_filter(words)
                assert screen.table.counts.visible == found
