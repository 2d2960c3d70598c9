"""The call that goes on with a failed post-copy. On the core's loop only."""

from __future__ import annotations

import asyncio

from core.errors import HypervisorError
from core.migration.execution.port import MigrateArguments, MigrationLine

RESUME_TRIES, RESUME_PAUSE = 10, 0.5
"""How often it is asked to go on, and the seconds between."""
_NOT_NOW = 55
"""VIR_ERR_OPERATION_INVALID."""


async def resumed(line: MigrationLine, call: MigrateArguments) -> None:
    """Go on with a failed post-copy; right after the failure libvirt still refuses (lab.md)."""
    for _ in range(RESUME_TRIES):
        try:
            return await line.migrate(call)
        except HypervisorError as error:
            if error.code != _NOT_NOW:
                raise
        await asyncio.sleep(RESUME_PAUSE)
    return await line.migrate(call)
