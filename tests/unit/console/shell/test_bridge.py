"""The bridge between the core's thread and the screen's: how often it wakes, and how it ends."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any, ClassVar

import pytest
from msgspec.structs import replace

from console.shell.bridge import Bridge
from core.errors import UnreachableError
from core.mailbox import Mailroom
from core.model import Delta, ObjectKey, OperationRecord, OperationStatus, State
from core.model.event import Rebooted
from tests.unit.migration_builders import migration

WEB, DB = (ObjectKey("instance", "alpha", name) for name in ("web", "db"))
DEADLINE = 5.0
SLOW = 1 / 600
"""A wake-up every ten minutes: whatever comes sooner was urgent."""


def news(key: ObjectKey, *, event: bool = True) -> Delta:
    events = (Rebooted(key.host, 1.0, key.id, key.id),) if event else ()
    return Delta(revision=1, at=1.0, changed=frozenset({key}), events=events)


class Posting:
    """A source of which a test posts the deltas."""

    def __init__(self) -> None:
        self.mailroom = Mailroom()
        self.state = State(revision=1)
        self.preferred: list[tuple[ObjectKey, ...]] = []

    def changes(self) -> AsyncIterator[Delta]:
        return self.mailroom.subscribe()

    def prefer(self, keys: tuple[ObjectKey, ...]) -> None:
        self.preferred.append(keys)


class Rig:
    def __init__(self, rate: float) -> None:
        self.source = Posting()
        self.wakes = threading.Semaphore(0)
        self.failures: list[Exception] = []
        self.bridge = Bridge(
            self.opened, wake=self.wakes.release, failed=self.failures.append, rate=rate
        )

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Any]:
        yield self.source

    def start(self) -> None:
        self.bridge.start()
        assert self.woken()  # the first picture
        self.bridge.take()

    def woken(self, seconds: float = DEADLINE) -> bool:
        return self.wakes.acquire(timeout=seconds)

    def post(self, *deltas: Delta) -> None:
        async def post(_: Any) -> None:
            for delta in deltas:
                self.source.mailroom.post(delta)

        self.bridge.ask(post).result(DEADLINE)


@pytest.fixture
def slow() -> Iterator[Rig]:
    rig = Rig(SLOW)
    rig.start()
    yield rig
    rig.bridge.stop()


def test_an_event_of_what_is_in_view_does_not_wait_for_its_turn(slow: Rig) -> None:
    slow.bridge.in_view = frozenset({WEB})
    slow.post(news(WEB))
    assert slow.woken()
    assert slow.bridge.take().delta.changed == {WEB}


def test_anything_else_waits_and_comes_along(slow: Rig) -> None:
    slow.bridge.in_view = frozenset({WEB})
    slow.post(news(DB), news(WEB, event=False))
    assert not slow.woken(0.3)
    slow.post(news(WEB))
    assert slow.woken()
    assert slow.bridge.take().delta.changed == {WEB, DB}


def test_a_migration_in_view_that_moved_on_does_not_wait_either(slow: Rig) -> None:
    shown, other = migration("shown"), migration("other")
    slow.source.state = State(revision=1, migrations={row.id: row for row in (shown, other)})
    slow.bridge.in_view = frozenset({shown.key})
    slow.post(news(other.key, event=False))
    assert not slow.woken(0.3)
    slow.post(news(shown.key, event=False))
    assert slow.woken()
    slow.bridge.take()
    slow.post(news(shown.key, event=False))
    assert not slow.woken(0.3), "a reading is no hurry"


def test_an_operation_that_moved_on_does_not_wait_whatever_is_in_view(slow: Rig) -> None:
    one = OperationRecord("o1", "volume-detach", "alpha", WEB, "web", "ann", 100.0)
    slow.source.state = State(revision=1, operations={one.id: one})
    slow.post(news(one.key, event=False))
    assert slow.woken()
    slow.bridge.take()
    slow.post(news(one.key, event=False))
    assert not slow.woken(0.3), "how far it is is no hurry"
    slow.source.state = State(
        revision=2, operations={one.id: replace(one, status=OperationStatus.DONE)}
    )
    slow.post(news(one.key, event=False))
    assert slow.woken()


def test_a_screen_that_rests_is_told_afterwards_whatever_the_hurry(slow: Rig) -> None:
    slow.bridge.in_view = frozenset({WEB})
    slow.bridge.rest(600.0)
    slow.post(news(WEB))
    assert not slow.woken(0.3)
    slow.bridge.rest(0.0)
    slow.post(news(DB), news(WEB))
    assert slow.woken()
    assert slow.bridge.take().delta.changed == {WEB, DB}


def test_no_second_wake_before_the_first_was_answered(slow: Rig) -> None:
    slow.bridge.in_view = frozenset({WEB})
    slow.post(news(WEB))
    assert slow.woken()
    slow.post(news(WEB))
    assert not slow.woken(0.3)
    assert len(slow.bridge.take().delta.events) == 2
    slow.post(news(WEB))
    assert slow.woken()


def test_at_the_usual_rate_everything_is_told() -> None:
    rig = Rig(rate=20)
    rig.start()
    rig.post(news(DB))
    assert rig.woken()
    rig.bridge.stop()


def test_a_question_before_the_core_runs_is_refused() -> None:
    rig = Rig(rate=20)

    async def nothing(_: Any) -> None:
        return None

    with pytest.raises(UnreachableError):
        rig.bridge.ask(nothing).result(DEADLINE)
    rig.bridge.stop()  # never started: nothing to wait for


def test_a_source_that_breaks_is_reported() -> None:
    rig = Rig(rate=20)

    @asynccontextmanager
    async def broken() -> AsyncIterator[Any]:
        raise UnreachableError("There is no host.")
        yield

    rig.bridge = Bridge(broken, wake=rig.wakes.release, failed=rig.failures.append, rate=20)
    rig.bridge.start()
    rig.bridge._thread.join(DEADLINE)
    assert [str(failure) for failure in rig.failures] == ["There is no host."]


def test_what_is_looked_at_is_read_first_and_what_is_marked_next(slow: Rig) -> None:
    for _ in range(2):  # the same once more is no news
        slow.bridge.look_at([WEB], marked=[DB, WEB])
    slow.bridge.look_at([DB])
    slow.post()  # a round through the core's loop
    assert slow.source.preferred == [(WEB, DB), (DB,)]


def test_the_picture_is_made_on_the_cores_thread() -> None:
    """Made on the screen's, it would wait for the core, or miss what comes meanwhile."""

    class Noting(Posting):
        readers: ClassVar[set[str]] = set()

        @property
        def state(self) -> State:
            self.readers.add(threading.current_thread().name)
            return self._state

        @state.setter
        def state(self, state: State) -> None:
            self._state = state

    rig = Rig(SLOW)
    rig.source = Noting()
    rig.start()
    rig.source.state = State(revision=2)
    rig.bridge.in_view = frozenset({WEB})
    rig.post(news(WEB))
    assert rig.woken()
    assert rig.bridge.take().state.revision == 2
    assert Noting.readers == {"core"}
    rig.bridge.stop()
