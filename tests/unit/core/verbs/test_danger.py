"""What a request takes away, how it is confirmed, and that both surfaces ask just that."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from console.actions.registry import ACTIONS, action
from console.cli import interrupts
from console.cli.confirming import confirm
from console.screens.dialogs.confirm import ConfirmDialog, particulars
from console.screens.proposal import Proposal, Target
from core.errors import RefusedError
from core.model import (
    Disk,
    DiskSource,
    Host,
    HostFacts,
    Instance,
    InstanceState,
    Interface,
    Job,
    JobSample,
    Network,
    ObjectKey,
    OperationRecord,
    OperationStatus,
    Pool,
    Request,
    State,
    Steer,
    SteerKind,
)
from core.model.operation import AnswerChoice, OperationQuestion
from core.verbs.caution import Caution, Danger
from core.verbs.danger import (
    CANCEL,
    danger,
    danger_of,
    danger_of_answer,
    danger_of_cancel,
    least_caution,
)
from core.verbs.migration.danger import danger_of_steering, steering_caution
from core.verbs.migration.requests import Drain, Migrate, ResumeMigration
from core.verbs.power.requests import Pause, Reboot, Reset, Resume, Shutdown, Start, Stop
from core.verbs.registry import VERBS
from tests.unit.migration_builders import migration
from tests.verbs import POWER_VERBS, REQUESTS

NAMES = ("web", "db", "mail", "dns", "ntp", "git", "wiki")


def key(name: str) -> ObjectKey:
    return ObjectKey("instance", "alpha", f"u-{name}")


WEB = key("web")
ALPHA = ObjectKey("host", "alpha", "alpha")


def picture(*transient: str, jobs: dict[str, str] | None = None) -> State:
    """Seven instances; those named are transient, those with a job have it."""
    instances = [
        Instance(
            "alpha", f"u-{name}", name, InstanceState.RUNNING, persistent=name not in transient
        )
        for name in NAMES
    ]
    found = [Job("alpha", f"u-{name}", kind, 0.0) for name, kind in (jobs or {}).items()]
    return State(
        instances={row.key: row for row in instances}, jobs={job.key: job for job in found}
    )


RUNNING = InstanceState.RUNNING
LOST = "what its guest has not written to disk is lost."
ONCE_OFF = "web is transient: once off, it cannot be started again."


@pytest.mark.parametrize(
    ("request_", "transient", "caution", "text"),
    [
        (Start(WEB), False, Caution.NONE, ""),
        (Start(WEB, forget_saved=True), False, Caution.NONE, ""),
        (Resume(WEB), False, Caution.NONE, ""),
        (Resume(WEB), True, Caution.NONE, ""),
        (Stop(WEB), False, Caution.TYPE, f"Cuts the power of web on alpha: {LOST}"),
        (Stop(WEB), True, Caution.TYPE, f"Cuts the power of web on alpha: {LOST}\n{ONCE_OFF}"),
        (Reset(WEB), True, Caution.TYPE, f"Resets web on alpha without asking: {LOST}"),
        (
            Shutdown(WEB, then_stop=False), False, Caution.KEY,
            "Powers off the guest of web on alpha: what it serves ends.",
        ),
        (
            Shutdown(WEB, then_stop=False), True, Caution.TYPE,
            f"Powers off the guest of web on alpha: what it serves ends.\n{ONCE_OFF}",
        ),
        (
            Shutdown(WEB, 30.0), False, Caution.CONFIRM,
            "Powers off the guest of web on alpha: what it serves ends. "
            f"If it does not obey in 30 s, its power is cut, unless you wait on: then {LOST}",
        ),
        (
            Reboot(WEB), True, Caution.KEY,
            "Reboots the guest of web on alpha: what it serves is interrupted.",
        ),
        (
            Pause(WEB), False, Caution.KEY,
            "Stops the vCPUs of web on alpha: what it serves stands still until it is resumed.",
        ),
        (Drain(ALPHA), False, Caution.TYPE, "Moves every active instance away from alpha."),
        (
            ResumeMigration(WEB), False, Caution.KEY,
            "Connects both hosts of web on alpha again and fetches the rest of its memory.",
        ),
    ],
)  # fmt: skip
def test_a_request_says_what_it_takes_away(
    request_: Request, transient: bool, caution: Caution, text: str
) -> None:
    found = danger(picture(*(["web"] if transient else [])), request_)
    assert (found.caution, found.text) == (caution, text)
    word = "alpha" if isinstance(request_, Drain) else "web"
    assert found.word == (word if caution is Caution.TYPE else "")


@pytest.mark.parametrize(("kind", "one", "two"), [
    ("network",
     "Stops the network a on alpha: instances on it lose their connection until they are "
     "restarted.\nOn it now: web.",
     "Stops 2 networks: instances on them lose their connection until they are restarted.\n"
     "On them now: web."),
    ("pool",
     "Stops the pool a on alpha: its volumes stay, and cannot be used through it until it "
     "starts.\nDisks in it: of web.",
     "Stops 2 pools: their volumes stay, and cannot be used through them until they start.\n"
     "Disks in them: of web."),
])  # fmt: skip
def test_what_several_lose_is_said_of_several(kind: str, one: str, two: str) -> None:
    user = Instance(
        "alpha", "u-web", "web", InstanceState.RUNNING,
        disks=(Disk("vda", source=DiskSource("file", "/a/web")),),
        interfaces=(Interface("52:54:00:00:00:01", "network", "a"),),
    )  # fmt: skip
    pools = [Pool("alpha", name, name, path=f"/{name}") for name in "ab"]
    networks = [Network("alpha", name, name, active=True, persistent=True) for name in "ab"]
    state = State(
        instances={user.key: user},
        pools={each.key: each for each in pools},
        networks={each.key: each for each in networks},
    )
    stop = VERBS[f"{kind}-stop"].request
    requests = [stop(subject=ObjectKey(kind, "alpha", name)) for name in "ab"]
    assert danger(state, requests[0]).text == one
    assert danger_of(state, requests).text == two
    unread = replace(user, uuid="u-db", name="db", described=False)
    untold = danger_of(dataclasses.replace(state, instances={unread.key: unread}), requests).text
    assert untold.endswith("them is not known: it was not read.")
    assert "Whether db" in untold


def test_a_start_that_forgets_saved_memory_says_so_and_has_the_name_typed() -> None:
    saved = Instance("alpha", "u-web", "web", InstanceState.SHUTOFF, managed_save=True)
    state = State(instances={WEB: saved})
    assert danger(state, Start(WEB)).caution is Caution.NONE
    found = danger(state, Start(WEB, forget_saved=True))
    assert (found.caution, found.word) == (Caution.TYPE, "web")
    assert found.text == (
        "Throws the saved memory of web away: what was not written to disk is lost."
    )


def test_every_verb_is_decided_on_its_own_and_its_help_says_no_more_than_what_is_asked() -> None:
    unasked = {name for name, kind in REQUESTS.items() if least_caution(kind) is Caution.NONE}
    assert unasked == {
        *("start", "resume", "migrate", "send-key", "set-time", "rename", "title", "description"),
        "set-metadata",
        *("autostart", "set-vcpus", "set-memory", "pool-start", "pool-refresh", "pool-autostart"),
        *("network-start", "network-autostart", "restore", "screenshot", "trim", "exec"),
        *("network-create", "network-create-from-xml", "network-edit"),
        *("pool-create", "pool-create-from-xml", "pool-build"),
        *(
            f"network-{does}-{what}"
            for does in ("add", "remove")
            for what in ("dhcp-host", "dns-host", "port-group")
            if (does, what) != ("remove", "port-group")
        ),
        *("snapshot-create", "create", "create-from-image", "create-from-xml"),
        *("backup", "backup-pull", "checkpoint-create"),
        *("image", "block-copy", "volume-swap", "block-pull", "block-job-speed"),
        *("set-boot-order", "set-cpu-mode", "set-graphics", "set-link"),
        *("set-cpu-limits", "set-memory-limits", "set-disk-limits", "set-network-limits"),
        *("add-agent-channel", "set-watchdog", "add-rng", "add-tpm", "clone"),
        *("change-media", "volume-extend"),
        *("volume-create", "volume-download", "volume-resize", "volume-clone"),
        *("volume-attach", "volume-connect"),
        *("interface-attach", "device-attach", "device-share", "device-create", "nwfilter-define"),
        "device-reattach",
        *("network-start", "network-autostart", "restore", "screenshot", "trim", "exec", "thaw"),
        *("snapshot-create", "create", "create-from-image", "create-from-xml", "guest-vcpus"),
    }
    mildest = {verb: kind(WEB) for verb, kind in POWER_VERBS.items()}
    mildest["shutdown"] = Shutdown(WEB, then_stop=False)
    for verb, request in mildest.items():
        assert action(f"power.{verb}").caution is danger(picture(), request).caution
    assert action("hosts.drain").caution is danger(picture(), Drain(ALPHA)).caution
    assert action("operations.cancel").caution is CANCEL
    for kind_ in SteerKind:
        found = {entry.id: entry for entry in ACTIONS}.get(f"steer.{kind_.value}")
        assert found is None or found.caution is steering_caution(kind_)


def test_many_are_one_sentence_each_and_the_number_is_typed() -> None:
    requests = [Stop(key(name)) for name in NAMES]
    found = danger_of(picture("db", "dns", jobs={"web": "migration", "git": "save"}), requests)
    assert found == Danger(
        Caution.TYPE,
        "Cuts the power of 7 instances: what their guests have not written to disk is lost.\n"
        "Also fails: migration of web and save of git.\n"
        "db and dns are transient: once off, they cannot be started again.",
        "7",
    )


def test_one_transient_among_many_is_named_and_makes_all_of_them_typed() -> None:
    requests = [Shutdown(key(name)) for name in NAMES]
    assert danger_of(picture(), requests).caution is Caution.CONFIRM
    found = danger_of(picture("mail"), requests)
    assert (found.caution, found.word) == (Caution.TYPE, "7")
    assert "mail is transient: once off, it cannot be started again." in found.text
    assert danger_of(picture(), []) == Danger()


@pytest.mark.parametrize("name", ["web\u202e", " web", "we\x1b[31mb", "we\u200bb"])
def test_a_name_that_cannot_be_typed_gives_way_to_the_id(name: str) -> None:
    instance = Instance("alpha", "u-web", name, InstanceState.RUNNING)
    found = danger(State(instances={WEB: instance}), Stop(WEB))
    assert found.word == "u-web"
    assert "\x1b" not in found.text
    assert "\u202e" not in found.text


@pytest.mark.parametrize(
    ("kind", "parts"),
    [
        (SteerKind.ABORT, ("web to beta", "runs on at alpha", "(42%) is thrown away")),
        (
            SteerKind.POST_COPY,
            ("web runs on beta", "cannot be aborted", "lost when either host"),
        ),
        (SteerKind.PAUSE, ("stands still", "web must be resumed on alpha")),
    ],
)
def test_a_command_to_a_migration_says_what_it_takes_away(
    kind: SteerKind, parts: tuple[str, ...]
) -> None:
    found = danger_of_steering(migration(progress=0.42, sample=JobSample(1.0)), Steer(kind))
    assert (found.caution, found.word) == (Caution.CONFIRM, "")
    for part in parts:
        assert part in found.text
    assert danger_of_steering(migration(), Steer(SteerKind.BANDWIDTH, 3.0)) == Danger()
    unseen = danger_of_steering(migration(progress=0.0), Steer(kind)).text
    assert "%" not in unseen, "a command that has just opened has read nothing of it"


def test_a_migration_that_leaves_no_definition_or_begins_in_post_copy_is_confirmed() -> None:
    assert danger(picture(), Migrate(WEB, to="beta")) == Danger()
    found = danger(picture(), Migrate(WEB, to="beta", persist=False))
    assert found.caution is Caution.CONFIRM
    assert found.text.startswith("web is transient on beta and no longer defined anywhere")
    assert danger(picture(), Migrate(WEB, to="beta", persist=False, undefine=False)) == Danger()
    assert danger(picture("web"), Migrate(WEB, to="beta", persist=False)) == Danger()
    found = danger(picture(), Migrate(WEB, to="beta", post_copy="at-once"))
    assert found.caution is Caution.CONFIRM
    assert "part of its memory is still on alpha" in found.text


def test_a_cancel_says_what_becomes_of_what_was_begun() -> None:
    for verb, part in (
        ("drain", "No further"),
        ("migrate", "aborted"),
        ("shutdown", "may still obey"),
    ):
        record = OperationRecord("o", verb, "alpha", WEB, "web", "ann", 0.0, started=1.0)
        assert part in danger_of_cancel(record).text


def test_an_answer_that_takes_something_away_has_the_name_typed() -> None:
    choices = (AnswerChoice("wait-on", "wait on"), AnswerChoice("force-now", "cut", "It is lost."))
    record = OperationRecord(
        *("o", "shutdown", "alpha", WEB, "web", "ann", 0.0),
        question=OperationQuestion("q", "wait on?", choices),
    )
    assert danger_of_answer(record, "wait-on") == Danger()
    assert danger_of_answer(record, "force-now") == Danger(Caution.TYPE, "It is lost.", "web")


def test_a_cancel_before_anything_was_sent_leaves_it_as_it_is() -> None:
    for status in (OperationStatus.QUEUED, OperationStatus.RUNNING):  # prepared, as a migration is
        record = OperationRecord("o", "migrate", "alpha", WEB, "web", "ann", 0.0, status)
        assert danger_of_cancel(record).text == (
            "Nothing of it has been sent yet: web stays as it is."
        )


# -- both surfaces ask just that -------------------------------------------------------------------


def proposal(state: State, verb: str, *names: str) -> Proposal:
    kind = POWER_VERBS[verb]
    targets = tuple(Target(key(name), name, "alpha", "running", kind(key(name))) for name in names)
    return Proposal(VERBS[verb], targets, 0, danger_of(state, [row.request for row in targets]))


@given(
    verb=st.sampled_from(list(POWER_VERBS)),
    names=st.lists(st.sampled_from(NAMES), min_size=1, unique=True),
    transient=st.sets(st.sampled_from(NAMES)),
)
def test_the_dialog_shows_what_the_core_says_and_asks_what_it_asks(
    verb: str, names: list[str], transient: set[str]
) -> None:
    state = picture(*transient)
    asked = proposal(state, verb, *names)
    dialog = ConfirmDialog(asked)
    assert dialog.may_say_yes() == (asked.danger.caution is not Caution.TYPE)
    shown = [getattr(line, "text", line) for line in particulars(asked)]
    assert shown[: len(asked.danger.text.splitlines())] == asked.danger.text.splitlines()
    assert asked.must_ask == (asked.danger.caution is not Caution.NONE or len(names) > 1)


def test_the_dialog_of_a_transient_shutdown_wants_its_name() -> None:
    asked = proposal(picture("web"), "shutdown", "web")
    assert not ConfirmDialog(asked).may_say_yes()
    assert ONCE_OFF in [getattr(line, "text", line) for line in particulars(asked)]


def answer(monkeypatch: pytest.MonkeyPatch, reply: Any) -> None:
    monkeypatch.setattr(interrupts, "can_ask", lambda: True)
    monkeypatch.setattr("click.confirm", lambda *_, **__: reply)
    monkeypatch.setattr("click.prompt", lambda *_, **__: reply)


@pytest.mark.parametrize(
    ("caution", "reply", "goes_on"),
    [
        (Caution.NONE, None, True),
        (Caution.KEY, None, True),
        (Caution.CONFIRM, True, True),
        (Caution.CONFIRM, False, False),
        (Caution.TYPE, "web", True),
        (Caution.TYPE, "", False),
        (Caution.TYPE, "y", False),
    ],
)
def test_the_command_line_asks_what_the_core_asks(
    caution: Caution, reply: Any, goes_on: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer(monkeypatch, reply)
    asked = Danger(caution, "It is lost.", "web" if caution is Caution.TYPE else "")
    if goes_on:
        confirm(asked, sure=False)
    else:
        with pytest.raises(RefusedError, match="Nothing was done"):
            confirm(asked, sure=False)


@pytest.mark.parametrize("caution", [Caution.CONFIRM, Caution.TYPE])
def test_without_a_terminal_only_yes_will_do_and_the_refusal_says_what_is_lost(
    caution: Caution, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interrupts, "can_ask", lambda: False)
    with pytest.raises(RefusedError, match=r"It is lost\. And more\.") as caught:
        confirm(Danger(caution, "It is lost.", "web"), sure=False, more=["And more."])
    assert "--yes" in caught.value.hint
    confirm(Danger(caution, "It is lost.", "web"), sure=True)
    confirm(Danger(Caution.KEY, "It is interrupted."), sure=False)


def test_a_resume_that_ends_the_destinations_daemon_is_typed_and_says_so() -> None:
    there = ObjectKey("instance", "beta", "u-web")
    moved = Instance("beta", "u-web", "web", InstanceState.RUNNING, reason="post-copy failed")
    mended, crashing = (
        State(
            hosts={
                name: Host(name, "qemu:///system", facts=HostFacts(libvirt_version=version))
                for name in ("alpha", "beta")
            },
            instances={**picture().instances, there: moved},
        )
        for version in ("10.0.0", "11.3.0")
    )
    assert danger(mended, ResumeMigration(WEB)).caution is Caution.KEY
    found = danger(crashing, ResumeMigration(WEB))
    assert (found.caution, found.word) == (Caution.TYPE, "web")
    assert "known to die of resuming" in found.text
