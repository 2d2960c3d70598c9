"""How a status is shown: sign, word, role. One table for links, operations and migrations. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from console.format import StateSign
from console.glyphs import glyphs
from core.model import LinkStatus, MigrationStatus, OperationStatus

_CHANGING = ("changing", "changing")
_SIGNS: Mapping[type[StrEnum], Mapping[str, tuple[str, str]]] = {
    LinkStatus: {
        LinkStatus.UP: ("running", "ok"),
        LinkStatus.DOWN: ("crashed", "error"),
        LinkStatus.CLOSED: ("off", "off"),
    },
    OperationStatus: {
        OperationStatus.ASKING: ("unknown", "warning"),
        OperationStatus.DONE: ("running", "ok"),
        OperationStatus.FAILED: ("crashed", "error"),
        OperationStatus.UNKNOWN: ("unknown", "warning"),
        OperationStatus.REFUSED: ("off", "off"),
        OperationStatus.CANCELLED: ("off", "off"),
    },
    MigrationStatus: {
        MigrationStatus.QUEUED: ("off", "off"),
        MigrationStatus.COMPLETED: ("running", "ok"),
        MigrationStatus.ABORTED: ("off", "off"),
        MigrationStatus.FAILED: ("crashed", "error"),
        MigrationStatus.POST_COPY: ("suspended", "warning"),
        MigrationStatus.POST_COPY_INTERRUPTED: ("suspended", "error"),
        MigrationStatus.POST_COPY_FAILED: ("crashed", "crashed"),
        MigrationStatus.UNKNOWN: ("unknown", "warning"),
    },
}
"""By kind and status: the sign, a field of `Glyphs`, and the role. The others go on, or begin."""


def status_sign(status: LinkStatus | OperationStatus | MigrationStatus) -> StateSign:
    """Sign, word and role of a status; its word is that of the filter, the JSON and the journal."""
    glyph, role = _SIGNS[type(status)].get(status, _CHANGING)
    return StateSign(getattr(glyphs(), glyph), status.value, role)
