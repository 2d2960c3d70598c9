"""Draining a host: who goes where, how many at once, who gets how much, stopped, taken over."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from core.clock import SystemClock
from core.engine import recovery
from core.engine.case import Case
from core.engine.progress import progress_json, progress_of
from core.engine.runner import Runner
from core.engine.workflow import Keep
from core.errors import RefusedError, UnreachableError
from core.journal.entry import Entry
from core.journal.journal import Journal
from core.journal.owner import NOBODY
from core.migration.drain.plan import in_words, migrate_request, needed, plan_drain
from core.migration.drain.turn import (
    PATIENCE,
    DrainSeen,
    newcomers,
    outcome,
    share_done,
    status,
    take_turn,
)
from core.migration.execution.drain import DrainWorkflow
from core.migration.execution.survey import survey
from core.migration.execution.table import MigrationTable
from core.model import (
    Answer,
    Delta,
    Finding,
    Host,
    HostFacts,
    Instance,
    InstanceState,
    Level,
    Link,
    LinkStatus,
    Migration,
    MigrationStatus,
    ObjectKey,
    OperationRecord,
    OperationStatus,
    Preflight,
    Request,
    State,
    Steer,
    SteerKind,
    SteerRecord,
)
from core.model.drain import DrainItem, DrainProgress, Stage
from core.model.observation import OperationChanged
from core.source import Operation
from core.verbs.migration.requests import Drain, Migrate
from core.verbs.registry import VERBS
from core.verbs.situation import End, Progress, done, failed
from tests.unit.state_builders import UP
from tests.verbs import check

GIB = 1 << 30
ALPHA = ObjectKey("host", "alpha", "alpha")
S, O, M = InstanceState, OperationStatus, MigrationStatus  # noqa: E741
DOWN = Link(LinkStatus.DOWN)


def key(name: str, host: str = "alpha") -> ObjectKey:
    return ObjectKey("instance", host, f"u-{name}")


def instance(name: str, gib: int = 1, host: str = "alpha", state: S = S.RUNNING) -> Instance:
    return Instance(host, f"u-{name}", name, state, memory=gib * GIB, memory_maximum=gib * GIB)


def host(name: str, free: int | None = 64, link: Link = UP) -> Host:
    facts = HostFacts(memory_free=None if free is None else free * GIB)
    return Host(name, f"qemu+ssh://{name}/system", link=link, facts=facts)


def state(
    *instances: Instance,
    hosts: tuple[Host, ...] = (host("alpha"), host("beta")),
    operations: tuple[OperationRecord, ...] = (),
    migrations: tuple[Migration, ...] = (),
) -> State:
    return State(
        hosts=MappingProxyType({each.name: each for each in hosts}),
        instances=MappingProxyType({each.key: each for each in instances}),
        operations=MappingProxyType({each.id: each for each in operations}),
        migrations=MappingProxyType({each.id: each for each in migrations}),
    )


def record(name: str, status: O, verb: str = "migrate", **fields: Any) -> OperationRecord:
    given = {"id": f"op-{name}", "verb": verb, "host": "alpha", "subject": key(name), "name": name,
             "author": "ann@desk", "created": 10.0, "status": status, "started": 11.0}  # fmt: skip
    return OperationRecord(**{**given, **fields})


def moving(name: str, status: M = M.RUNNING, **fields: Any) -> Migration:
    return Migration(f"op-{name}", "alpha", f"u-{name}", name, to="beta", status=status, **fields)


def item(name: str, stage: Stage = Stage.WAITING, **fields: Any) -> DrainItem:
    given = {"to": "beta", "operation": f"op-{name}" if stage is Stage.MOVING else "",
             "memory": GIB}  # fmt: skip
    return DrainItem(f"u-{name}", name, stage=stage, **{**given, **fields})


def progress(*items: DrainItem, stopped: str = "") -> DrainProgress:
    return DrainProgress(planned=True, items=items, stopped=stopped)


def seen(of: State, request: Drain | None = None, **fields: Any) -> DrainSeen:
    return DrainSeen(of, request or Drain(ALPHA), since=5.0, **fields)


def names(items: tuple[DrainItem, ...]) -> list[str]:
    return [each.name for each in items]


def placed(plan: DrainProgress) -> dict[str, str]:
    return {each.name: each.to for each in plan.at(Stage.WAITING)}


# -- who goes where -----------------------------------------------------------------------------

SIZES = (instance("b", 4), instance("a", 8), instance("c", 2), instance("d", 2))


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("smallest", ["c", "d", "b", "a"]),
        ("largest", ["a", "b", "c", "d"]),
        ("name", ["a", "b", "c", "d"]),
    ],
)
def test_the_order_is_the_one_that_was_asked_for(order: Any, expected: list[str]) -> None:
    plan = plan_drain(state(*SIZES), Drain(ALPHA, order=order), {})
    assert names(plan.at(Stage.WAITING)) == expected


def test_each_goes_where_most_memory_is_free_after_those_before_it() -> None:
    three = (host("alpha"), host("beta", 10), host("gamma", 7))
    plan = plan_drain(state(*SIZES, hosts=three), Drain(ALPHA, order="largest"), {})
    # 8 to beta leaves 2 there; 4 to gamma leaves 3; 2 to gamma leaves 1; 2 to beta leaves none
    assert placed(plan) == {"a": "beta", "b": "gamma", "c": "gamma", "d": "beta"}


def test_named_destinations_are_filled_in_their_order() -> None:
    three = (host("alpha"), host("beta", 64), host("gamma", 5))
    plan = plan_drain(state(*SIZES, hosts=three), Drain(ALPHA, to=("gamma", "beta")), {})
    assert placed(plan) == {"c": "gamma", "d": "gamma", "b": "beta", "a": "beta"}


def test_what_fits_nowhere_stays_and_says_how_much_is_missing() -> None:
    plan = plan_drain(state(*SIZES, hosts=(host("alpha"), host("beta", 9))), Drain(ALPHA), {})
    assert placed(plan) == {"c": "beta", "d": "beta", "b": "beta"}
    (big,) = plan.at(Stage.STAYS)
    assert (big.name, big.reason) == (
        "a",
        "beta has only 1.0 GiB of memory left, and 8.0 GiB are needed.",
    )
    assert "a stays: beta has only" in in_words(plan)[1]


def test_memory_that_is_overridden_by_name_holds_nothing_back() -> None:
    options = Migrate(key(""), overrides=("memory",))
    small = (host("alpha"), host("beta", 1))
    plan = plan_drain(state(*SIZES, hosts=small), Drain(ALPHA, options=options), {})
    assert len(placed(plan)) == 4


def test_a_host_whose_memory_is_not_known_is_the_last_choice_but_one() -> None:
    three = (host("alpha"), host("beta", None), host("gamma", 3))
    plan = plan_drain(state(*SIZES, hosts=three), Drain(ALPHA), {})
    assert placed(plan) == {"c": "gamma", "d": "beta", "b": "beta", "a": "beta"}


def test_what_is_blocked_at_one_goes_to_the_next_and_stays_when_all_are_blocked() -> None:
    three = (host("alpha"), host("beta", 64), host("gamma", 9))
    blocked = {("u-c", "beta"): "no network blue", ("u-d", "beta"): "no CPU",
               ("u-d", "gamma"): "no disk"}  # fmt: skip
    plan = plan_drain(state(*SIZES, hosts=three), Drain(ALPHA), blocked)
    assert placed(plan)["c"] == "gamma"
    assert [each.reason for each in plan.at(Stage.STAYS)] == ["no CPU no disk"]


def test_hosts_out_of_reach_and_hosts_being_drained_are_given_nothing() -> None:
    other = record("gamma", O.RUNNING, "drain", host="gamma", subject=ALPHA)
    hosts = (host("alpha"), host("beta", 1), host("gamma"), host("delta", link=DOWN))
    plan = plan_drain(state(instance("a"), hosts=hosts, operations=(other,)), Drain(ALPHA), {})
    assert placed(plan) == {"a": "beta"}
    lonely = plan_drain(state(instance("a"), hosts=hosts[::3]), Drain(ALPHA), {})
    assert [each.reason for each in lonely.at(Stage.STAYS)] == ["no other host is in reach"]


def test_off_is_left_paused_is_moved_and_one_on_its_way_is_waited_for() -> None:
    rows = (instance("off", state=S.SHUTOFF), instance("paused", state=S.PAUSED), instance("going"))
    plan = plan_drain(state(*rows, migrations=(moving("going"),)), Drain(ALPHA), {})
    assert {each.name: each.stage for each in plan.items} == {
        "going": Stage.MOVING, "paused": Stage.WAITING, "off": Stage.LEFT
    }  # fmt: skip
    assert in_words(plan) == (
        "1 to move, in this order: paused to beta",
        "going is on its way already: it is waited for",
        "off is left: it is off: what is off is not moved",
    )


def test_a_migration_that_is_over_does_not_count_as_on_its_way() -> None:
    old = moving("back", M.COMPLETED)
    plan = plan_drain(state(instance("back"), migrations=(old,)), Drain(ALPHA), {})
    assert placed(plan) == {"back": "beta"}


@pytest.mark.parametrize(("wanted", "looks"), [(True, ["beta", "gamma"]), (False, [])])
async def test_the_whole_set_is_looked_at_at_every_destination_while_it_is_wanted(
    wanted: bool, looks: list[str]
) -> None:
    now = state(instance("a"), hosts=(host("alpha"), host("beta", 9), host("gamma", 8)))
    looked: list[str] = []

    async def look(request: Migrate) -> Preflight:
        looked.append(request.to)
        if request.to == "beta":
            raise UnreachableError("beta does not answer.")
        return Preflight(0.0, (Finding("clock", Level.WARNING, "It is slow."),))

    plan = await survey(look, lambda: now, Drain(ALPHA), lambda: wanted)
    assert looked == looks
    assert placed(plan) == {"a": "gamma" if wanted else "beta"}


@given(
    st.lists(st.integers(1, 16), max_size=12),
    st.lists(st.one_of(st.none(), st.integers(0, 40)), min_size=1, max_size=4),
    st.sampled_from(["smallest", "largest", "name"]),
    st.booleans(),
)
def test_no_destination_is_ever_promised_more_than_it_has(
    sizes: list[int], free: list[int | None], order: Any, named: bool
) -> None:
    rows = [instance(f"i{number}", size) for number, size in enumerate(sizes)]
    there = [host(f"h{number}", amount) for number, amount in enumerate(free)]
    to = tuple(each.name for each in there) if named else ()
    now = state(*rows, hosts=(host("alpha"), *there))
    plan = plan_drain(now, Drain(ALPHA, to=to, order=order), {})
    assert len(plan.items) == len(rows)
    for each in there:
        given = sum(one.memory for one in plan.at(Stage.WAITING) if one.to == each.name)
        assert each.facts is not None
        assert each.facts.memory_free is None or given <= each.facts.memory_free
    for one in plan.at(Stage.STAYS):  # nothing stays that would still fit somewhere
        assert one.reason
        assert None not in free
    assert sorted(needed(row) for row in rows) == sorted(one.memory for one in plan.items)


def test_a_migration_is_asked_for_with_the_options_of_the_drain() -> None:
    options = Migrate(key("x"), to="nowhere", post_copy="allow", bandwidth=7, max_downtime=900)
    asked = migrate_request(Drain(ALPHA, options=options), item("web"))
    assert asked == replace(options, subject=key("web"), to="beta")
    shared = migrate_request(Drain(ALPHA, options=options), item("web", bandwidth=50))
    assert shared.bandwidth == 50


# -- how many at once, and with how much --------------------------------------------------------

FOUR = tuple(instance(name) for name in "abcd")


@pytest.mark.parametrize(
    ("at_a_time", "under_way", "expected"),
    [(1, 0, "a"), (2, 0, "ab"), (2, 1, "b"), (2, 2, ""), (3, 1, "bc"), (9, 1, "bcd")],
)
def test_no_more_are_begun_than_may_run_at_once(
    at_a_time: int, under_way: int, expected: str
) -> None:
    items = [item(name, Stage.MOVING if number < under_way else Stage.WAITING)
             for number, name in enumerate("abcd")]  # fmt: skip
    now = state(*FOUR, operations=tuple(record(each.name, O.RUNNING) for each in items[:under_way]))
    turn = take_turn(progress(*items), seen(now, Drain(ALPHA, at_a_time=at_a_time)))
    assert names(turn.begin) == list(expected)
    assert not turn.over


@pytest.mark.parametrize(
    ("bandwidth", "given", "waiting", "begun", "changed"),
    [
        (100, [], 2, [50, 50], []),
        (100, [100], 1, [50], [50]),
        (100, [50], 0, [], [100]),
        (100, [50, 50], 0, [], []),
        (100, [33, 33], 0, [], [50, 50]),
        (3, [], 4, [1, 1, 1], []),  # no more than have 1 MiB/s each
        (None, [None], 1, [None], []),
    ],
)
def test_the_bandwidth_is_divided_among_those_that_run(
    bandwidth: int | None, given: list[int], waiting: int, begun: list[int], changed: list[int]
) -> None:
    running = [item(name, Stage.MOVING, bandwidth=part)
               for name, part in zip("abcd", given, strict=False)]  # fmt: skip
    later = [item(name) for name in "abcd"[len(given) : len(given) + waiting]]
    now = state(
        *FOUR,
        operations=tuple(record(each.name, O.RUNNING) for each in running),
        migrations=tuple(moving(each.name) for each in running),
    )
    request = Drain(ALPHA, at_a_time=4, bandwidth=bandwidth)
    turn = take_turn(progress(*running, *later), seen(now, request))
    assert [each.bandwidth for each in turn.begin] == begun
    assert [each.bandwidth for each in turn.give] == changed


@pytest.mark.parametrize("status", [M.PREPARING, M.POST_COPY, M.COMPLETING, M.UNKNOWN])
def test_a_part_is_changed_only_while_the_memory_is_copied(status: M) -> None:
    running = item("a", Stage.MOVING, bandwidth=10)
    now = state(*FOUR, operations=(record("a", O.RUNNING),), migrations=(moving("a", status),))
    assert take_turn(progress(running), seen(now, Drain(ALPHA, bandwidth=90))).give == ()


def test_what_others_began_takes_a_place_but_no_part() -> None:
    foreign = item("a", Stage.MOVING, operation="foreign-1")
    theirs = replace(moving("a"), id="foreign-1", foreign=True)
    now = state(*FOUR, migrations=(theirs,))
    request = Drain(ALPHA, at_a_time=2, bandwidth=90)
    turn = take_turn(progress(foreign, item("b"), item("c")), seen(now, request))
    assert [(each.name, each.bandwidth) for each in turn.begin] == [("b", 90)]
    assert turn.give == ()


@given(st.integers(1, 200), st.integers(1, 8), st.integers(0, 8), st.integers(0, 8))
def test_together_they_never_have_more_than_is_shared(
    bandwidth: int, at_a_time: int, under_way: int, waiting: int
) -> None:
    request = Drain(ALPHA, at_a_time=at_a_time, bandwidth=bandwidth)
    under_way = min(under_way, at_a_time, bandwidth)
    words = [f"i{number}" for number in range(under_way + waiting)]
    part = max(1, bandwidth // max(1, under_way))
    running = [item(name, Stage.MOVING, bandwidth=part) for name in words[:under_way]]
    now = state(
        *(instance(name) for name in words),
        operations=tuple(record(each.name, O.RUNNING) for each in running),
        migrations=tuple(moving(each.name) for each in running),
    )
    turn = take_turn(progress(*running, *map(item, words[under_way:])), seen(now, request))
    after = {each.uuid: each.bandwidth or 0 for each in (*running, *turn.give, *turn.begin)}
    assert sum(after.values()) <= bandwidth
    assert len(after) <= at_a_time


# -- what came of it ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ended", "stage", "line"),
    [
        (O.DONE, Stage.MOVED, "a: moved to beta in 2 s"),
        (O.FAILED, Stage.STAYS, "a stays: its disk is full"),
        (O.REFUSED, Stage.STAYS, "a stays: not started"),
        (O.CANCELLED, Stage.STAYS, "a stays: aborted by bob"),
        (O.UNKNOWN, Stage.STAYS, "a stays: nobody saw"),
    ],
)
def test_each_end_is_told_and_the_next_goes_on(ended: O, stage: Stage, line: str) -> None:
    text = line.partition(": ")[2]
    now = state(*FOUR, operations=(record("a", ended, outcome=text),))
    turn = take_turn(
        progress(item("a", Stage.MOVING), item("b")), seen(now, Drain(ALPHA, at_a_time=1))
    )
    assert turn.progress.items[0].stage is stage
    assert turn.lines == (line,)
    assert names(turn.begin) == ["b"]


def test_a_drain_that_is_stopped_begins_none_and_waits_for_what_runs() -> None:
    now = state(*FOUR, operations=(record("a", O.RUNNING),))
    items = (item("a", Stage.MOVING), item("b"), item("c"))
    turn = take_turn(progress(*items, stopped="stopped by the operator"), seen(now))
    assert turn.begin == ()
    assert not turn.over
    after = state(*FOUR, operations=(record("a", O.DONE, outcome="moved"),))
    last = take_turn(turn.progress, seen(after))
    assert last.over
    assert status(last.progress) is O.CANCELLED
    assert outcome(last.progress, "alpha") == (
        "1 of 3 moved; 2 stay: b (the drain was stopped before its turn), "
        "c (the drain was stopped before its turn); stopped by the operator"
    )


@pytest.mark.parametrize(
    ("rows", "stage"),
    [
        ((), Stage.LEFT),
        ((instance("a", host="beta"),), Stage.MOVED),
        ((instance("a", state=S.SHUTOFF),), Stage.LEFT),
        ((instance("a", state=S.PAUSED),), Stage.WAITING),
    ],
)
def test_what_changed_before_its_turn_is_seen(rows: tuple[Instance, ...], stage: Stage) -> None:
    turn = take_turn(progress(item("a")), seen(state(*rows)))
    assert turn.progress.items[0].stage is stage
    assert names(turn.begin) == (["a"] if stage is Stage.WAITING else [])


def test_a_source_out_of_reach_is_waited_for_and_nothing_is_taken_for_gone() -> None:
    away = state(hosts=(host("alpha", link=DOWN), host("beta")))
    turn = take_turn(progress(item("a")), seen(away, idle=10 * PATIENCE))
    assert turn.progress == progress(item("a"))
    assert turn.begin == ()


@pytest.mark.parametrize(("idle", "stage"), [(PATIENCE - 1, "waiting"), (PATIENCE, "stays")])
def test_a_destination_out_of_reach_lets_the_next_go_first_then_is_given_up(
    idle: float, stage: str
) -> None:
    hosts = (host("alpha"), host("beta", link=DOWN), host("gamma"))
    items = (item("a"), item("b", to="gamma"))
    turn = take_turn(progress(*items), seen(state(*FOUR, hosts=hosts), idle=idle))
    assert names(turn.begin) == ["b"]
    assert turn.progress.items[0].stage == stage


def test_an_adopting_console_asks_again_only_for_what_was_never_sent() -> None:
    unsent = record("a", O.CANCELLED, started=None, outcome="was not sent: its console ended")
    items = (item("a", Stage.MOVING), item("b", Stage.MOVING, operation=""),
             item("c", Stage.MOVING, operation=""), item("d", Stage.MOVING))  # fmt: skip
    sent = record("c", O.RUNNING)
    old = record("b", O.DONE, created=1.0)  # of a day before
    running = record("d", O.RUNNING)
    now = state(*FOUR, operations=(unsent, sent, old, running))
    turn = take_turn(
        progress(*items),
        seen(now, Drain(ALPHA, at_a_time=4), inherited=[each.uuid for each in items]),
    )
    assert names(turn.begin) == ["a", "b"]
    assert [each.operation for each in turn.progress.items] == ["", "", "op-c", "op-d"]
    withdrawn = take_turn(progress(items[0]), seen(now))  # by the operator, in this console
    assert withdrawn.progress.items[0].stage is Stage.STAYS


def test_an_operation_nobody_remembers_is_judged_by_where_the_instance_is() -> None:
    lost = (item("a", Stage.MOVING), item("b", Stage.MOVING))
    turn = take_turn(progress(*lost), seen(state(instance("a", host="beta"), instance("b"))))
    assert [each.stage for each in turn.progress.items] == [Stage.MOVED, Stage.STAYS]


def test_a_host_is_empty_only_when_nothing_came_meanwhile() -> None:
    moved = item("a", Stage.MOVED)
    assert status(newcomers(progress(moved), seen(state()))) is O.DONE
    rows = (instance("new"), instance("woken"))
    left = item("woken", Stage.LEFT)
    after = newcomers(progress(moved, left), seen(state(*rows)))
    assert status(after) is O.FAILED
    assert outcome(after, "alpha") == (
        "1 of 3 moved; 2 stay: new (it came, or was started, while the host was drained), "
        "woken (it came, or was started, while the host was drained)"
    )


@pytest.mark.parametrize(
    ("items", "text", "end", "share"),
    [
        ((), "nothing ran on alpha", O.DONE, None),
        ((item("a", Stage.MOVED),), "1 of 1 moved", O.DONE, 1.0),
        ((item("a", Stage.MOVED), item("b", Stage.LEFT)),
         "1 of 1 moved; left, as they do not run: b", O.DONE, 1.0),
        ((item("a", Stage.MOVED), item("b", Stage.STAYS, reason="It has snapshots. And more.")),
         "1 of 2 moved; 1 stays: b (It has snapshots, and more)", O.FAILED, 1.0),
        ((item("a", Stage.MOVED), item("b", Stage.MOVING)), "1 of 1 moved", O.DONE, 0.5),
    ],
)  # fmt: skip
def test_the_outcome_names_what_stays_and_why(
    items: tuple[DrainItem, ...], text: str, end: O, share: float | None
) -> None:
    now = progress(*items)
    assert (outcome(now, "alpha"), status(now), share_done(now)) == (text, end, share)


# -- before it is accepted ----------------------------------------------------------------------


def drain_record(where: str) -> OperationRecord:
    return record(where, O.RUNNING, "drain", host=where, subject=ObjectKey("host", where, where))


@pytest.mark.parametrize(
    ("request_", "more", "word"),
    [
        (Drain(ALPHA, to=("alpha",)), {}, "on alpha already"),
        (Drain(ALPHA, to=("omega",)), {}, "no host 'omega'"),
        (Drain(ALPHA, at_a_time=0), {}, "makes no sense"),
        (Drain(ALPHA, bandwidth=-1), {}, "bandwidth"),
        (Drain(ALPHA, options=Migrate(key("a"), offline=True)), {}, "offline"),
        (Drain(ALPHA), {"operations": (drain_record("alpha"),)}, "drained already"),
        (Drain(ALPHA, to=("beta",)), {"operations": (drain_record("beta"),)}, "drained itself"),
        (Drain(ALPHA), {"hosts": (host("alpha"), host("beta", link=DOWN))}, "nowhere"),
        (Drain(ALPHA), {"hosts": (host("alpha"),)}, "only host"),
        (Drain(ALPHA), {"hosts": (host("alpha", link=DOWN), host("beta"))}, "not reachable"),
    ],
)
def test_a_drain_that_makes_no_sense_is_refused(
    request_: Drain, more: dict[str, Any], word: str
) -> None:
    assert any(word in reason for reason in check(state(**more), request_))
    assert check(state(), Drain(ALPHA)) == ()


def test_what_is_kept_is_read_back() -> None:
    asked = Drain(ALPHA, to=("beta",), bandwidth=9, options=Migrate(key(""), post_copy="allow"))
    options = msgspec.to_builtins(asked)
    kept = record("alpha", O.RUNNING, "drain", subject=ALPHA, options={
        name: value for name, value in options.items() if name not in ("verb", "subject")
    })  # fmt: skip
    assert recovery.request_of(msgspec.json.decode(msgspec.json.encode(kept),
                                                   type=OperationRecord)) == asked  # fmt: skip
    drain = progress(item("a", Stage.MOVING, bandwidth=4), stopped="stopped by the operator")
    text = progress_json(Progress(workflow=drain))
    kept = progress_of(VERBS["drain"], text)
    assert kept is not None
    assert kept.workflow == drain
    assert Progress(workflow=DrainProgress()).begun


# -- carried out --------------------------------------------------------------------------------


class World:
    """A state, hosts that never fail, and migrations that end when the test says so."""

    def __init__(self, journal: Journal) -> None:
        self.hosts: dict[str, Host] = {each.name: each for each in (host("alpha"), host("beta"))}
        self.instances: dict[ObjectKey, Instance] = {}
        self.operations: dict[str, OperationRecord] = {}
        self.migrations: dict[str, Migration] = {}
        self.blocked: dict[str, str] = {}
        self.refused: dict[str, str] = {}
        self.steered: list[tuple[str, float | None]] = []
        self.asked: list[Migrate] = []
        self.ends: dict[str, asyncio.Future[End]] = {}
        self.looked = 0
        self.before_submit: Callable[[], Awaitable[None]] | None = None
        self.gate = asyncio.Event()
        self.gate.set()
        clock = SystemClock()
        table = MigrationTable(cast(Any, self), clock, lambda: self.state, cast(Any, self.publish))
        self.drains = DrainWorkflow(table, self.submit, self)
        self.runner = Runner(
            cast(Any, self), journal, clock, lambda: self.state, self.publish, "ann@desk",
            workflows={Drain: self.drains, Migrate: self},
        )  # fmt: skip

    @property
    def state(self) -> State:
        return State(
            hosts=MappingProxyType(dict(self.hosts)),
            instances=MappingProxyType(dict(self.instances)),
            operations=MappingProxyType(dict(self.operations)),
            migrations=MappingProxyType(dict(self.migrations)),
        )

    def add(self, *rows: Instance) -> None:
        self.instances |= {row.key: row for row in rows}

    def publish(self, observation: object) -> None:
        if not isinstance(observation, OperationChanged):
            return  # the journal's own word on a migration
        self.operations[observation.operation.id] = observation.operation
        news = Delta(1, 0.0, frozenset({observation.operation.key}))
        self.runner.observe(news)
        self.drains.observe(news)

    # what a drain needs of a fleet

    async def submit(self, request: Request) -> Operation:
        assert isinstance(request, Migrate)
        name = self.instances[request.subject].name
        if name in self.refused:
            raise RefusedError(self.refused[name])
        self.asked.append(request)
        if self.before_submit is not None:
            before, self.before_submit = self.before_submit, None
            await before()
        return await self.runner.submit(request)

    async def preflight(
        self, request: Migrate, *, measure: bool = False, fresh: bool = False
    ) -> Preflight:
        self.looked += 1
        await self.gate.wait()
        text = self.blocked.get(self.instances[request.subject].name)
        return Preflight(0.0, (Finding("x", Level.BLOCKER, text),) if text else ())

    async def steer(self, migration_id: str, steer: Steer) -> SteerRecord:
        assert steer.kind is SteerKind.BANDWIDTH
        self.steered.append((self.migrations[migration_id].name, steer.value))
        return SteerRecord(0.0, steer, "ann@desk", Answer.DONE)

    # what stands for migrations

    async def run(self, case: Case, keep: Keep) -> End:
        name = case.record.name
        self.migrations[case.record.id] = row = replace(moving(name), id=case.record.id)
        case.advance(row, None, "migrating")
        await keep(case)
        end = await self.ends.setdefault(name, asyncio.get_running_loop().create_future())
        if end.status is O.DONE:
            here = self.instances.pop(key(name))
            self.add(replace(here, host="beta"))
        return end

    async def cancel(self, case: Case) -> None:
        raise AssertionError("a drain cancels no migration")

    def end(self, name: str, end: End | None = None) -> None:
        self.ends[name].set_result(end or done(f"moved to beta: {name}"))

    @property
    def running(self) -> list[str]:
        return [each.name for each in self.operations.values()
                if each.verb == "migrate" and each.status is O.RUNNING]  # fmt: skip


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[Journal]:
    opened = await Journal.open(tmp_path / "journal.sqlite3")
    yield opened
    await opened.close()


@pytest.fixture
async def world(journal: Journal) -> AsyncIterator[World]:
    made = World(journal)
    made.add(*FOUR)
    yield made
    made.gate.set()
    await made.runner.close()


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(10.0):
        while not condition():  # noqa: ASYNC110 - any condition
            await asyncio.sleep(0.002)


async def test_a_drain_moves_what_it_can_and_goes_on_after_a_failure(world: World) -> None:
    world.blocked["b"] = "It has 1 snapshot: libvirt migrates none."
    world.refused["d"] = "stop of d is running."
    operation = await world.runner.submit(Drain(ALPHA, at_a_time=1, order="name"))
    await until(lambda: world.running == ["a"])
    assert operation.record.progress == 0.25
    world.end("a", failed("the disk of beta is full"))
    await until(lambda: world.running == ["c"])
    world.end("c")
    await until(lambda: operation.record.status.final)
    last = operation.record
    assert last.status is O.FAILED
    assert last.outcome == (
        "1 of 4 moved; 3 stay: a (the disk of beta is full), "
        "b (It has 1 snapshot: libvirt migrates none), d (stop of d is running)"
    )
    lines = [step.text for step in last.steps]
    assert "3 to move, in this order: a to beta, c to beta, d to beta" in lines
    assert "a stays: the disk of beta is full" in lines
    assert "c: moved to beta: c" in lines
    assert [each.subject.id for each in world.asked] == ["u-a", "u-c"]


async def test_bandwidth_is_divided_again_when_one_ends(world: World) -> None:
    operation = await world.runner.submit(Drain(ALPHA, at_a_time=2, bandwidth=90, order="name"))
    await until(lambda: world.running == ["a", "b"])
    assert [each.bandwidth for each in world.asked] == [45, 45]
    for name in ("a", "b", "c"):
        await until(lambda name=name: name in world.running)
        world.end(name)
    await until(lambda: world.steered == [("d", 90.0)])
    world.end("d")
    assert (await operation).outcome == "4 of 4 moved"
    assert [each.bandwidth for each in world.asked] == [45] * 4


async def test_stopped_while_it_looks_it_moves_nothing(world: World) -> None:
    world.gate.clear()
    operation = await world.runner.submit(Drain(ALPHA))
    await until(lambda: world.looked)
    await world.runner.cancel(operation.id)
    world.gate.set()
    await until(lambda: operation.record.status.final)
    assert operation.record.status is O.CANCELLED
    assert operation.record.outcome.startswith("0 of 4 moved; 4 stay: a (the drain was stopped")
    assert world.asked == []


async def test_what_it_asked_for_is_written_down(world: World, journal: Journal) -> None:
    operation = await world.runner.submit(Drain(ALPHA, at_a_time=1, order="name"))
    asked_for = "a: asked to move to beta"
    await until(lambda: any(step.text == asked_for for step in operation.record.steps))
    (entry,) = [each for each in await journal.recent() if each.record.verb == "drain"]
    progress = progress_of(VERBS["drain"], entry.progress)
    assert progress is not None
    kept = progress.workflow
    (asked,) = [each.id for each in world.operations.values() if each.verb == "migrate"]
    assert kept is not None
    assert [each.operation for each in kept.items] == [asked, "", "", ""]
    await until(lambda: "a" in world.ends)


async def test_stopped_it_waits_for_what_is_under_way_and_says_so(world: World) -> None:
    operation = await world.runner.submit(Drain(ALPHA, at_a_time=2, order="name"))
    await until(lambda: world.running == ["a", "b"])
    await world.runner.cancel(operation.id)
    assert operation.record.steps[-1].text == (
        "stopped by the operator: no further one is begun; under way, and going on to the end: a, b"
    )
    with pytest.raises(RefusedError, match="stopping already"):
        await world.runner.cancel(operation.id)
    world.end("a")
    world.end("b")
    await until(lambda: operation.record.status.final)
    assert operation.record.status is O.CANCELLED
    assert [each.subject.id for each in world.asked] == ["u-a", "u-b"]


async def test_stopped_between_two_it_begins_only_the_first(world: World) -> None:
    operation = await world.runner.submit(Drain(ALPHA, at_a_time=2, order="name"))

    async def stop() -> None:
        await world.runner.cancel(operation.id)

    world.before_submit = stop
    await until(lambda: world.running == ["a"])
    world.end("a")
    await until(lambda: operation.record.status.final)
    assert [each.subject.id for each in world.asked] == ["u-a"]
    assert operation.record.outcome.startswith("1 of 4 moved; 3 stay")


async def test_another_console_goes_on_with_a_drain(world: World, journal: Journal) -> None:
    options = {"at_a_time": 1, "order": "name"}
    left = record("alpha", O.RUNNING, "drain", id="000000000001-aaaaaa", subject=ALPHA,
                  options=options, created=SystemClock().now())  # fmt: skip
    kept = progress(
        item("a", Stage.MOVED), item("b", Stage.MOVING, operation="000000000002-bbbbbb"), item("c")
    )
    world.instances.pop(key("a"))
    world.instances.pop(key("d"))
    moved = record("b", O.RUNNING, id="000000000002-bbbbbb", options={"to": "beta"},
                   created=SystemClock().now())  # fmt: skip
    uri = world.hosts["alpha"].uri
    await journal.put(Entry(left, NOBODY, uri, progress_json(Progress(workflow=kept))))
    row = replace(moving("b"), id=moved.id)
    await journal.put(Entry(moved, NOBODY, uri, progress_json(Progress(workflow=row))))
    await world.runner.start()
    await until(lambda: world.operations[left.id].steps)
    assert world.operations[left.id].steps[0].text.startswith("taken over")
    await until(lambda: "b" in world.ends)
    world.end("b")
    await until(lambda: "c" in world.ends)
    world.end("c")
    await until(lambda: world.operations[left.id].status.final)
    assert world.operations[left.id].outcome == "3 of 3 moved"
    assert [each.subject.id for each in world.asked] == ["u-c"]  # b was not asked for again


async def test_news_at_the_moment_of_leaving_keeps_nobody_from_leaving(world: World) -> None:
    """asyncio.wait_for forgets a cancellation that comes with the news (Python < 3.12)."""
    await world.runner.submit(Drain(ALPHA, at_a_time=1, order="name"))
    await until(lambda: world.running == ["a"])
    for _ in range(20):
        await asyncio.sleep(0)  # it waits
    (course,) = world.drains._courses.values()
    course.woken.set()
    await asyncio.sleep(0)
    async with asyncio.timeout(5.0):
        await world.runner.close()


async def test_a_drain_begins_nothing_that_it_cannot_write_down(
    world: World, journal: Journal
) -> None:
    operation = await world.runner.submit(Drain(ALPHA, at_a_time=1, order="name"))
    await until(lambda: world.running == ["a"])
    database = journal._ledger._connection
    await journal._work.call(lambda: database.execute("PRAGMA query_only = ON"))
    world.end("a")
    await until(lambda: operation.record.status.final)
    assert operation.record.outcome.startswith("1 of 4 moved; 3 stay: b (it could not be journall")
    assert operation.record.unjournalled
    assert [each.subject.id for each in world.asked] == ["u-a"]
    await journal._work.call(lambda: database.execute("PRAGMA query_only = OFF"))
