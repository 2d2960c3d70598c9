"""How strictly the operator is asked before something is lost. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Caution(IntEnum):
    """How a request is confirmed before it is submitted, the least first."""

    NONE = 0
    """Not at all: nothing is interrupted."""
    KEY = 1
    """By a yes where one key asked for it: a service is interrupted, nothing is lost. A command
    line names the verb and the subject, which says as much as a yes."""
    CONFIRM = 2
    """By a yes, on the command line too: work that was done is thrown away, or put at risk."""
    TYPE = 3
    """By typing a word: something is lost for good, or a whole host is meant."""


@dataclass(frozen=True, slots=True)
class Danger:
    """What requests take away, and what the operator is asked for it."""

    caution: Caution = Caution.NONE
    text: str = ""
    """Whole sentences, safe to show: what ends, what is lost, naming it. Empty: nothing does."""
    word: str = ""
    """What must be typed for Caution.TYPE, empty otherwise: the name of the one subject (its id
    where the name cannot be typed), or how many there are."""
    warnings: str = ""
    """Whole sentences of what is to be known before, though nothing is taken away by it: a command
    line tells them and goes on. Empty: there is nothing."""
