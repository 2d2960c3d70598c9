"""The instances of each host on the hosts screen: a delta costs what it names, a row nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from hypothesis import given
from hypothesis import strategies as st

from console.screens.hosts.hosts import host_columns
from console.screens.instances.counts import Count, InstanceCounts
from core.model import Delta, Host, Instance, ObjectKey
from tests.unit.state_builders import PAUSED, RUNNING, SHUTOFF, instance

HOSTS = 100
EACH = 20


class Counted(Mapping[ObjectKey, Instance]):
    """Instances that count how many of them are looked at."""

    def __init__(self, held: dict[ObjectKey, Instance]) -> None:
        self.held = held
        self.looks = 0

    def __getitem__(self, key: ObjectKey) -> Instance:
        self.looks += 1
        return self.held[key]

    def __iter__(self) -> Iterator[ObjectKey]:
        for key in self.held:
            self.looks += 1
            yield key

    def __len__(self) -> int:
        return len(self.held)


def _fleet() -> Counted:
    rows = [
        instance(f"vm{host}-{number}", host=f"host{host:03}", state=RUNNING if number else SHUTOFF)
        for host in range(HOSTS)
        for number in range(EACH)
    ]
    return Counted({row.key: row for row in rows})


def test_the_rows_of_a_hundred_hosts_look_at_no_instance() -> None:
    fleet, counts = _fleet(), InstanceCounts()
    counts.count(fleet)
    fleet.looks = 0
    columns = host_columns(counts)
    for name in (f"host{number:03}" for number in range(HOSTS)):
        shown = {one.id: one.content(Host(name, "qemu:///system"), 20) for one in columns}
        assert shown["instances"] == f"{EACH - 1}/{EACH}"
    assert counts.all == Count(HOSTS * (EACH - 1), HOSTS * EACH)
    assert fleet.looks == 0


def test_a_delta_costs_what_it_names() -> None:
    fleet, counts = _fleet(), InstanceCounts()
    counts.count(fleet)
    started = instance("vm7-0", host="host007")
    paused = instance("vm7-1", host="host007", state=PAUSED)
    gone = instance("vm8-3", host="host008")
    fleet.held |= {started.key: started, paused.key: paused}
    del fleet.held[gone.key]
    fleet.looks = 0
    other = ObjectKey("volume", "host007", "p1/web.qcow2")
    changed = frozenset({started.key, paused.key, other})
    counts.update(Delta(2, 2.0, changed, frozenset({gone.key})), fleet)
    assert (counts.of("host007"), counts.of("host008")) == (Count(20, 20), Count(18, 19))
    assert counts.of("host009") == Count(19, 20)
    assert fleet.looks == 3


_STATES = st.sampled_from((RUNNING, PAUSED, SHUTOFF, None))
_PICTURES = st.lists(st.dictionaries(st.sampled_from("abcdef"), _STATES), max_size=6)


@given(_PICTURES)
def test_after_any_deltas_it_is_as_if_counted_anew(steps: list[dict[str, object]]) -> None:
    """A delta may also name what the picture has not, or not as it was: that comes twice."""
    counts, there = InstanceCounts(), dict[ObjectKey, Instance]()
    for revision, step in enumerate(steps):
        named = []
        for name, state in step.items():
            row = instance(name, host="alpha" if name < "d" else "beta", state=state or RUNNING)
            named.append(row.key)
            there.pop(row.key, None)
            if state is not None:
                there[row.key] = row
        gone = frozenset(key for key in named if key not in there)
        delta = Delta(revision, 1.0, frozenset(named) - gone, gone)
        counts.update(delta, there)
        counts.update(delta, there)
    anew = InstanceCounts()
    anew.count(there)
    for host in ("alpha", "beta"):
        assert counts.of(host) == anew.of(host)
    assert counts.all == anew.all
