"""Which host a journal entry is about: by its address, UUID and host name, not its name here."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from core.clock import SystemClock
from core.engine.host_identity import find, identity_of
from core.engine.host_names import concerned, names_of, progress_here, record_here
from core.engine.progress import progress_json
from core.engine.runner import Runner
from core.errors import NotFoundError, RefusedError
from core.hypervisor.connection.uri import daemon_of, normalised
from core.journal.entry import Entry
from core.journal.journal import Journal
from core.journal.owner import NOBODY
from core.migration.judgement.words import speaks_against
from core.model import (
    Delta,
    Host,
    HostFacts,
    HostIdentity,
    Instance,
    InstanceState,
    Link,
    LinkStatus,
    Migration,
    MigrationStatus,
    ObjectKey,
    OperationRecord,
    OperationStatus,
    State,
    SteerKind,
)
from core.model.drain import DrainItem, DrainProgress
from core.model.observation import MigrationChanged, OperationChanged
from core.state.store import Store
from core.verbs.call import Call
from core.verbs.migration.requests import Drain
from core.verbs.power.calls import DestroyCall
from core.verbs.registry import VERBS
from core.verbs.situation import Progress, Sent

UUID, OTHER = "4c4c4544-0042-4b10-8059-b4c04f4d3532", "a1b2c3d4-0042-4b10-8059-b4c04f4d3533"
SSH = "qemu+ssh://root@h1/system"
LAB = "qemu+unix:///session?socket=/labs/{}/alpha/run/libvirt/libvirt-sock"


def host(name: str, uri: str, uuid: str | None = UUID, hostname: str = "h1") -> Host:
    """An open host; with a UUID of None one that has not told anything of itself yet."""
    facts = None if uuid is None else HostFacts(uuid=uuid, hostname=hostname)
    return Host(name, uri, Link(LinkStatus.UP), facts=facts)


def known(uri: str, uuid: str = UUID, hostname: str = "h1") -> HostIdentity:
    return HostIdentity("alpha", uri, uuid, hostname)


SAME = {
    "as it was": (known(SSH), host("alpha", SSH)),
    "under another name": (known(SSH), host("renamed", SSH)),
    "by another address": (known(SSH), host("a", "qemu:///system")),
    "by another transport": (known(SSH), host("a", "qemu+tls://h1/system")),
    "its session daemon made up a new UUID": (
        known("qemu:///session", UUID),
        host("a", "qemu:///session", OTHER),
    ),
    "the machine was renamed": (known(SSH), host("a", SSH, UUID, "h2")),
    "its board has a bad UUID": (
        known(SSH, "00000000-0000-0000-0000-000000000000"),
        host("a", SSH, "00000000-0000-0000-0000-000000000000"),
    ),
    "it has no UUID, as the test driver": (
        known("test:///default", ""),
        host("a", "test:///default", ""),
    ),
    "only its address was kept, as before": (known(SSH, "", ""), host("a", SSH)),
}
DIFFERENT = {
    "two labs with the same names": (
        known(LAB.format("one"), UUID),
        host("alpha", LAB.format("two"), OTHER),
    ),
    "two private sessions of root, who can read the board's UUID": (
        known(LAB.format("one")),
        host("alpha", LAB.format("two")),
    ),
    "a cloned machine": (known(SSH), host("alpha", "qemu+ssh://root@h2/system", UUID, "h2")),
    "boards with one UUID and no names": (
        known(SSH, UUID, "localhost"),
        host("alpha", "qemu+ssh://root@h2/system", UUID, "localhost"),
    ),
    "a forwarded port that leads elsewhere now": (
        known("qemu+ssh://root@localhost:2222/system"),
        host("alpha", "qemu+ssh://root@localhost:2222/system", OTHER, "h2"),
    ),
    "the system daemon and the session of one machine": (
        known("qemu:///system"),
        host("alpha", "qemu:///session"),
    ),
    "another driver": (known("qemu:///system"), host("alpha", "xen:///system")),
    "another test world": (
        known("test:///a.xml", ""),
        host("alpha", "test:///b.xml", ""),
    ),
    "only its address was kept, and that is another": (
        known(SSH, "", ""),
        host("alpha", "qemu+ssh://root@h2/system", UUID, "h2"),
    ),
}


@pytest.mark.parametrize("case", SAME)
def test_it_is_the_same_host(case: str) -> None:
    identity, opened = SAME[case]
    found = find(identity, [host("other", "qemu+ssh://root@h9/system", OTHER, "h9"), opened])
    assert found is not None
    assert (found.name, found.sure) == (opened.name, True)


@pytest.mark.parametrize("case", DIFFERENT)
def test_it_is_another_host(case: str) -> None:
    identity, opened = DIFFERENT[case]
    assert find(identity, [opened]) is None


def test_what_a_host_has_not_told_yet_is_waited_for() -> None:
    found = find(known(SSH), [host("a", SSH, None)])
    assert found is not None
    assert not found.sure
    assert find(known("qemu:///system"), [host("a", SSH, None)]) is None
    old = find(known(SSH, "", ""), [host("a", SSH, None)])
    assert old is not None
    assert old.sure  # an entry of before has nothing more to compare


def test_of_two_that_fit_the_address_decides_else_none_does() -> None:
    here, there = host("here", "qemu:///system"), host("there", SSH)
    for opened in ([here, there], [there, here]):
        found = find(known(SSH), opened)
        assert found is not None
        assert found.name == "there"
        assert find(known("qemu+ssh://root@h1.example/system"), opened) is None


def test_what_was_known_is_kept_until_a_host_tells_again() -> None:
    silent = host("a", SSH, None)
    assert identity_of(silent, known(SSH)) == HostIdentity("a", SSH, UUID, "h1")
    assert identity_of(host("a", "qemu:///system", None), known(SSH)).uuid == ""
    assert identity_of(host("a", SSH, OTHER, "h2"), known(SSH)).uuid == OTHER


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("qemu+ssh://root@H1:22/system?no_tty=1&keyfile=/k", "qemu+tls://h1./system"),
        ("qemu:///system", "qemu+unix:///system?socket=/var/run/libvirt/virtqemud-sock"),
        ("qemu+tcp://h1:16509/system", "qemu+ssh://ann@h1/system"),
        ("test:///a/b.xml", "test:///a/b.xml?x=1"),
    ],
)
def test_addresses_that_mean_one_host(one: str, other: str) -> None:
    assert normalised(one) == normalised(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("qemu+ssh://h1/system", "qemu+ssh://h1:2222/system"),
        ("qemu+ssh://ann@h1/session", "qemu+ssh://bob@h1/session"),
        ("qemu:///system", "qemu:///session"),
        ("qemu:///session?socket=/a", "qemu:///session?socket=/b"),
        ("test:///a.xml", "test:///b.xml"),
    ],
)
def test_addresses_that_mean_two(one: str, other: str) -> None:
    assert normalised(one) != normalised(other)


@given(st.text())
def test_any_text_can_be_compared(text: str) -> None:
    assert normalised(text) == normalised(text)
    assert daemon_of(text) == daemon_of(text)


# -- an entry in the names of this console ---------------------------------------------------------

WEB = ObjectKey("instance", "alpha", "u")
A, B = known(SSH), HostIdentity("beta", "qemu+ssh://root@h2/system", OTHER, "h2")


def moving(status: OperationStatus = OperationStatus.RUNNING, **more: Any) -> Entry:
    record = OperationRecord(
        "0-1", "migrate", "alpha", WEB, "web", "a@b", SystemClock().now(), status,
        options={"to": "beta"}, hosts=(A, B),
    )  # fmt: skip
    row = Migration(
        "0-1", "alpha", "u", "web", to="beta", status=MigrationStatus.RUNNING, resumable=True
    )
    progress = progress_json(Progress(workflow=row))
    return Entry(replace(record, **more), NOBODY, SSH, progress)


def state(*hosts: Host) -> State:
    return State(hosts=MappingProxyType({one.name: one for one in hosts}))


def here(entry: Entry, picture: State) -> tuple[OperationRecord, Migration]:
    names = names_of(entry, picture)
    verb = VERBS[entry.record.verb]
    migration = progress_here(verb, _progress(entry), names).workflow
    assert isinstance(migration, Migration)
    return record_here(entry.record, names), migration


def _progress(entry: Entry) -> Progress:
    from core.engine.progress import progress_of

    progress = progress_of(VERBS[entry.record.verb], entry.progress)
    assert progress is not None
    return progress


def test_an_entry_is_told_in_the_names_of_here() -> None:
    picture = state(host("one", SSH), host("two", B.uri, OTHER, "h2"))
    record, migration = here(moving(), picture)
    assert (record.host, record.subject.host, record.options["to"]) == ("one", "one", "two")
    assert [each.name for each in record.hosts] == ["one", "two"]
    assert (migration.host, migration.to, migration.not_open) == ("one", "two", "")
    assert migration.resumable


def test_names_that_were_swapped_are_swapped_back() -> None:
    picture = state(host("beta", SSH), host("alpha", B.uri, OTHER, "h2"))
    _, migration = here(moving(), picture)
    assert (migration.host, migration.to) == ("beta", "alpha")


def test_what_belongs_to_a_host_that_is_not_open_joins_with_nothing() -> None:
    picture = state(host("alpha", LAB.format("two"), OTHER), host("beta", "qemu:///system", OTHER))
    record, migration = here(moving(), picture)
    assert record.host == migration.host == "alpha (not open)"
    assert migration.to == "beta (not open)"
    assert record.not_open == migration.not_open == SSH
    assert record.subject not in (WEB, ObjectKey("instance", "beta", "u"))
    assert not migration.resumable
    for kind in SteerKind:
        assert SSH in speaks_against(kind, migration)
    kept = Entry(record, NOBODY, SSH, progress_json(Progress(workflow=migration)))
    again, _ = here(kept, picture)
    assert again.host == "alpha (not open)"


def test_only_its_destination_is_not_open() -> None:
    record, migration = here(moving(), state(host("alpha", SSH)))
    assert (migration.host, migration.to, migration.not_open) == ("alpha", "beta (not open)", "")
    assert record.not_open == ""


def test_an_entry_of_before_identities_is_told_by_its_address() -> None:
    old = moving(hosts=(HostIdentity("alpha", SSH),))
    picture = state(host("one", SSH), host("beta", B.uri, OTHER, "h2"))
    _, migration = here(old, picture)
    assert (migration.host, migration.to) == ("one", "beta")
    _, elsewhere = here(old, state(host("alpha", LAB.format("two")), host("beta", B.uri)))
    assert (elsewhere.host, elsewhere.to) == ("alpha (not open)", "beta (not open)")


def test_a_drain_is_told_whole() -> None:
    subject = ObjectKey("host", "alpha", "alpha")
    record = OperationRecord(
        "0-2", "drain", "alpha", subject, "alpha", "a@b", 1.0,
        options={"to": ["beta"], "options": {"to": "beta", "bandwidth": 3}}, hosts=(A, B),
    )  # fmt: skip
    entry = Entry(record, NOBODY, SSH)
    names = names_of(entry, state(host("one", SSH), host("two", B.uri, OTHER, "h2")))
    told = record_here(record, names)
    assert (told.subject, told.name) == (ObjectKey("host", "one", "one"), "one")
    assert told.options == {"to": ["two"], "options": {"to": "two", "bandwidth": 3}}
    progress = Progress(workflow=DrainProgress(True, (DrainItem("u", "web", to="beta"),)))
    drain = progress_here(VERBS["drain"], progress, names).workflow
    assert drain.items[0].to == "two"


def test_only_what_names_a_host_is_told_in_the_names_of_here() -> None:
    record = OperationRecord(
        *("0-3", "rename", "alpha", WEB, "web", "a@b", 1.0),
        options={"to": "beta"},
        hosts=(A,),
    )
    names = names_of(Entry(record, NOBODY, SSH), state(host("one", SSH)))
    assert record_here(record, names).options == {"to": "beta"}


def test_a_drain_to_anywhere_names_every_host() -> None:
    hosts = state(host("alpha", SSH), host("beta", B.uri, OTHER, "h2")).hosts
    drain = Drain(ObjectKey("host", "beta", "beta"))
    assert [one.name for one in concerned(drain, hosts)] == ["beta", "alpha"]


def test_the_state_moves_a_row_whose_host_was_found_out() -> None:
    store, entry = Store(), moving()
    picture = state(host("alpha", LAB.format("two"), OTHER))
    for told in (here(entry, picture), here(entry, state(host("one", SSH)))):
        delta = store.apply(OperationChanged("x", 1.0, told[0]))
        moved = store.apply(MigrationChanged("x", 1.0, told[1]))
    assert ObjectKey("operation", "alpha (not open)", "0-1") in delta.gone
    assert ObjectKey("migration", "alpha (not open)", "0-1") in moved.gone
    assert store.state.migrations["0-1"].host == "one"
    assert store.state.operations["0-1"].host == "one"


# -- what a console does with it -------------------------------------------------------------------


class World:
    """A state, a port that says yes, and what was published."""

    def __init__(self, *hosts: Host) -> None:
        self.hosts = {one.name: one for one in hosts}
        self.instances: dict[ObjectKey, Instance] = {}
        self.operations: dict[str, OperationRecord] = {}
        self.reads: list[str] = []
        self.runner: Runner

    @property
    def state(self) -> State:
        return State(
            hosts=MappingProxyType(self.hosts),
            instances=MappingProxyType(self.instances),
            operations=MappingProxyType(self.operations),
        )

    def publish(self, observation: object) -> None:
        if isinstance(observation, OperationChanged):
            self.operations[observation.operation.id] = observation.operation

    def tells(self, told: Host) -> None:
        """A host says which it is."""
        self.hosts[told.name] = told
        self.runner.observe(Delta(1, 0.0, frozenset({told.key})))

    async def call(self, subject: ObjectKey, call: Call, deadline: float) -> None:
        raise NotFoundError("Nothing is to be sent.")

    async def read(self, subject: ObjectKey, looks_at: object = ()) -> Instance | None:
        self.reads.append(subject.host)
        return self.instances.get(subject)


async def left_behind(journal: Journal) -> None:
    """A stop that a dead console had sent."""
    record = OperationRecord(
        "0-1", "stop", "alpha", WEB, "web", "a@b", SystemClock().now(), OperationStatus.RUNNING,
        hosts=(A,),
    )  # fmt: skip
    progress = Progress((Sent(DestroyCall(), 1.0, 2.0),))
    await journal.put(Entry(record, NOBODY, SSH, progress_json(progress)))


async def opened(journal: Journal, world: World) -> World:
    world.runner = Runner(
        world, journal, SystemClock(), lambda: world.state, world.publish, "ann@desk"
    )
    await world.runner.start()
    return world


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - any condition, of any object
            await asyncio.sleep(0.005)


async def test_it_is_adopted_under_the_name_its_host_has_now(journal: Journal) -> None:
    await left_behind(journal)
    world = await opened(journal, World(host("renamed", "qemu:///system")))
    await until(lambda: world.operations["0-1"].status.final)
    record = world.operations["0-1"]
    assert (record.host, record.status) == ("renamed", OperationStatus.DONE)
    (entry,) = await journal.recent()
    assert (entry.record.host, entry.uri) == ("renamed", "qemu:///system")
    assert entry.record.hosts == (HostIdentity("renamed", "qemu:///system", UUID, "h1"),)
    await world.runner.close()


async def test_another_host_of_that_name_does_not_adopt_it(journal: Journal) -> None:
    await left_behind(journal)
    world = await opened(journal, World(host("alpha", LAB.format("two"), OTHER)))
    world.instances[WEB] = Instance("alpha", "u", "web", InstanceState.RUNNING, id=1)
    assert world.operations["0-1"].host == "alpha (not open)"
    await world.runner._takeover.settle(WEB)
    (entry,) = await journal.recent()
    assert (entry.owner, entry.record.status) == (NOBODY, OperationStatus.RUNNING)
    assert world.reads == []
    with pytest.raises(RefusedError, match=r"another host than those open.*h1/system"):
        await world.runner.cancel("0-1")
    await world.runner.close()


async def test_adoption_waits_until_the_host_has_said_which_it_is(journal: Journal) -> None:
    await left_behind(journal)
    world = await opened(journal, World(host("alpha", SSH, None)))
    assert world.operations["0-1"].host == "alpha"  # as far as its address tells
    settling = asyncio.create_task(world.runner._takeover.settle(WEB))
    for _ in range(100):
        await asyncio.sleep(0)
    assert not world.operations["0-1"].status.final
    world.tells(host("alpha", SSH, OTHER, "h2"))  # it is another machine at that address
    await settling
    assert world.operations["0-1"].host == "alpha (not open)"
    assert not world.operations["0-1"].status.final
    world.tells(host("alpha", SSH))
    await until(lambda: world.operations["0-1"].status.final)
    assert world.operations["0-1"].host == "alpha"
    await world.runner.close()
