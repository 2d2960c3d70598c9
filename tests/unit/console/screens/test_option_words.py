"""What an operation was asked for, in words and not in the names of fields."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from console.screens.option_words import option_words
from core.model import ObjectKey
from core.verbs.definition import Rename
from core.verbs.migration.requests import Drain, Migrate

WEB = ObjectKey("instance", "alpha", "uuid")


def options(request: Any) -> dict[str, Any]:
    return {
        name: value
        for name, value in msgspec.to_builtins(request).items()
        if name not in ("verb", "subject")
    }


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (Migrate(WEB, to="beta"), ["to beta"]),
        (Rename(WEB, to="neu"), ["new name neu"]),
        (
            Migrate(WEB, to="beta", post_copy="at-once", persist=False, tls=True),
            ["to beta", "post-copy at-once", "TLS yes", "persist no"],
        ),
        (
            Migrate(WEB, to="beta", disks=("vda", "vdb"), destination_uri="qemu://x/system"),
            ["to beta", "disks vda and vdb", "destination URI qemu://x/system"],
        ),
        (
            Drain(ObjectKey("host", "alpha", "alpha"), at_a_time=4,
                  options=Migrate(WEB, post_copy="allow")),
            ["number at a time 4", "post-copy allow"],
        ),
    ],
)  # fmt: skip
def test_what_is_not_as_usual_is_said_in_words(request_: Any, words: list[str]) -> None:
    assert list(option_words(request_.verb, options(request_))) == words


def test_what_a_newer_virtdeck_wrote_is_said_as_well_as_can_be() -> None:
    assert list(option_words("levitate", {"how_high": 3.0, "gently": True, "not": None})) == [
        "how high 3", "gently yes",
    ]  # fmt: skip
