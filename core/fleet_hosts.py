"""The port operations act through, over the live links of a fleet."""

from __future__ import annotations

from collections.abc import Mapping

from core.errors import NotFoundError
from core.hypervisor.power import power
from core.hypervisor.session import Hypervisor
from core.model import Instance
from core.operations.port import PowerCall


class FleetHosts:
    """A `core.operations.port.Hosts`: every call on an operation lane of its host."""

    def __init__(self, hosts: Mapping[str, Hypervisor]) -> None:
        self._hosts = hosts

    async def power(self, host: str, uuid: str, action: PowerCall, deadline: float) -> None:
        """Make one call on an instance, within `deadline` seconds; raises as the port says."""
        await self._host(host).call(
            lambda conn: power(conn, action, uuid),
            uuid=uuid,
            deadline=deadline,
            # cutting the power is what helps when another call on the instance does not return
            urgent=action is PowerCall.DESTROY,
        )

    async def read(self, host: str, uuid: str) -> Instance | None:
        """Read an instance now and tell the state; None when it is gone."""
        return await self._host(host).reread(uuid)

    def _host(self, name: str) -> Hypervisor:
        try:
            return self._hosts[name]
        except KeyError:
            raise NotFoundError(f"There is no host {name!r}.") from None
