"""The link to one host: one supervised main connection, opened again whenever it is lost."""

from __future__ import annotations

import asyncio
import logging
import math
import random
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

from core.clock import Clock
from core.errors import HypervisorError, NotSentError, VirtdeckError
from core.hypervisor.connection import faults
from core.hypervisor.connection.backoff import Backoff
from core.hypervisor.connection.connector import Connector
from core.hypervisor.connection.lane import Lane
from core.hypervisor.connection.options import Reading
from core.hypervisor.observe.attachment import Attachment
from core.hypervisor.observe.pace import Pace
from core.hypervisor.observe.refresher import Refresher, Sink
from core.hypervisor.observe.storage_refresher import StorageRefresher
from core.model.event import Event
from core.model.host import Link as LinkState
from core.model.host import LinkStatus, Unread
from core.model.observation import LinkChanged

_log = logging.getLogger(__name__)


class HostLink:
    """Opens, watches and reopens the main connection. All methods on the core's loop.

    After every opening: the events are registered, the host is listed, `LinkChanged` up and
    `Listed` are handed over together, then the events that came meanwhile, then everything as it
    comes. Between two `up` nothing is handed over but `LinkChanged`.
    """

    def __init__(
        self,
        connector: Connector,
        clock: Clock,
        sink: Sink,
        on_change: Callable[[bool], None],
        pace: Pace,
    ) -> None:
        self._pace = pace
        self._connector = connector
        self._host = connector.address.name
        self._clock = clock
        self._sink = sink
        self._on_change = on_change
        self._lanes: list[Lane] = []
        self._refresher: Refresher | None = None
        self._storage: StorageRefresher | None = None
        self._backoff = Backoff(connector.options, local=connector.address.local)
        self._hurry = asyncio.Event()
        self._settled = asyncio.Event()
        self._returned = False
        """The link was up before: it is one that came back."""
        self._state = LinkState(read_only=connector.options.read_only)
        self._down_since: float | None = None
        """Since when nobody sees the host: each attempt that fails is not another loss."""

    @property
    def state(self) -> LinkState:
        """The link as it was last handed over."""
        return self._state

    @property
    def lanes(self) -> tuple[Lane, ...]:
        """Its lanes, past and present, whose threads still run."""
        return tuple(lane for lane in self._lanes if not lane.ended)

    @property
    def refresher(self) -> Refresher:
        """Reading and listing on the living connection; raises NotSentError when down."""
        if self._refresher is None:
            raise NotSentError(
                f"The link to {self._host} is down{': ' if self._state.error else ''}"
                f"{self._state.error or '.'}",
                self._state.hint,
            )
        return self._refresher

    @property
    def unread(self) -> Unread | None:
        """What was listed and is not read yet; None while there is no connection."""
        if self._refresher is None or self._storage is None:
            return None
        instances, volumes = self._refresher.unread, self._storage.unread
        return Unread(
            instances.at_rest and volumes.at_rest,
            instances.left + volumes.left,
            instances.failed + volumes.failed,
        )

    @property
    def storage(self) -> StorageRefresher | None:
        """Reading and listing of pools and volumes; None when the link is down."""
        return self._storage

    async def relist(self) -> None:
        """List the host now, its storage soon; raises UnreachableError when the link is down."""
        await self.refresher.relist()
        if self._storage is not None:
            self._storage.relist()

    async def settled(self) -> None:
        """Wait until the first attempt has succeeded (and the host is listed) or failed."""
        await self._settled.wait()

    def hurry(self) -> None:
        """End the present wait: the next attempt starts now, with the back-off begun anew."""
        self._backoff.reset()
        self._hurry.set()

    def wait_for(self, what: str) -> None:
        """Say what the connection waits for before it opens; "": its turn has come."""
        state = self._state
        if state.status is LinkStatus.CONNECTING and state.waiting != what:
            self._change(state.status, error=state.error, hint=state.hint, waiting=what)

    async def run(self) -> None:
        """Keep the link up until cancelled; then free it and hand over `closed`."""
        try:
            self._change(LinkStatus.CONNECTING)
            while True:
                error = await self._live_once()
                await self._connector.log_in_anew()  # what failed may be ssh's connection
                await self._stay_down(error)
        finally:
            self.finish()

    def finish(self) -> None:
        """Hand over `closed`, once; nobody waits for an attempt any more."""
        if self._state.status is not LinkStatus.CLOSED:
            self._change(LinkStatus.CLOSED)
        self._settled.set()

    async def _live_once(self) -> VirtdeckError:
        """Open a connection and serve it until it is lost; returns why it is not there any more."""
        attachment = Attachment(self._connector, self._clock, self._take)
        self._lanes = [*self.lanes, attachment.lane]
        refresher = Refresher(attachment, self._connector, self._clock, self._sink, self._lane)
        storage = StorageRefresher(self._connector, self._clock, self._sink, self._lane)
        began: float | None = None
        try:
            await self._attach(attachment, refresher)
            began = self._clock.monotonic()
            self._come_up(attachment, refresher, storage)
            return await _until_lost(attachment, refresher, storage, self._sweep())
        except VirtdeckError as error:
            return error
        except Exception as error:
            _log.exception("the link to %s failed in a way it should not", self._host)
            return HypervisorError(f"The link to {self._host} failed: {faults.tidy(repr(error))}")
        finally:
            refresher.end()  # before the connection is freed: it holds handles
            storage.end()
            attachment.release()
            if began is not None:
                self._backoff.was_up(self._clock.monotonic() - began)
                self._refresher = self._storage = None
                self._returned = True  # if it does
                self._on_change(False)

    async def _attach(self, attachment: Attachment, refresher: Refresher) -> None:
        options = self._connector.options
        await attachment.lane.call(lambda _conn: None, deadline=self._connector.patience)
        if Reading.EVENTS in options.reads:
            await attachment.lane.call(
                attachment.register,
                deadline=self._connector.reading_deadline(options.listing_deadline),
            )
        if Reading.INSTANCES in options.reads:
            await refresher.list_instances(before=lambda: self._change(LinkStatus.UP))
        else:
            self._change(LinkStatus.UP)

    def _come_up(
        self, attachment: Attachment, refresher: Refresher, storage: StorageRefresher
    ) -> None:
        self._refresher, self._storage = refresher, storage
        attachment.go_live()
        self._on_change(True)
        self._settled.set()

    async def _sweep(self) -> None:
        """List again every `sweep_interval`, for changes no event told of, until cancelled."""
        options, again = self._connector.options, self._returned
        while True:
            # No interval: for ever, as this task's end would be taken for the link's. Never all
            # hosts of a fleet at the same time.
            interval = options.sweep_interval
            every = self._pace.sweep_every(interval) if interval else math.inf
            if interval and again:
                every, again = min(every, options.sweep_after_loss), False
            await asyncio.sleep(every * random.uniform(0.8, 1.2))
            await self.relist()

    def _lane(self, label: str) -> Lane:
        """Return a new lane for reading beside the link's own."""
        lane = Lane(f"lane-{self._host}-{label}", self._connector)
        self._lanes = [*self.lanes, lane]
        return lane

    def _take(self, event: Event) -> None:
        if self._refresher is not None:
            self._refresher.notice(event)
        if self._storage is not None:
            self._storage.notice(event)
        self._sink(event)  # type: ignore[arg-type]  # every Event made here is one of AnyEvent

    async def _stay_down(self, error: VirtdeckError) -> None:
        delay = self._backoff.failed()
        self._hurry.clear()
        self._change(
            LinkStatus.DOWN,
            error=error.message,
            hint=error.hint,
            attempt=self._backoff.failures,
            next_attempt=self._clock.now() + delay,
        )
        self._settled.set()
        with suppress(TimeoutError):
            async with asyncio.timeout(delay):
                await self._hurry.wait()
            self._change(LinkStatus.CONNECTING, error=error.message, hint=error.hint)

    def _change(
        self,
        status: LinkStatus,
        *,
        error: str = "",
        hint: str = "",
        attempt: int = 0,
        next_attempt: float | None = None,
        waiting: str = "",
    ) -> None:
        now = self._clock.now()
        since = self._state.since if self._state.status == status else now
        if status is LinkStatus.UP:
            self._down_since = None
        elif status is LinkStatus.DOWN:
            since = self._down_since = self._down_since or since
        self._state = LinkState(
            status=status,
            since=since,
            error=error,
            hint=hint,
            attempt=attempt,
            next_attempt=next_attempt,
            read_only=self._connector.options.read_only,
            waiting=waiting,
        )
        self._sink(LinkChanged(self._host, now, self._state))


async def _until_lost(
    attachment: Attachment,
    refresher: Refresher,
    storage: StorageRefresher,
    sweep: Coroutine[Any, Any, None],
) -> VirtdeckError:
    """Keep the host's picture true until the connection is lost; returns why it was."""
    watch = asyncio.ensure_future(attachment.lost())
    work = (refresher.run(), sweep, _keep_storage(refresher, storage))
    tasks = {watch, *(asyncio.ensure_future(each) for each in work)}
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        if watch not in done:
            # A call failed first; if the connection broke, libvirt tells its reason right after.
            await asyncio.wait({watch}, timeout=0.1)
        if watch.done():
            return watch.result()
        for task in done:
            task.result()
        return HypervisorError("The refresher of a link ended by itself.")
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _keep_storage(refresher: Refresher, storage: StorageRefresher) -> None:
    """Keep the picture of the storage true, once its events are registered."""
    await refresher.registered.wait()
    await storage.run()
