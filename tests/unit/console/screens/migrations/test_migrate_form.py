"""The Migrate dialog's form and what it says of findings: pure."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from console.screens.migrations.migrate_findings import (
    Assessment,
    can_start,
    command_lines,
    finding_lines,
    heading,
    overridable,
    prospect_lines,
    sum_line,
)
from console.screens.migrations.migrate_form import (
    FIELDS,
    MigrateAnswers,
    destinations,
    fields,
    read,
)
from console.screens.table_text import plain
from core.model import (
    Finding,
    Forecast,
    Host,
    HostFacts,
    Instance,
    InstanceState,
    Level,
    Link,
    LinkStatus,
    ObjectKey,
    Preflight,
    State,
)
from core.verbs.migration.requests import Migrate

WEB, DB = (ObjectKey("instance", host, name) for host, name in (("alpha", "web"), ("beta", "db")))
DEFAULTS = {
    field.id: field.default or (field.choices[0][0] if field.choices else "") for field in FIELDS
}
CPU = Finding("cpu", Level.BLOCKER, "beta lacks avx2.", "Choose a baseline.")
THERE = Finding("there", Level.BLOCKER, "It is there already.", fixed=True)
CLOCK = Finding("clock", Level.UNKNOWN, "Not seen.")
FINE = Finding("memory", Level.OK, "There is enough.")


def values(**more: str) -> dict[str, str]:
    return {**DEFAULTS, "to": "beta", **more}


def instance(name: str, host: str, state: InstanceState = InstanceState.RUNNING) -> Instance:
    return Instance(host=host, uuid=name, name=name, state=state, vcpus=2, memory=2**30)


def host(name: str, free: int | None, status: LinkStatus = LinkStatus.UP) -> Host:
    facts = HostFacts(memory=8 * 2**30, memory_free=free, cpus=4)
    return Host(name=name, uri="qemu:///system", link=Link(status=status), facts=facts)


def assessed(*findings: Finding, name: str = "web", **more: Any) -> Assessment:
    return Assessment(name, Preflight(at=1.0, findings=findings, virsh="virsh migrate", **more))


# -- the form --------------------------------------------------------------------------------


def test_as_it_is_proposed_it_is_the_default_request() -> None:
    assert read(values(), [WEB], []) == MigrateAnswers((Migrate(subject=WEB, to="beta"),))


@pytest.mark.parametrize(
    ("field", "text", "wanted"),
    [
        ("max_downtime", " 300 ", 300),
        ("bandwidth", "0", 0),
        ("bandwidth", "", None),
        ("auto_converge", "yes", True),
        ("auto_converge", "no", False),
        ("auto_converge", "as needed", None),
        ("compression", "xbzrle, mt", ("xbzrle", "mt")),
        ("tls", "yes", True),
        ("persist", "no", False),
        ("completion_timeout", "", 800.0),
        ("completion_timeout", "0", 0.0),
        ("migrate_uri", "tcp://b:49152", "tcp://b:49152"),
        ("timeout_action", "force-complete", "force-complete"),
    ],
)
def test_a_field_becomes_its_value(field: str, text: str, wanted: object) -> None:
    (request,) = read(values(**{field: text}), [WEB], ["cpu"]).requests
    assert getattr(request, field) == wanted
    assert request.overrides == ("cpu",)


def test_everything_wrong_is_told_at_once() -> None:
    reading = read(values(max_downtime="0", parallel="many", compression="gzip"), [WEB], [])
    assert reading.requests == ()
    assert len(reading.wrong) == 3
    assert all(sentence.endswith(".") for sentence in reading.wrong)


@given(
    st.fixed_dictionaries({field.id: st.text(max_size=12) for field in FIELDS if not field.choices})
)
def test_whatever_is_typed_is_a_request_or_a_sentence(typed: dict[str, str]) -> None:
    reading = read(values(**{**typed, "to": "beta"}), [WEB], [])
    assert reading.wrong or reading.requests


def test_contradictions_are_told_like_bad_values() -> None:
    reading = read(values(post_copy="allow", auto_converge="yes"), [WEB], [])
    assert reading.wrong == ("Post-copy excludes auto-converge: choose one of them.",)


def test_who_is_there_already_is_left_out() -> None:
    reading = read(values(), [WEB, DB], [])
    assert [request.subject for request in reading.requests] == [WEB]
    assert reading.left_out == 1
    assert read(values(), [DB], []).wrong == ("All of it is on beta already.",)
    assert "no other host" in read(values(to=""), [WEB], []).wrong[0]


def test_only_hosts_that_can_be_reached_are_offered_the_roomiest_first() -> None:
    hosts = [host("alpha", 2**32), host("beta", 2**30), host("gamma", 2**31),
             host("down", 2**40, LinkStatus.DOWN), host("silent", None)]  # fmt: skip
    state = State(hosts={item.name: item for item in hosts}, instances={DB: instance("db", "beta")})
    offered = destinations(state, ["alpha"])
    assert [name for name, _ in offered] == ["gamma", "beta", "silent"]
    assert dict(offered)["beta"] == "1.0G of 8.0G free, 4 CPUs, 2 given"
    assert destinations(state, ["alpha", "beta"])[0][0] == "alpha"


def test_what_is_off_is_proposed_offline_and_many_have_no_new_name() -> None:
    off = instance("web", "alpha", InstanceState.SHUTOFF)
    on = instance("db", "beta")
    assert {field.id: field for field in fields([off], State())}["offline"].default == "yes"
    assert {field.id: field for field in fields([on], State())}["offline"].default == "no"
    many = {field.id: field for field in fields([on, off], State())}
    assert many["offline"].default == "no"
    assert "destination_name" not in many


@pytest.mark.parametrize(
    ("version", "offered"),
    [
        ("9.0.0", set()),
        ("10.9.0", {"detect_zeroes"}),
        ("11.3.0", {"detect_zeroes", "switchover_bandwidth"}),
        ("", {"detect_zeroes", "switchover_bandwidth"}),
    ],
)
def test_what_the_source_cannot_do_is_not_offered(version: str, offered: set[str]) -> None:
    alpha = host("alpha", None)
    state = State(hosts={"alpha": replace(alpha, facts=HostFacts(libvirt_version=version))})
    names = {field.id for field in fields([instance("web", "alpha")], state)}
    assert names & {"detect_zeroes", "switchover_bandwidth"} == offered


# -- the findings ----------------------------------------------------------------------------


def test_nothing_starts_before_it_was_looked_at() -> None:
    assert not can_start([], [])
    assert not can_start([Assessment("web", None, ("beta does not answer.",))], [])
    assert not can_start([assessed(FINE), Assessment("db", None)], [])
    assert can_start([assessed(FINE, CLOCK)], [])


@pytest.mark.parametrize("overrides", [(), ("cpu",), ("there",), ("cpu", "there")])
def test_a_blocker_counts_until_it_is_overridden_and_a_fixed_one_always(
    overrides: tuple[str, ...],
) -> None:
    assert can_start([assessed(CPU, FINE)], overrides) == ("cpu" in overrides)
    assert not can_start([assessed(CPU, THERE)], overrides)
    open_ = overridable([assessed(CPU, THERE)], overrides)
    assert open_ == (() if "cpu" in overrides else ("cpu",))


def test_what_the_core_refuses_no_override_helps() -> None:
    refused = Assessment("web", Preflight(at=1.0, findings=(FINE,)), ("web is shut off.",))
    assert not can_start([refused], ["cpu"])
    assert "web is shut off." in "\n".join(map(plain, finding_lines([refused], [])))


@pytest.mark.parametrize(
    ("assessments", "overrides", "text"),
    [
        ([assessed(CPU, CLOCK, FINE)], (), "1 blocker, 1 unknown, 1 ok"),
        ([assessed(CPU, THERE, FINE)], ("cpu", "there"), "1 blocker, 1 ok, 1 overridden"),
        ([Assessment("web", None, ("Gone.",))], (), "1 blocker"),
        ([assessed()], (), "nothing was found"),
        (
            [assessed(CPU), assessed(CPU, name="db"), assessed(FINE, name="mail")], (),
            "1 of 3 can start, blocked: web and db; 2 blockers, 1 ok",
        ),
    ],
)  # fmt: skip
def test_the_sum_says_what_is_in_the_way(
    assessments: list[Assessment], overrides: tuple[str, ...], text: str
) -> None:
    assert plain(sum_line(assessments, overrides)) == text


def test_what_several_have_is_said_once_with_their_names() -> None:
    lines = [plain(line) for line in finding_lines(
        [assessed(CPU, CLOCK), assessed(CPU, name="db"), assessed(FINE, name="mail")], ["cpu"]
    )]  # fmt: skip
    assert lines == [
        "overridden cpu  beta lacks avx2. (web and db)",
        "    Choose a baseline.",
        "unknown clock  Not seen. (web)",
        "ok  memory",
    ]


def test_the_prospect_names_whom_it_is_of_where_there_are_several() -> None:
    slow = Forecast(at=1.0, sentence="converges in 9 s")
    one = [plain(line) for line in prospect_lines([assessed(forecast=slow)])]
    assert one == ["converges in 9 s"]
    two = [assessed(forecast=slow), assessed(name="db")]
    assert [plain(line) for line in prospect_lines(two)] == ["web: converges in 9 s"]
    assert [plain(line) for line in command_lines(two)] == ["virsh migrate", "  and 1 more alike"]


def test_the_heading_counts_what_the_filter_hides() -> None:
    (one,) = heading([instance("web", "alpha")], 0)
    assert plain(one) == "Migrate web from alpha  running, 1.0G"
    (two,) = heading([instance("web", "alpha"), instance("db", "beta")], 1)
    assert "2 instances from alpha and beta" in plain(two)
    assert "1 of them hidden by the filter" in plain(two)
