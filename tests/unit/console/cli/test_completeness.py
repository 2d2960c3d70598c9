"""When a command stops waiting, and what it says is missing: time and observations are given."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from typing import ClassVar

import pytest

from console.cli.completeness import (
    INCOMPLETE,
    PATIENCE,
    SAMPLES,
    CompletenessWait,
    Gap,
    as_far_as_known,
    complete,
    descriptions,
    facts,
    figures,
    migrations,
    sizes,
    tell,
)
from console.cli.storage_gaps import pools_off, volume_sizes
from core.errors import NotFoundError
from core.model import (
    Delta,
    Host,
    HostFacts,
    Instance,
    InstanceState,
    Link,
    LinkStatus,
    Migration,
    MigrationStatus,
    Pool,
    PoolState,
    Rates,
    State,
    Unread,
    Volume,
)

RUNNING, OFF = InstanceState.RUNNING, InstanceState.SHUTOFF
AT_REST, READING = Unread(), Unread(at_rest=False, left=5)


def state(*instances: Instance, sampled: float | None = None, up: bool = True) -> State:
    link = Link(LinkStatus.UP) if up else Link(LinkStatus.DOWN, error="No route to host.")
    host = Host("alpha", "test:///default", link=link, sampled=sampled)
    return State(hosts={"alpha": host}, instances={row.key: row for row in instances})


def undescribed(count: int, **more: int) -> list[Instance]:
    return [
        Instance("alpha", f"u{number}", f"vm{number}", RUNNING, described=False, **more)
        for number in range(count)
    ]


def gap(size: int, *, by_figures: bool = False) -> Gap:
    return Gap("alpha", f"{size} instances", size, by_figures)


def test_progress_extends_the_wait_however_slow_it_is() -> None:
    asked = CompletenessWait()
    for step in range(50):
        reading = Unread(at_rest=False, left=50 - step)
        assert asked.goes_on([gap(50 - step)], {"alpha": reading}, {}, step * (PATIENCE - 1))


def test_it_ends_when_nothing_moves_any_more() -> None:
    asked = CompletenessWait()
    assert asked.goes_on([gap(3)], {"alpha": READING}, {}, 100.0)
    assert asked.goes_on([gap(3)], {"alpha": READING}, {}, 100.0 + PATIENCE - 1)
    assert not asked.goes_on([gap(3)], {"alpha": READING}, {}, 100.0 + PATIENCE)


def test_it_ends_at_once_when_all_was_read_that_can_be() -> None:
    asked = CompletenessWait()
    assert asked.goes_on([gap(1)], {"alpha": READING}, {}, 100.0)
    assert not asked.goes_on([gap(1)], {"alpha": AT_REST}, {}, 100.1)


def test_figures_are_waited_for_while_they_may_bring_it() -> None:
    asked, missing = CompletenessWait(), [gap(1, by_figures=True)]
    for number in range(SAMPLES):
        assert asked.goes_on(missing, {"alpha": AT_REST}, {"alpha": float(number)}, 100.0 + number)
    assert not asked.goes_on(missing, {"alpha": AT_REST}, {"alpha": 50.0}, 104.0)


def test_figures_are_not_waited_for_where_no_more_are_asked_for() -> None:
    asked, missing = CompletenessWait(), [gap(1, by_figures=True)]
    assert asked.goes_on(missing, {"alpha": AT_REST}, {"alpha": 1.0}, 100.0)
    all_came = {"alpha": Unread(sampling=False)}
    assert not asked.goes_on(missing, all_came, {"alpha": 2.0}, 101.0)
    assert asked.goes_on(missing, {"alpha": Unread(at_rest=False, sampling=False)}, {}, 102.0)


def test_a_lost_link_is_waited_for_like_a_host_that_stands_still() -> None:
    asked = CompletenessWait()
    assert asked.goes_on([gap(1)], {"alpha": None}, {}, 100.0)
    assert asked.goes_on([gap(1)], {"alpha": None}, {}, 100.0 + PATIENCE / 2)
    assert not asked.goes_on([gap(1)], {"alpha": None}, {}, 100.0 + PATIENCE)


def test_what_is_missing_is_named_and_counted() -> None:
    rows = [*undescribed(4), Instance("alpha", "u9", "done", RUNNING)]
    (found,) = descriptions(state(*rows), ["alpha"])
    assert found == Gap(
        "alpha", "4 of 5 instances without their details: vm0, vm1, vm2 and 1 more", 4
    )
    assert list(descriptions(state(rows[-1]), ["alpha"])) == []
    assert list(descriptions(state(*rows), [])) == []


def test_sizes_may_come_from_either_source() -> None:
    assert list(sizes(state(*undescribed(2, vcpus=2, memory=1 << 30)), ["alpha"])) == []
    (found,) = sizes(state(*undescribed(2, vcpus=2)), ["alpha"])
    assert (found.size, found.by_figures) == (2, True)
    assert list(sizes(state(Instance("alpha", "u", "container", RUNNING)), ["alpha"])) == []


def test_what_goes_on_is_waited_for_and_what_has_failed_is_not() -> None:
    known: dict[str, bool | None] = {"alpha": None}
    look = migrations(known.__getitem__)
    (found,) = look(state(), ["alpha"])
    assert CompletenessWait().goes_on([found], {"alpha": AT_REST}, {}, 100.0)
    known["alpha"] = False
    (found,) = look(state(), ["alpha"])
    assert found.what == "whether migrations that others began run there"
    assert not CompletenessWait().goes_on([found], {"alpha": AT_REST}, {}, 100.0)
    known["alpha"] = True
    assert list(look(state(), ["alpha"])) == []


def test_a_migration_of_others_is_waited_for_until_it_was_read() -> None:
    look = migrations(lambda _host: True)
    for foreign, status, missing in (
        (True, MigrationStatus.PREPARING, ["how far the migration of web is"]),
        (True, MigrationStatus.RUNNING, []),
        (False, MigrationStatus.PREPARING, []),
    ):
        row = Migration("m", "alpha", "u", "web", status=status, foreign=foreign)
        picture = State(hosts=state().hosts, migrations={row.id: row})
        assert [gap.what for gap in look(picture, ["alpha"])] == missing


def test_rates_are_missing_of_what_runs_alone() -> None:
    known, unknown, off = (
        Instance("alpha", name, name, where)
        for name, where in (("known", RUNNING), ("unknown", RUNNING), ("off", OFF))
    )
    picture = state(known, unknown, off)
    with_rates = State(
        hosts=picture.hosts, instances=picture.instances, rates={known.key: Rates(at=1.0, cpu=1.0)}
    )
    (found,) = figures(with_rates, ["alpha"])
    assert found.what == "1 of 3 instances without rates: unknown"


def test_volumes_and_hosts_that_have_not_told_are_named() -> None:
    volumes = [Volume("alpha", "p", "pool", "a.img", "/a.img"),
               Volume("alpha", "p", "pool", "b.img", "/b.img", capacity=1)]  # fmt: skip
    picture = State(hosts=state().hosts, volumes={row.key: row for row in volumes})
    (found,) = volume_sizes(picture, ["alpha"])
    assert found.what == "1 volume without sizes: pool/a.img"
    (found,) = facts(state(), ["alpha"])
    assert found.host == "alpha"
    told = Host("alpha", "u", link=Link(LinkStatus.UP), facts=HostFacts(hypervisor="QEMU"))
    assert list(facts(State(hosts={"alpha": told}), ["alpha"])) == []


def test_a_volume_whose_file_is_missing_is_told_with_what_has_it_forgotten(
    capsys: pytest.CaptureFixture[str],
) -> None:
    gone = [Volume("alpha", "p", "pool", name, f"/{name}", missing=True) for name in ("a", "b")]
    picture = State(hosts=state().hosts, volumes={gone[0].key: gone[0]})
    (found,) = volume_sizes(picture, ["alpha"])
    assert found.what == "1 volume without sizes, for its file is missing: pool/a"
    picture = State(hosts=state().hosts, volumes={row.key: row for row in gone})
    (found,) = volume_sizes(picture, ["alpha"])
    assert "2 volumes without sizes, for their files are missing: pool/a" in found.what
    assert tell([found]) == INCOMPLETE
    said = capsys.readouterr().err.splitlines()
    assert said[1:] == ["  Refresh the pool: `virtdeck pool refresh alpha/pool`."]


def test_a_pool_that_is_off_is_told_with_what_starts_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    pools = [
        Pool("alpha", "u-on", "on", state=PoolState.ACTIVE),
        Pool("alpha", "u-off", "off", state=PoolState.INACTIVE),
        Pool("alpha", "u-odd", "odd", state=PoolState.INACCESSIBLE),
        Pool("beta", "u-else", "elsewhere", state=PoolState.INACTIVE),
    ]
    picture = State(hosts=state().hosts, pools={row.key: row for row in pools})
    off, odd = pools_off(picture, ["alpha"])
    assert (off.what, odd.what) == (
        "the volumes of the pool off, which is inactive",
        "the volumes of the pool odd, which is inaccessible",
    )
    assert tell([off]) == INCOMPLETE
    said = capsys.readouterr().err.splitlines()
    assert said[1:] == ["  Start it: `virtdeck pool start alpha/off`."]
    tell([off, odd])
    assert "try again" in capsys.readouterr().err


def test_it_is_told_on_the_error_stream_and_by_the_status(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert tell(()) == 0
    assert capsys.readouterr().err == ""
    assert tell([Gap("alp\x1bha", "1 instance without its details: v\x1bm")]) == INCOMPLETE == 4
    said = capsys.readouterr()
    assert said.out == ""
    assert "\x1b" not in said.err
    assert "not complete: alp" in said.err


class Links:
    """Those of a fleet one host of which is being read."""

    unread: ClassVar[dict[str, Unread | None]] = {"alpha": READING}


class Changing:
    """Stands for a fleet that has news at every turn of the loop, until `turns` are over."""

    def __init__(self, turns: int) -> None:
        self.links = Links()
        self.left = turns
        self.state = state(*undescribed(1))

    async def changes(self) -> AsyncIterator[Delta]:
        while True:
            yield Delta(1, 1.0)

    async def run(self) -> None:
        while self.left:
            self.left -= 1
            await asyncio.sleep(0)


async def test_a_large_table_is_not_looked_at_with_every_change() -> None:
    fleet, looks = Changing(turns=20_000), []

    def slow_look(_state: State, _hosts: Sequence[str]) -> list[Gap]:
        looks.append(fleet.left)
        time.sleep(0.01)  # as a look at some ten thousand rows
        return [gap(1)] if fleet.left else []

    changing = asyncio.create_task(fleet.run())
    assert await complete(fleet, slow_look) == ()
    await changing
    assert len(looks) <= 100, "it would be thousands"


async def test_what_is_asked_of_one_host_waits_for_no_other() -> None:
    fleet = Changing(turns=0)
    asked: list[Sequence[str]] = []

    def look(_state: State, hosts: Sequence[str]) -> list[Gap]:
        asked.append(hosts)
        return []

    assert await complete(fleet, look, of=["beta"]) == ()
    assert await complete(fleet, look, of=["alpha"]) == ()
    assert asked == [[], ["alpha"]]


def test_none_is_claimed_to_be_there_where_not_all_was_read(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(NotFoundError) as caught, as_far_as_known([gap(3)]):
        raise NotFoundError("There is no volume 'a'.")
    assert caught.value.exit_status == INCOMPLETE
    assert "not complete: alpha: 3 instances" in capsys.readouterr().err
    with pytest.raises(NotFoundError) as caught, as_far_as_known([]):
        raise NotFoundError("There is no volume 'a'.")
    assert caught.value.exit_status == 1
