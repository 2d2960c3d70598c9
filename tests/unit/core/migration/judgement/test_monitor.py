"""What a migration has come to, from what is true on both hosts: the whole table."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.migration.judgement.abort import ABORTED
from core.migration.judgement.monitor import SETTLE, UNSEEN, judge
from core.migration.judgement.seen import Seen, Side
from core.model import Instance, InstanceState, JobSample, MigrationStatus

M = MigrationStatus
S = InstanceState
NOW = 1000.0
COPYING = JobSample(at=NOW, memory_total=100, memory_remaining=50)
NOTHING = JobSample(at=NOW, type="none")


def on(host: str, state: InstanceState, reason: str = "") -> Side:
    return Side(True, Instance(host, "u", "web", state=state, reason=reason))


def runs(host: str) -> Side:
    return on(host, S.RUNNING)


HERE, THERE = runs("alpha"), runs("beta")
ABSENT, UNSEEN_SIDE = Side(True, None), Side(False, None)
INCOMING = on("beta", S.PAUSED, "migrating")
LEFT = on("alpha", S.SHUTOFF, "migrated")


def decided(source: Side, destination: Side, **fields: Any) -> MigrationStatus:
    fields.setdefault("calling", True)
    fields.setdefault("status", M.RUNNING)
    seen = Seen(now=NOW, source=source, destination=destination, **fields)
    return judge(seen, "web", "alpha", "beta").status


UNDER_WAY = [
    # source, destination, fields, what it has come to
    (HERE, ABSENT, {"status": M.PREPARING, "job": NOTHING}, M.PREPARING),
    (HERE, INCOMING, {"status": M.PREPARING, "job": JobSample(at=NOW)}, M.PREPARING),
    (HERE, INCOMING, {"status": M.PREPARING, "job": COPYING}, M.RUNNING),
    (HERE, INCOMING, {"job": None}, M.RUNNING),  # one reading that failed is no step back
    (on("alpha", S.PAUSED, "user"), INCOMING, {"job": COPYING}, M.RUNNING),
    (on("alpha", S.PAUSED, "migrating"), INCOMING, {"job": COPYING}, M.COMPLETING),
    (on("alpha", S.PAUSED, "post-copy"), THERE, {"job": COPYING}, M.COMPLETING),
    (on("alpha", S.PAUSED, "post-copy"), INCOMING, {"job": COPYING}, M.POST_COPY),
    (HERE, INCOMING, {"status": M.POST_COPY, "job": COPYING}, M.POST_COPY),
    (LEFT, INCOMING, {"job": NOTHING}, M.COMPLETING),
    (ABSENT, THERE, {"job": NOTHING}, M.VERIFYING),  # before the call returns
    (ABSENT, on("beta", S.RUNNING, "post-copy"), {"job": NOTHING}, M.COMPLETING),
    (HERE, ABSENT, {"job": NOTHING, "aborted": True}, M.ABORTED),
    (HERE, INCOMING, {"job": COPYING, "aborted": True}, M.RUNNING),
]


@pytest.mark.parametrize(("source", "destination", "fields", "status"), UNDER_WAY)
def test_while_the_call_is_in_flight(
    source: Side, destination: Side, fields: dict[str, Any], status: MigrationStatus
) -> None:
    assert decided(source, destination, **fields) is status


OVER = [
    (ABSENT, THERE, {}, M.VERIFYING),
    (LEFT, THERE, {}, M.VERIFYING),
    (LEFT, on("beta", S.PAUSED, "user"), {}, M.VERIFYING),  # it was paused before
    (LEFT, THERE, {"error": "the answer was lost"}, M.VERIFYING),  # no return code is trusted
    (ABSENT, ABSENT, {"returned": NOW}, M.COMPLETING),
    (ABSENT, ABSENT, {"returned": NOW - SETTLE - 1}, M.FAILED),
    (ABSENT, UNSEEN_SIDE, {"returned": NOW - SETTLE - 1}, M.COMPLETING),
    (ABSENT, UNSEEN_SIDE, {"returned": NOW - UNSEEN - 1}, M.UNKNOWN),
    (HERE, ABSENT, {"error": "refused"}, M.FAILED),
    (HERE, UNSEEN_SIDE, {"error": "the network is gone"}, M.FAILED),
    (HERE, ABSENT, {"error": "canceled by client", "code": ABORTED}, M.ABORTED),
    (HERE, ABSENT, {"error": "gone", "aborted": True}, M.ABORTED),
    (HERE, INCOMING, {"error": "refused"}, M.FAILED),
    (on("alpha", S.PAUSED, "migrating"), ABSENT, {"error": "x", "returned": NOW}, M.COMPLETING),
    (on("alpha", S.PAUSED, "migrating"), ABSENT,
     {"error": "x", "returned": NOW - SETTLE - 1}, M.UNKNOWN),
    (on("alpha", S.PAUSED, "user"), ABSENT, {"error": "refused"}, M.FAILED),
    (HERE, THERE, {"returned": NOW}, M.COMPLETING),  # the source has not let it go yet
    (HERE, THERE, {"returned": NOW - SETTLE - 1}, M.UNKNOWN),  # and no time-out makes an end of it
    (ABSENT, INCOMING, {"returned": NOW - 5000}, M.COMPLETING),
]  # fmt: skip


@pytest.mark.parametrize(("source", "destination", "fields", "status"), OVER)
def test_once_the_call_has_returned(
    source: Side, destination: Side, fields: dict[str, Any], status: MigrationStatus
) -> None:
    given = {"returned": NOW - 1, "calling": False, "job": NOTHING} | fields
    assert decided(source, destination, **given) is status


BROKEN = on("alpha", S.PAUSED, "post-copy failed")


def test_a_broken_post_copy_is_resumable_only_where_the_destination_lives() -> None:
    def judged(destination: Side, **fields: Any) -> Any:
        given = {"status": M.POST_COPY, "calling": False, "returned": NOW} | fields
        return judge(Seen(now=NOW, source=BROKEN, destination=destination, **given), "web",
                     "alpha", "beta")  # fmt: skip

    alive = judged(on("beta", S.RUNNING, "post-copy failed"))
    assert (alive.status, alive.resumable) == (M.POST_COPY_FAILED, True)
    assert "Never resume web on alpha" in alive.hint
    lost = judged(ABSENT)
    assert (lost.status, lost.resumable) == (M.POST_COPY_FAILED, False)
    assert "is lost" in lost.outcome
    assert judged(UNSEEN_SIDE).status is M.POST_COPY_INTERRUPTED
    asked = judged(on("beta", S.RUNNING, "post-copy failed"), calling=True, recovering=True)
    assert asked.status is M.POST_COPY
    refused = judged(on("beta", S.RUNNING, "post-copy failed"), recovering=True, error="No route.")
    assert (refused.status, refused.resumable) == (M.POST_COPY_FAILED, True)
    assert "(No route)" in refused.outcome


def test_out_of_sight_is_unknown_unless_it_is_seen_to_have_arrived() -> None:
    assert decided(UNSEEN_SIDE, INCOMING) is M.UNKNOWN
    assert decided(UNSEEN_SIDE, UNSEEN_SIDE) is M.UNKNOWN
    assert decided(UNSEEN_SIDE, on("beta", S.RUNNING, "post-copy")) is M.UNKNOWN
    assert decided(UNSEEN_SIDE, THERE) is M.VERIFYING


def test_a_definition_that_moves_offline() -> None:
    off = on("alpha", S.SHUTOFF)
    given = {"offline": True, "status": M.PREPARING, "returned": NOW, "calling": False}
    assert decided(off, ABSENT, **{**given, "calling": True}) is M.PREPARING
    assert decided(ABSENT, on("beta", S.SHUTOFF), **given) is M.VERIFYING
    assert decided(off, ABSENT, error="no", **given) is M.FAILED
    assert decided(off, UNSEEN_SIDE, **given) is M.UNKNOWN


SIDES = st.builds(
    Side,
    up=st.booleans(),
    instance=st.none()
    | st.builds(
        lambda state, reason: Instance("h", "u", "web", state=state, reason=reason),
        st.sampled_from(S),
        st.sampled_from(["", "user", "migrating", "migrated", "post-copy", "post-copy failed"]),
    ),
)


def _failed(state: InstanceState) -> Side:
    return Side(up=True, instance=Instance("h", "u", "web", state=state, reason="post-copy failed"))


@given(
    source=SIDES, destination=SIDES, calling=st.booleans(), aborted=st.booleans(),
    returned=st.none() | st.floats(NOW - 200, NOW), error=st.sampled_from(["", "refused."]),
    status=st.sampled_from(M), offline=st.booleans(),
)  # fmt: skip
@example(
    source=_failed(S.PAUSED), destination=_failed(S.SHUTOFF), calling=False, aborted=False,
    returned=None, error="", status=M.POST_COPY, offline=False,
)  # fmt: skip
def test_it_never_loses_a_guest_in_words(
    source: Side, destination: Side, calling: bool, aborted: bool, returned: float | None,
    error: str, status: MigrationStatus, offline: bool,
) -> None:  # fmt: skip
    """Whatever is seen: done only where it is there, back only where it is here, all with words."""
    seen = Seen(NOW, status, source, destination, calling, returned, error,
                aborted=aborted, offline=offline)  # fmt: skip
    judgement = judge(seen, "web", "alpha", "beta")
    if judgement.status is M.VERIFYING and not offline:
        assert destination.holds
    if judgement.status is M.ABORTED:
        assert source.instance is not None
        assert "alpha" in judgement.outcome
    if judgement.resumable:
        assert destination.holds
    if judgement.status.final:
        assert judgement.outcome
