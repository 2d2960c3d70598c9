"""The form of a verb, made from its declaration: fields, values, sentences, the command."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.screens.form import Field
from console.screens.openers import OPENERS
from console.screens.verb_form import (
    UNSET,
    FormAnswers,
    asked_parameters,
    command_of,
    fields_of,
    read,
)
from core.model import (
    Host,
    Instance,
    InstanceState,
    Link,
    LinkStatus,
    Pool,
    PoolState,
    State,
    Volume,
)
from core.model.secret_value import Secret
from core.verbs.agent.accounts import SetPassword
from core.verbs.parameter import Parameter, parameters
from core.verbs.registry import VERBS
from tests.declared import POKE, Poke

WEB = Instance("alpha", "u-web", "web", InstanceState.RUNNING, type="kvm")
DB = Instance("alpha", "u-db", "my db", InstanceState.RUNNING, type="kvm")
UP = Link(LinkStatus.UP)
STATE = State(
    hosts={name: Host(name, f"qemu+ssh://{name}/system", link=UP) for name in ("alpha", "beta")},
    instances={row.key: row for row in (WEB, DB)},
)


def values(**changed: str) -> dict[str, str]:
    """What a new form says, with some fields set."""
    shown = {
        each.id: each.default or (each.choices[0][0] if each.choices else "")
        for each in fields_of(POKE, STATE, WEB.key)
    }
    return {**shown, **changed}


def reading(**changed: str) -> FormAnswers:
    return read(POKE, values(**changed), [WEB.key])


def test_a_new_form_asks_for_the_defaults():
    assert reading().requests == (Poke(subject=WEB.key),)


def test_every_verb_of_the_registry_has_a_form_that_says_its_defaults():
    for verb in VERBS.values():
        if verb.name in OPENERS:
            continue  # it has a dialog of its own
        fields = fields_of(verb, STATE, WEB.key)
        asked = [each.name for each in asked_parameters(verb)]
        assert [each.id for each in fields if not each.id.endswith("-again")] == asked
        shown = {each.id: each.default or (each.choices or (("", ""),))[0][0] for each in fields}
        found = read(verb, shown, [WEB.key])
        missing = {each.name for each in parameters(verb.request) if each.required}
        assert set(found.wrong) <= missing
        if not missing:
            assert found.requests == (verb.request(subject=WEB.key),)


def test_each_type_has_its_widget():
    fields = {each.id: each for each in fields_of(POKE, STATE, WEB.key)}
    assert [name for name, _ in fields["finger"].choices] == ["index", "thumb"]
    assert [name for name, _ in fields["hard"].choices] == ["no", "yes"]
    assert fields["times"].number is not None
    assert not fields["times"].choices
    assert fields["pin"].secret
    assert {each.id for each in fields.values() if each.more} == {"pin", "pause"}


def field(verb: str, name: str, state: State) -> Field:
    return next(one for one in fields_of(VERBS[verb], state, WEB.key) if one.id == name)


def with_volumes(count: int) -> State:
    pools = [
        Pool("alpha", f"u-{name}", name, state=PoolState.ACTIVE) for name in ("default", "fast")
    ]
    off = Pool("alpha", "u-off", "off")
    away = Pool("beta", "u-b", "away", state=PoolState.ACTIVE)
    volumes = [
        Volume(pool.host, pool.uuid, pool.name, f"v{number}.qcow2", f"/{pool.name}/{number}")
        for pool in (pools[0], away)
        for number in range(count)
    ]
    return replace(
        STATE,
        pools={one.key: one for one in (*pools, off, away)},
        volumes={one.key: one for one in volumes},
    )


PLACES = [
    (verb.name, one.name, one)
    for verb in VERBS.values()
    for one in parameters(verb.request)
    if one.place and verb.name not in OPENERS
]


@pytest.mark.parametrize(("verb", "name", "parameter"), PLACES)
def test_every_field_for_a_place_proposes_those_of_its_host(
    verb: str, name: str, parameter: Parameter
):
    assert parameter.typed, "another may be typed: a path, a volume that is not read yet"
    found = field(verb, name, with_volumes(2)).proposed
    assert set(found) & {"default", "default/", "default/v0.qcow2"}
    assert not any("away" in one for one in found), "of no other host"


def test_where_a_disk_goes_is_a_pool_or_a_volume_and_a_new_file_begins_with_its_pool():
    state = with_volumes(1)
    assert field("volume-swap", "to", state).proposed == ("default", "fast", "default/v0.qcow2")
    assert field("block-copy", "to", state).proposed == ("default/", "fast/")
    assert field("rescue", "image", state).proposed == ("default/v0.qcow2",)


def test_of_ten_thousand_volumes_a_note_names_three():
    found = field("create-from-image", "image", with_volumes(10_000))
    assert len(found.proposed) == 10_000
    there = "default/v0.qcow2, default/v1.qcow2, default/v2.qcow2 and 9,997 more"
    assert found.note.endswith(f"There are {there}: right takes what is proposed.")
    none = field("create-from-image", "image", STATE)
    assert not none.proposed
    assert "There" not in none.note


def test_what_is_chosen_and_typed_is_asked_for():
    found = reading(finger="thumb", times="3", hard="yes", reason="a b", pause="1.5")
    assert found.requests == (
        Poke(subject=WEB.key, finger="thumb", times=3, hard=True, reason="a b", pause=1.5),
    )


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"times": "10"}, "A times of 10 makes no sense: give 1 to 9."),
        ({"times": "1.5"}, "Times is a whole number, 1 to 9."),
        ({"times": ""}, "Times must be given: 1 to 9."),
        ({"times": "²"}, "Times is a whole number, 1 to 9."),
        ({"pause": "nan"}, "Pause is a number, 0 to 60 seconds."),
        ({"pause": "61"}, "A pause of 61 s makes no sense: give 0 to 60 seconds."),
    ],
)
def test_a_wrong_value_is_told_by_its_field(changed: dict[str, str], sentence: str):
    found = reading(**changed)
    assert found.requests == ()
    assert found.wrong == {next(iter(changed)): sentence}


def test_every_wrong_value_is_told_at_once():
    assert set(reading(times="x", pause="x").wrong) == {"times", "pause"}


def test_a_subject_gets_a_request_each():
    found = read(POKE, values(), [WEB.key, DB.key])
    assert [request.subject for request in found.requests] == [WEB.key, DB.key]


def test_the_command_says_what_is_not_the_default_and_no_secret():
    requests = read(POKE, values(times="3", hard="yes", pin="S3CRET"), [WEB.key, DB.key]).requests
    command = command_of(POKE, STATE, requests)
    assert command == "virtdeck poke web 'my db' --times 3 --hard --pin-file FILE"
    assert "S3CRET" not in command
    assert "S3CRET" not in repr(requests)


def test_a_password_is_typed_twice_and_must_be_the_same():
    verb = VERBS["set-password"]
    fields = fields_of(verb, STATE, WEB.key)
    assert [each.id for each in fields] == ["password", "password-again", "user", "encrypted"]
    assert [each.secret for each in fields] == [True, True, False, False]

    def said(password: str, again: str) -> FormAnswers:
        typed = {"password": password, "password-again": again}
        return read(verb, {"user": "root", "encrypted": "no", **typed}, [WEB.key])

    assert said("", "").wrong == {"password": "Password must be given."}
    assert said("one", "").wrong == {"password-again": "It is not the password above."}
    assert said("one", "One").wrong == {"password-again": "It is not the password above."}
    assert said(" one ", " one ").requests == (SetPassword(WEB.key, Secret(" one ")),)


@pytest.mark.parametrize(
    ("name", "typed"),
    [("web", "beta/web"), ("--yes", "beta/--yes"), ("we\u200bb", "beta/u-3"), ("mail", "mail")],
)
def test_the_command_names_what_is_meant_and_nothing_else(name: str, typed: str):
    row = Instance("beta", "u-3", name, InstanceState.RUNNING, type="kvm")
    state = replace(STATE, instances={**STATE.instances, row.key: row})
    requests = read(POKE, values(), [row.key]).requests
    assert command_of(POKE, state, requests) == f"virtdeck poke {typed}"


@given(st.text(max_size=12), st.text(max_size=12))
def test_whatever_is_typed_is_a_request_or_a_sentence(times: str, pause: str):
    found = reading(times=times, pause=pause)
    assert bool(found.requests) != bool(found.wrong)
    for request in found.requests:
        assert isinstance(request, Poke)
        assert 1 <= request.times <= 9


def test_what_may_be_left_open_is_none():
    fields: dict[str, Any] = {"pause": ""}
    request = reading(**fields).requests[0]
    assert isinstance(request, Poke)
    assert request.pause is None
    assert UNSET not in values()


@pytest.mark.parametrize(
    ("name", "values_", "sentence"),
    [
        ("title", {"text": "a\x1bb"}, "A title of 'a\\x1bb' makes no sense: give one line without"),
        ("title", {"text": "a\ufffe"}, "give text that XML can hold"),
        (
            "title",
            {"text": "a" * 1025},
            "A title of 1,025 bytes makes no sense: give at most 1,024",
        ),
        ("rename", {"to": "a/b"}, "A new name of 'a/b' makes no sense: give one without /"),
        ("rename", {"to": ""}, "The new name is not given: give one"),
        ("core-dump", {"to": "here"}, "give a whole path, which begins with /"),
        ("send-key", {"keys": "wombat"}, "There is no key called 'wombat'"),
    ],
)
def test_a_wrong_text_is_told_as_on_the_command_line(
    name: str, values_: dict[str, str], sentence: str
):
    verb = VERBS[name]
    fields = fields_of(verb, STATE, WEB.key)
    shown = {each.id: each.default or (each.choices or (("", ""),))[0][0] for each in fields}
    found = read(verb, {**shown, **values_}, [WEB.key])
    assert found.requests == ()
    assert sentence in found.wrong[next(iter(values_))]
