"""The field of every request that may let an instance run: its name, typed for a second copy."""

from __future__ import annotations

from typing import Annotated

from core.verbs.parameter import parameter

SecondCopy = Annotated[
    str,
    parameter(
        "Let NAME run although it may run on another host: two of it destroy its disks.",
        names_subject=True,
    ),
]
"""The instance's name or UUID, typed by an operator who wants it to run although it may run
elsewhere (core.state.second_copy); anything else lets nothing pass."""
