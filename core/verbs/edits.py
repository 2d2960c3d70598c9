"""What is edited as a whole, by its XML: one table of the kinds, and the request for each. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from core.errors import XmlError
from core.model import Network, ObjectKey, Pool
from core.state.subject import Subject
from core.verbs.editing import Edit, edited
from core.verbs.network.requests import EditNetwork
from core.verbs.pool_editing import EditPool

WholeEdit = Edit | EditNetwork | EditPool
"""Defines something anew, from all of its XML."""
_SECRETS = "Secrets are ***, and kept. One that is typed is set, and written nowhere else."


@dataclass(frozen=True, slots=True)
class Editable:
    """A kind of objects that are edited so."""

    kind: str
    """Of the keys of such objects, and what one is called."""
    root: str
    """The name of the root element."""
    request: type[WholeEdit]
    secrets: bool = False
    """It has some: what is typed as one travels beside the text."""

    def asked(
        self, subject: ObjectKey, given: str, base: str, *, unchecked: bool = False
    ) -> WholeEdit:
        """Return the request for what was edited; `base` is what it was made from.

        Only an instance is taken `unchecked`: without libvirt's schema.
        """
        if self.request is Edit:
            return edited(subject, given, base, unchecked=unchecked)
        return self.request(subject, given, base)

    def as_edited(self, xml: str) -> str:
        """Return a definition of the operator's as the one that is edited: without secrets.

        Raises XmlError, with the line.
        """
        from core.xml.definition.document import editable
        from core.xml.definition.faults import malformed
        from core.xml.definition.text import as_edited

        if (fault := malformed(xml, self.root)) is not None:
            raise XmlError(str(fault))
        return editable(xml) if self.secrets else as_edited(xml)

    def beforehand(self, found: Subject | None) -> str:
        """Return what is to be known of an object before its definition is edited."""
        if self.secrets:
            return _SECRETS
        if isinstance(found, Network | Pool) and found.active:
            return "It runs on as it is until it is stopped and started."
        return "libvirt checks it by its schema."

    def compared(self, request: WholeEdit) -> tuple[str, str]:
        """Return what a request changes, before and after, written in one hand.

        What libvirt takes alike (one quote or another) does not differ then, and a name or UUID
        that is left out is the one that it keeps. What is no XML stays as it is.
        """
        from core.xml.definition.text import alike

        try:
            return alike(request.base, request.xml, self.root, fill=not self.secrets)
        except XmlError:
            return request.base, request.xml

    def in_words(self, before: str, after: str) -> str:
        """Say what differs between two texts; also where one is no definition."""
        from core.xml.definition.changes import changes, in_words

        try:
            return in_words(changes(before, after, self.root)) or "blanks or comments only"
        except XmlError:
            return "what was edited is not well-formed"


EDITABLE: Mapping[str, Editable] = {
    one.kind: one
    for one in (
        Editable("instance", "domain", Edit, secrets=True),
        Editable("network", "network", EditNetwork),
        Editable("pool", "pool", EditPool),
    )
}
"""By the kind of an object's key."""
