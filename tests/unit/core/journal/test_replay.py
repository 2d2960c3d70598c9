"""A tape as a source: pause, speed, seek, and the same state however one got there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.errors import NotFoundError, ReadOnlyError, TapeError
from core.journal import checkpoints
from core.journal.player import FASTEST, SLOWEST
from core.journal.record import Recorder
from core.journal.replay import Replay
from core.model import (
    Counters,
    Delta,
    Instance,
    InstanceDetail,
    InstanceState,
    Link,
    LinkStatus,
    ObjectKey,
    Observation,
    State,
)
from core.model.event import InstanceLifecycle
from core.model.observation import (
    DetailRead,
    HostAdded,
    InstanceGone,
    InstanceRead,
    LinkChanged,
    Listed,
    Sampled,
)
from core.state.store import Store
from core.verbs.power.requests import Start
from tests.unit.core.journal.test_tape import StandingClock

WEB = ObjectKey("instance", "alpha", "u-web")
DB = ObjectKey("instance", "alpha", "u-db")


def instance(name: str, state: InstanceState = InstanceState.RUNNING) -> Instance:
    return Instance(host="alpha", uuid=f"u-{name}", name=name, state=state, id=1)


def observations() -> list[Observation]:
    """Ten seconds of one host: two instances, samples, a pause at 4, one gone at 8."""
    found: list[Observation] = [
        HostAdded("alpha", 1000.0, "qemu:///system"),
        LinkChanged("alpha", 1000.0, Link(status=LinkStatus.UP, since=1000.0)),
        Listed("alpha", 1000.5, instances=(instance("web"), instance("db"))),
        DetailRead("alpha", 1001.0, InstanceDetail("alpha", "u-web", 1001.0, xml="<first/>")),
    ]
    for second in range(2, 11):
        counters = {
            uuid: Counters(cpu_time=second * 500_000_000, vcpus=1) for uuid in ("u-web", "u-db")
        }
        if second == 4:
            found.append(InstanceLifecycle("alpha", 1004.0, "u-web", "web", "suspended", "paused"))
            found.append(InstanceRead("alpha", 1004.0, instance("web", InstanceState.PAUSED)))
        if second == 6:
            found.append(
                DetailRead("alpha", 1006.0, InstanceDetail("alpha", "u-web", 1006.0, xml="<2nd/>"))
            )
        if second == 8:
            found.append(InstanceGone("alpha", 1008.0, "u-db"))
        found.append(Sampled("alpha", 1000.0 + second, counters))
    return found


@pytest.fixture
def path(tmp_path: Path) -> Path:
    recorder = Recorder(tmp_path / "a.tape", ["alpha"], virtdeck="1", clock=StandingClock())
    for observation in observations():
        recorder.write(observation)
    recorder.close()
    return tmp_path / "a.tape"


def state_at(seconds: float) -> State:
    store = Store()
    for observation in observations():
        if observation.at <= 1000.0 + seconds:
            store.apply(observation)
    return store.state


def same(one: State, other: State) -> bool:
    """Equal but for the revision."""
    names = ("at", "hosts", "instances", "rates", "pools", "volumes", "networks", "jobs",
             "operations", "alerts", "events")  # fmt: skip
    return all(getattr(one, name) == getattr(other, name) for name in names)


def cpu_history(state: State, key: ObjectKey) -> list[float | None]:
    assert state.histories is not None
    return list(state.histories.series(key, "cpu"))


def test_a_fork_of_a_store_goes_its_own_way() -> None:
    store = Store()
    everything = observations()
    for observation in everything[:8]:
        store.apply(observation)
    _ = store.state  # its cached picture must not be mistaken for the copy's
    copy = checkpoints.fork_store(store)
    before, history = store.state, cpu_history(store.state, WEB)
    for observation in everything[8:]:
        copy.apply(observation)
    assert same(store.state, before)
    assert cpu_history(store.state, WEB) == history
    assert same(copy.state, state_at(10.0))
    assert cpu_history(copy.state, WEB) != history


def test_what_the_last_listing_found_is_told_at_the_end(tmp_path: Path) -> None:
    found = Listed("alpha", 1011.0, instances=(instance("web", InstanceState.SHUTOFF),))
    recorder = Recorder(tmp_path / "found.tape", ["alpha"], virtdeck="1", clock=StandingClock())
    for observation in (*observations(), found):
        recorder.write(observation)
    recorder.close()
    replay = Replay.at(tmp_path / "found.tape", 10.5)
    before = len(replay.state.events)
    replay.player.seek(11.0)
    assert [one.change for one in replay.state.events[before:]] == ["paused -> shutoff"]
    replay.player.seek(10.5)
    replay.player.seek(11.0)
    assert len(replay.state.events) == before + 1
    replay.close()


def test_what_a_fork_does_not_know_it_refuses_to_share() -> None:
    with pytest.raises(TypeError, match="bytearray"):
        checkpoints.fork({"a": [bytearray()]}, {})


def test_a_tape_stands_where_it_is_told_without_any_loop(path: Path) -> None:
    replay = Replay.at(path, 5.0)
    assert same(replay.state, state_at(5.0))
    assert replay.state.instances[WEB].state is InstanceState.PAUSED
    assert (replay.player.position, replay.player.duration) == (5.0, 10.0)
    assert replay.clock.now() == 1005.0
    assert replay.player.paused
    replay.close()


@pytest.mark.parametrize("work", [checkpoints.WORK, 1, 1000])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.lists(st.floats(0, 11), min_size=1, max_size=6))
def test_where_one_came_from_makes_no_difference(
    path: Path, work: int, positions: list[float]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checkpoints, "WORK", work)
        patch.setattr(checkpoints, "MOST", 4)
        wander(path, positions)


def wander(path: Path, positions: list[float]) -> None:
    replay = Replay.at(path, 0.0)
    revisions = [replay.state.revision]
    try:
        visit(replay, positions, revisions)
    finally:
        replay.close()
    assert revisions == sorted(revisions)


def visit(replay: Replay, positions: list[float], revisions: list[int]) -> None:
    for position in positions:
        replay.player.seek(position)
        expected = state_at(min(position, 10.0))
        assert same(replay.state, expected)
        for key in (WEB, DB):
            assert cpu_history(replay.state, key) == cpu_history(expected, key)
        revisions.append(replay.state.revision)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.floats(0, 10), st.floats(0, 10))
def test_the_delta_of_a_seek_names_everything_that_differs(
    path: Path, origin: float, goal: float
) -> None:
    async def scenario() -> None:
        replay = Replay.at(path, origin)
        before, changes = replay.state, replay.changes()
        replay.player.seek(goal)
        after = replay.state
        replay.close()
        deltas = [delta async for delta in changes]
        changed = frozenset().union(*(delta.changed for delta in deltas))
        gone = frozenset().union(*(delta.gone for delta in deltas))
        for key in set(before.instances) | set(after.instances):
            if before.instances.get(key) != after.instances.get(key):
                assert key in (changed if key in after.instances else gone)

    asyncio.run(scenario())


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - a condition of any kind, with a deadline
            await asyncio.sleep(0.001)


async def take(changes: object) -> Delta:
    async with asyncio.timeout(10):
        return await anext(changes)  # type: ignore[call-overload, no-any-return]


async def test_it_plays_by_its_clock_at_its_speed_and_stops_when_paused(path: Path) -> None:
    clock = StandingClock()
    async with Replay(path, clock=clock) as replay:
        player = replay.player
        await until(lambda: "alpha" in replay.state.hosts)
        assert not replay.state.instances
        clock.time += 0.5
        player.speed = 1.0  # wakes the player, whose own sleep is on the real clock
        await until(lambda: len(replay.state.instances) == 2)
        player.speed = 4.0
        clock.time += 0.875
        player.speed = 4.0
        await until(lambda: replay.state.instances[WEB].state is InstanceState.PAUSED)
        assert player.position == 4.0
        player.paused = True
        clock.time += 100
        assert player.position == 4.0
        player.paused = False
        clock.time += 100
        player.speed = 1.0
        await until(lambda: player.ended)
        assert same(replay.state, state_at(10.0))
        assert player.position == 10.0


async def test_it_plays_on_the_real_clock_too(path: Path) -> None:
    async with Replay(path) as replay:
        replay.player.speed = FASTEST
        changes = replay.changes()
        while not replay.player.ended:
            await take(changes)
        assert same(replay.state, state_at(10.0))


async def test_after_its_end_it_can_be_wound_back(path: Path) -> None:
    clock = StandingClock()
    async with Replay(path, clock=clock) as replay:
        await until(lambda: "alpha" in replay.state.hosts)
        replay.player.seek(99.0)
        assert replay.player.ended
        changes = replay.changes()
        replay.player.seek(2.0)
        delta = await take(changes)
        assert DB in delta.changed
        assert not replay.player.ended
        clock.time += 99
        replay.player.speed = 1.0
        await until(lambda: replay.player.ended)
        assert DB not in replay.state.instances


def test_the_speed_has_limits(path: Path) -> None:
    replay = Replay.at(path, 0)
    replay.player.speed = 1000
    assert replay.player.speed == FASTEST
    replay.player.speed = 0
    assert replay.player.speed == SLOWEST
    replay.close()


async def test_details_are_those_recorded_up_to_now(path: Path) -> None:
    replay = Replay.at(path, 0.0)
    assert (await replay.detail(WEB)).xml == "<first/>"  # the first there will be
    replay.player.seek(5.0)
    assert (await replay.detail(WEB)).xml == "<first/>"
    replay.player.seek(6.0)
    assert (await replay.detail(WEB)).xml == "<2nd/>"
    replay.player.seek(3.0)
    assert (await replay.detail(WEB)).xml == "<first/>"
    with pytest.raises(NotFoundError, match="no details"):
        await replay.detail(DB)
    replay.close()


async def test_nothing_on_a_tape_can_be_changed(path: Path) -> None:
    replay = Replay.at(path, 5.0)
    assert replay.read_only
    (reason,) = replay.check(Start(subject=WEB))
    assert str(reason) == "This is a tape: nothing on it can be changed."
    with pytest.raises(ReadOnlyError, match="This is a tape"):
        await replay.submit(Start(subject=WEB))
    with pytest.raises(ReadOnlyError, match="This is a tape"):
        await replay.cancel("1")
    before = replay.state
    await replay.links.refresh()
    await replay.links.reconnect("alpha")
    assert replay.state == before
    replay.close()


async def test_an_empty_tape_is_at_its_end(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "a.tape", [], virtdeck="1")
    recorder.close()
    async with Replay(tmp_path / "a.tape") as replay:
        await until(lambda: replay.player.ended)
        replay.player.seek(5)
        assert replay.player.position == 0.0


def test_a_broken_tape_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.tape").write_text("no\n")
    with pytest.raises(TapeError):
        Replay(tmp_path / "a.tape")
