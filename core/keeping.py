"""Reading the definitions of instances while their hosts are up, and handing them to be kept.

They are read in the background, after what somebody waits for: each once after a connect, again
when an instance shows itself otherwise or an event says so, and after an hour, for some changes
have no event. A command that is over sooner reads none, and says what it saw go. What is written
goes to a thread of its own, some seconds' changes at a time.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress

from msgspec.structs import replace

from core.clock import Clock
from core.definitions_file import DefinitionsFile
from core.errors import JournalError, VirtdeckError
from core.hypervisor.connection.uri import normalised
from core.hypervisor.session import Hypervisor
from core.model import AgentState, Delta, Instance, InstanceState, LinkStatus, Pool, State
from core.model.event import InstanceLifecycle

DELAY = 2.0
"""Seconds of changes that are kept together."""
AGAIN = 3600.0
"""Seconds after which a definition is read again that nothing was heard of."""
SEEN_EVERY = 60.0
"""Seconds after which it is written anew that a host was seen."""
AT_ONCE = 256
"""Definitions that are read and written together at the most."""
CLOSING = 2.0
"""Seconds a closing fleet waits for its last write."""
_log = logging.getLogger(__name__)


class _HostKeeping:
    """What is known to be kept of one host. On the core's loop."""

    def __init__(self, name: str, uri: str) -> None:
        self.name = name
        self.uri = uri
        self.rows: Mapping[str, Instance] = {}
        """As they were looked at last, by UUID."""
        self.pools: tuple[Pool, ...] = ()
        self.due: dict[str, None] = {}
        """What is to be read, in this order."""
        self.read: dict[str, float] = {}
        """When each was read."""
        self.seen = 0.0
        self.lost = True
        """The link was lost since: what changed meanwhile was heard of by nobody."""


class Keeper:
    """Keeps the definitions of all hosts of a fleet. On the core's asyncio loop only."""

    def __init__(
        self,
        hosts: Mapping[str, Hypervisor],
        clock: Clock,
        state: Callable[[], State],
        file: DefinitionsFile,
    ) -> None:
        self._hosts = hosts
        self._clock = clock
        self._state = state
        self._file = file
        self._keeping = {
            name: _HostKeeping(name, normalised(host.address.shown)) for name, host in hosts.items()
        }
        self._woken = asyncio.Event()
        self._went = False
        """An instance went, and perhaps it is not written yet."""
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to keep."""
        self._task = asyncio.create_task(self._keep(), name="definitions")

    async def close(self) -> None:
        """Write what was seen; waits two seconds at the most. Never raises.

        A command that is over at once writes nothing, unless an instance went meanwhile.
        """
        if self._task is None:
            return
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        if self._file.used or self._went:
            with suppress(TimeoutError, JournalError):
                async with asyncio.timeout(CLOSING):
                    for keeping in self._up():
                        await self._see(keeping)

    def observe(self, news: Delta) -> None:
        """Learn what changed. Cheap: what it comes to is looked at later."""
        for event in news.events:
            keeping = self._keeping.get(event.host)
            changed = isinstance(event, InstanceLifecycle) and event.change == "defined"
            if changed and keeping is not None and event.subject is not None:
                keeping.due[event.subject.id] = None
        self._went = self._went or any(key.kind == "instance" for key in news.gone)
        self._woken.set()

    async def _keep(self) -> None:
        while True:
            await self._woken.wait()
            await asyncio.sleep(DELAY)
            self._woken.clear()
            try:
                for keeping in self._up():
                    await self._see(keeping)
                    await self._read(keeping)
            except VirtdeckError as error:  # the link has its own eyes; the next news tries again
                _log.info("definitions are not kept now: %s", error)
            except Exception:
                _log.exception("definitions cannot be kept")

    def _up(self) -> list[_HostKeeping]:
        """Return the hosts whose instances were listed and that answer now."""
        found = []
        for name, keeping in self._keeping.items():
            host = self._state().hosts.get(name)
            if host is None or host.link.status is not LinkStatus.UP:
                keeping.lost = True
            elif "instances" in host.listed:
                found.append(keeping)
        return found

    async def _see(self, keeping: _HostKeeping) -> None:
        """Write what a host shows otherwise than before; plan what is to be read of it."""
        from core.journal.definitions import Sighting

        now, state = self._clock.now(), self._state()
        rows = {row.uuid: row for row in state.instances.values() if row.host == keeping.name}
        pools = tuple(pool for pool in state.pools.values() if pool.host == keeping.name)
        before = {} if keeping.lost else keeping.rows
        changed = {
            uuid: Sighting(row.name, row.state.active, row.autostart)
            for uuid, row in rows.items()
            if row is not before.get(uuid)
        }
        self._plan(keeping, before, rows, now)
        went = keeping.lost or not keeping.rows.keys() <= rows.keys()
        new_pools = pools if pools and pools != keeping.pools else None
        if not (changed or went or new_pools or now - keeping.seen >= SEEN_EVERY):
            return
        there = tuple(rows) if went else None
        facts = state.hosts[keeping.name].facts
        hostname = "" if facts is None else facts.hostname
        await self._file.ask(
            lambda store: store.see(
                keeping.uri,
                now,
                changed=changed,
                hostname=hostname,
                there=there,
                pools=new_pools,
            )
        )
        keeping.rows, keeping.pools, keeping.seen, keeping.lost = rows, pools, now, False

    def _plan(
        self,
        keeping: _HostKeeping,
        before: Mapping[str, Instance],
        rows: Mapping[str, Instance],
        now: float,
    ) -> None:
        for uuid, row in rows.items():
            old, read = before.get(uuid), keeping.read.get(uuid, 0.0)
            otherwise = old is None or (row is not old and _lasting(row) != _lasting(old))
            if otherwise or now - read >= AGAIN:
                keeping.due[uuid] = None
        for uuid in [uuid for uuid in keeping.due if uuid not in rows]:
            del keeping.due[uuid]

    async def _read(self, keeping: _HostKeeping) -> None:
        """Read and keep the definitions that are due, some at a time."""
        from core.hypervisor.observe.definitions import read_definitions
        from core.journal.definitions import Sighting

        while keeping.due:
            wanted = list(keeping.due)[:AT_ONCE]
            for uuid in wanted:
                del keeping.due[uuid]  # first: an event that comes now makes it due again
            found, dealt = await self._hosts[keeping.name].call(
                lambda conn, asked=tuple(wanted): read_definitions(conn, asked)  # type: ignore[misc]
            )
            keeping.due |= dict.fromkeys(wanted[dealt:])
            rows, now = keeping.rows, self._clock.now()
            kept = {
                uuid: (xml, Sighting(row.name, row.state.active, row.autostart))
                for uuid, xml in found.items()
                if (row := rows.get(uuid)) is not None
            }
            await self._file.ask(lambda store, rows=kept, at=now: store.put(keeping.uri, rows, at))  # type: ignore[misc]
            keeping.read |= dict.fromkeys(wanted[:dealt], now)


def _lasting(row: Instance) -> Instance:
    """Return what of an instance its definition tells: not how it runs."""
    return replace(
        row,
        state=InstanceState.UNKNOWN,
        reason="",
        state_since=None,
        id=None,
        memory=0,
        vcpus=0,
        agent=AgentState.UNKNOWN,
        described=True,
    )
