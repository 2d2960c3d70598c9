"""Why an instance is slow, and what its agent tells, as lines of its page."""

from __future__ import annotations

from dataclasses import replace

import pytest

from console.screens.instances.agent import agent_lines
from console.screens.instances.diagnosing import diagnosis_lines
from console.screens.table_text import as_cells, plain
from console.screens.view import View
from core.model import (
    Address,
    AgentState,
    Instance,
    InstanceDetail,
    InstanceState,
    OperationRecord,
    OperationStatus,
    State,
)
from core.model.diagnostics import DiskLimits, InstanceLimits, IoThread
from core.model.guest import GuestFileSystem, GuestInfo
from core.model.operation import Countdown
from core.state.diagnosis import diagnosis
from tests.unit.console.screens.instances.test_instance_guest import view
from tests.unit.core.state.test_slowness import MIB, T, disk, sample, vcpus

WEB = Instance("alpha", "u-web", "web", InstanceState.RUNNING, agent=AgentState.CONNECTED)


def words(lines: list[object]) -> list[str]:
    return [" ".join(plain(line).split()) for line in lines]  # type: ignore[arg-type]


def test_the_gravest_reason_stands_first_and_every_figure_below() -> None:
    now = sample(
        T + 2,
        vcpus=vcpus(50, 40, delay=30.0),
        disks=(disk(T + 2),),
        limits=InstanceLimits((DiskLimits("vda", write_bytes=MIB),)),
        iothreads=(IoThread(1, 32768, 2, 0),),
        perf=(("cmt", 42),),
    )
    lines = diagnosis_lines(view(), WEB, diagnosis(sample(), now))
    shown = words(list(lines))
    assert shown[0] == "Why is it slow"
    assert "stood in the run queue of alpha for 30 % of the time" in shown[1]
    assert as_cells(lines[1])[0].role == "error"
    assert "vda writes 1.0 MiB/s: it is held to" in shown[2]
    for line in (
        "vCPU 0 running 50.0% 0.0% 30.0% - 1.0s",
        "vda 1.0M/s 1.0M/s 10 10 1 ms 1 ms -",
        "vda held to 1.0M/s (write)",
        "vnet0 0B/s 0B/s 0 0 0",
        "thread 1 33 us 2 0",
        "cmt 42",
        "writes not measured: ^r measures it",
    ):
        assert line in shown, shown
    assert "writes 5.0 MiB/s" in words(list(
        diagnosis_lines(view(), WEB, diagnosis(sample(), now), "5.0 MiB/s")
    ))  # fmt: skip
    assert max(len(plain(line)) for line in lines[8:]) <= 80


def agent_of(row: Instance, detail: InstanceDetail | None, here: View | None = None) -> list[str]:
    return words(list(agent_lines(here or view(), row, detail)))


@pytest.mark.parametrize(("agent", "why"), [
    (AgentState.NONE, "It has no channel for one"),
    (AgentState.DISCONNECTED, "Nothing answers on its channel"),
    (AgentState.UNKNOWN, "is not known"),
])  # fmt: skip
def test_where_no_agent_answers_the_cure_is_told(agent: AgentState, why: str) -> None:
    row = Instance("alpha", "u-web", "web", InstanceState.RUNNING, agent=agent)
    assert why in " ".join(agent_of(row, None))


def test_what_it_tells_is_shown_with_its_addresses_and_what_was_asked_of_it() -> None:
    told = GuestInfo("Debian 12", file_systems=(GuestFileSystem("/srv", "ext4", (), 100, 50),))
    detail = InstanceDetail(
        host="alpha", uuid="u-web", at=T, guest=told,
        addresses=(Address("eth0", "52:54:00:00:00:01", "10.0.0.2/24", "agent"),
                   Address("vnet0", "52:54:00:00:00:01", "10.0.0.9", "arp")),
    )  # fmt: skip
    frozen = OperationRecord(
        "1", "freeze", "alpha", WEB.key, "web", "ann@desk", T, doing="frozen",
        status=OperationStatus.RUNNING,
        countdown=Countdown(T, view().now() + 30, "they are thawed", asked=0),
    )  # fmt: skip
    ran = OperationRecord(
        "2", "exec", "alpha", WEB.key, "web", "ann@desk", T, doing="running a command",
        status=OperationStatus.DONE, outcome="ls in web ended with exit status 0",
    )  # fmt: skip
    here = replace(view(), state=State(operations={"1": frozen, "2": ran}))
    shown = agent_of(WEB, detail, here)
    assert "file systems frozen: they are thawed in 30 s" in shown
    assert "system Debian 12" in shown
    assert "eth0 10.0.0.2/24 52:54:00:00:00:01" in shown
    assert not any("10.0.0.9" in line for line in shown)
    assert any("exec: ls in web ended with exit status 0" in line for line in shown)
    assert any("/srv" in line and "50%" in line for line in shown)


def test_one_that_did_not_answer_is_told_so() -> None:
    note = "The guest's agent was not asked: it did not answer the last time."
    detail = InstanceDetail(host="alpha", uuid="u-web", at=T, notes=(note, "Something else."))
    shown = agent_of(WEB, detail)
    assert shown[-2:] == ["It has not answered.", note]
    assert agent_of(WEB, None)[-1] == "It has not answered yet."
