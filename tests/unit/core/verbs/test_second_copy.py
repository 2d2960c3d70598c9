"""What lets an instance run looks first where else it may run: a typed name alone passes."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any, cast

import msgspec
import pytest
from msgspec.structs import replace

from core.engine.disk_users import named, told
from core.engine.port import Hosts
from core.errors import DiskInUseError
from core.model import (
    Before,
    Disk,
    DiskSource,
    Host,
    Instance,
    InstanceState,
    Link,
    LinkChange,
    LinkStatus,
    Migration,
    MigrationStatus,
    ObjectKey,
    OperationRecord,
    OperationStatus,
    State,
)
from core.verbs.caution import Caution
from core.verbs.danger import danger_of
from core.verbs.power.requests import Reset, Resume, Start
from core.verbs.registry import VERBS
from core.verbs.second_copy import cure, overriding
from tests.verbs import POWER_VERBS, check

S, M = InstanceState, MigrationStatus
UP, DOWN = Link(LinkStatus.UP), Link(LinkStatus.DOWN)
HERE, THERE = ObjectKey("instance", "alpha", "u"), ObjectKey("instance", "beta", "u")


def host(name: str, link: Link = UP, *, seen: bool = True) -> Host:
    history = (LinkChange(1.0, LinkStatus.UP),) if seen else ()
    return Host(name, f"qemu+ssh://{name}/system", link=link, history=history)


def web(where: str, state: S, reason: str = "", **more: Any) -> Instance:
    number = 7 if state.active else None
    return Instance(where, "u", "web", state, reason, **{"id": number, **more})


def moved(status: M, at: float = 10.0, **more: Any) -> Migration:
    given: dict[str, Any] = {"host": "alpha", "to": "beta", "created": at, **more}
    if status.final:
        given.setdefault("ended", at + 1)
    return Migration(id=f"m{at}", uuid="u", name="web", status=status, **given)


def did(verb: str, where: str, at: float = 10.0, status: str = "done") -> OperationRecord:
    key = ObjectKey("instance", where, "u")
    return OperationRecord(
        f"{at:04}", verb, where, key, "web", "a@b", at, OperationStatus(status), ended=at
    )


def picture(
    *rows: Instance,
    hosts: tuple[Host, ...] = (host("alpha"), host("beta")),
    migrations: tuple[Migration, ...] = (),
    operations: tuple[OperationRecord, ...] = (),
) -> State:
    return State(
        hosts=MappingProxyType({one.name: one for one in hosts}),
        instances=MappingProxyType({row.key: row for row in rows}),
        migrations=MappingProxyType({one.id: one for one in migrations}),
        operations=MappingProxyType({one.id: one for one in operations}),
    )


LOST = (host("alpha"), host("beta", DOWN))
"""beta was seen, and is out of reach now."""
NEVER = (host("alpha"), host("beta", DOWN, seen=False))
"""beta has been out of reach since this console began."""
ALONE = (host("alpha"),)

REFUSED = {
    "it runs on another open host": (
        picture(web("alpha", S.SHUTOFF), web("beta", S.RUNNING)),
        "it runs on beta",
    ),
    "it is paused there": (
        picture(web("alpha", S.SHUTOFF), web("beta", S.PAUSED, "user")),
        "it is paused on beta",
    ),
    "it is said to be in no state there, and has a process": (
        picture(web("alpha", S.SHUTOFF), web("beta", S.UNKNOWN, id=3)),
        "on beta",
    ),
    "it runs there after a migration whose end was lost": (
        picture(
            web("alpha", S.SHUTOFF, "migrated"),
            web("beta", S.RUNNING, "migrated"),
            migrations=(moved(M.POST_COPY_FAILED),),
        ),
        "it runs on beta; its migration from alpha to beta ended as post-copy failed",
    ),
    "it was last seen running on a host that is lost": (
        picture(web("alpha", S.SHUTOFF), web("beta", S.RUNNING), hosts=LOST),
        "it was last seen running on beta, which is out of reach now",
    ),
    "its migration goes on": (
        picture(web("alpha", S.SHUTOFF), migrations=(moved(M.RUNNING),)),
        "its migration from alpha to beta is running",
    ),
    "where its migration stands is not known": (
        picture(web("alpha", S.SHUTOFF), hosts=LOST, migrations=(moved(M.UNKNOWN),)),
        "its migration from alpha to beta is unknown",
    ),
    "its post-copy failed and the destination is out of reach": (
        picture(web("alpha", S.SHUTOFF), hosts=NEVER, migrations=(moved(M.POST_COPY_FAILED),)),
        "ended as post-copy failed",
    ),
    "its migration is called failed, and a side may still move": (
        picture(web("alpha", S.SHUTOFF), hosts=NEVER, migrations=(moved(M.FAILED, followed=True),)),
        "its migration from alpha to beta ended as failed",
    ),
    "its post-copy is interrupted": (
        picture(web("alpha", S.SHUTOFF), migrations=(moved(M.POST_COPY_INTERRUPTED),)),
        "its migration from alpha to beta is interrupted",
    ),
    "it moved to a host that was not seen since": (
        picture(web("alpha", S.SHUTOFF), hosts=NEVER, migrations=(moved(M.COMPLETED),)),
        "its last migration says that it moved to beta, and that is out of reach",
    ),
    "it moved to a host that is not open": (
        picture(web("alpha", S.SHUTOFF), hosts=ALONE, migrations=(moved(M.COMPLETED),)),
        "moved to beta, and that is not open here",
    ),
    "it moved to a host nobody here has a name for": (
        picture(
            web("alpha", S.SHUTOFF),
            hosts=ALONE,
            migrations=(moved(M.COMPLETED, to="", uri="qemu+ssh://gamma/system"),),
        ),
        "moved to qemu+ssh://gamma/system",
    ),
    "it was started on a host that was not seen since": (
        picture(web("alpha", S.SHUTOFF), hosts=NEVER, operations=(did("start", "beta"),)),
        "it last ran on beta as far as is known, and that is out of reach",
    ),
    "another start of it is under way": (
        picture(
            web("alpha", S.SHUTOFF),
            web("beta", S.SHUTOFF),
            operations=(did("start", "beta", status="running"),),
        ),
        "start is running for it on beta",
    ),
}

ALLOWED = {
    "it is shut off at both, as a migration leaves it": picture(
        web("alpha", S.SHUTOFF), web("beta", S.SHUTOFF), migrations=(moved(M.COMPLETED),)
    ),
    "it is known nowhere else": picture(web("alpha", S.SHUTOFF), hosts=ALONE),
    "it was last seen shut off on the host that is lost": picture(
        web("alpha", S.SHUTOFF),
        web("beta", S.SHUTOFF),
        hosts=LOST,
        migrations=(moved(M.COMPLETED),),
    ),
    "it was gone from the host that is lost": picture(
        web("alpha", S.SHUTOFF), hosts=LOST, migrations=(moved(M.COMPLETED),)
    ),
    "its migration failed, and it stayed": picture(
        web("alpha", S.SHUTOFF), hosts=NEVER, migrations=(moved(M.FAILED),)
    ),
    "what came in at the host that is lost never got its memory": picture(
        web("alpha", S.SHUTOFF),
        web("beta", S.PAUSED, "migrating"),
        hosts=LOST,
        migrations=(moved(M.FAILED),),
    ),
    "it came back by a later migration": picture(
        web("alpha", S.SHUTOFF),
        hosts=NEVER,
        migrations=(moved(M.COMPLETED, 10), moved(M.COMPLETED, 20, host="beta", to="alpha")),
    ),
    "it was shut down where it had moved to": picture(
        web("alpha", S.SHUTOFF),
        hosts=NEVER,
        migrations=(moved(M.COMPLETED),),
        operations=(did("shutdown", "beta", 30),),
    ),
    "only its definition moved": picture(
        web("alpha", S.SHUTOFF),
        hosts=NEVER,
        migrations=(moved(M.COMPLETED, was=Before(S.SHUTOFF)),),
    ),
    "its post-copy failed, and nothing of it is left there": picture(
        web("alpha", S.SHUTOFF), migrations=(moved(M.POST_COPY_FAILED),)
    ),
    "another instance runs there": picture(
        web("alpha", S.SHUTOFF), replace(web("beta", S.RUNNING), uuid="v")
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_start_that_may_make_a_second_copy_is_refused(case: str) -> None:
    state, clause = REFUSED[case]
    (reason,) = check(state, Start(HERE))
    assert reason.startswith("web must not run on alpha too: ")
    assert clause in reason
    assert reason.endswith("Two of it would write to the same disks and destroy what is on them.")
    assert "--second-copy web" in cure(state, Start(HERE))


@pytest.mark.parametrize("case", REFUSED)
def test_only_the_typed_name_passes(case: str) -> None:
    state, _ = REFUSED[case]
    for word in ("web", "u"):
        assert not check(state, Start(HERE, second_copy=word))
    for word in ("yes", "WEB", "web ", "beta", "1"):
        assert check(state, Start(HERE, second_copy=word))
    agreed = overriding(state, Start(HERE))
    assert not check(state, agreed)
    assert not cure(state, agreed)


@pytest.mark.parametrize("case", REFUSED)
def test_the_question_for_the_name_says_what_the_refusal_says(case: str) -> None:
    state, clause = REFUSED[case]
    asked = danger_of(state, [overriding(state, Start(HERE))])
    assert (asked.caution, asked.word) == (Caution.TYPE, "web")
    assert asked.text.startswith("Lets web run on alpha too: ")
    assert clause in asked.text
    assert danger_of(state, [Start(HERE)]).caution is Caution.NONE


@pytest.mark.parametrize("case", ALLOWED)
def test_a_start_that_can_make_none_is_no_fuss(case: str) -> None:
    assert not check(ALLOWED[case], Start(HERE))
    assert overriding(ALLOWED[case], Start(HERE)) == Start(HERE)


@pytest.mark.parametrize(
    ("state", "request_"),
    [
        (S.PAUSED, Resume(HERE)),
        (S.SUSPENDED, Resume(HERE)),
        (S.CRASHED, Reset(HERE)),
        (S.SHUTOFF, Start(HERE)),
    ],
)
def test_whatever_lets_an_instance_run_is_held_to_it(state: S, request_: Any) -> None:
    there = picture(web("alpha", state, "user"), web("beta", S.RUNNING))
    assert any("must not run on alpha too" in reason for reason in check(there, request_))
    assert not check(there, replace(request_, second_copy="web"))


@pytest.mark.parametrize("verb", ["stop", "shutdown", "reboot", "pause", "reset"])
def test_what_runs_already_can_be_handled(verb: str) -> None:
    both = picture(web("alpha", S.RUNNING), web("beta", S.RUNNING))
    assert not check(both, POWER_VERBS[verb](HERE))


@pytest.mark.parametrize(
    "status",
    [M.POST_COPY, M.POST_COPY_INTERRUPTED, M.POST_COPY_FAILED, M.VERIFYING, M.COMPLETED],
)
@pytest.mark.parametrize(
    "hosts", [(host("alpha"), host("beta")), (host("alpha", DOWN), host("beta"))]
)
def test_at_the_destination_it_goes_on_and_at_the_source_it_does_not(
    status: M, hosts: tuple[Host, ...]
) -> None:
    state = picture(
        web("alpha", S.PAUSED, "post-copy"),
        web("beta", S.PAUSED, "user"),
        hosts=hosts,
        migrations=(moved(status),),
    )
    assert not check(state, Resume(THERE))
    assert check(state, Resume(HERE))


def test_what_waits_for_its_memory_is_not_let_run() -> None:
    state = picture(
        web("alpha", S.RUNNING),
        web("beta", S.PAUSED, "migrating"),
        migrations=(moved(M.RUNNING),),
    )
    assert any("it runs on alpha" in reason for reason in check(state, Resume(THERE)))


def test_a_side_that_a_migration_left_paused_is_let_run_by_its_typed_name_alone() -> None:
    """Nothing else is known: neither the other host is open, nor has the journal the migration."""
    state = picture(web("alpha", S.PAUSED, "migrating"), hosts=ALONE)
    (reason,) = check(state, Resume(HERE))
    assert "a migration has paused it here" in reason
    assert "--second-copy web" in cure(state, Resume(HERE))
    assert overriding(state, Resume(HERE)) == Resume(HERE, second_copy="u")
    assert danger_of(state, [Resume(HERE, second_copy="u")]).caution is Caution.TYPE
    assert not check(state, Resume(HERE, second_copy="web"))


def test_what_the_journal_knows_of_it_is_told_beside() -> None:
    state = picture(
        web("alpha", S.PAUSED, "migrating"), hosts=NEVER, migrations=(moved(M.COMPLETED),)
    )
    (reason,) = check(state, Resume(HERE))
    assert "a migration has paused it here" in reason
    assert "its last migration says that it moved to beta" in reason


@pytest.mark.parametrize("word", ["", "web"])
def test_while_its_migration_goes_on_not_even_the_name_lets_it_run(word: str) -> None:
    state = picture(web("alpha", S.PAUSED, "migrating"), migrations=(moved(M.RUNNING),))
    reasons = check(state, Resume(HERE, second_copy=word))
    assert reasons[0] == (
        "web is paused by its migration (migrating; m10.0 from alpha to beta is running): let "
        "that end, or abort it."
    )


@pytest.mark.parametrize("word", ["", "web"])
@pytest.mark.parametrize("reason", ["post-copy", "post-copy failed"])
def test_half_a_memory_is_never_let_run(reason: str, word: str) -> None:
    of_a_stranger = picture(web("alpha", S.PAUSED, reason), hosts=ALONE)
    assert "resume-migration" in check(of_a_stranger, Resume(HERE, second_copy=word))[0]
    ours = picture(web("alpha", S.PAUSED, reason), migrations=(moved(M.POST_COPY_FAILED),))
    told = check(ours, Resume(HERE, second_copy=word))[0]
    assert f"({reason}; m10.0 from alpha to beta ended as post-copy failed)" in told


def test_of_two_starts_at_once_the_first_goes_on() -> None:
    first, second = did("start", "alpha", 1, "queued"), did("start", "beta", 2, "queued")
    state = picture(web("alpha", S.SHUTOFF), web("beta", S.SHUTOFF), operations=(first, second))
    assert not check(state, Start(HERE), first.id)
    (reason,) = check(state, Start(THERE), second.id)
    assert "start is queued for it on alpha" in reason


def test_hostile_names_are_shown_clean() -> None:
    name = "w\x1b[31meb\u202e"
    rows = [replace(row, name=name) for row in (web("alpha", S.SHUTOFF), web("beta", S.RUNNING))]
    (reason,) = check(picture(*rows), Start(HERE))
    assert "\x1b" not in reason
    assert "\u202e" not in reason


def disks(path: str, *backing: str) -> tuple[Disk, ...]:
    layers = tuple(DiskSource("file", layer) for layer in backing)
    return (Disk("vda", source=DiskSource("file", path), backing=layers),)


def test_a_disk_in_use_is_named_with_its_users() -> None:
    error = DiskInUseError("The disk image /p/a is in use.", "End it.", 1, "/p/a")
    state = picture(
        web("alpha", S.SHUTOFF, disks=disks("/p/a")),
        replace(web("beta", S.RUNNING, disks=disks("/p/a")), name="twin"),
        replace(web("alpha", S.PAUSED, disks=disks("/p/b", "/p/a")), uuid="v", name="clone"),
        replace(web("alpha", S.SHUTOFF, disks=disks("/p/a")), uuid="w", name="off"),
        hosts=LOST,
    )
    told = named(error, state, HERE)
    assert told.message == (
        "The disk image /p/a is in use. It is its disk vda. It is used by clone on alpha (paused) "
        "and by twin on beta (running, as it was last seen)."
    )
    assert told.hint == "End it."


def test_a_disk_in_use_by_nobody_that_is_known() -> None:
    error = DiskInUseError("The image of one of its disks is in use.", "End it.")
    state = picture(web("alpha", S.SHUTOFF, disks=disks("/p/a")), web("beta", S.RUNNING))
    told = named(error, state, HERE)
    assert told.message == error.message
    assert "No instance of the open hosts was seen to use it" in told.hint
    users = picture(
        web("alpha", S.SHUTOFF, disks=disks("/p/a")), web("beta", S.RUNNING, disks=disks("/p/a"))
    )
    assert "used by web on beta (running)" in named(error, users, HERE).message


def test_a_disk_in_use_while_the_disks_of_others_were_not_read() -> None:
    error = DiskInUseError("The image of one of its disks is in use.", "End it.")
    unread = replace(web("beta", S.RUNNING), described=False)
    told = named(error, picture(web("alpha", S.SHUTOFF, disks=disks("/p/a")), unread), HERE)
    assert "No instance" not in told.hint
    assert "is not known: the disks of web on beta were not read" in told.hint
    off = picture(web("alpha", S.SHUTOFF, disks=disks("/p/a")), replace(unread, state=S.SHUTOFF))
    assert "No instance" in named(error, off, HERE).hint  # one that is off has nothing open


class Reading:
    """Hosts that go on reading until somebody has looked a few times."""

    def __init__(self, ends: int) -> None:
        self.left = ends

    def reads_on(self, host: str) -> bool:
        assert host == "beta"
        self.left -= 1
        return self.left >= 0


@pytest.mark.parametrize("reads_it", [True, False])
async def test_who_uses_a_disk_is_told_once_the_hosts_have_read_it(reads_it: bool) -> None:
    """A command is refused sooner than the other host has told its disks."""
    error = DiskInUseError("The image of one of its disks is in use.", "End it.")
    own = web("alpha", S.SHUTOFF, disks=disks("/p/a"))
    hosts = Reading(2)

    def state() -> State:
        known = hosts.left <= 0 and reads_it
        told_of = disks("/p/a") if known else ()
        return picture(own, web("beta", S.RUNNING, disks=told_of, described=known))

    found = await told(cast("Hosts", hosts), state, error, HERE)
    assert ("used by web on beta (running)" in found.message) is reads_it
    assert ("is not known: the disks of web on beta" in found.hint) is not reads_it


def test_every_verb_that_lets_an_instance_run_takes_the_typed_name() -> None:
    """The console fills it in for whoever has typed it: one without the field took it down."""
    instances = [Instance("alpha", "u", "web", state) for state in InstanceState]
    for verb in VERBS.values():
        if verb.lets_run is not None and any(map(verb.lets_run, instances)):
            fields = {field.name for field in msgspec.structs.fields(verb.request)}
            assert "second_copy" in fields, verb.name
