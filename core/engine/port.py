"""What operations need of the hypervisors: the narrow seam between deciding and doing."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from core.model import Instance, ObjectKey
from core.model.kept import KeptHost
from core.state.subject import Subject
from core.verbs.answer import CallAnswer
from core.verbs.call import Call
from core.verbs.situation import LookedAt


class Hosts(Protocol):
    """The hosts an operation acts on. Called on the core's asyncio loop only."""

    async def call(self, subject: ObjectKey, call: Call, deadline: float) -> CallAnswer | None:
        """Make one call; returns its answer when libvirt said yes, at most after `deadline` s.

        Raises HypervisorError (libvirt refused or failed it), NotFoundError (no such subject or
        host), NotSentError (the host was not reached), UnreachableError (the link broke: it may
        have been carried out) or DeadlineError (no answer in time: it may yet be carried out).
        """
        ...

    async def share(self, subject: ObjectKey) -> float | None:
        """Tell how far the job of a subject is, 0 to 1; None where there is none, or no telling.

        Raises UnreachableError or DeadlineError when the host does not answer.
        """
        ...

    def moved(self, subject: ObjectKey) -> tuple[int, int] | None:
        """Tell how many bytes of how many a transfer of a subject has moved; None: none counts."""
        ...

    async def defined(self, subject: ObjectKey) -> Instance | None:
        """Read an instance as its next start would have it; None where it has none, or it is gone.

        Raises as `read` does.
        """
        ...

    async def has_volume(self, host: str, pool: str, name: str) -> bool:
        """Tell whether a pool, by its name, has a volume now. Raises as `read` does."""
        ...

    async def kept(self, host: str, uuid: str) -> KeptHost | None:
        """Return what is kept of a host and of one instance of it; None: nothing of the instance.

        The host is tried first, once in a while: whether it answers after all is in the state then.
        Raises NotFoundError for a host that is not open, JournalError, ReadOnlyError.
        """
        ...

    def reads_on(self, host: str) -> bool:
        """Whether a host was listed and has not told all of what was listed yet."""
        ...

    async def document(self, subject: ObjectKey) -> str | None:
        """Read the XML of a definition, without secrets; None where there is none.

        Raises as `read` does.
        """
        ...

    async def read(self, subject: ObjectKey, looks_at: Collection[LookedAt] = ()) -> Subject | None:
        """Read a subject now, past every cache, and tell the state; None when it is gone.

        What it `looks_at` is read of its instance as well, before it.

        Raises UnreachableError or DeadlineError when the host does not answer.
        """
        ...
