"""What becomes of an operation whose console ended: pure decisions, and the reading back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.engine.progress import progress_json, progress_of
from core.engine.recovery import GoOn, adopted, decide, never_sent, next_action, request_of
from core.model import (
    Instance,
    InstanceState,
    Migration,
    ObjectKey,
    OperationRecord,
    OperationStatus,
    Request,
)
from core.verbs.call import Call
from core.verbs.definition import SetTitle
from core.verbs.dumping import CoreDump, CoreDumpCall
from core.verbs.power.calls import (
    CreateCall,
    DestroyCall,
    RebootCall,
    ResetCall,
    ShutdownCall,
    SuspendCall,
)
from core.verbs.power.requests import HardReboot, Pause, Reboot, Reset, Shutdown, Start, Stop
from core.verbs.registry import VERBS, verb_of
from core.verbs.saved import (
    AbortJobCall,
    Restore,
    RestoreCall,
    Save,
    SaveCall,
)
from core.verbs.situation import (
    VERIFY,
    Answered,
    Ask,
    End,
    Progress,
    Send,
    Sent,
    Situation,
    Wait,
)
from tests.verbs import POWER_CALLS, POWER_VERBS

WEB = ObjectKey("instance", "alpha", "u")
T = 1000.0
S = InstanceState


def left(
    request: Request,
    call: Call,
    where: S | None,
    *,
    at: float,
    answered: bool = True,
) -> End | GoOn | Ask:
    progress = Progress((Sent(call, T, T + 0.1 if answered else None),), before_id=7)
    instance = None
    if where is not None:
        number = 7 if where.active else None
        instance = Instance("alpha", "u", "web", where, id=number, type="qemu")
    situation = Situation(request, "web", at, adopted(progress, at), instance)
    return decide(situation)


@pytest.mark.parametrize(
    ("request_", "call", "where", "at", "expected"),
    [
        (Start(WEB), CreateCall(), S.RUNNING, 2, OperationStatus.DONE),
        (Start(WEB), CreateCall(), S.SHUTOFF, 2, None),
        (Stop(WEB), DestroyCall(), S.SHUTOFF, 2, OperationStatus.DONE),
        (Stop(WEB), DestroyCall(), None, 2, OperationStatus.DONE),
        (Pause(WEB), SuspendCall(), S.PAUSED, 2, OperationStatus.DONE),
        (Shutdown(WEB), ShutdownCall(), S.RUNNING, 2, None),
        (Shutdown(WEB), ShutdownCall(), S.RUNNING, 25, None),
        (Shutdown(WEB), ShutdownCall(), S.SHUTOFF, 500, OperationStatus.DONE),
        (Shutdown(WEB), ShutdownCall(), S.RUNNING, 500, OperationStatus.FAILED),
        (Shutdown(WEB, 20.0, True), ShutdownCall(), S.RUNNING, 500, OperationStatus.FAILED),
        (Reboot(WEB), RebootCall(), S.RUNNING, 20, None),
        (Reboot(WEB), RebootCall(), S.RUNNING, 500, OperationStatus.UNKNOWN),
        (Reset(WEB), ResetCall(), S.RUNNING, 500, OperationStatus.UNKNOWN),
    ],
)
def test_what_becomes_of_it(
    request_: Request, call: Call, where: S | None, at: float, expected: OperationStatus | None
) -> None:
    decision = left(request_, call, where, at=T + at)
    if expected is None:
        assert isinstance(decision, GoOn)
    else:
        assert isinstance(decision, End)
        assert decision.status is expected
        assert "console that ran it had ended" in decision.outcome


@given(
    verb=st.sampled_from(list(POWER_VERBS)),
    call=st.sampled_from(POWER_CALLS),
    where=st.sampled_from([*S, None]),
    at=st.floats(T, T + 1e6),
    answered=st.booleans(),
    then_stop=st.booleans(),
)
def test_every_operation_is_either_ended_or_waited_for(
    verb: str, call: Call, where: S | None, at: float, answered: bool, then_stop: bool
) -> None:
    request = Shutdown(WEB, 60.0, then_stop) if verb == "shutdown" else POWER_VERBS[verb](WEB)
    decision = left(request, call, where, at=at, answered=answered)
    assert isinstance(decision, End | GoOn | Ask)
    if isinstance(decision, End):
        assert decision.status.final
        assert decision.outcome


def test_an_interrupted_start_is_waited_for_and_then_admitted_to_be_unknown() -> None:
    assert isinstance(left(Start(WEB), CreateCall(), S.SHUTOFF, at=T + 90, answered=False), GoOn)
    progress = Progress((Sent(CreateCall(), T),), gap=True, adopted=T + 90)
    off = Instance("alpha", "u", "web", S.SHUTOFF)
    late = Situation(Start(WEB), "web", T + 90 + VERIFY, progress, off)
    decision = decide(late)
    assert isinstance(decision, Ask)
    assert "Send it again?" in decision.question.text


@pytest.mark.parametrize(
    ("request_", "call"), [(Start(WEB), CreateCall()), (Restore(WEB), RestoreCall())]
)
def test_one_whose_memory_is_being_read_is_neither_started_nor_asked_about(
    request_: Request, call: Call
) -> None:
    progress = adopted(Progress((Sent(call, T),)), T + 5)
    reads = Instance("alpha", "u", "web", S.PAUSED, "starting up", id=7, managed_save=True)
    asked = Situation(request_, "web", T + 5, progress, reads)
    for late in (0, VERIFY, 100 * VERIFY):
        assert isinstance(decide(replace(asked, now=T + 5 + late)), GoOn)
    runs = Instance("alpha", "u", "web", S.RUNNING, id=7)
    end = decide(replace(asked, subject=runs))
    assert isinstance(end, End)
    assert end.status is OperationStatus.DONE


def test_a_memory_dump_whose_guest_libvirt_does_not_call_paused_for_it_is_waited_for() -> None:
    """libvirt 9.0 says "paused (unknown)" of one whose guest was to run on."""
    request = CoreDump(WEB, "/var/crash/web", live=True)
    sent = Sent(CoreDumpCall("/var/crash/web", "elf", live=True), T)
    still = Instance("alpha", "u", "web", S.PAUSED, "unknown", id=7)
    dumped = Situation(request, "web", T + 5, adopted(Progress((sent,)), T + 5), still)
    assert isinstance(decide(replace(dumped, job_runs=True)), GoOn)
    assert isinstance(decide(dumped), Ask)


def test_a_save_of_a_dead_console_is_aborted_where_the_operator_cancels_it() -> None:
    progress = adopted(Progress((Sent(SaveCall(), T),)), T + 5)
    saves = Instance("alpha", "u", "web", S.PAUSED, "saving", id=7)
    left = Situation(Save(WEB), "web", T + 6, progress, saves)
    assert isinstance(next_action(VERBS["save"], left), Wait)
    unwanted = replace(left, cancelled="cancelled by the operator")
    abort = next_action(VERBS["save"], unwanted)
    assert isinstance(abort, Send)
    assert abort.call == AbortJobCall()
    sent = (*progress.sent, Sent(AbortJobCall(), T + 6, T + 7))
    aborted = replace(unwanted, progress=msgspec.structs.replace(progress, sent=sent))
    assert isinstance(next_action(VERBS["save"], aborted), Wait), "it is still being saved"
    runs = replace(aborted, subject=Instance("alpha", "u", "web", S.RUNNING, id=7))
    end = next_action(VERBS["save"], runs)
    assert isinstance(end, End)
    assert end.status is OperationStatus.CANCELLED


@pytest.mark.parametrize(
    ("reason", "type_", "status"),
    [
        ("restored", "kvm", OperationStatus.DONE),
        ("booted", "kvm", OperationStatus.FAILED),
        ("booted", "test", OperationStatus.DONE),
    ],
)
def test_what_libvirt_booted_was_not_restored(
    reason: str, type_: str, status: OperationStatus
) -> None:
    progress = Progress((Sent(RestoreCall(), T, T + 1),))
    runs = Instance("alpha", "u", "web", S.RUNNING, reason, id=7, type=type_)
    end = next_action(VERBS["restore"], Situation(Restore(WEB), "web", T + 2, progress, runs))
    assert isinstance(end, End)
    assert end.status is status


@pytest.mark.parametrize("request_", [Stop(WEB), SetTitle(WEB, "new")])
def test_consoles_that_end_soon_do_not_have_the_wait_begin_anew(request_: Request) -> None:
    verb = VERBS[request_.verb]
    runs = Instance("alpha", "u", "web", S.RUNNING, id=7, type="qemu", described=True)
    fresh = Situation(request_, "web", T, Progress(before_id=7), runs)
    assert verb.decide is not None
    call = verb.decide(fresh)
    assert isinstance(call, Send)
    progress = Progress((Sent(call.call, T),), before_id=7)
    for at in range(10, 60, 10):
        progress = adopted(progress, T + at)
        decision = decide(replace(fresh, now=T + at, progress=progress))
        if at < 10 + VERIFY:
            assert isinstance(decision, GoOn)
        else:
            assert isinstance(decision, Ask)


def test_a_call_of_the_console_that_took_over_has_the_whole_time() -> None:
    progress = adopted(Progress((Sent(DestroyCall(), T),)), T + 10)
    again = msgspec.structs.replace(progress, sent=(Sent(DestroyCall(), T + 20),))
    assert adopted(progress, T + 90).first_adopted == T + 10
    assert adopted(again, T + 90).first_adopted == T + 90


def interrupted(*answers: str, ended: float | None = None) -> Situation:
    """A reset of a running instance whose console ended as it was sent."""
    progress = Progress((Sent(ResetCall(), T, ended),), 7, gap=True, adopted=T + 90)
    runs = Instance("alpha", "u", "web", S.RUNNING, id=7, type="qemu")
    asked = Situation(Reset(WEB), "web", T + 90 + VERIFY, progress, runs)
    for word in answers:
        action = next_action(VERBS["reset"], asked)
        assert isinstance(action, Ask)
        answer = Answered(action.question.key, word, "ann@desk")
        asked = replace(asked, progress=msgspec.structs.replace(progress, answers=(answer,)))
    return asked


def test_what_may_have_been_sent_is_sent_again_only_when_the_operator_says_so() -> None:
    action = next_action(VERBS["reset"], interrupted())
    assert isinstance(action, Ask)
    assert [choice.word for choice in action.question.choices] == ["again", "leave"]
    again = next_action(VERBS["reset"], interrupted("again"))
    assert isinstance(again, Send)
    assert (again.call, again.instead) == (ResetCall(), True)
    left = next_action(VERBS["reset"], interrupted("leave"))
    assert isinstance(left, End)
    assert left.status is OperationStatus.UNKNOWN
    assert "left as it is, as ann@desk said" in left.outcome


def test_one_that_was_answered_asks_nothing() -> None:
    assert isinstance(next_action(VERBS["reset"], interrupted(ended=T + 1)), End)


def test_an_answer_is_for_one_question_alone() -> None:
    asked = interrupted("again")
    sent_again = msgspec.structs.replace(asked.progress, sent=(Sent(ResetCall(), T + 120),))
    later = msgspec.structs.replace(sent_again, adopted=T + 200)
    action = next_action(VERBS["reset"], replace(asked, now=T + 300, progress=later))
    assert isinstance(action, Ask), "its console ended as well: it is asked anew"


def test_what_the_state_shows_is_not_asked() -> None:
    gone = replace(interrupted(), subject=Instance("alpha", "u", "web", S.RUNNING, id=8))
    action = next_action(VERBS["reset"], gone)
    assert isinstance(action, End)
    assert action.status is OperationStatus.DONE


def record(verb: str, **options: Any) -> OperationRecord:
    return OperationRecord("0-1", verb, "alpha", WEB, "web", "a@b", 0.0, options=options)


def test_what_was_only_queued_is_cancelled() -> None:
    end = never_sent(record("stop"))
    assert end.status is OperationStatus.CANCELLED
    assert "Nothing was touched" in end.outcome


def test_a_request_is_rebuilt_from_its_record() -> None:
    rebuilt = request_of(record("shutdown", timeout=25.0, then_stop=True))
    assert rebuilt == Shutdown(WEB, 25.0, True)
    assert request_of(record("start")) == Start(WEB)
    assert request_of(record("levitate")) is None
    assert request_of(record("shutdown", timeout="soon")) is None


def test_progress_is_read_back_or_refused() -> None:
    progress = Progress((Sent(ResetCall(), T, T + 1, "no", "cure", False),), 7, True, 5.0)
    verb = VERBS["reset"]
    assert progress_of(verb, progress_json(progress)) == progress
    assert progress_of(verb, "") == Progress()
    assert progress_of(verb, '{"sent": [{"call": "levitate", "at": 1}]}') is None
    assert progress_of(verb, '{"sent": [{"call": {"call": "destroy"}, "at": 1}]}') is None
    assert progress_of(verb, '{"sent": [{"at": 1}]}') is None
    assert progress_of(verb, "[") is None


@pytest.mark.parametrize(
    ("verb", "word", "call"),
    [
        ("shutdown", "shutdown-agent", ShutdownCall("agent")),
        ("shutdown", "destroy", DestroyCall()),
        ("reboot", "reboot-acpi", RebootCall("acpi")),
        ("start", "create", CreateCall()),
    ],
)
def test_the_calls_of_an_older_journal_are_known(verb: str, word: str, call: Call) -> None:
    kept = progress_of(
        VERBS[verb], f'{{"sent":[{{"call":"{word}","at":1.0,"ended":2.0}}],"before_id":3}}'
    )
    assert kept == Progress((Sent(call, 1.0, 2.0),), before_id=3)


def test_the_migration_of_an_older_journal_is_known() -> None:
    row = Migration("m1", "alpha", "u", "web", to="beta")
    older = msgspec.json.encode({"migration": row, "gap": True}).decode()
    assert progress_of(VERBS["migrate"], older) == Progress(gap=True, workflow=row)


@pytest.mark.parametrize(
    ("request_", "before"),
    [(HardReboot(WEB), ()), (Reboot(WEB, then_hard=True), (Sent(RebootCall("acpi"), T - 1, T),))],
)
def test_what_was_cut_off_before_its_start_is_started_when_the_operator_says_so(
    request_: Request, before: tuple[Sent, ...]
) -> None:
    progress = Progress((*before, Sent(DestroyCall(), T, T + 0.1)), before_id=7)
    instance = Instance("alpha", "u", "web", S.SHUTOFF, type="qemu")
    situation = Situation(request_, "web", T + 5, adopted(progress, T + 5), instance)
    decision = decide(situation)
    assert isinstance(decision, Ask)
    assert "starting web" in decision.question.text
    answered = Answered(decision.question.key, "go-on", "ann@desk")
    told = replace(
        situation, progress=msgspec.structs.replace(situation.progress, answers=(answered,))
    )
    action = next_action(verb_of(request_), told)
    assert isinstance(action, Send)
    assert action.call == CreateCall()
