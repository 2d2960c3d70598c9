"""Lanes: one call in flight, deadlines that hold, and no stuck call that keeps anything alive."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from core.errors import (
    DeadlineError,
    NotFoundError,
    NotSentError,
    UnreachableError,
    VirtdeckError,
)
from core.hypervisor.connection.connector import Connector
from core.hypervisor.connection.lane import Lane
from core.hypervisor.connection.lane_pool import STUCK_LIMIT, LanePool
from core.hypervisor.connection.options import LinkOptions
from core.hypervisor.connection.silence import ours
from core.hypervisor.connection.uri import parse_uri
from tests.driver.watching import until
from tests.patience import PATIENCE

ROOT = Path(__file__).resolve().parents[2]


class Doubles:
    """Connections that are plain objects, so that a test decides when a call returns."""

    def __init__(self) -> None:
        self.opened: list[object] = []
        self.closed: list[object] = []
        self.dead: set[int] = set()
        self.open_gate = threading.Event()
        self.open_gate.set()
        self.opening = False
        self.interrupted: list[int] = []

        self.places: asyncio.Semaphore | None = None

    def turn(self) -> Awaitable[Callable[[], None]] | None:
        return None if self.places is None else self._turn(self.places)

    async def _turn(self, places: asyncio.Semaphore) -> Callable[[], None]:
        await places.acquire()
        return places.release

    def open(self) -> Any:
        self.opening = True
        self.open_gate.wait()
        conn = object()
        self.opened.append(conn)
        return conn

    def close(self, conn: Any) -> None:
        self.closed.append(conn)

    def alive(self, conn: Any) -> bool:
        return id(conn) not in self.dead

    def translate(self, error: Exception, *, broken: bool) -> Exception:
        return error

    def too_late(self, seconds: float) -> VirtdeckError:
        return UnreachableError(f"not open within {seconds} s")

    def interrupt_open(self, thread_id: int) -> None:
        self.interrupted.append(thread_id)


@pytest.fixture
def doubles() -> Doubles:
    return Doubles()


@pytest.fixture
def real() -> Connector:
    return Connector(parse_uri("test:///default"), LinkOptions())


async def test_a_call_runs_on_the_named_thread_with_a_real_connection(real: Connector) -> None:
    lane = Lane("lane-test-1", real)
    name, thread = await lane.call(
        lambda conn: (conn.lookupByName("test").name(), threading.current_thread()), deadline=5
    )
    assert name == "test"
    assert (thread.name, thread.daemon) == ("lane-test-1", True)
    lane.close()
    await until(lambda: lane.ended)


async def test_an_error_of_libvirt_comes_translated_and_the_lane_goes_on(real: Connector) -> None:
    lane = Lane("lane", real)
    with pytest.raises(NotFoundError, match="no such instance"):
        await lane.call(lambda conn: conn.lookupByName("nobody"), deadline=5)
    assert await lane.call(lambda conn: conn.getType(), deadline=5) == "TEST"
    lane.close()


async def test_calls_are_made_one_at_a_time_and_in_order(doubles: Doubles) -> None:
    lane = Lane("lane", doubles)
    running = 0
    most = 0
    order = []

    def work(number: int) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        order.append(number)
        time.sleep(0.002)
        running -= 1

    await asyncio.gather(*(lane.call(lambda _c, n=n: work(n), deadline=5) for n in range(10)))
    assert (most, order) == (1, list(range(10)))
    assert len(doubles.opened) == 1
    lane.close()


async def test_a_passed_deadline_abandons_the_lane_whose_connection_comes_back_late(
    doubles: Doubles,
) -> None:
    lane = Lane("lane", doubles)
    gate = threading.Event()
    with pytest.raises(DeadlineError):
        await lane.call(lambda _conn: gate.wait(), deadline=0.05)
    assert not lane.usable
    assert not lane.ended
    assert doubles.closed == []
    with pytest.raises(NotSentError):
        await lane.call(lambda _conn: None, deadline=5)
    gate.set()
    await until(lambda: lane.ended)
    assert doubles.closed == doubles.opened


async def test_work_of_our_own_is_not_the_hosts_silence(doubles: Doubles) -> None:
    """What was read of the answer is read in its own time, on a machine as busy as any."""
    lane = Lane("lane", doubles)
    gate, reads = threading.Event(), threading.Event()

    def read() -> str:
        reads.set()
        gate.wait()
        return "read"

    call = asyncio.create_task(lane.call(lambda _conn: ours(read), deadline=0.5))
    await until(reads.is_set)
    await asyncio.wait((call,), timeout=1.2)  # more than the deadline
    assert not call.done()
    gate.set()
    assert await call == "read"
    assert lane.usable


async def test_a_cancelled_caller_abandons_the_lane_too(doubles: Doubles) -> None:
    lane = Lane("lane", doubles)
    gate = threading.Event()
    call = asyncio.create_task(lane.call(lambda _conn: gate.wait(), deadline=60))
    await until(lambda: doubles.opened)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert not lane.usable
    gate.set()
    await until(lambda: doubles.closed)


async def test_an_opening_that_hangs_is_given_up_and_its_late_connection_closed(
    doubles: Doubles,
) -> None:
    doubles.open_gate.clear()
    lane = Lane("lane", doubles)
    called = []
    with pytest.raises(UnreachableError, match="not open within"):  # nothing was sent
        await lane.call(called.append, deadline=0.05)
    assert len(doubles.interrupted) == 1
    doubles.open_gate.set()
    await until(lambda: lane.ended)
    assert doubles.closed == doubles.opened != []
    assert called == []


@pytest.mark.parametrize("opens", [False, True])
@pytest.mark.parametrize("deadline", [0.2, 60.0])
async def test_an_opening_that_ends_as_it_is_given_up_is_told_as_one_that_was_too_late(
    doubles: Doubles, monkeypatch: pytest.MonkeyPatch, deadline: float, opens: bool
) -> None:
    def interrupted(_thread: int) -> None:  # the thread is through before the loop looks again
        doubles.open_gate.set()
        while not lane.ended:
            time.sleep(0.001)

    def broken_off() -> Any:
        doubles.open_gate.wait()
        raise OSError("broken off")

    doubles.open_gate.clear()
    monkeypatch.setattr(doubles, "interrupt_open", interrupted)
    if not opens:
        monkeypatch.setattr(doubles, "open", broken_off)
    made: list[object] = []
    lane = Lane("lane-x", doubles)
    call = asyncio.create_task(lane.call(made.append, deadline=deadline))
    if deadline > 1:
        await until(lambda: lane._opening)
        lane.stop_opening(UnreachableError("not open: nobody waits any more"))
    with pytest.raises(UnreachableError, match="not open"):
        await call
    assert made == []


async def test_a_connection_that_died_while_idle_is_replaced_before_the_call(
    doubles: Doubles,
) -> None:
    lane = Lane("lane", doubles)
    first = await lane.call(id, deadline=5)
    doubles.dead.add(first)
    assert await lane.call(id, deadline=5) != first
    assert doubles.closed == doubles.opened[:1]
    lane.close()


async def test_a_connection_that_dies_in_a_call_ends_its_lane(doubles: Doubles) -> None:
    lane = Lane("lane", doubles)

    def die(conn: Any) -> None:
        doubles.dead.add(id(conn))
        raise UnreachableError("gone")

    with pytest.raises(UnreachableError):
        await lane.call(die, deadline=5)
    await until(lambda: lane.ended)
    assert doubles.closed == doubles.opened


def make_pool(doubles: Doubles, limit: int = 2, idle: float = 60) -> LanePool:
    return LanePool("host", doubles, limit=limit, idle=idle)


async def test_calls_about_one_instance_keep_their_order_others_run_beside(
    doubles: Doubles,
) -> None:
    pool = make_pool(doubles)
    gate = threading.Event()
    order: list[str] = []

    def first(_conn: Any) -> None:
        gate.wait()
        order.append("a1")

    calls = [
        asyncio.create_task(pool.call(first, uuid="a", deadline=5)),
        asyncio.create_task(pool.call(lambda _c: order.append("a2"), uuid="a", deadline=5)),
        asyncio.create_task(pool.call(lambda _c: order.append("b1"), uuid="b", deadline=5)),
    ]
    await until(lambda: order == ["b1"])
    gate.set()
    await asyncio.gather(*calls)
    assert order == ["b1", "a1", "a2"]
    pool.close()


async def test_lanes_are_bounded_reused_and_an_urgent_call_waits_for_none(
    doubles: Doubles,
) -> None:
    pool = make_pool(doubles, limit=2)
    gate = threading.Event()
    busy = [
        asyncio.create_task(pool.call(lambda _c: gate.wait(), uuid=str(n), deadline=5))
        for n in range(5)
    ]
    await until(lambda: len(doubles.opened) == 2)
    assert await pool.call(lambda _c: "cut", uuid="0", deadline=5, urgent=True) == "cut"
    assert len(doubles.opened) == 3
    gate.set()
    await asyncio.gather(*busy)
    assert len(doubles.opened) == 3
    pool.close()


async def test_an_idle_lane_is_closed_after_a_while(doubles: Doubles) -> None:
    pool = make_pool(doubles, idle=0.05)
    await pool.call(lambda _c: None, uuid=None, deadline=5)
    await until(lambda: len(doubles.closed) == 1)
    pool.close()


async def test_a_lost_link_takes_the_idle_lanes_and_no_busy_one_is_used_again(
    doubles: Doubles,
) -> None:
    pool = make_pool(doubles)
    gate = threading.Event()
    await pool.call(lambda _c: None, uuid=None, deadline=5)
    busy = asyncio.create_task(pool.call(lambda _c: gate.wait(), uuid=None, deadline=5))
    await asyncio.sleep(0)
    pool.drop()
    gate.set()
    await busy
    await until(lambda: doubles.closed == doubles.opened)
    await pool.call(lambda _c: None, uuid=None, deadline=5)
    assert len(doubles.opened) == 2
    pool.close()


async def test_a_lost_link_ends_the_wait_for_a_connection_at_once(doubles: Doubles) -> None:
    doubles.open_gate.clear()
    pool = make_pool(doubles)
    called: list[Any] = []
    waiting = asyncio.create_task(pool.call(called.append, uuid=None, deadline=60))
    await until(lambda: doubles.opening)
    pool.drop()
    with pytest.raises(NotSentError, match="nothing was sent"):
        await waiting
    doubles.open_gate.set()
    await until(lambda: doubles.closed)
    assert called == []


async def test_too_many_stuck_calls_refuse_the_next_before_it_is_sent(doubles: Doubles) -> None:
    pool = make_pool(doubles)
    gate = threading.Event()
    stuck = 0
    while stuck < STUCK_LIMIT:
        try:
            await pool.call(lambda _c: gate.wait(), uuid=None, deadline=0.05)
        except DeadlineError:
            stuck += 1
        except UnreachableError:  # a busy machine did not open it in time: nothing was sent
            continue
    with pytest.raises(NotSentError, match="has not answered 8 earlier calls"):
        await pool.call(lambda _c: None, uuid=None, deadline=5)
    assert await pool.call(lambda _c: 1, uuid=None, deadline=5, urgent=True) == 1
    gate.set()
    # All but the urgent call's, which is idle now. One that was given up early never opened.
    await until(lambda: len(doubles.opened) == len(doubles.closed) + 1)
    assert await pool.call(lambda _c: 2, uuid=None, deadline=5) == 2
    pool.close()


def test_a_stuck_call_does_not_keep_the_process_alive() -> None:
    code = """
