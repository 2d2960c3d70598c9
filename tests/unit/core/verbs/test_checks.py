"""Whether a request makes sense: every verb in every state, and what to do instead."""

from __future__ import annotations

import dataclasses
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.model import (
    BlockJob,
    BlockJobState,
    Host,
    Instance,
    InstanceRun,
    InstanceState,
    Job,
    Link,
    LinkStatus,
    ObjectKey,
    OperationRecord,
    OperationStatus,
    Request,
    State,
)
from core.verbs import checks
from core.verbs.danger import danger
from core.verbs.migration.requests import Drain
from core.verbs.power.requests import Reboot, Reset, Resume, Shutdown, Start, Stop
from core.verbs.wording import summary
from tests.verbs import POWER_VERBS, check

WEB = ObjectKey("instance", "alpha", "u-web")
UP = Link(status=LinkStatus.UP)
S = InstanceState

ALLOWED: dict[str, set[InstanceState]] = {
    "start": {S.SHUTOFF},
    "shutdown": {S.RUNNING},
    "reboot": {S.RUNNING},
    "stop": {S.RUNNING, S.PAUSED, S.SUSPENDED, S.CRASHED, S.SHUTTING_DOWN, S.UNKNOWN},
    "hard-reboot": set(S) - {S.SHUTOFF, S.UNKNOWN},
    "reset": {S.RUNNING, S.PAUSED, S.CRASHED},
    "pause": {S.RUNNING},
    "resume": {S.PAUSED, S.SUSPENDED},
}


def state(
    instance: Instance | None = None, *, link: Link = UP, jobs: Any = (), operations: Any = ()
) -> State:
    instances = {} if instance is None else {instance.key: instance}
    return State(
        hosts=MappingProxyType({"alpha": Host("alpha", "test:///default", link=link)}),
        instances=MappingProxyType(instances),
        jobs=MappingProxyType({job.key: job for job in jobs}),
        operations=MappingProxyType({record.id: record for record in operations}),
    )


def web(where: InstanceState = S.RUNNING, **more: Any) -> Instance:
    return Instance("alpha", "u-web", "web", where, **more)


def running(verb: str, status: OperationStatus = OperationStatus.VERIFYING) -> OperationRecord:
    return OperationRecord("0-1", verb, "alpha", WEB, "web", "ann@desk", 0.0, status)


@pytest.mark.parametrize("where", list(S))
@pytest.mark.parametrize("verb", list(POWER_VERBS))
def test_a_verb_is_accepted_in_the_states_it_makes_sense_in(verb: str, where: S) -> None:
    reasons = check(state(web(where)), POWER_VERBS[verb](WEB))
    assert bool(reasons) == (where not in ALLOWED[verb])
    for reason in reasons:
        assert "web" in reason
        assert reason.endswith(".")
        assert "{" not in reason


def test_what_is_to_be_shut_down_need_not_be_started_for_it() -> None:
    (refusal,) = check(state(web(S.SHUTOFF)), Shutdown(WEB))
    assert str(refusal) == "web is already shut off: start starts it."


def test_the_reason_says_what_to_do_instead() -> None:
    assert check(state(web(S.PAUSED)), Shutdown(WEB)) == (
        "web is paused, its guest cannot answer: resume it first, or stop it.",
    )
    assert check(state(web()), Start(WEB)) == ("web is already running: reboot restarts it.",)


def test_a_host_that_is_down_is_named_with_its_cause_and_cure() -> None:
    link = Link(status=LinkStatus.DOWN, error="connection refused.", hint="Start its libvirtd.")
    assert check(state(web(S.SHUTOFF), link=link), Start(WEB)) == (
        "alpha is not reachable (connection refused): start its libvirtd.",
    )


def test_every_reason_is_given_not_only_the_first() -> None:
    link = Link(status=LinkStatus.DOWN, read_only=True)
    reasons = check(state(web(), link=link, operations=[running("pause")]), Start(WEB))
    assert len(reasons) == 4
    assert "read-only" in reasons[0]


def test_an_unknown_host_and_an_unknown_instance() -> None:
    assert "no host beta" in check(state(), Start(ObjectKey("instance", "beta", "x")))[0]
    assert "no such instance" in check(state(), Start(WEB))[0]


@pytest.mark.parametrize("timeout", [0.0, -1.0, float("nan"), float("inf"), 1e9])
def test_a_senseless_timeout_is_refused(timeout: float) -> None:
    assert "timeout" in check(state(web()), Shutdown(WEB, timeout=timeout))[0]
    assert "timeout" in check(state(web()), Reboot(WEB, timeout=timeout))[0]


