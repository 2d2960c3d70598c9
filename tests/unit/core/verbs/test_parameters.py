"""What the fields of requests are: one place for the check, the forms and the command line."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import pytest

from core.model import ObjectKey, Request
from core.verbs.parameter import (
    Parameter,
    against_parameters,
    parameter,
    parameters,
)
from core.verbs.places import local_places
from core.verbs.power.requests import Shutdown
from core.verbs.registry import VERBS

KEY = ObjectKey("instance", "alpha", "u")


def _against_no(text: str) -> str:
    return "It says no: say something else" if text == "no" else ""


LABEL = parameter("On it.", pattern="[a-z]*", shape="letters", longest=40, rule=_against_no)


class Paint(Request, frozen=True):
    """Paint an instance."""

    verb: ClassVar[str] = "paint"
    colour: Annotated[Literal["red", "blue"], parameter("Which.", label="paint")]
    coats: Annotated[int, parameter("How many.", least=1, most=3)] = 1
    drying: Annotated[float, parameter("How long.", least=0.5, unit="s")] | None = None
    over: Annotated[tuple[str, ...], parameter("On what.", source="disks", advanced=True)] = ()
    glossy: bool = False
    label: Annotated[str, LABEL] = ""
    brand: Annotated[str, parameter("Whose.", pattern="[a-z]+", shape="a name")] = "any"


def of(kind: type[Request]) -> dict[str, Parameter]:
    return {found.name: found for found in parameters(kind)}


def test_everything_is_read_from_the_request() -> None:
    found = of(Paint)
    assert list(found) == ["colour", "coats", "drying", "over", "glossy", "label", "brand"]
    colour, coats, drying, over = (found[n] for n in ("colour", "coats", "drying", "over"))
    assert (colour.required, colour.choices, colour.words) == (True, ("red", "blue"), "paint")
    assert (coats.kind, coats.least, coats.most, coats.default) == (int, 1, 3, 1)
    assert (drying.optional, drying.kind, drying.unit, drying.range) == (
        True, float, "s", "0.5 seconds or more",
    )  # fmt: skip
    assert (over.many, over.source, over.advanced) == (True, "disks", True)
    assert (found["glossy"].kind, found["glossy"].help) == (bool, "")


@pytest.mark.parametrize(
    ("request_", "sentences"),
    [
        (Paint(KEY, "red"), []),
        (Paint(KEY, "red", 4), ["A coats of 4 makes no sense: give 1 to 3."]),
        (
            Paint(KEY, "red", 1, 0.1),
            ["A drying of 0.1 s makes no sense: give 0.5 seconds or more."],
        ),
        (Paint(KEY, "red", label="ok"), []),
        (Paint(KEY, "red", label="a\n"), ["A label of 'a\\n' makes no sense: give letters."]),
        (
            Paint(KEY, "red", over=("vda", "a\0")),
            [
                "Over of 'a\\x00' make no sense: give text that XML can hold, without control "
                "characters."
            ],
        ),
        (
            Paint(KEY, "red", label="a" * 41),
            ["A label of 41 bytes makes no sense: give at most 40."],
        ),
        (Paint(KEY, "red", brand=""), ["The brand is not given: give a name."]),
        (Paint(KEY, "red", over=("a", "")), []),
        (Paint(KEY, "red", label="no"), ["It says no: say something else."]),
        (
            Shutdown(KEY, float("nan")),
            ["A timeout of nan s makes no sense: give 1 to 86,400 seconds."],
        ),
    ],
)
def test_a_bad_value_is_told_with_its_range(request_: Request, sentences: list[str]) -> None:
    assert [str(refusal) for refusal in against_parameters(request_)] == sentences


@pytest.mark.parametrize("verb", VERBS.values(), ids=VERBS)
def test_every_field_of_a_verb_that_is_a_command_has_a_help(verb: object) -> None:
    assert verb in VERBS.values()
    if verb.workflow is None:  # type: ignore[attr-defined]
        assert all(found.help for found in parameters(verb.request))  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("alpha/default/a.raw", "default/a.raw"),
        ("default/a.raw", "default/a.raw"),
        ("alpha/a.raw", "alpha/a.raw"),  # a pool that is called as the host
        ("/alpha/default/a.raw", "/alpha/default/a.raw"),
        ("beta/default/a.raw", "beta/default/a.raw"),  # of another host: there is no such pool
    ],
)
def test_a_place_may_name_the_host_of_the_subject_before(given: str, meant: str) -> None:
    kind = VERBS["volume-attach"].request
    values = {"volume": given, "target": "alpha/x/y"}
    assert local_places(kind, values, "alpha") == {"volume": meant, "target": "alpha/x/y"}


def test_every_parameter_that_takes_a_volume_of_a_pool_takes_its_host_before_it() -> None:
    named = {
        (verb.name, found.name)
        for verb in VERBS.values()
        for found in parameters(verb.request)
        if "POOL/VOLUME" in found.help and not found.place
    }
    assert named == set()
