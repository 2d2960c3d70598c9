"""The report of a migration in its three forms."""

from __future__ import annotations

import json
from datetime import timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from core.migration.judgement.recovery import again
from core.migration.report.report import (
    as_markdown,
    as_text,
    as_value,
    downtime_of,
    report,
    within_limit,
)
from core.migration.report.words import (
    sentences,
    steer_words,
)
from core.model import (
    Answer,
    DirtyRate,
    Limits,
    MemoryUse,
    Migration,
    MigrationResult,
    MigrationStatus,
    OperationRecord,
    SteerKind,
)
from core.model.observation import MigrationChanged
from tests.unit.migration_builders import (
    MIB,
    START,
    completed,
    forecast,
    migration,
    record,
    sawtooth,
)
from tests.unit.state_builders import store

ZONE = timezone(timedelta(hours=2), "CEST")


def text(row: Migration) -> str:
    return as_text(report(row, sawtooth(), ZONE))


def test_it_says_when_how_long_what_was_decided_and_what_was_verified():
    said = text(completed())
    for words in (
        "Migration of web from alpha to beta",
        "Completed. web runs on beta.",
        "2023-11-15 00:13:20 CEST",
        "42s",
        "280 ms, within the limit",
        "300 ms in force, the policy might go to 500 ms",
        "900 MiB",
        "60 MiB/s on average",
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
    assert "1       00:13:20  280 MiB left then" in said
    assert "2       00:13:24  184 MiB left then" in said


def test_an_iteration_nobody_looked_at_tells_only_when_it_began():
    said = as_text(report(completed(), (), ZONE))
    assert "left then" not in said
    assert "1       00:13:20\n" in said


def test_what_it_took_is_from_its_start_to_its_end_and_the_job_is_a_part_of_that():
    row = completed(
        result=MigrationResult(total=2.3, post_copy=2.1), started=START, ended=START + 4
    )
    times = dict(report(row).sections[0].rows)
    assert (times["took"], times["its job"], times["in post-copy"]) == ("4.0s", "2.3s", "2.1s")
    assert as_value(row)["times"]["took"] == 4.0


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


def test_what_libvirt_says_beside_is_in_the_report():
    result = MigrationResult(
        total=7.6, total_net=7.5, downtime=280.0, downtime_net=213.0, transferred=900 * MIB,
        normal_bytes=700 * MIB, device_bytes=96 * MIB,
    )  # fmt: skip
    times, downtime, data = (
        dict(section.rows) for section in report(completed(result=result)).sections[:3]
    )
    assert times["without hand-over"] == "7.5s"
    assert downtime["without hand-over"] == "213 ms"
    assert data["sent"] == ("900 MiB, of it 700 MiB as whole pages and 96 MiB of device state")
    assert as_value(completed(result=result))["downtime"]["net"] == 213.0


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
        "copied_disks", "copies_disks", "dirtied", "post_copy", "auto_converge", "iterations",
        "steering", "checks",
        "timeline", "virsh",
    }  # fmt: skip
    assert value["downtime"] == {
        "measured": 280.0, "net": None, "between_events": 295.0, "limit": 300.0,
        "policy_limit": 500.0, "within_limit": True,
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


def test_a_resumed_post_copy_is_told_from_its_beginning_and_by_whom_it_was_resumed():
    failed = migration(
        status=MigrationStatus.POST_COPY_FAILED, switched=START + 20, ended=START + 30,
        steering=(record(),), resumable=True,
    )  # fmt: skip
    asked = OperationRecord(
        "later", "resume-migration", "alpha", failed.source_key, "web", "bob@desk", START + 600
    )
    row = replace(again(failed, asked, START + 601), ended=START + 640)
    times = dict(report(row, (), ZONE).sections[0].rows)
    names = ["asked", "started", "to post-copy", "resumed", "ended"]
    assert [name for name in times if name in names] == names
    moments = [times[name][:19] for name in names]
    assert moments == sorted(moments)
    assert times["asked"].endswith("by ann@console")
    assert times["resumed"].endswith("by bob@desk")
    said = text(row)
    assert "nobody asked" not in said
    assert "bob@desk: resume the post-copy" in said
    assert "policy adaptive: max-downtime 450 ms" in said
    assert as_value(row)["times"]["resumed"] == [START + 601]


def test_a_resumed_post_copy_comes_after_the_one_that_failed():
    failed = migration(id="foreign-web-1", status=MigrationStatus.POST_COPY_FAILED)
    asked = OperationRecord(
        "a-later-one", "resume-migration", "alpha", failed.source_key, "web", "bob", START + 600
    )
    resumed = again(failed, asked, START + 601)
    state = store(*(MigrationChanged("alpha", START, row) for row in (resumed, failed))).state
    assert list(state.migrations) == [failed.id, resumed.id]


@pytest.mark.parametrize(
    ("fields", "samples", "words", "copies"),
    [
        ({"copied_disks": ("vda", "vdb")}, (), "vda, vdb", True),
        ({}, (), "none", False),
        ({"foreign": True}, (), "-", None),
        ({"foreign": True}, sawtooth(), "none", False),
        (
            {"foreign": True},
            sawtooth(disk_total=96 * MIB),
            "some (96 MiB): whoever started it knows which",
            True,
        ),
    ],
)
def test_disks_of_somebody_elses_migration_are_known_by_its_job(fields, samples, words, copies):
    row = completed(**fields)
    data = dict(report(row, samples).sections[2].rows)
    assert data["disks copied"] == words
    assert as_value(row, samples)["copies_disks"] is copies


def test_of_somebody_elses_migration_nobody_knows_what_others_did():
    assert "nobody asked" not in text(completed(foreign=True, steering=()))


def test_what_the_guest_wrote_is_told_by_each_who_measured_it():
    slow = sawtooth(dirty_rate=24 * 1024.0)
    use = MemoryUse((DirtyRate(1.0, 32.0 * MIB), DirtyRate(4.0, 20.0 * MIB)))
    row = completed(use=use, forecast=forecast(dirty_rate=30.0 * MIB))
    assert dict(report(row, slow).sections[2].rows)["dirtied"] == (
        "32 MiB/s measured before the start, 30 MiB/s in the forecast, "
        "24 KiB/s at most as libvirt counted it"
    )
    assert as_value(row, slow)["dirtied"] == {
        "before": 32.0 * MIB, "forecast": 30.0 * MIB, "counted": 24 * 1024.0
    }  # fmt: skip
    assert dict(report(completed(), ()).sections[2].rows)["dirtied"] == "-"


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
        (sentences("it broke", "", "Mend it."), "it broke. Mend it."),
        (sentences("", " "), ""),
    ],
)
def test_sentences_are_joined(words: str, said: str):
    assert words == said


def test_times_no_calendar_has_are_not_known():
    row = completed(started=1e30, created=-1e30)
    assert "started  -" in as_text(report(row, (), ZONE))


def test_a_downtime_reads_as_it_does_on_a_screen():
    row = completed(result=MigrationResult(total=9.0, downtime=5200.0))
    assert "5.2 s" in as_text(report(row, (), ZONE))
    assert "5200 ms" not in as_text(report(row, (), ZONE))
