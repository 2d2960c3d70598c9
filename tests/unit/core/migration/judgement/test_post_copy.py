"""What a post-copy has come to, for every pair of words of its two hosts."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from core.migration.judgement import recovery as recover
from core.migration.judgement.monitor import judge
from core.migration.judgement.outcome import left_clean, may_undefine
from core.migration.judgement.seen import Judgement, Seen, Side
from core.model import Instance, InstanceState, MigrationStatus, ObjectKey, OperationRecord
from core.verbs.migration.requests import Migrate
from tests.unit.migration_builders import migration

M, S = MigrationStatus, InstanceState
NOW = 1000.0


def on(host: str, state: InstanceState, reason: str = "", **fields: Any) -> Side:
    return Side(True, Instance(host, "u", "web", state=state, reason=reason, **fields))


ABSENT, UNSEEN = Side(True, None), Side(False, None)
SOURCE = {
    "waits": on("alpha", S.PAUSED, "post-copy"),
    "failed": on("alpha", S.PAUSED, "post-copy failed"),
    "switching": on("alpha", S.PAUSED, "migrating"),
    "sent": on("alpha", S.SHUTOFF, "migrated"),
    "absent": ABSENT,
    "destroyed": on("alpha", S.SHUTOFF, "destroyed"),
    "runs": on("alpha", S.RUNNING, "booted"),
    "unseen": UNSEEN,
}
DESTINATION = {
    "fetches": on("beta", S.RUNNING, "post-copy"),
    "failed": on("beta", S.RUNNING, "post-copy failed"),
    "incoming": on("beta", S.PAUSED, "migrating"),
    "whole": on("beta", S.RUNNING, "migrated"),
    "paused whole": on("beta", S.PAUSED, "user"),
    "booted": on("beta", S.RUNNING, "booted"),
    "absent": ABSENT,
    "off": on("beta", S.SHUTOFF, "failed"),
    "unseen": UNSEEN,
}
P, B, F, C, V, U = (
    M.POST_COPY, M.POST_COPY_INTERRUPTED, M.POST_COPY_FAILED, M.COMPLETING, M.VERIFYING, M.UNKNOWN,
)  # fmt: skip
TABLE = {
    #             fetches failed incoming whole paused booted absent off unseen
    "waits":     (P,      B,     P,       C,    C,     C,     B,     B,  P),
    "failed":    (B,      F,     B,       C,    C,     C,     F,     F,  B),
    "switching": (P,      P,     P,       P,    P,     P,     P,     P,  P),
    "sent":      (C,      C,     C,       V,    V,     V,     None,  None, None),
    "absent":    (C,      C,     C,       V,    V,     V,     None,  None, None),
    "destroyed": (B,      F,     C,       V,    V,     V,     None,  None, None),
    "runs":      (B,      B,     P,       B,    B,     B,     P,     P,  B),
    "unseen":    (U,      U,     U,       V,    V,     U,     U,     U,  U),
}  # fmt: skip
"""Seen in post-copy: what the source says, and by what the destination says what it has come to.

