"""A guest lets go of what holds it to its host, and is given it again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from msgspec.structs import replace as with_fields

from core.model import Host, InstanceState, Job, MigrationStatus, OperationStatus, State
from core.model.host import Link, LinkStatus
from core.verbs.checks import check
from core.verbs.danger import danger
from core.verbs.device.calls import AttachCall, DetachCall
from core.verbs.device.released import (
    DEVICE_REATTACH,
    DEVICE_RELEASE,
    DeviceReattach,
    DeviceRelease,
)
from core.verbs.migration import MIGRATE
from core.verbs.migration.requests import Migrate
from core.verbs.preview import planned
from core.verbs.situation import Situation
from tests.unit.core.verbs.test_letting_go import (
    BARE,
    CARD,
    FULL,
    OFF,
    VF,
    WORDS,
    at,
    end,
    holding,
    ok,
    send,
    wrong,
)
from tests.unit.migration_builders import migration
from tests.unit.power_builders import WEB

RELEASE, REATTACH = DeviceRelease(WEB), DeviceReattach(WEB)


def releasing(instance: Any, *sent: Any, **more: Any) -> Situation:
    return at(instance, *sent, request=RELEASE, **more)


def test_each_leaves_what_runs_and_the_outcome_says_how_it_comes_back() -> None:
    first = send(DEVICE_RELEASE.decide(releasing(FULL)))
    second = send(DEVICE_RELEASE.decide(releasing(holding(cards=(VF,)), ok(first))))
    assert [(one.kind, one.name) for one in (first, second)] == [
        ("device", WORDS[0]), ("interface", WORDS[1])
    ]  # fmt: skip
    assert isinstance(first, DetachCall)
    over = end(DEVICE_RELEASE.decide(releasing(BARE, ok(first, 1.0), ok(second, 3.0))))
    assert over.status is OperationStatus.DONE
    assert over.outcome == (
        f"nothing holds web to its host: {WORDS[0]} and the interface {WORDS[1]} are detached "
        "until device-reattach attaches again"
    )


def test_a_guest_that_does_not_let_go_has_back_what_left_before() -> None:
    first = send(DEVICE_RELEASE.decide(releasing(FULL)))
    second = send(DEVICE_RELEASE.decide(releasing(holding(cards=(VF,)), ok(first))))
    sent = (ok(first, 1.0), wrong(second, "no such slot", 3.0))
    again = send(DEVICE_RELEASE.decide(releasing(holding(cards=(VF,)), *sent)))
    assert isinstance(again, AttachCall)
    assert again.name == WORDS[0]
    over = end(DEVICE_RELEASE.decide(releasing(holding(CARD, cards=(VF,)), *sent, ok(again, 5.0))))
    assert over.status is OperationStatus.FAILED
    assert over.outcome == (
        f"no such slot: it is held to its host yet; {WORDS[0]} is attached again"
    )


def test_what_its_definition_has_more_is_attached_again() -> None:
    first = send(DEVICE_REATTACH.decide(at(BARE, request=REATTACH)))
    assert isinstance(first, AttachCall)
    assert (first.live, first.config, first.name) == (True, False, WORDS[0])
    one = send(DEVICE_REATTACH.decide(at(BARE, request=DeviceReattach(WEB, (WORDS[1],)))))
    assert one.name == WORDS[1]
    none = end(DEVICE_REATTACH.decide(at(FULL, request=REATTACH)))
    assert none.outcome == "web has the devices of its host that its definition has"


UP = Host(FULL.host, "qemu:///system", link=Link(LinkStatus.UP))


def refused(request: Any, instance: Any) -> list[str]:
    state = State(hosts={instance.host: UP}, instances={instance.key: instance})
    return [one.text for one in check(state, request)]


def test_what_speaks_against_it() -> None:
    transient = with_fields(FULL, persistent=False)
    assert refused(RELEASE, FULL) == refused(REATTACH, FULL) == []
    assert refused(RELEASE, transient) == refused(REATTACH, transient) == ["web is transient"]
    assert refused(RELEASE, BARE) == ["No device of its host holds web there"]
    assert "is paused with" in refused(RELEASE, with_fields(FULL, state=InstanceState.PAUSED))[0]
    assert refused(REATTACH, OFF)[0] == "web is shut off"


def test_a_migration_gives_back_itself_what_it_took_and_its_job_is_in_nobodys_way() -> None:
    row = migration(uuid=FULL.uuid, status=MigrationStatus.RUNNING)
    job = Job(FULL.host, FULL.uuid, "migration", 1.0)
    state = State(
        hosts={FULL.host: UP},
        instances={FULL.key: FULL},
        jobs={FULL.key: job},
        migrations={row.id: row},
    )
    assert [one.text for one in check(state, REATTACH)] == ["web is migrating"]
    over = with_fields(row, status=MigrationStatus.ABORTED)
    assert check(replace(state, migrations={row.id: over}), REATTACH) == ()


def test_the_question_and_the_rehearsal_name_what_leaves() -> None:
    state = State(instances={FULL.key: FULL})
    asked = danger(state, RELEASE)
    assert WORDS[0] in asked.text
    assert WORDS[1] in asked.text
    assert [type(one.call) for one in planned(state, RELEASE)] == [DetachCall, DetachCall]
    moving = danger(state, Migrate(WEB, to="beta"))
    assert "leave web for the move: its guest does without until beta gives it" in moving.text
    assert danger(state, Migrate(WEB, to="beta", host_devices="migrate")).text == ""


def test_both_go_beside_the_migration_that_asks_for_them() -> None:
    assert all(MIGRATE.request in verb.beside for verb in (DEVICE_RELEASE, DEVICE_REATTACH))
