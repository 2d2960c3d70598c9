"""Commands to a migration, what they answer, and what a store keeps of it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from msgspec.structs import replace

from console.screens.migrations.steering import answer_text
from core.clock import SystemClock
from core.errors import DeadlineError, HypervisorError, NotSentError, RefusedError, VirtdeckError
from core.migration.execution.controls import Controls
from core.migration.execution.ending import end_of
from core.migration.execution.record import RecordKeeper
from core.migration.judgement import discovery, outcome
from core.migration.judgement import recovery as recover
from core.migration.judgement.seen import Side
from core.migration.judgement.steering import inherited, refusal
from core.migration.policies.limits import first_downtime, in_force
from core.model import (
    AgentState,
    Answer,
    Before,
    Delta,
    Forecast,
    Host,
    HostFacts,
    Instance,
    InstanceState,
    JobSample,
    Limits,
    Migration,
    MigrationStatus,
    ObjectKey,
    State,
    Steer,
    SteerKind,
    SteerRecord,
)
from core.model.event import InstanceLifecycle, MigrationIteration
from core.model.observation import MigrationChanged, MigrationSampled
from core.state.migrations import migration_of
from core.state.store import Store
from core.verbs.migration.requests import Migrate

M, K = MigrationStatus, SteerKind
NAMES = frozenset({"adaptive", "manual"})
RUNNING = Migration(
    id="1", host="alpha", uuid="u", name="web", to="beta", status=M.RUNNING, post_copy="allow",
    iterations=(1.0,), policy="manual", started=1.0,
)  # fmt: skip


class ScriptedLine:
    """A `core.migration.execution.port.Line` that answers each command as it was told to."""

    def __init__(self, *answers: VirtdeckError | None) -> None:
        self.answers = list(answers)
        self.sent: list[Any] = []

    async def _say(self, *what: Any) -> None:
        self.sent.append(what)
        answer = self.answers.pop(0) if self.answers else None
        if answer is not None:
            raise answer

    async def migrate(self, call: Any) -> None:
        await self._say("migrate", call)

    async def abort(self, *, post_copy: bool = False) -> None:
        await self._say("abort", post_copy)

    async def start_post_copy(self) -> None:
        await self._say("post-copy")

    async def set_max_downtime(self, milliseconds: int) -> None:
        await self._say("downtime", milliseconds)

    async def set_bandwidth(self, mib: int, *, post_copy: bool = False) -> None:
        await self._say("bandwidth", mib, post_copy)

    async def suspend(self) -> None:
        await self._say("suspend")

    async def limits(self) -> Limits:
        return Limits()

    async def close(self) -> None:
        return


def helm_of(line: ScriptedLine, migration: Migration = RUNNING, **fields: Any) -> Controls:
    log = RecordKeeper(migration, SystemClock(), lambda _observation: None, None)
    return Controls(log, line, Migrate(migration.source_key), **fields)


@pytest.mark.parametrize(
    ("steer", "sent", "limits"),
    [
        (Steer(K.MAX_DOWNTIME, 900.0), ("downtime", 900), Limits(max_downtime=900.0)),
        (Steer(K.BANDWIDTH, 0.0), ("bandwidth", 0, False), Limits(bandwidth=0.0)),
        (Steer(K.POST_COPY_BANDWIDTH, 8.0), ("bandwidth", 8, True),
         Limits(post_copy_bandwidth=8.0)),
        (Steer(K.PAUSE), ("suspend",), Limits()),
        (Steer(K.ABORT), ("abort", False), Limits()),
        (Steer(K.POST_COPY), ("post-copy",), Limits()),
    ],
)  # fmt: skip
async def test_a_command_is_sent_answered_and_in_force(
    steer: Steer, sent: tuple[Any, ...], limits: Limits
) -> None:
    line = ScriptedLine()
    controls = helm_of(line)
    record = await controls.steer(steer, "me@here")
    assert (record.answer, record.by, line.sent) == (Answer.DONE, "me@here", [sent])
    assert record.virsh.startswith("virsh ")
    migration = controls._log.migration
    assert migration.limits == limits
    assert migration.steering == (record,)


@pytest.mark.parametrize(
    ("error", "answer"),
    [
        (HypervisorError("No.", code=9), Answer.REFUSED),
        (NotSentError("The link is down."), Answer.REFUSED),
        (DeadlineError("No answer within 8 s."), Answer.NO_ANSWER),
    ],
)
async def test_what_fails_is_told_apart(error: VirtdeckError, answer: Answer) -> None:
    controls = helm_of(ScriptedLine(error))
    record = await controls.steer(Steer(K.MAX_DOWNTIME, 900.0), "me")
    assert (record.answer, record.detail) == (answer, error.message)
    assert controls._log.migration.limits == Limits()


async def test_an_abort_that_comes_too_early_is_sent_again() -> None:
    early = HypervisorError("no job is active", code=55)
    line = ScriptedLine(early, early)
    controls = helm_of(line, replace(RUNNING, status=M.PREPARING, iterations=()))
    assert (await controls.steer(Steer(K.ABORT), "me")).answer is Answer.DONE
    assert len(line.sent) == 3
    assert controls.aborting
    late = helm_of(ScriptedLine(early))
    assert (await late.steer(Steer(K.ABORT), "me")).answer is Answer.REFUSED


@pytest.mark.parametrize(
    ("steer", "changes", "refused"),
    [
        (Steer(K.ABORT), {"status": M.POST_COPY}, "cannot be aborted"),
        (Steer(K.ABORT), {"status": M.VERIFYING}, "too late"),
        (Steer(K.ABORT), {"status": M.COMPLETED}, "nothing to abort"),
        (Steer(K.POST_COPY), {"post_copy": "never"}, "not allowed at the start"),
        (Steer(K.POST_COPY), {"status": M.POST_COPY}, "already"),
        (Steer(K.MAX_DOWNTIME, 0.0), {}, "max downtime is"),
        (Steer(K.MAX_DOWNTIME, float("nan")), {}, "max downtime is"),
        (Steer(K.MAX_DOWNTIME), {}, "max downtime is"),
        (Steer(K.BANDWIDTH, -1.0), {}, "bandwidth is"),
        (Steer(K.BANDWIDTH, float("inf")), {}, "bandwidth is"),
        (Steer(K.POLICY, text="best"), {}, "no policy"),
        (Steer(K.PAUSE), {"status": M.UNKNOWN}, "link to alpha is lost"),
        (Steer(K.POLICY, text="manual"), {}, ""),
        (Steer(K.POST_COPY), {"post_copy": "never", "foreign": True}, ""),
    ],
)
def test_what_makes_no_sense_is_refused(
    steer: Steer, changes: dict[str, Any], refused: str
) -> None:
    reason = refusal(replace(RUNNING, **changes), steer, policies=NAMES)
    assert (refused in reason) if refused else not reason


async def test_the_policy_of_another_console_is_not_ours_to_choose() -> None:
    controls = helm_of(ScriptedLine(), elsewhere=True)
    record = await controls.steer(Steer(K.POLICY, text="adaptive"), "me")
    assert record.answer is Answer.REFUSED
    mine = helm_of(ScriptedLine())
    assert (await mine.steer(Steer(K.POLICY, text="adaptive"), "me")).answer is Answer.DONE
    assert mine._log.migration.policy == "adaptive"


async def test_a_policy_waits_for_the_answer_to_its_last_command() -> None:
    at_once = Migrate(RUNNING.source_key, policy="adaptive", post_copy="at-once")
    line = ScriptedLine()
    controls = helm_of(line, replace(RUNNING, policy="adaptive", post_copy="at-once"))
    controls._request = at_once
    controls.act([JobSample(at=2.0)], InstanceState.RUNNING, began=True)
    await asyncio.sleep(0)
    controls.act([JobSample(at=2.0)], InstanceState.RUNNING, began=True)
    for _ in range(5):
        await asyncio.sleep(0)
    assert line.sent == [("post-copy",)]


# -- the end ------------------------------------------------------------------------------------

WAS = Before(InstanceState.RUNNING, persistent=True, autostart=True, agent=True)


def web(host: str, **fields: Any) -> Instance:
    given = {"name": "web", "state": InstanceState.RUNNING} | fields
    return Instance(host=host, uuid="u", **given)


def test_everything_is_verified_against_what_it_was() -> None:
    def failing(source: Instance | None, there: Instance | None, **options: Any) -> set[str]:
        given = {"keeps_definition": False, "persists": True, "source_seen": True} | options
        found = outcome.checks(RUNNING, WAS, source, there, **given)
        return {check.name for check in found if check.passed is not True}

    whole = web("beta", persistent=True, autostart=True)
    assert failing(None, whole) == set()
    assert failing(None, None) == {"there"}
    assert failing(web("alpha"), whole) == {"gone"}
    off = web("alpha", state=InstanceState.SHUTOFF)
    assert failing(off, whole) == {"gone"}
    assert failing(off, whole, keeps_definition=True) == set()
    assert failing(None, whole, source_seen=False) == {"gone"}
    assert failing(None, web("beta", persistent=False)) == {"persistent", "autostart"}
    assert failing(None, web("beta", persistent=False), persists=False) == set()
    crashed = replace(whole, state=InstanceState.CRASHED)
    assert failing(None, crashed) == {"there"}


@pytest.mark.parametrize(
    ("there", "sentence", "check"),
    [
        (web("beta"), "web runs on beta", "web is running on beta."),
        (web("beta", name="shop"), "web runs on beta as shop", "web is running on beta as shop."),
        (
            web("beta", name="shop", state=InstanceState.PAUSED),
            "web is on beta as shop, paused",
            "web is paused on beta as shop.",
        ),
    ],
)
def test_one_that_was_renamed_on_its_way_is_called_by_both_names(
    there: Instance, sentence: str, check: str
) -> None:
    assert outcome.arrived("web", "beta", there) == sentence
    (runs, *_) = outcome.checks(
        RUNNING, None, None, there, keeps_definition=False, persists=True, source_seen=True
    )
    assert runs.text == check


def test_of_one_that_crashed_on_its_way_it_is_said_once_and_what_to_do() -> None:
    crashed = web("beta", state=InstanceState.CRASHED, type="kvm")
    assert outcome.hint_of(web("beta")) == ""
    assert "reset it" in outcome.hint_of(crashed)
    assert "TCG" not in outcome.hint_of(crashed)
    assert "Emulated (TCG)" in outcome.hint_of(replace(crashed, type="qemu"))
    checks = outcome.checks(
        RUNNING, WAS, web("alpha"), crashed, keeps_definition=False, persists=False,
        source_seen=True,
    )  # fmt: skip
    ended = replace(RUNNING, status=MigrationStatus.COMPLETED, outcome="web is on beta, crashed",
                    checks=checks)  # fmt: skip
    assert end_of(ended).outcome == "web is on beta, crashed. web is still running on alpha."


def test_the_figures_of_the_end() -> None:
    ended = replace(RUNNING, ended=21.0)
    final = JobSample(at=20.0, type="completed", elapsed=10.0, downtime=40.0, iteration=4,
                      memory_processed=1000, disk_processed=500, setup=3.0)  # fmt: skip
    slowed = [JobSample(at=5.0, throttle=20, iteration=2), JobSample(at=6.0, throttle=30)]
    found = outcome.result(ended, slowed, final, stood_still=19.0, resumed=19.25)
    assert (found.total, found.downtime, found.downtime_seen) == (10.0, 40.0, 250.0)
    assert (found.transferred, found.throughput, found.iterations) == (1500, 150.0, 4)
    assert (found.throttle, found.post_copy) == (30, None)
    switched = outcome.result(
        replace(ended, switched=15.0), [], final, stood_still=None, resumed=None
    )
    assert switched.downtime is None  # libvirt's own figure is nonsense then
    assert switched.post_copy == 5.0  # to QEMU's own end: what is looked at after it is no part
    unseen = outcome.result(replace(ended, switched=15.0), [], None, stood_still=None, resumed=None)
    assert unseen.post_copy == 6.0
    nothing = outcome.result(RUNNING, [], None, stood_still=3.0, resumed=2.0)
    assert (nothing.total, nothing.downtime_seen, nothing.throughput) == (None, None, None)


def test_what_an_instance_was() -> None:
    assert outcome.before(web("alpha", agent=AgentState.CONNECTED), None).agent
    assert not outcome.before(web("alpha", agent=AgentState.NONE), None).agent


@pytest.mark.parametrize(
    ("options", "downtime"),
    [({}, 300), ({"max_downtime": 50}, 50), ({"max_downtime": 9000}, 300),
     ({"policy": "manual", "max_downtime": 9000}, 9000), ({"policy": "manual"}, 300),
     ({"policy": "nova"}, 50), ({"policy": "nova-rocky", "max_downtime": 20}, 10)],
)  # fmt: skip
def test_the_downtime_it_begins_with(options: dict[str, Any], downtime: int) -> None:
    assert first_downtime(Migrate(RUNNING.source_key, **options)) == downtime


def test_a_reading_of_the_limits_is_believed_where_it_changed() -> None:
    """libvirt does not tell the bandwidth that a migration was begun with."""
    ours = Limits(300.0, 20.0, 0.0)
    first = in_force(ours, None, Limits(300.0, 0.0, 0.0))
    assert first == ours
    told = Limits(500.0, 8.0, 0.0)
    assert in_force(ours, Limits(300.0, 0.0, 0.0), told) == Limits(500.0, 8.0, 0.0)
    assert in_force(ours, told, Limits(None, 8.0, None)) == ours
    foreign = in_force(Limits(), None, Limits(300.0, 0.0, 5.0))
    assert foreign == Limits(300.0, None, 5.0)


# -- the state ----------------------------------------------------------------------------------


def test_the_store_keeps_a_migration_and_its_samples() -> None:
    store = Store()
    store.apply(MigrationChanged("alpha", 1.0, RUNNING))
    forecast = Forecast(at=2.0, eta=5.0)
    store.apply(MigrationSampled("alpha", 2.0, "1", JobSample(at=2.0), forecast, 0.5))
    delta = store.apply(MigrationSampled("alpha", 3.0, "1", JobSample(at=3.0), None, 0.3))
    assert RUNNING.key in delta.changed
    seen = store.state.migrations["1"]
    assert (seen.progress, seen.forecast) == (0.5, forecast)  # it never runs backwards
    store.apply(MigrationChanged("alpha", 4.0, replace(RUNNING, limits=Limits(300.0))))
    assert store.state.migrations["1"].sample == JobSample(at=3.0)
    tracks = store.state.tracks
    assert tracks is not None
    assert [sample.at for sample in tracks.samples("1")] == [2.0, 3.0]
    done = replace(RUNNING, status=M.COMPLETED)
    store.apply(MigrationChanged("alpha", 5.0, done))
    store.apply(MigrationChanged("alpha", 6.0, RUNNING))  # an older word of another console
    assert store.state.migrations["1"].status is M.COMPLETED
    assert store.state.migrations["1"].progress == 1.0
    assert migration_of(store.state.migrations, RUNNING.source_key) is None
    assert store.apply(MigrationSampled("alpha", 7.0, "?", JobSample(at=7.0))).empty


def test_an_instance_s_migration_is_found_at_both_ends() -> None:
    migrations = {"1": RUNNING}
    assert migration_of(migrations, RUNNING.source_key) == RUNNING
    assert migration_of(migrations, RUNNING.destination_key) == RUNNING


# -- others' migrations and recovery ------------------------------------------------------------

SOURCE, TARGET = ObjectKey("instance", "alpha", "u"), ObjectKey("instance", "beta", "u")


def state(here: Instance | None, there: Instance | None, **fields: Any) -> State:
    hosts = {name: Host(name, "", facts=HostFacts(libvirt_version="9.0.0"))
             for name in ("alpha", "beta", "gamma")}  # fmt: skip
    instances = {}
    if here is not None:
        instances[SOURCE] = here
    if there is not None:
        instances[TARGET] = there
    return State(hosts=hosts, instances=instances, **fields)


def test_news_that_somebody_else_migrates() -> None:
    now = state(web("alpha"), web("beta", state=InstanceState.PAUSED, reason="migrating"))

    def suspects(*events: Any) -> list[ObjectKey]:
        return list(discovery.hints(Delta(1, 1.0, events=events), now))

    assert suspects(MigrationIteration("alpha", 1.0, "u", "web", 1)) == [SOURCE]
    waiting = InstanceLifecycle("beta", 1.0, "u", "web", "started", "migrated")
    assert suspects(waiting) == [SOURCE]
    assert suspects(InstanceLifecycle("beta", 1.0, "u", "web", "started", "booted")) == []
    assert discovery.destination(now, replace(RUNNING, to="")) == "beta"
    assert discovery.destination(state(web("alpha"), None), RUNNING) == ""


def test_what_a_failed_post_copy_leaves_to_do() -> None:
    broken = web("alpha", state=InstanceState.PAUSED, reason="post-copy failed")
    alive = web("beta", reason="post-copy failed")
    old = replace(RUNNING, status=M.POST_COPY_FAILED)
    found = recover.failed(state(broken, alive, migrations={"1": old}), SOURCE)
    assert (found.id, found.to) == ("1", "beta")
    assert recover.failed(state(broken, alive), SOURCE).to == "beta"  # nobody remembers it
    with pytest.raises(RefusedError, match="is lost"):
        recover.failed(state(broken, None, migrations={"1": old}), SOURCE)
    with pytest.raises(RefusedError, match="nothing to resume"):
        recover.failed(state(web("alpha"), alive), SOURCE)
    hosts = {
        name: Host(name, "", facts=HostFacts(libvirt_version="8.4.0")) for name in ("alpha", "beta")
    }
    old_hosts = State(hosts=hosts, instances={SOURCE: broken, TARGET: alive})
    with pytest.raises(RefusedError, match="cannot resume"):
        recover.failed(old_hosts, SOURCE)
    assert recover.request_of(old, state(broken, alive)).post_copy == "allow"


def test_a_definition_that_was_there_before_is_no_left_over() -> None:
    off, paused = web("beta", state=InstanceState.SHUTOFF), web("beta", state=InstanceState.PAUSED)
    assert outcome.before(web("alpha"), off).defined_there
    assert not outcome.before(web("alpha"), paused).defined_there
    assert not outcome.before(web("alpha"), None).defined_there
    failed = replace(RUNNING, was=outcome.before(web("alpha"), off))
    kept = outcome.left_clean(failed, Side(True, off), waited=True)
    assert kept.passed
    assert "that it had before" in kept.text
    assert outcome.left_clean(failed, Side(True, paused), waited=True).passed is False
    alone = replace(RUNNING, was=outcome.before(web("alpha"), None))
    assert outcome.left_clean(alone, Side(True, off), waited=True).passed is False


def test_who_follows_a_migration_next_knows_what_was_done_before():
    """An abort sent while another console's migration was watched, before it was adopted."""
    asked = SteerRecord(2.0, Steer(K.ABORT), "root@here")
    done = replace(asked, answer=Answer.DONE, answered=2.5)
    own = SteerRecord(1.0, Steer(K.BANDWIDTH, 5.0), "policy adaptive", Answer.DONE)
    assert inherited((own,), (done,)) == (own, done)
    assert inherited((own, asked), (done,)) == (own, done), "answered since"
    assert inherited((own, done), (asked,)) == (own, done), "and never asked again"
    assert inherited((own,), ()) == (own,)


def test_the_text_below_an_answer_does_not_say_its_title_again() -> None:
    record = SteerRecord(at=1.0, steer=Steer(K.ABORT), by="me", answer=Answer.DONE)
    assert answer_text(record) == ""
    assert answer_text(replace(record, virsh="virsh domjobabort web")) == "virsh domjobabort web"
    assert answer_text(replace(record, answer=Answer.REFUSED)) == "The host refused it."
    assert answer_text(replace(record, answer=Answer.REFUSED, detail="No.")) == "No."
