"""The kept definitions for the core's loop: the blocking store behind a thread of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from core.errors import ReadOnlyError

if TYPE_CHECKING:  # most commands are over before there is something to keep
    from core.journal.definitions import DefinitionStore
    from core.journal.worker import Worker

T = TypeVar("T")


class DefinitionsFile:
    """The file beside a journal, opened when it is first asked. On the core's asyncio loop."""

    def __init__(self) -> None:
        self._journal: Path | None = None
        self._open = False
        self._store: DefinitionStore | None = None
        """Opened, used and closed on the worker's thread."""
        self._worker: Worker | None = None

    @property
    def used(self) -> bool:
        """Whether it was opened."""
        return self._store is not None

    def begin(self, journal: Path | None) -> None:
        """Let it be used from now on; `journal` as `Journal.open` takes it."""
        self._journal, self._open = journal, True

    async def ask(self, question: Callable[[DefinitionStore], T]) -> T:
        """Have a question answered on its thread; raises JournalError, and ReadOnlyError before
        it was begun."""
        from core.journal.definitions import DefinitionStore, path_beside
        from core.journal.worker import Worker

        if not self._open:
            raise ReadOnlyError(
                "No definitions are kept here.",
                "Open virtdeck with its journal: they lie beside it.",
            )
        if self._worker is None:
            self._worker = Worker("definitions")

        def asked() -> T:
            if self._store is None:
                self._store = DefinitionStore.open(path_beside(self._journal))
            return question(self._store)

        return await self._worker.call(asked)

    def end(self) -> None:
        """Let go of it, after what it was asked; waits for nothing."""
        self._open = False
        if self._worker is not None:
            self._worker.end(lambda: None if self._store is None else self._store.close())
