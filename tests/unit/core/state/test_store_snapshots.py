"""The snapshots of instances, as far as somebody looked at them."""

from __future__ import annotations

from core.model import InstanceDetail, ObjectKey, Snapshot
from core.model.observation import DetailRead, InstanceGone, SnapshotsRead
from tests.unit.state_builders import HOST, instance, lifecycle, listed, store

WEB = instance()
KEY = WEB.key


def snapshot(name, **fields):
    return Snapshot(name, host=HOST, uuid="web-uuid", **fields)


def key(name):
    return ObjectKey("snapshot", HOST, f"web-uuid/{name}")


FIRST, SECOND = snapshot("first"), snapshot("second", parent="first", current=True)


def read(*snapshots, at=20.0):
    return SnapshotsRead(HOST, at, "web-uuid", snapshots)


def detail(snapshots, at=20.0):
    return DetailRead(HOST, at, InstanceDetail(HOST, "web-uuid", at, snapshots=snapshots))


def test_they_are_unknown_until_somebody_looks():
    assert KEY not in store(listed(WEB)).state.snapshots
    assert store(listed(WEB), read()).state.snapshots[KEY] == ()
    assert store(listed(WEB), read(FIRST, SECOND)).state.snapshots[KEY] == (FIRST, SECOND)


def test_the_details_of_an_instance_tell_them_those_of_an_older_tape_too():
    nameless = (Snapshot("first"), Snapshot("second", parent="first", current=True))
    assert store(listed(WEB), detail(nameless)).state.snapshots[KEY] == (FIRST, SECOND)
    unread = store(listed(WEB), read(FIRST), detail(None, at=30.0)).state
    assert unread.snapshots[KEY] == (FIRST,), "not read is not none"


def test_an_older_reading_that_comes_later_changes_nothing():
    made = store(listed(WEB), read(FIRST, SECOND, at=30.0))
    assert made.apply(read(FIRST, at=25.0)).empty
    assert made.apply(detail((FIRST,), at=25.0)).empty
    assert made.state.snapshots[KEY] == (FIRST, SECOND)


def test_a_delta_names_the_instance_and_the_snapshots_that_changed():
    made = store(listed(WEB))
    assert made.apply(read(FIRST, SECOND)).changed == {KEY, key("first"), key("second")}
    assert made.apply(read(FIRST, SECOND, at=21.0)).empty
    delta = made.apply(read(snapshot("first", current=True), at=22.0))
    assert (delta.changed, delta.gone) == ({KEY, key("first")}, {key("second")})


def test_they_go_with_their_instance_and_stay_when_it_stops():
    made = store(listed(WEB), read(FIRST))
    made.apply(lifecycle("stopped", "destroyed", at=30.0))
    assert made.state.snapshots[KEY] == (FIRST,)
    delta = made.apply(InstanceGone(HOST, 40.0, "web-uuid"))
    assert {KEY, key("first")} <= delta.gone
    assert KEY not in made.state.snapshots
    assert not made.apply(read(FIRST, at=50.0)).changed, "of what is gone nothing is kept"


def test_a_listing_without_their_instance_forgets_them():
    made = store(listed(WEB), read(FIRST))
    assert key("first") in made.apply(listed(at=30.0)).gone
    assert not made.state.snapshots
