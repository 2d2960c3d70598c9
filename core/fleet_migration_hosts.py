"""The port migrations act through, over the live links of a fleet."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from core.errors import DeadlineError, VirtdeckError
from core.fleet_links import host_named
from core.hypervisor.calls import migration as calls
from core.hypervisor.calls.volume_secrets import drop_secrets
from core.hypervisor.connection.binding import Connection
from core.hypervisor.connection.lane import Lane
from core.hypervisor.observe.daemon import read_machine
from core.hypervisor.observe.reads import Reads
from core.hypervisor.session import Hypervisor
from core.migration.execution.port import MigrateArguments
from core.migration.preflight.machine import Machine
from core.model import Instance, JobSample, Limits, ObjectKey
from core.verbs.device.calls import DropSecretsCall

T = TypeVar("T")

FOREVER = 30 * 86_400.0
"""Seconds a migration may take before its call is given up: a month."""
COMMAND_DEADLINE = 8.0
"""Seconds a steering command may take: libvirt answers in milliseconds, unless QEMU hangs."""
LOOK_DEADLINE = 5.0
"""Seconds a reading of the job may take."""
XML_DEADLINE = 10.0
AGENT_SECONDS = 5
_SCAN_SECONDS = 0.03


class FleetLine:
    """A `core.migration.execution.port.Line`: two lanes of a migration, apart from everybody's."""

    def __init__(self, hypervisor: Hypervisor, uuid: str, label: str) -> None:
        self._hypervisor = hypervisor
        self._uuid = uuid
        self._label = label
        self._lanes: dict[str, Lane] = {}

    async def migrate(self, call: MigrateArguments) -> None:
        """Make the call; returns when it is over."""
        uuid = self._uuid
        await self._on(
            "migrate",
            lambda conn: calls.migrate(conn, uuid, call.uri, call.parameters, call.flags),
            FOREVER,
        )

    async def abort(self, *, post_copy: bool = False) -> None:
        """Abort the job."""
        await self._command(lambda conn: calls.abort(conn, self._uuid, post_copy=post_copy))

    async def start_post_copy(self) -> None:
        """Switch to post-copy."""
        await self._command(lambda conn: calls.start_post_copy(conn, self._uuid))

    async def set_max_downtime(self, milliseconds: int) -> None:
        """Set the max downtime."""
        await self._command(lambda conn: calls.set_max_downtime(conn, self._uuid, milliseconds))

    async def set_bandwidth(self, mib: int, *, post_copy: bool = False) -> None:
        """Set the bandwidth."""
        await self._command(
            lambda conn: calls.set_bandwidth(conn, self._uuid, mib, post_copy=post_copy)
        )

    async def suspend(self) -> None:
        """Pause the guest."""
        await self._command(lambda conn: calls.suspend(conn, self._uuid))

    async def limits(self) -> Limits:
        """Read what is in force."""
        return await self._command(lambda conn: calls.limits(conn, self._uuid))

    async def close(self) -> None:
        """Give the lanes back."""
        for lane in self._lanes.values():
            lane.close()
        self._lanes.clear()

    async def _command(self, function: Callable[[Connection], T]) -> T:
        return await self._on("steer", function, COMMAND_DEADLINE)

    async def _on(self, what: str, function: Callable[[Connection], T], deadline: float) -> T:
        lane = self._lanes.get(what)
        if lane is None or not lane.usable:
            lane = self._hypervisor.lane(f"{what}-{self._label}")
            self._lanes[what] = lane
        return await lane.call(function, deadline=deadline)


class FleetMigrationHosts:
    """A `core.migration.execution.port.MigrationHosts`."""

    def __init__(self, hosts: Mapping[str, Hypervisor]) -> None:
        self._hosts = hosts

    def line(self, host: str, uuid: str, label: str) -> FleetLine:
        """Return the lanes of a migration; raises NotFoundError for an unknown host."""
        return FleetLine(host_named(self._hosts, host), uuid, label)

    async def job(self, host: str, uuid: str) -> JobSample | None:
        """Read the job of an instance."""
        return await self._look(host, lambda conn: calls.job(conn, uuid))

    async def completed_job(self, host: str, uuid: str) -> JobSample | None:
        """Read the record of the last job."""
        return await self._look(host, lambda conn: calls.completed_job(conn, uuid))

    async def migrating(self, host: str, uuids: tuple[str, ...]) -> dict[str, bool]:
        """Tell which instances are being migrated away."""
        return await self._look(host, lambda conn: calls.migrating(conn, uuids, _SCAN_SECONDS))

    async def read(self, host: str, uuid: str) -> Instance | None:
        """Read an instance now and tell the state."""
        return await host_named(self._hosts, host).reread(uuid)

    async def xml(self, host: str, uuid: str) -> tuple[str, str]:
        """Read the XML of a migration, secrets included."""
        return await host_named(self._hosts, host).call(
            lambda conn: calls.read_xml(conn, uuid), deadline=XML_DEADLINE, urgent=True
        )

    async def machine(self, host: str) -> Machine:
        """Read what tells the machine of a host from others."""
        address = host_named(self._hosts, host).address
        return await host_named(self._hosts, host).call(
            lambda conn: read_machine(Reads(conn), address), deadline=XML_DEADLINE, urgent=True
        )

    async def set_autostart(self, host: str, uuid: str) -> None:
        """Have an instance started with its host."""
        await host_named(self._hosts, host).call(
            lambda conn: calls.set_autostart(conn, uuid), deadline=XML_DEADLINE, urgent=True
        )

    async def undefine(self, host: str, uuid: str) -> None:
        """Remove the definition of an instance that has moved away."""
        await host_named(self._hosts, host).call(
            lambda conn: calls.undefine(conn, uuid), deadline=XML_DEADLINE, urgent=True
        )

    async def drop_secrets(self, host: str, uuid: str, secrets: tuple[str, ...]) -> None:
        """Remove secrets made for the disks of an instance that has moved away."""
        subject, call = ObjectKey("instance", host, uuid), DropSecretsCall(secrets)
        await host_named(self._hosts, host).call(
            lambda conn: drop_secrets(conn, subject, call), deadline=XML_DEADLINE, urgent=True
        )

    async def agent_answers(self, host: str, uuid: str) -> bool | None:
        """Whether the guest agent answers."""
        try:
            return await host_named(self._hosts, host).call(
                lambda conn: calls.agent_answers(conn, uuid, AGENT_SECONDS),
                deadline=2.0 * AGENT_SECONDS,
                urgent=True,
            )
        except DeadlineError:
            return False
        except VirtdeckError:
            return None

    async def _look(self, host: str, function: Callable[[Connection], T]) -> T:
        return await host_named(self._hosts, host).call(
            function, deadline=LOOK_DEADLINE, urgent=True
        )
