"""Defining an instance anew: the call that every change of a whole definition comes down to."""

from __future__ import annotations

from core.model.secret_value import Secret
from core.verbs.call import Call
from core.verbs.sequence import Step
from core.verbs.situation import Situation


class RedefineCall(Call, frozen=True):
    """virDomainDefineXMLFlags: only where the definition still is what the change began with."""

    xml: str
    """Without its secrets (`core.xml.definition.document.withheld`)."""
    base: str
    """The definition that it was made from, likewise."""
    secrets: tuple[Secret, ...] = ()
    """Those that are new, by their number in `xml`; the others are those of the definition."""
    unchecked: bool = False
    """libvirt's schema is not asked (without VIR_DOMAIN_DEFINE_VALIDATE)."""
    typed: bool = False
    """An operator has edited it: what is wrong is told with its line."""

    @property
    def defines(self) -> bool:
        """Always."""
        return True

    def virsh(self, _: str) -> tuple[str, ...]:
        """`virsh define`, which takes the XML from a file."""
        return ("define", "FILE", *(() if self.unchecked else ("--validate",)))


def defining(now: Situation, made: RedefineCall, text: str, *, undo: bool = False) -> Step:
    """Return the step that defines an instance anew: as it was sent, where it was.

    With `undo` it is taken back where a later step fails.
    """
    call = next((one.call for one in now.sent if isinstance(one.call, RedefineCall)), made)

    def shows(then: Situation) -> bool:
        if any(sent.call == call and sent.accepted for sent in then.sent):
            return True
        from core.xml.definition.changes import carried  # see core.verbs.editing_xml

        found = then.document
        return found is not None and bool(call.base) and carried(call.base, call.xml, found)

    back = RedefineCall(call.base, call.xml, unchecked=True) if undo else None
    return Step(call, text, shows, back)
