"""Jobs, operations, and what an instance is doing now."""

from __future__ import annotations

import pytest

from core.model import Counters, ObjectKey, OperationRecord, OperationStatus
from core.model import event as ev
from core.model.observation import OperationChanged, Sampled
from core.state.operations import activity
from core.state.store import Store
from core.state.tables import StoreLimits
from tests.unit.state_builders import HOST, instance, lifecycle, listed, store

KEY = instance().key
STAMP = (HOST, 20.0, "web-uuid", "web")


def iteration(number, at=20.0):
    return ev.MigrationIteration(HOST, at, "web-uuid", "web", number)


def block(status, disk="vda", kind="copy"):
    return ev.BlockJobChanged(*STAMP, disk, kind, status)


DOING = {"migrate": "migrating", "start": "starting", "stop": "stopping", "save": "saving"}


def operation(status, verb="migrate", number=1, progress=None):
    record = OperationRecord(
        f"op{number}", verb, HOST, KEY, "web", "me@here", 1.0, status, progress=progress,
        doing=DOING[verb],
    )  # fmt: skip
    return OperationChanged(HOST, 20.0, record)


def seen(*observations):
    return store(listed(instance()), *observations).state


def test_an_iteration_alone_does_not_say_of_what():
    state = seen(iteration(1), iteration(2, at=25.0))
    assert (state.jobs[KEY].kind, state.jobs[KEY].since) == ("job", 20.0)
    assert activity(state, KEY) == "job, iteration 2"


def test_an_operation_of_ours_says_of_what():
    running = operation(OperationStatus.RUNNING)
    assert seen(running, iteration(1)).jobs[KEY].kind == "migration"
    assert activity(seen(running, iteration(1)), KEY) == "migrating, iteration 1"


@pytest.mark.parametrize("status", [OperationStatus.RUNNING, OperationStatus.DONE])
def test_the_row_of_an_instance_is_drawn_anew_when_an_operation_begins_and_ends(status):
    """Of one that is off nothing else changes, and it would go on being started for ever."""
    begun = store(listed(instance()), operation(OperationStatus.QUEUED, "start"))
    assert KEY in begun.apply(operation(status, "start")).changed


def test_the_end_of_the_operation_ends_its_job():
    state = seen(operation(OperationStatus.RUNNING), iteration(1),
                 operation(OperationStatus.FAILED))  # fmt: skip
    assert not state.jobs
    assert activity(state, KEY) == ""


@pytest.mark.parametrize(
    "end",
    [
        ev.JobCompleted(*STAMP, {}),
        lifecycle("stopped", "saved"),
        lifecycle("resumed", "unpaused"),
    ],
)
def test_ends(end):
    assert not seen(iteration(1), end).jobs


def test_the_stages_of_a_migration():
    state = seen(iteration(3), lifecycle("suspended", "migrated"))
    assert (state.jobs[KEY].kind, state.jobs[KEY].detail) == ("migration", "switching over")
    state = seen(lifecycle("suspended", "postcopy"), lifecycle("resumed", "postcopy"))
    assert activity(state, KEY) == "migration, post-copy"
    arriving = store(listed(), lifecycle("started", "migrated"))
    assert activity(arriving.state, KEY) == "migration, incoming"
    assert not store(listed(), lifecycle("started", "migrated"),
                     lifecycle("resumed", "migrated")).state.jobs  # fmt: skip


def test_block_jobs_are_not_libvirts_job_on_the_instance():
    state = seen(block("ready"))
    assert not state.jobs
    assert activity(state, KEY) == "copy of vda ready"
    assert activity(seen(block("ready"), iteration(1)), KEY) == "job, iteration 1"
    assert activity(seen(block("ready"), block("completed")), KEY) == ""


def test_a_job_that_ended_without_a_word_is_not_believed_in_for_ever():
    def sample(at):
        return Sampled(HOST, at, {"web-uuid": Counters(1, 1)})

    assert seen(iteration(1), sample(500.0)).jobs
    assert not seen(iteration(1), sample(700.0)).jobs


def test_activity_of_operations():
    assert activity(seen(operation(OperationStatus.QUEUED, "start")), KEY) == "start queued"
    assert activity(seen(operation(OperationStatus.RUNNING, "stop")), KEY) == "stopping"
    half = operation(OperationStatus.RUNNING, "save", progress=0.5)
    assert activity(seen(half), KEY) == "saving 50%"
    both = seen(operation(OperationStatus.RUNNING, "stop", 1),
                operation(OperationStatus.QUEUED, "start", 2))  # fmt: skip
    assert activity(both, KEY) == "stopping"


def test_news_from_another_console_that_is_older_than_ours():
    state = seen(operation(OperationStatus.DONE), operation(OperationStatus.RUNNING))
    assert state.operations["op1"].status is OperationStatus.DONE


def test_operations_stand_in_their_order_and_the_oldest_finished_go():
    made = Store(StoreLimits(operations=3))
    made.apply(operation(OperationStatus.RUNNING, number=1))
    for number in (5, 3, 2, 4):
        made.apply(operation(OperationStatus.DONE, number=number))
    assert list(made.state.operations) == ["op1", "op4", "op5"]
    delta = made.apply(operation(OperationStatus.DONE, number=6))
    assert delta.gone == {ObjectKey("operation", HOST, "op4")}
