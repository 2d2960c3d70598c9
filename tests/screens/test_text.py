"""The pure parts of the screens: laying out lines, breaking them, searching, toasts, the bridge."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from rich.cells import cell_len

from console.actions.registry import elsewhere
from console.screens.chrome import header_left
from console.screens.events.columns import kind_word
from console.screens.instances import panels as instance_panels
from console.screens.matching import word_filter
from console.screens.operations.operations import operation_columns
from console.screens.page import beside, broken
from console.screens.parts import Part, lay_out
from console.screens.table_text import plain
from console.screens.text_search import Search
from console.screens.view import View, coarse_age
from console.shell.bridge import Bridge
from console.shell.operations_watch import OperationsWatch, still_open
from console.widgets.charts import Chart, Series
from console.widgets.columns import ROOMY, Cell, place_columns, spill
from core.errors import RefusedError, UnreachableError, UsageError
from core.mailbox import Mailroom
from core.model import (
    AnyEvent,
    Delta,
    Event,
    Host,
    Instance,
    InstanceDetail,
    InstanceState,
    Link,
    LinkStatus,
    ObjectKey,
    OperationRecord,
    OperationStatus,
    State,
)
from core.model.operation import AnswerChoice, Countdown, OperationQuestion
from core.source import Source
from core.state.selection import parse_event_filter

TEXT = st.text(st.characters(codec="ascii", categories=("L", "N", "P", "Zs")), max_size=200)
GROUPS = st.lists(
    st.lists(st.builds(Part, st.text("ab界", min_size=1, max_size=8)), min_size=1, max_size=2),
    max_size=6,
)


@given(GROUPS, GROUPS, st.integers(1, 120), st.booleans())
def test_a_line_shows_whole_groups_in_their_order(
    left: list[list[Part]], right: list[list[Part]], width: int, right_first: bool
) -> None:
    line = lay_out(left, right, width, right_first=right_first)
    shown = [part for part in line if part.text.strip()]
    everything = [part for group in (*left, *right) for part in group]
    positions = iter(everything)
    assert all(part in positions for part in shown)
    for first in left[:1]:
        assert all(part in shown for part in first)
    if sum(cell_len(part.text) for part in everything) <= width:
        assert shown == everything
        assert sum(cell_len(part.text) for part in line) == width


@given(TEXT, st.integers(10, 120))
def test_breaking_a_line_loses_nothing_and_fits(text: str, width: int) -> None:
    pieces = broken((Cell(text[:20], "strong"), Cell(text[20:])), width)
    assert all(cell_len(plain(piece)) <= width for piece in pieces)
    assert "".join(map(plain, pieces)).replace(" ", "") == text.replace(" ", "")


def test_what_is_broken_off_stands_under_its_column() -> None:
    pieces = broken("  cure   Start the daemon as the user it belongs to", 30)
    assert [plain(piece) for piece in pieces] == [
        "  cure   Start the daemon as",
        "         the user it belongs",
        "         to",
    ]


@given(st.lists(TEXT, max_size=20), st.text("abc", min_size=1, max_size=2))
def test_search_marks_every_line_that_matches_and_changes_no_text(
    lines: list[str], wanted: str
) -> None:
    search = Search()
    search.look_for(wanted)
    marked = search.mark(lines)
    assert [plain(line) for line in marked] == lines
    assert search.found == [n for n, line in enumerate(lines) if wanted in line.casefold()]


@pytest.mark.parametrize(
    ("text", "found"), [("we", ["web", "web2"]), ("we !2", ["web"]), ("!web", ["db"]), ("", 3)]
)
def test_words_of_the_smaller_lists(text: str, found: object) -> None:
    passes = word_filter(text, str, lambda _: ())
    names = [name for name in ("web", "web2", "db") if passes(name)]
    assert (len(names) if isinstance(found, int) else names) == found


@pytest.mark.parametrize(
    ("text", "wrong"), [("web !", "no word after"), ("group:", "needs"), ("!group:", "needs")]
)
def test_half_a_term_is_explained(text: str, wrong: str) -> None:
    with pytest.raises(UsageError, match=wrong):
        word_filter(text, str, lambda _: ())


@pytest.mark.parametrize(
    ("seconds", "text"), [(3, "<10s"), (19, "10s"), (61, "1m"), (3599, "59m"), (90000, "25h")]
)
def test_ages_move_in_coarse_steps(seconds: float, text: str) -> None:
    assert coarse_age(1000.0, 1000.0 + seconds) == text


def record(number: int, status: OperationStatus) -> OperationRecord:
    return OperationRecord(
        id=f"op{number}",
        verb="stop",
        host="alpha",
        subject=ObjectKey("instance", "alpha", str(number)),
        name=f"vm{number}",
        author="ann@console",
        created=0.0,
        status=status,
        outcome=f"vm{number} is {status}",
    )


def test_many_ends_make_one_toast_and_each_is_told_once() -> None:
    watch = OperationsWatch()
    records = {
        f"op{number}": record(
            number, OperationStatus.FAILED if number == 2 else OperationStatus.DONE
        )
        for number in range(5)
    }
    for operation_id in (*records, "still-unknown"):
        watch.add(operation_id)
    toast = watch.ended(records)
    assert toast is not None
    assert toast.severity == "error"
    assert "4 ok, 1 failed: vm2" in toast.text
    assert watch.ended(records) is None


def asking(number: int, key: str = "again-1") -> OperationRecord:
    question = OperationQuestion(key, f"What became of vm{number}?", (AnswerChoice("a", "b"),))
    return replace(record(number, OperationStatus.ASKING), question=question)


def test_a_question_is_told_once_whoever_asked_for_the_operation() -> None:
    watch = OperationsWatch()
    records = {"op1": asking(1)}
    (toast,) = watch.toasts(records, (), 100.0)
    assert (toast.title, toast.severity) == ("stop vm1 asks", "warning")
    assert toast.text.startswith("What became of vm1?\n")
    assert watch.toasts(records, (), 100.0) == []
    records |= {"op1": asking(1, "go-on-2"), "op2": asking(2)}
    (both,) = watch.toasts(records, (), 100.0)
    assert both.title == "2 operations ask, the first of them"
    over = replace(asking(4), status=OperationStatus.DONE)  # as older journals have it
    assert watch.toasts(records | {"op4": over}, (), 100.0) == []
    elsewhere = replace(asking(3), not_open="qemu+ssh://gamma/system")
    told = watch.toasts(records | {"op3": elsewhere}, (), 100.0)
    assert told == [], "nothing is done to it here"


@pytest.mark.parametrize(
    ("now", "said"),
    [
        (100.0, "Without an answer, its power is cut in 60 s."),
        (152.0, "Without an answer, its power is cut in 8 s."),
        (170.0, "Its time is up."),  # taken over after it: whether it is cut is not known yet
    ],
)
def test_a_question_says_what_comes_without_an_answer(now: float, said: str) -> None:
    waits = replace(asking(1), countdown=Countdown(100.0, 160.0, "its power is cut"))
    (toast,) = OperationsWatch().toasts({"op1": waits}, (), now)
    assert f"\n{said}\n" in toast.text


def test_a_guest_that_was_asked_but_once_is_no_question_yet() -> None:
    waits = replace(asking(1), countdown=Countdown(100.0, 160.0, "its power is cut"))
    asked_once = replace(waits, countdown=Countdown(100.0, 160.0, "its power is cut", 1, 110.0))
    watch = OperationsWatch()
    assert watch.toasts({"op1": asked_once}, (), 105.0) == [], "most guests obey at once"
    again = replace(waits, countdown=Countdown(100.0, 160.0, "its power is cut", 2, 121.0))
    assert watch.toasts({"op1": again}, (), 115.0) != []


def test_a_guest_that_is_waited_for_as_the_operator_said_asks_nothing_more() -> None:
    watch = OperationsWatch()
    waits = replace(asking(1), countdown=Countdown(100.0, 160.0, "its power is cut"))
    assert watch.toasts({"op1": waits}, (), 110.0) != []
    answered = replace(asking(1, "wait-on-1"), countdown=Countdown(100.0, None))
    assert watch.toasts({"op1": answered}, (), 112.0) == []
    assert OperationsWatch().toasts({"op1": answered}, (), 112.0) == [], "nor in another console"


def test_what_a_toast_asks_is_open_until_it_is_answered() -> None:
    records = {"op1": asking(1), "op2": asking(2)}
    (toast,) = OperationsWatch().toasts(records, (), 100.0)
    assert still_open(toast, records)
    one_left = records | {"op1": replace(asking(1), question=None)}
    assert still_open(toast, one_left), "the other is to be answered yet"
    assert not still_open(toast, one_left | {"op2": asking(2, "another")})
    assert not still_open(toast, {})
    watch = OperationsWatch()
    watch.add("op2")
    (ended,) = watch.toasts({"op2": record(2, OperationStatus.DONE)}, (), 100.0)
    assert still_open(ended, {}), "it asks nothing: it stays as long as it should"


class Counting:
    """A source that only counts."""

    read_only = True

    def __init__(self) -> None:
        self.room = Mailroom()
        self.revision = 0

    @property
    def state(self) -> State:
        return State(revision=self.revision)

    def changes(self) -> AsyncIterator[Delta]:
        return self.room.subscribe()

    def change(self, name: str) -> None:
        self.revision += 1
        self.room.post(
            Delta(self.revision, 0.0, changed=frozenset({ObjectKey("instance", "alpha", name)}))
        )


def bridged(source: Counting, rate: float = 50.0) -> tuple[Bridge, list[int], threading.Event]:
    woken: list[int] = []
    signal = threading.Event()

    @asynccontextmanager
    async def opened() -> AsyncIterator[Source]:
        yield source  # type: ignore[misc]

    def wake() -> None:
        woken.append(source.revision)
        signal.set()

    return Bridge(opened, wake=wake, failed=lambda error: None, rate=rate), woken, signal


def test_one_wake_up_is_on_its_way_and_carries_everything() -> None:
    source = Counting()
    bridge, woken, signal = bridged(source)
    bridge.start()
    assert signal.wait(5)
    bridge.take()
    signal.clear()

    async def burst(_: Source) -> None:
        for number in range(1000):
            source.change(f"vm{number}")
            if number % 100 == 0:
                await asyncio.sleep(0.01)

    before = len(woken)
    bridge.ask(burst).result(10)
    assert signal.wait(5)
    assert len(woken) == before + 1
    news = bridge.take()
    seen = set(news.delta.changed)
    while len(seen) < 1000:
        assert signal.wait(5)
        signal.clear()
        seen |= bridge.take().delta.changed
    bridge.stop()


def test_a_question_before_the_core_is_open_is_answered_with_an_error() -> None:
    bridge, _, _ = bridged(Counting())
    with pytest.raises(UnreachableError):
        bridge.ask(lambda source: source.links.refresh()).result(1)


def test_an_error_of_the_source_reaches_who_asked() -> None:
    bridge, _, signal = bridged(Counting())
    bridge.start()
    assert signal.wait(5)

    async def refuse(_: Source) -> None:
        raise RefusedError("no")

    with pytest.raises(RefusedError):
        bridge.ask(refuse).result(5)
    bridge.stop()


def test_a_stuck_core_is_left_behind() -> None:
    bridge, _, signal = bridged(Counting())
    bridge.start()
    assert signal.wait(5)
    release = threading.Event()

    async def block(_: Source) -> None:
        release.wait(30)

    bridge.ask(block)
    bridge.stop()
    assert bridge._thread.is_alive()
    release.set()
    bridge._thread.join(5)
    assert not bridge._thread.is_alive()


@given(st.lists(TEXT, max_size=6), st.lists(TEXT, max_size=6), st.integers(80, 200))
def test_texts_side_by_side_lose_nothing_and_fit(
    left: list[str], right: list[str], width: int
) -> None:
    lines = [plain(line) for line in beside(left, right, 50, width)]
    assert all(cell_len(line) <= width for line in lines)
    for texts, shown in ((left, [line[:50] for line in lines]), (right, [x[50:] for x in lines])):
        assert "".join(shown).replace(" ", "") == "".join(texts).replace(" ", "")


def test_many_hosts_are_summed_up_and_the_lost_ones_named() -> None:
    up, down = Link(status=LinkStatus.UP), Link(status=LinkStatus.DOWN)
    hosts = {
        f"h{number}": Host(name=f"h{number}", uri="test:///", link=down if number < 2 else up)
        for number in range(12)
    }
    groups = header_left(State(hosts=hosts), None, "")
    text = "".join(part.text for group in groups for part in group)
    assert "10 up" in text
    assert "2 not" in text
    assert "h0 and h1" in text
    narrow = lay_out(groups, [], 30)
    assert "2 not" in "".join(part.text for part in narrow)


@pytest.mark.parametrize(
    ("key", "layer", "words"),
    [
        ("R", "instances", "R does nothing here. It is: Reconnect (on the hosts screen)"),
        ("f", "hosts", "f does nothing here. It is: Shut down (on instances)."),
        ("f", "instances", ""),
        ("tab", "instances", ""),
        ("Z", "hosts", ""),
    ],
)
def test_a_key_says_where_it_works(key: str, layer: str, words: str) -> None:
    said = elsewhere(key, layer)
    assert said.startswith(words)
    assert bool(said) == bool(words)


@pytest.mark.parametrize("kind", get_args(AnyEvent), ids=lambda kind: str(kind.__name__))
def test_the_filter_understands_the_word_of_every_event(kind: type[Event]) -> None:
    assert parse_event_filter(f"kind:{kind_word(kind)}")


def test_a_running_operation_shows_how_long_it_may_take() -> None:
    record = OperationRecord(
        "1", "shutdown", "alpha", ObjectKey("instance", "alpha", "u"), "web", "me", 1.0,
        status=OperationStatus.RUNNING, started=10.0, options={"timeout": 60.0},
    )  # fmt: skip
    column = next(one for one in operation_columns(View(now=lambda: 40.0)) if one.id == "progress")
    assert plain(column.render(record)).endswith(" 30/60s")
    usual = msgspec.structs.replace(record, options={})
    assert plain(column.render(usual)).endswith(" 30/60s")
    unlimited = msgspec.structs.replace(usual, verb="start")
    assert plain(column.render(unlimited)) == "-"
    assert plain(column.render(msgspec.structs.replace(record, progress=0.25))).endswith(" 25%")
    assert plain(column.render(msgspec.structs.replace(record, status=OperationStatus.DONE))) == "-"


@pytest.mark.parametrize(
    ("width", "gone"), [(80, {"author", "host", "took"}), (120, set()), (200, set())]
)
def test_operations_keep_their_progress_and_no_outcome_is_written_over_an_author(
    width: int, gone: set[str]
) -> None:
    record = OperationRecord(
        "1", "migrate", "alpha", ObjectKey("instance", "alpha", "u"), "web", "me@desk", 1.0,
        status=OperationStatus.RUNNING, started=10.0, progress=0.5, outcome="long " * 40,
    )  # fmt: skip
    columns = operation_columns(View(now=lambda: 40.0))
    placed = place_columns(columns, width, left=2)
    assert {one.id for one in columns} - {columns[place.number].id for place in placed} == gone
    for status in (OperationStatus.RUNNING, OperationStatus.DONE):
        row = msgspec.structs.replace(record, status=status)
        drawn = [columns[place.number].content(row, place.width) for place in placed]
        places, _ = spill(columns, placed, drawn, row)
        left = [columns[place.number].id for place in places[:-1]]
        taken = status.final and placed[-1].width < ROOMY
        assert ("progress" in left) is not taken
        assert ("author" in left) is (width > 80)


def test_a_chart_has_a_scale_and_says_why_it_is_empty() -> None:
    series = [
        Series("cpu", [10.0, 50.0], lambda value: f"{value or 0:.0f}%", 100.0, absent="off"),
        Series("sent", [None, None], absent="nobody counts"),
    ]
    lines = [plain(line) for line in Chart(series, series_height=2, step=30.0).lines(60)]
    assert lines[0].startswith("cpu 50%")
    assert lines[0].endswith("max 50%, last 1m00s")
    assert lines[1].startswith("   100% ")
    assert lines[2].startswith("      0 ")
    assert "nobody counts" in lines[4]


def test_what_could_not_be_read_is_not_said_to_be_missing() -> None:
    note = "Snapshots could not be read: no."
    read = InstanceDetail("a", "u", 1.0)
    unread = InstanceDetail("a", "u", 1.0, snapshots=None, notes=(note,))
    view = View(now=lambda: 9.0)

    def text(detail: InstanceDetail) -> str:
        return "\n".join(map(plain, instance_panels.snapshots(view, detail)))

    assert "It has no snapshot." in text(read)
    assert note in text(unread)
    assert "It has no snapshot." not in text(unread)
    row = Instance("a", "u", "web", InstanceState.RUNNING)
    assert note in "\n".join(map(plain, instance_panels.interfaces(row, unread)))
