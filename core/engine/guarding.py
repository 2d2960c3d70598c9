"""An operation ends whatever breaks while it is carried out."""

from __future__ import annotations

import logging
from collections.abc import Awaitable

from core.engine.case import Case
from core.errors import VirtdeckError
from core.verbs.situation import End, failed, unknown

_log = logging.getLogger(__name__)


async def guarded(case: Case, work: Awaitable[End]) -> End:
    """Return what `work` comes to, also where it raises: a fault of ours must not leave it open."""
    try:
        return await work
    except VirtdeckError as error:
        return failed(error.message, error.hint)
    except Exception as error:
        _log.exception("operation %s broke", case.record.id)
        outcome, hint = f"virtdeck itself failed: {error!r}", "Please report it with the log."
        if case.progress.begun:
            return unknown(outcome, hint)
        return failed(f"nothing was sent: {outcome}", hint)
