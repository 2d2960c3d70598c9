"""What wakes the follower of a migration, and what does not."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from core.migration.execution.table import MigrationTable
from core.model import Delta, ObjectKey
from core.model.observation import MigrationChanged, MigrationSampled
from tests.unit import state_builders as make
from tests.unit.migration_builders import START, migration, sawtooth

ROW = migration()


class Follower:
    """What a table needs of a tracker here."""

    def __init__(self) -> None:
        self.migration = ROW
        self.woken = 0

    def wake(self) -> None:
        self.woken += 1


def woken(delta: Delta) -> int:
    follower = Follower()
    MigrationTable.observe(SimpleNamespace(trackers={ROW.id: follower}), delta)  # type: ignore[arg-type]
    return follower.woken


def test_its_own_readings_do_not_wake_it():
    """They mark the instance as changed: a follower woken by them would never rest."""
    web = make.instance()
    store = make.store(make.listed(web), MigrationChanged("alpha", START, ROW))
    delta = store.apply(MigrationSampled("alpha", START, ROW.id, sawtooth()[3]))
    assert ROW.source_key in delta.changed
    assert woken(delta) == 0


@pytest.mark.parametrize(
    "key", [ROW.source_key, ROW.destination_key, ObjectKey("host", "beta", "beta")]
)
def test_what_happens_to_the_instance_or_a_host_does(key: ObjectKey):
    assert woken(Delta(1, START, changed=frozenset({key}))) == 1
    assert woken(Delta(1, START, gone=frozenset({key}))) == 1


def test_what_happens_to_others_does_not():
    assert woken(Delta(1, START, changed=frozenset({ObjectKey("host", "gamma", "gamma")}))) == 0
