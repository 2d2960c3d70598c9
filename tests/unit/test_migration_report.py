"""The report of a migration in its three forms."""

from __future__ import annotations

import json
from datetime import timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.migration.report import (
    as_markdown,
    as_text,
    as_value,
    downtime_of,
    report,
    within_limit,
)
from core.migration.report_words import (
    bandwidth_words,
    bytes_words,
    seconds_words,
    sentences,
    steer_words,
)
from core.model import Answer, Limits, Migration, MigrationResult, MigrationStatus, SteerKind
from tests.unit.migration_builders import MIB, START, completed, migration, record, sawtooth

ZONE = timezone(timedelta(hours=2), "CEST")


def text(row: Migration) -> str:
    return as_text(report(row, sawtooth(), ZONE))


def test_it_says_when_how_long_what_was_decided_and_what_was_verified():
    said = text(completed())
    for words in (
        "Migration of web from alpha to beta",
        "Completed. web runs on beta.",
        "2023-11-15 00:13:20 CEST",
        "41.5 s",
        "280 ms, within the limit",
        "300 ms in force, the policy might go to 500 ms",
        "900.0 MiB",
        "60.0 MiB/s on average",
        "policy adaptive: max-downtime 450 ms, done: the last pass left more than 300 ms can take",
        "ok: web is running on beta.",
        "NO: web is off, and still defined, on alpha.",
        "not seen: Whether",
        "virsh migrate web qemu+ssh://beta/system",
        "It runs on beta.",
    ):
        assert words in said, words


def test_each_iteration_has_when_it_began_and_what_was_left():
    said = text(completed())
    assert "1       00:13:20  280.0 MiB left then" in said
    assert "2       00:13:24  184.0 MiB left then" in said


def test_only_the_last_of_very_many_iterations_are_listed():
    row = completed(iterations=tuple(START + number / 10 for number in range(200)), result=None)
    said = text(row)
    assert "  number  200\n" in said
    assert "\n  200 " in said
    assert "\n  180 " not in said


def test_what_is_not_known_is_a_dash_and_not_nought():
    row = migration(started=None, memory=0, limits=Limits(), virsh="")
    said = as_text(report(row))
    assert "took     -" in said
    assert "stood still   -" in said
    assert "The same as a command" not in said
    assert "Verification" not in said
    value = as_value(row)
    assert value["downtime"]["measured"] is None
    assert value["times"]["took"] is None


@pytest.mark.parametrize(
    ("measured", "seen", "limit", "policy", "within"),
    [
        (280.0, 290.0, 300.0, 500.0, True),
        (480.0, 490.0, 300.0, 500.0, True),
        (600.0, None, 300.0, 500.0, False),
        (350.0, None, 300.0, None, False),
        (None, 40.0, 300.0, None, True),
        (None, None, 300.0, None, None),
        (280.0, None, None, None, None),
    ],
)
def test_the_downtime_is_held_against_how_far_the_policy_might_go(
    measured: float | None, seen: float | None, limit: float | None, policy: float | None,
    within: bool | None,
):  # fmt: skip
    row = completed(
        result=MigrationResult(downtime=measured, downtime_seen=seen),
        limits=Limits(max_downtime=limit),
        downtime_limit=policy,
    )
    assert within_limit(row) is within
    said = text(row)
    assert (", within the limit" in said) is (within is True)
    assert (", over the limit" in said) is (within is False)


def test_after_post_copy_the_downtime_is_the_one_between_the_events():
    row = completed(result=MigrationResult(downtime_seen=35.0, post_copy=4.0))
    assert downtime_of(row) == 35.0
    assert "in post-copy" in text(row)


@pytest.mark.parametrize("resumable", [True, False])
def test_a_failed_post_copy_says_whether_it_can_be_resumed(resumable: bool):
    row = migration(
        status=MigrationStatus.POST_COPY_FAILED, resumable=resumable, outcome="It broke."
    )
    said = text(row)
    assert "Post-copy failed. It broke." in said
    assert ("It can be resumed." in said) is resumable


def test_the_json_is_plain_and_keeps_its_keys():
    value = as_value(completed(), sawtooth())
    assert json.loads(json.dumps(value)) == value
    assert set(value) == {
        "id", "name", "uuid", "from", "to", "uri", "status", "outcome", "hint", "policy",
        "author", "foreign", "resumable", "times", "downtime", "limits", "result", "memory",
        "copied_disks", "post_copy", "auto_converge", "iterations", "steering", "checks",
        "timeline", "virsh",
    }  # fmt: skip
    assert value["downtime"] == {
        "measured": 280.0, "between_events": 295.0, "limit": 300.0, "policy_limit": 500.0,
        "within_limit": True,
    }  # fmt: skip
    assert value["iterations"][1] == {"began": START + 4, "remaining": 184 * MIB}
    assert value["steering"][0]["steer"]["reason"].startswith("the last pass")


def test_the_markdown_has_a_table_per_section_and_guests_cannot_write_in_it():
    row = completed(name="web|<b>*x*", outcome="# not a title")
    said = as_markdown(report(row, (), ZONE))
    assert said.startswith("# Migration of web\\|\\<b\\>\\*x\\* from alpha to beta\n")
    assert "\\# not a title" in said
    assert said.count("| --- | --- |") == said.count("## ")
    for line in said.splitlines():
        if line.startswith("|"):
            assert line.replace("\\|", "").count("|") == 3, line


def test_nobody_did_anything():
    assert "Nothing: the policy adaptive had no cause, and nobody asked." in text(
        completed(steering=())
    )


def test_a_refused_command_keeps_its_reason():
    refused = record(SteerKind.ABORT, answer=Answer.REFUSED, detail="It has no job.", by="ann")
    assert steer_words(refused).endswith("It has no job.")
    assert ", refused: " in steer_words(refused)


@given(st.text(max_size=30), st.text(max_size=30))
def test_no_text_of_a_guest_reaches_a_terminal_as_a_command(name: str, outcome: str):
    row = completed(name=name, outcome=outcome)
    made = report(row, (), ZONE)
    for said in (as_text(made), as_markdown(made)):
        assert not any(ord(sign) < 32 and sign != "\n" for sign in said)
        assert "\x7f" not in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (bytes_words(None), "-"),
        (bytes_words(0), "0 B"),
        (bytes_words(1536), "1.5 KiB"),
        (bytes_words(1 << 40), "1.0 TiB"),
        (bandwidth_words(0), "unlimited"),
        (bandwidth_words(64.0), "64 MiB/s"),
        (seconds_words(59.94), "59.9 s"),
        (seconds_words(725.2), "12 min 05 s"),
        (sentences("it broke", "", "Mend it."), "it broke. Mend it."),
        (sentences("", " "), ""),
    ],
)
def test_figures_are_written_in_full(words: str, said: str):
    assert words == said


def test_times_no_calendar_has_are_not_known():
    row = completed(started=1e30, created=-1e30)
    assert "started  -" in as_text(report(row, (), ZONE))
