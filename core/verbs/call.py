"""Calls: what is sent to a hypervisor to change something, with its arguments. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from msgspec.structs import replace

from core.model.base import Value, kebab
from core.verbs.answer import CallAnswer


def _tag(name: str) -> str:
    return kebab(name.removesuffix("Call"))


class Call(Value, frozen=True, tag_field="call", tag=_tag):
    """One call of libvirt's, or of a connector's, on the subject of an operation.

    Journalled with the operation before it is made. What makes it is in `core.hypervisor.calls`.
    """

    command: ClassVar[str] = ""
    """What virsh calls it, where it needs no more than the subject's name."""
    urgent: ClassVar[bool] = False
    """It helps when another call on the same object does not return: it never waits for one."""
    asks: ClassVar[bool] = False
    """The guest itself decides what becomes of it. Every other call takes effect whatever the guest
    does, and is never made without its entry in the journal."""
    long: ClassVar[bool] = False
    """It takes as long as its subject is large: it is made on a connection of its own, told how far
    it is, and another may be sent to end it."""
    probe: ClassVar[bool] = False
    """It only asks, and changes nothing: a rehearsal makes it too."""
    repeatable: ClassVar[bool] = False
    """It may be sent again, also by a console that takes the operation over."""
    looks: ClassVar[bool] = False
    """It changes nothing and is made again and again, to see how something is: no log has it, and
    the journal its newest answer alone."""
    changes_checkpoints: ClassVar[bool] = False
    """It may make, change or remove a checkpoint: they are read after it."""
    told_by_event: ClassVar[bool] = False
    """An event proves what it has done: where that came before its answer nothing is read then."""
    undisturbed: ClassVar[bool] = False
    """Nothing is asked of its instance's process meanwhile, not even for its statistics: libvirt
    does not keep two of its own threads apart there (docs/architecture.md)."""
    answers: ClassVar[type[CallAnswer] | None] = None
    """What it answers beside yes."""

    @property
    def defines(self) -> bool:
        """Whether it changes what is defined: the definition is read where no answer was heard."""
        return False

    @property
    def volume(self) -> tuple[str, str] | None:
        """The volume it makes, as pool and name: looked for where no answer was heard."""
        return None

    @property
    def host(self) -> str:
        """Where it is made, by name; empty: at the host of its subject."""
        return ""

    @property
    def hosts(self) -> tuple[str, ...]:
        """The hosts it needs, by name; empty: that of its subject."""
        return ()

    def renamed(self, _: Callable[[str], str]) -> Call:
        """Return it with the names that the hosts it names have here."""
        return self

    @property
    def word(self) -> str:
        """The call's name, as the journal has it."""
        return str(self.__struct_config__.tag)

    @property
    def text(self) -> str:
        """What a rehearsal shows of it beside its name: the XML that it is about."""
        return ""

    def virsh(self, name: str) -> tuple[str, ...]:
        """Return the arguments virsh does the same with, `name` the subject's; empty: it cannot."""
        return (self.command, name) if self.command else ()


class Removal(Call, frozen=True, kw_only=True):
    """A call that removes what was named by hand.

    The first time it is an error that there is none, for the name may be mistyped; where it is sent
    once more, because nobody heard its answer, the first one has done it.
    """

    repeatable: ClassVar[bool] = True
    resent: bool = False


def once_more(call: Call) -> Call:
    """Return a call as it is sent again."""
    return replace(call, resent=True) if isinstance(call, Removal) else call


def first_sent(call: Call) -> Call:
    """Return a call as it was sent first."""
    return replace(call, resent=False) if isinstance(call, Removal) else call
