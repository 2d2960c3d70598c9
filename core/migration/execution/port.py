"""What migrations need of the hypervisors: the narrow seam between deciding and doing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from core.migration.preflight.machine import Machine
from core.model import Instance, JobSample, Limits, OperationStep


@dataclass(frozen=True, slots=True)
class MigrateArguments:
    """The migrate call, as the source's daemon is given it. It may hold secrets: never keep it."""

    uri: str
    flags: int
    parameters: Mapping[str, Any] = field(repr=False)


class MigrationLine(Protocol):
    """The lanes of one migration on its source: one for the call, one for what is done to it.

    Called on the core's asyncio loop. Every method raises HypervisorError (libvirt refused it),
    NotFoundError, NotSentError (nothing was sent), UnreachableError (the link broke: it may have
    taken effect) or DeadlineError (no answer: it may yet take effect).
    """

    async def migrate(self, call: MigrateArguments) -> None:
        """Make the call; returns when libvirt says that it is over, hours later if need be."""
        ...

    async def abort(self, *, post_copy: bool = False) -> None:
        """Abort the job; with `post_copy` pause a post-copy, which is then a failed one."""
        ...

    async def start_post_copy(self) -> None:
        """Switch to post-copy; refused before the first iteration has been announced."""
        ...

    async def set_max_downtime(self, milliseconds: int) -> None:
        """Set how long the guest may stand still at the switch."""
        ...

    async def set_bandwidth(self, mib: int, *, post_copy: bool = False) -> None:
        """Set the bandwidth in MiB/s, 0 for no limit."""
        ...

    async def suspend(self) -> None:
        """Pause the guest."""
        ...

    async def limits(self) -> Limits:
        """Read what is in force; it also keeps the lane of the commands open."""
        ...

    async def close(self) -> None:
        """Give the lanes back. A call under way goes on at the source, without us."""
        ...


class MigrationMessages(Protocol):
    """What the consoles of a journal tell each other of what they send to a migration, by its id.

    How the call of an aborted migration ends may not tell that it was aborted
    (`core.migration.judgement.abort`). On the core's loop only; nothing of it raises.
    """

    async def abort_is_sent(self, migration_id: str, step: OperationStep, /) -> None:
        """Tell who runs a migration that an abort follows; waits a second at most."""
        ...

    async def abort_was_refused(self, migration_id: str, /) -> None:
        """Tell who runs a migration that nothing came of the abort."""
        ...

    async def abort_was_sent(self, migration_id: str, /) -> bool:
        """Whether another console sent an abort that was not refused."""
        ...

    async def call_was_made(self, migration_id: str, step: OperationStep, /) -> None:
        """Tell who runs a migration of a call that was made to it."""
        ...

    async def calls_made(self, migration_id: str, /, *, over: bool) -> list[OperationStep]:
        """Return the calls that other consoles made to a migration, and were answered; of one that
        is `over` also an abort that was not.
        """
        ...


class MigrationHosts(Protocol):
    """The hosts migrations run between. On the core's loop only; raises as `MigrationLine` does."""

    def line(self, host: str, uuid: str, label: str) -> MigrationLine:
        """Return the lanes of a migration of an instance of `host`; opens nothing yet."""
        ...

    async def job(self, host: str, uuid: str) -> JobSample | None:
        """Read the job of an instance; None when the instance is gone."""
        ...

    async def completed_job(self, host: str, uuid: str) -> JobSample | None:
        """Read the record of the job that ended last; None where there is none."""
        ...

    async def migrating(self, host: str, uuids: tuple[str, ...]) -> dict[str, bool]:
        """Tell which of some instances are being migrated away; as many as fit 30 ms."""
        ...

    async def read(self, host: str, uuid: str) -> Instance | None:
        """Read an instance now, past every cache, and tell the state; None when it is gone."""
        ...

    async def xml(self, host: str, uuid: str) -> tuple[str, str]:
        """Read the migratable live XML and the XML of the next start, secrets included."""
        ...

    async def machine(self, host: str) -> Machine:
        """Read what tells the machine of a host from others."""
        ...

    async def set_autostart(self, host: str, uuid: str) -> None:
        """Have an instance started with its host."""
        ...

    async def undefine(self, host: str, uuid: str) -> None:
        """Remove the definition of an instance that is off and has moved away."""
        ...

    async def drop_secrets(self, host: str, uuid: str, secrets: tuple[str, ...]) -> None:
        """Remove secrets made for the disks of an instance, but for those that it names there."""
        ...

    async def agent_answers(self, host: str, uuid: str) -> bool | None:
        """Whether the guest agent answers now; None where that cannot be asked."""
        ...
