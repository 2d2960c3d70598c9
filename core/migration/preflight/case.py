"""What every check of a preflight is given, and how it says what it found. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from core.migration.preflight.facts import DestinationFacts, Facts, PreflightSide, SourceFacts, why
from core.migration.preflight.machine import one_kernel, one_machine
from core.model import Finding, Level, State
from core.model.text import clean
from core.verbs.migration.requests import Migrate
from core.xml.needs import Needs

_UNTYPEABLE = re.compile(r"[^A-Za-z0-9_.:-]+")
_LONGEST_NAME = 48


@dataclass(frozen=True, slots=True)
class PreflightCase:
    """One question: may this instance go there? For the checks that need no more than the state."""

    request: Migrate
    facts: Facts
    state: State
    now: float

    @property
    def source(self) -> str:
        """The source's name."""
        return clean(self.request.subject.host)

    @property
    def destination(self) -> str:
        """The destination's name."""
        return clean(self.request.to)

    @property
    def name(self) -> str:
        """The instance's name, as far as it is known."""
        instance = self.state.instances.get(self.request.subject)
        if instance is not None:
            return clean(instance.name)
        read = self.facts.source
        if read is None or read.needs is None:
            return "The instance"
        return read.needs.instance.name


@dataclass(frozen=True, slots=True)
class SourceCase(PreflightCase):
    """The same, with the instance read."""

    here: SourceFacts
    needs: Needs
    """What it needs of its host now."""


@dataclass(frozen=True, slots=True)
class FullCase(SourceCase):
    """The same, with the destination read as well."""

    there: DestinationFacts
    wanted: Needs
    """What it will need of the destination: its XML with the rewrites carried out."""

    @property
    def one_machine(self) -> bool | None:
        """Whether both hosts are daemons of one machine; None: it cannot be told."""
        return one_machine(self.here.machine, self.there.machine)

    @property
    def one_kernel(self) -> bool:
        """Whether both run on the machine of this console."""
        return one_kernel(self.here.machine, self.there.machine)


Found = Iterable[Finding]
Rule = Callable[[PreflightCase], Found]
SourceRule = Callable[[SourceCase], Found]
FullRule = Callable[[FullCase], Found]


def ok(code: str, text: str) -> Finding:
    """Return a finding that nothing speaks against it."""
    return Finding(code, Level.OK, text)


def warning(code: str, text: str, cure: str = "") -> Finding:
    """Return a finding to know of."""
    return Finding(code, Level.WARNING, text, cure)


def blocker(code: str, text: str, cure: str = "", *, fixed: bool = False) -> Finding:
    """Return a finding that stops the start; `fixed`: that no override helps against."""
    return Finding(code, Level.BLOCKER, text, cure, fixed)


def unknown(
    code: str, text: str, cure: str = "", *, side: PreflightSide | None = None, look: str = ""
) -> Finding:
    """Return a finding that something is not known, with the reason of the look that failed."""
    reason = why(side, look) if side is not None else ""
    sentence = f"{text.rstrip('.')}: {reason.rstrip('.')}." if reason else text
    return Finding(code, Level.UNKNOWN, sentence, cure)


def named(kind: str, name: str) -> str:
    """Return an id that can be typed, whatever somebody called the object."""
    typeable = _UNTYPEABLE.sub("-", clean(name))[:_LONGEST_NAME].strip("-")
    return f"{kind}-{typeable}" if typeable else kind


def version(number: int) -> str:
    """Return libvirt's number of a version as people write it. Pure."""
    return f"{number // 1_000_000}.{number // 1000 % 1000}.{number % 1000}"
