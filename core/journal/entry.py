"""What the journal keeps of one operation."""

from __future__ import annotations

from core.journal.owner import Owner
from core.model import OperationRecord, Value


class Entry(Value, frozen=True):
    """An operation's record, and what another console needs to go on with it."""

    record: OperationRecord
    owner: Owner
    """Who runs it; NOBODY once its console let it go."""
    uri: str = ""
    """Of its host when it was asked for; an entry of before `OperationRecord.hosts` was kept has no
    more to tell its hosts by, and is read with that as the identity of its own."""
    progress: str = ""
    """The state of its verb as JSON, for core.engine alone."""