B: interrupted. None: nothing is left of the post-copy, and it ends as any other migration.
"""
PAIRS = [
    (source, destination, status)
    for source, row in TABLE.items()
    for destination, status in zip(DESTINATION, row, strict=True)
    if status is not None
]


def judged(
    source: str, destination: str, status: MigrationStatus = M.POST_COPY, **fields: Any
) -> Judgement:
    given = {"calling": False, "returned": NOW - 5000, "error": "client socket is closed"} | fields
    seen = Seen(NOW, status, SOURCE[source], DESTINATION[destination], **given)
    return judge(seen, "web", "alpha", "beta")


@pytest.mark.parametrize(("source", "destination", "status"), PAIRS)
def test_every_pair_of_words(source: str, destination: str, status: MigrationStatus) -> None:
    assert judged(source, destination).status is status
    # no time-out and no return of the call makes an end of it
    assert judged(source, destination, returned=NOW).status is status
    assert judged(source, destination, calling=True, returned=None, error="").status is status


@pytest.mark.parametrize(("source", "destination"), itertools.product(SOURCE, DESTINATION))
def test_what_is_over_needs_the_word_of_both(source: str, destination: str) -> None:
    for status in (P, B, F):
        judgement = judged(source, destination, status)
        one_silent = "unseen" in (source, destination)
        assert not (judgement.status.final and one_silent), judgement
        if judgement.status.final:
            assert judgement.outcome
        if judgement.status is V:
            assert DESTINATION[destination].holds
        if judgement.resumable:
            assert (source, destination) == ("failed", "failed")
        # it is left alone only where neither side holds anything that may still move
        settled = judgement.status.final and not judgement.followed
        if settled:
            assert "failed" not in (source, destination)
            assert destination != "fetches"


@pytest.mark.parametrize(
    ("source", "destination", "words"),
    [
        ("failed", "fetches", "alpha lost the connection to beta: web runs on beta and waits"),
        ("waits", "failed", "beta lost the connection to alpha: web runs on beta and waits"),
        ("failed", "unseen", "beta does not answer here either"),
        ("waits", "unseen", "beta does not answer here; alpha says that it goes on"),
        ("waits", "absent", "web is gone from beta"),
        ("failed", "failed", "both hosts say so"),
        ("unseen", "failed", "on beta it is running (post-copy failed)"),
        ("runs", "fetches", "running (booted) on alpha and running (post-copy) on beta"),
    ],
)
def test_it_is_said_what_is_known(source: str, destination: str, words: str) -> None:
    judgement = judged(source, destination)
    assert words in judgement.outcome
    if judgement.status in (B, F) and source == "failed":
        assert "Never resume web on alpha" in judgement.hint


def test_a_failure_is_taken_back() -> None:
    assert judged("sent", "whole", F).status is V
    assert judged("failed", "whole", F).status is C
    assert judged("waits", "fetches", F).status is P
    gone = judged("sent", "off", F)
    assert gone.status is M.COMPLETED
    assert "with all of its memory" in gone.outcome


def test_a_failure_is_settled_where_nothing_is_left() -> None:
    for source, destination in (("destroyed", "absent"), ("absent", "off"), ("runs", "absent"),
                                ("sent", "booted")):  # fmt: skip
        judgement = judged(source, destination, F)
        assert judgement.status is F
        assert not judgement.followed
        assert not judgement.resumable


def test_one_that_is_lost_is_followed_while_its_source_is_there() -> None:
    lost = judged("failed", "absent")
    assert "is lost" in lost.outcome
    assert lost.followed
    assert not lost.resumable


def test_an_old_journals_failure_is_looked_at_again() -> None:
    old = migration(status=F, resumable=True)
    assert old.status.final
    assert not old.settled
    assert migration(status=F).settled


def test_one_that_is_asked_to_go_on_is_not_over() -> None:
    old = migration(status=F, followed=True, resumable=True, outcome="it broke")
    record = OperationRecord(
        "again", "resume-migration", "alpha", old.source_key, "web", "me", created=NOW
    )
    again = recover.again(old, record, NOW)
    assert not again.over
    assert not again.outcome


REQUEST = Migrate(ObjectKey("instance", "alpha", "u"), to="beta")


@pytest.mark.parametrize(
    ("source", "destination", "undefine", "may"),
    [
        ("sent", "whole", True, True),
        ("sent", "paused whole", True, True),
        ("sent", "whole", False, False),
        ("sent", "fetches", True, False),
        ("sent", "failed", True, False),
        ("sent", "unseen", True, False),
        ("sent", "absent", True, False),
        ("sent", "off", True, False),
        ("failed", "whole", True, False),
        ("destroyed", "whole", True, False),
        ("absent", "whole", True, False),
        ("unseen", "whole", True, False),
    ],
)
def test_the_definition_goes_only_where_the_destination_has_all(
    source: str, destination: str, undefine: bool, may: bool
) -> None:
    request = Migrate(REQUEST.subject, to="beta", undefine=undefine)
    there = DESTINATION[destination]
    assert may_undefine(request, SOURCE[source], there) is may


def test_the_definition_stays_where_the_destination_would_forget_it() -> None:
    there = on("beta", S.RUNNING, "migrated", persistent=False)
    assert not may_undefine(REQUEST, SOURCE["sent"], there)
    transient = on("alpha", S.SHUTOFF, "migrated", persistent=False)
    assert not may_undefine(REQUEST, transient, DESTINATION["whole"])


def test_what_is_left_is_wrong_only_after_it_was_waited_for() -> None:
    row = migration()
    early = left_clean(row, on("beta", S.PAUSED, "migrating"), waited=False)
    assert early.passed is None
    assert left_clean(row, on("beta", S.PAUSED, "migrating"), waited=True).passed is False
    assert left_clean(row, ABSENT, waited=False).passed is True
    assert left_clean(row, UNSEEN, waited=True).passed is None
