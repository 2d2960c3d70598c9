"""What of a delta has a table of pools, volumes or networks made anew: who uses what."""

from __future__ import annotations

from msgspec.structs import replace

from console.screens.storage.changes import StorageChanges
from console.screens.storage.figures import use_words
from console.screens.view import ChangeWatch, View
from core.model import Delta, Instance, InstanceState, ObjectKey, State
from core.state.storage_rows import storage_rows
from tests.unit.core.state.test_images import host, picture, pool, volume, web

VOLUME = volume("web")
POOLED = web("web")
LOOSE = web("/srv/x.qcow2", uuid="l", name="loose")
EMPTY = Instance("alpha", "e", "empty", InstanceState.SHUTOFF)
THERE = (host("alpha"), pool(), VOLUME)


def delta(*changed: ObjectKey, gone: tuple[ObjectKey, ...] = ()) -> Delta:
    return Delta(1, 0.0, changed=frozenset(changed), gone=frozenset(gone))


def seeing(state: State) -> tuple[View, StorageChanges]:
    view, changes = View(now=lambda: 0.0, state=state), StorageChanges()
    changes.look(state)
    return view, changes


def test_an_instance_that_is_gone_has_all_looked_at_anew() -> None:
    for one in (POOLED, LOOSE):
        view, changes = seeing(picture(*THERE, POOLED, LOOSE))
        view.state = picture(*THERE, *({POOLED.key: LOOSE, LOOSE.key: POOLED}[one.key],))
        assert changes.of(view, delta(gone=(one.key,))) is None
        assert changes.of(view, delta(gone=(one.key,))) is not None, "once is enough"
    view.state = picture(*THERE)
    assert use_words(view, VOLUME) == []
    assert set(storage_rows(view.state)) == {pool().key, VOLUME.key}


def test_an_instance_that_appears_with_disks_has_all_looked_at_anew() -> None:
    for one in (POOLED, LOOSE):
        view, changes = seeing(picture(*THERE))
        view.state = picture(*THERE, one)
        assert changes.of(view, delta(one.key)) is None
        assert changes.of(view, delta(one.key)) is not None
    view, changes = seeing(picture(*THERE))
    view.state = picture(*THERE, EMPTY)
    assert changes.of(view, delta(EMPTY.key)) == ({}, [])


def test_another_name_and_other_disks_are_seen() -> None:
    for other in (replace(POOLED, name="www"), replace(POOLED, disks=LOOSE.disks)):
        view, changes = seeing(picture(*THERE, POOLED))
        view.state = picture(*THERE, other)
        assert changes.of(view, delta(other.key)) is None


def test_a_sample_changes_the_lines_of_its_disks_alone() -> None:
    view, changes = seeing(picture(*THERE, POOLED, LOOSE))
    running = replace(POOLED, state=InstanceState.RUNNING)
    view.state = picture(replace(THERE[0], sampled=9.0), *THERE[1:], running, LOOSE)
    found = changes.of(view, delta(running.key, LOOSE.key, THERE[0].key))
    assert found is not None
    rows, gone = found
    assert {row.path for row in rows.values()} == {"/i/web", "/srv/x.qcow2"}
    assert set(rows) <= set(storage_rows(view.state))
    assert not gone


def test_a_disk_is_in_no_pool_once_the_volume_at_its_path_is_gone_and_the_other_way_round() -> None:
    with_it, without = picture(*THERE, POOLED), picture(*THERE[:2], POOLED)
    (loose,) = set(storage_rows(without)) - {pool().key}
    view, changes = seeing(with_it)
    view.state = without
    found = changes.of(view, delta(gone=(VOLUME.key,)))
    assert found is not None
    assert (set(found[0]), list(found[1])) == ({loose}, [VOLUME.key])
    view.state = with_it
    found = changes.of(view, delta(VOLUME.key))
    assert found is not None
    assert (set(found[0]), list(found[1])) == ({VOLUME.key}, [loose])


def test_a_watch_tells_what_moved_once() -> None:
    watch = ChangeWatch(instance=lambda row: row.disks)
    both = picture(POOLED, EMPTY)
    every = delta(POOLED.key, EMPTY.key, VOLUME.key)
    assert watch.moved(both, every) == {POOLED.key}
    assert watch.moved(both, every) == set()
    gone = delta(gone=(POOLED.key, EMPTY.key))
    assert watch.moved(picture(), gone) == {POOLED.key}
    assert watch.moved(picture(), gone) == set()
    watch.look(both)
    assert watch.moved(both, every) == set()