import asyncio, threading
from core.errors import DeadlineError
from core.hypervisor.connection.connector import Connector
from core.hypervisor.connection.lane import Lane
from core.hypervisor.connection.options import LinkOptions
from core.hypervisor.connection.uri import parse_uri
from tests.driver.watching import until

async def main():
    lane = Lane("lane", Connector(parse_uri("test:///default"), LinkOptions()))
    await lane.call(lambda conn: None, deadline=60)  # connects, for as long as that takes
    try:
        await lane.call(lambda conn: threading.Event().wait(), deadline=0.1)
    except DeadlineError:
        print("abandoned")

asyncio.run(main())
"""
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=20
    )
    assert (result.returncode, result.stdout, result.stderr) == (0, "abandoned\n", "")


async def test_a_lane_opens_in_its_turn_and_gives_the_place_back(doubles: Doubles) -> None:
    doubles.places = asyncio.Semaphore(1)
    lanes = [Lane(f"lane-{number}", doubles) for number in range(3)]
    assert await asyncio.gather(*(lane.call(lambda _c: 1, deadline=5) for lane in lanes)) == [1] * 3
    assert not doubles.places.locked()
    for lane in lanes:
        lane.close()


async def test_an_opening_that_fails_gives_its_place_back(doubles: Doubles) -> None:
    doubles.places = asyncio.Semaphore(1)
    doubles.open_gate.clear()
    lane = Lane("lane", doubles)
    with pytest.raises(UnreachableError):
        await lane.call(lambda _c: 1, deadline=0.05)
    assert not doubles.places.locked()
    doubles.open_gate.set()


@pytest.mark.parametrize("end", ["close", "stop_opening", "give_up"])
async def test_a_call_that_waits_for_its_turn_is_ended_and_never_sent(
    doubles: Doubles, end: str
) -> None:
    doubles.places = asyncio.Semaphore(0)
    lane = Lane("lane", doubles)
    sent: list[object] = []
    call = asyncio.create_task(lane.call(sent.append, deadline=60))
    await until(lambda: not lane.idle)
    lost = NotSentError("the link is lost")
    getattr(lane, end)(*(() if end == "close" else (lost,)))
    with pytest.raises(NotSentError, match="is closed" if end == "close" else "is lost"):
        await call
    doubles.places.release()
    await until(lambda: lane.ended)
    assert (sent, doubles.opened) == ([], [])
    await asyncio.wait_for(doubles.places.acquire(), 5 * PATIENCE)  # nobody kept the place


async def test_a_caller_that_leaves_while_it_waits_keeps_no_place(doubles: Doubles) -> None:
    doubles.places = asyncio.Semaphore(0)
    lane = Lane("lane", doubles)
    call = asyncio.create_task(lane.call(lambda _c: 1, deadline=60))
    await until(lambda: not lane.idle)
    call.cancel()
    doubles.places.release()
    with pytest.raises(asyncio.CancelledError):
        await call
    await asyncio.wait_for(doubles.places.acquire(), 5 * PATIENCE)
    lane.close()


async def test_a_connection_that_died_idle_takes_a_turn_to_open_again(doubles: Doubles) -> None:
    doubles.places = asyncio.Semaphore(1)
    lane = Lane("lane", doubles)
    first = await lane.call(id, deadline=5)
    assert await lane.call(id, deadline=5) == first, "one that stands needs no turn"
    await doubles.places.acquire()
    assert await lane.call(id, deadline=5) == first
    doubles.dead.add(first)
    call = asyncio.create_task(lane.call(id, deadline=5))
    await until(lambda: lane._queued is not None or call.done())
    assert (len(doubles.opened), call.done()) == (1, False)
    doubles.places.release()
    await call
    assert (len(doubles.opened), len(doubles.closed)) == (2, 1)
    lane.close()
