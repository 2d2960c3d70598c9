"""How operations are carried out that are more than calls one after the other."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from core.engine.case import Case
from core.verbs.situation import End

Keep = Callable[[Case], Awaitable[None]]
"""Journals a case as it stands, then shows it. Raises JournalError; it is shown anyway."""


class WorkflowRunner(Protocol):
    """Carries out the operations of some verbs. On the core's asyncio loop only."""

    async def run(self, case: Case, keep: Keep) -> End:
        """Carry an operation out, to its end.

        A case whose progress says that it was begun was taken over from a console that ended: it
        is followed, and nothing of it is sent again.
        """
        ...

    async def cancel(self, case: Case) -> None:
        """Stop an operation that was begun; raises RefusedError when that cannot be."""
        ...


class WorkflowOnDemand:
    """A `WorkflowRunner` that is made, and its modules loaded, when there is something to run."""

    def __init__(self, make: Callable[[], WorkflowRunner]) -> None:
        """`make` returns the same one each time."""
        self._make = make

    async def run(self, case: Case, keep: Keep) -> End:
        """Carry an operation out, to its end."""
        return await self._make().run(case, keep)

    async def cancel(self, case: Case) -> None:
        """Stop an operation that was begun; raises RefusedError when that cannot be."""
        await self._make().cancel(case)
