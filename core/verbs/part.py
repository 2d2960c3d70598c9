"""What there is of a file of this machine until it is whole: its name, of one operation alone."""

from __future__ import annotations

import uuid

from core.verbs.situation import Situation


def part_of(now: Situation) -> str:
    """Return what tells the files of an operation from those of another that writes the same.

    A console that takes it over has it, too, and throws away what is left of them.
    """
    begun = now.sent[0].at if now.sent else now.now
    return uuid.uuid5(uuid.NAMESPACE_OID, f"{now.request.subject.id} {begun!r}").hex[:12]
