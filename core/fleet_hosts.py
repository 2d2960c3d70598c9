"""The port operations act through, over the live links of a fleet."""

from __future__ import annotations

from collections.abc import Mapping

from core.errors import NotFoundError
from core.hypervisor.calls.table import execute
from core.hypervisor.session import Hypervisor
from core.model import ObjectKey
from core.state.subject import Subject
from core.verbs.call import Call


class FleetHosts:
    """A `core.engine.port.Hosts`: every call on an operation lane of its host."""

    def __init__(self, hosts: Mapping[str, Hypervisor]) -> None:
        self._hosts = hosts

    async def call(self, subject: ObjectKey, call: Call, deadline: float) -> None:
        """Make one call within `deadline` seconds; raises as the port says."""
        await self._host(subject.host).call(
            lambda conn: execute(conn, subject, call),
            uuid=subject.id,
            deadline=deadline,
            urgent=call.urgent,
        )

    async def read(self, subject: ObjectKey) -> Subject | None:
        """Read a subject now and tell the state; None when it is gone."""
        return await self._host(subject.host).read(subject)

    def _host(self, name: str) -> Hypervisor:
        try:
            return self._hosts[name]
        except KeyError:
            raise NotFoundError(f"There is no host {name!r}.") from None