@pytest.mark.parametrize("kind", ["migration", "save", "dump", "snapshot"])
def test_a_job_that_holds_the_instance_blocks_all_but_the_power_cut(kind: str) -> None:
    busy = state(web(), jobs=[Job("alpha", "u-web", kind, 0.0)])
    for verb, where in (("shutdown", S.RUNNING), ("pause", S.RUNNING), ("reset", S.RUNNING)):
        assert where in ALLOWED[verb]
        assert check(busy, POWER_VERBS[verb](WEB))
    assert check(busy, Stop(WEB)) == ()
    assert f"Its {kind} fails." in danger(busy, Stop(WEB)).text


def test_a_block_job_blocks_no_power_verb_and_fails_with_the_power() -> None:
    jobs = (
        BlockJob("vda", "commit", BlockJobState.RUNNING, 1.0, 1.0),
        BlockJob("vdb", "pull", BlockJobState.COMPLETED, 1.0, 1.0),
    )
    busy = dataclasses.replace(state(web()), runs={WEB: InstanceRun(jobs)})
    assert check(busy, Reset(WEB)) == ()
    assert "Its commit of vda fails." in danger(busy, Stop(WEB)).text


def test_paused_by_libvirt_itself_is_not_ours_to_resume() -> None:
    assert "post-copy" in check(state(web(S.PAUSED, reason="post-copy")), Resume(WEB))[0]
    assert check(state(web(S.PAUSED, reason="user")), Resume(WEB)) == ()


@pytest.mark.parametrize("other", list(POWER_VERBS))
def test_one_operation_at_a_time_but_the_power_can_always_be_cut(other: str) -> None:
    for verb, kind in POWER_VERBS.items():
        where = min(ALLOWED[verb])
        reasons = check(state(web(where), operations=[running(other)]), kind(WEB))
        overrides = {"stop": {"stop"}, "hard-reboot": {"stop", "hard-reboot"}}
        passes = verb in overrides and other not in overrides[verb]
        assert bool(reasons) != passes
        assert passes or "ann@desk" in reasons[0]


def test_an_operation_that_is_over_blocks_nothing() -> None:
    over = running("pause", OperationStatus.FAILED)
    assert check(state(web(), operations=[over]), Reset(WEB)) == ()
    itself = running("reset", OperationStatus.QUEUED)
    assert check(state(web(), operations=[itself]), Reset(WEB), but=itself.id) == ()


def test_a_summary_counts_and_names_what_did_not_go_well() -> None:
    records = [
        OperationRecord(str(i), "start", "alpha", WEB, f"vm{i}", "a@b", 0.0, OperationStatus.DONE)
        for i in range(13)
    ]
    bad = running("start", OperationStatus.FAILED)
    records.append(OperationRecord(**{**_fields(bad), "outcome": "no such disk."}))
    assert summary(records) == "13 done, 1 failed: web (no such disk)"
    assert summary([]) == "nothing to do"


def _fields(record: OperationRecord) -> dict[str, Any]:
    return {name: getattr(record, name) for name in record.__struct_fields__}


@given(
    count=st.integers(0, 40),
    statuses=st.lists(st.sampled_from(list(OperationStatus)), max_size=40),
)
def test_a_summary_counts_each_once(count: int, statuses: list[OperationStatus]) -> None:
    records = [running("stop", status) for status in statuses]
    text = summary(records)
    for status in OperationStatus:
        expected = sum(1 for each in statuses if each is status)
        assert (f"{expected} {status.value}" in text) == (expected > 0)


@given(
    verb=st.sampled_from(list(POWER_VERBS)),
    where=st.sampled_from(list(S)),
    persistent=st.booleans(),
    link=st.sampled_from(list(LinkStatus)),
)
def test_a_check_never_fails_and_speaks_in_sentences(
    verb: str, where: S, persistent: bool, link: LinkStatus
) -> None:
    picture = state(web(where, persistent=persistent), link=Link(status=link))
    request: Request = POWER_VERBS[verb](WEB)
    for reason in check(picture, request):
        assert reason[0].isupper() or reason.startswith(("web", "alpha"))
        assert reason.endswith(".")
    assert "{" not in danger(picture, request).text


def test_a_drain_beside_another_names_the_cure() -> None:
    hosts = {name: Host(name, "test:///default", link=UP) for name in ("alpha", "beta")}
    keys = {name: ObjectKey("host", name, name) for name in hosts}

    def cures(drained: str) -> list[str]:
        record = OperationRecord("d", "drain", drained, keys[drained], drained, "bob", 1.0)
        picture = State(
            hosts=MappingProxyType(hosts), operations=MappingProxyType({record.id: record})
        )
        return [reason.cure for reason in checks.check(picture, Drain(keys["alpha"], to=("beta",)))]

    assert cures("alpha") == ["wait for it, or cancel it: `virtdeck operations cancel d`"]
    assert cures("beta") == ["name another, or cancel that drain"]
