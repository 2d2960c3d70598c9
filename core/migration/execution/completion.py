"""The end of a migration: verified on both hosts, mended where libvirt leaves something undone.

Nothing here ever undoes a move: an instance that has arrived stays where it is, whatever fails.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

from msgspec.structs import replace

from core.errors import VirtdeckError
from core.migration.execution.estimator import Estimator
from core.migration.execution.observer import Observer
from core.migration.execution.port import MigrationHosts
from core.migration.execution.record import RecordKeeper
from core.migration.judgement import outcome
from core.migration.judgement.seen import Judgement
from core.migration.judgement.words import virsh_name
from core.model import Check, JobSample, MigrationStatus
from core.verbs.migration.requests import Migrate

UNDEFINED_WITHIN = 10.0
"""Seconds the source has to forget the definition once the instance is gone from it."""
_AGAIN, _AT_MOST = 0.03, 0.5
"""Seconds between two looks for that: at first, and at last."""
_RARELY = 5.0
CLEAN_WITHIN = 60.0
"""Seconds the destination has to clean up before what is left is said to be wrong; it is amended
when it is gone later."""


class Completion:
    """Brings one migration to its end. On the core's loop only."""

    def __init__(
        self,
        log: RecordKeeper,
        observer: Observer,
        estimator: Estimator,
        hosts: MigrationHosts,
        request: Migrate,
    ) -> None:
        self._log = log
        self._observer = observer
        self._estimator = estimator
        self._hosts = hosts
        self._request = request

    async def complete(self) -> None:
        """Say that it has arrived, with its figures and what was verified. Needs fresh sides."""
        migration = replace(self._log.migration, ended=self._log.clock.now())
        await self._until_undefined()
        await self._release_source()
        final = self._estimator.final
        if final is None and migration.switched is None and migration.to:
            final = await self._record()
        await self._mend_autostart()
        there = self._observer.side(migration.to, migration.uuid)
        sentence = outcome.arrived(migration.name, migration.to, there.instance)
        self._log.change(
            sentence,
            status=MigrationStatus.COMPLETED,
            ended=migration.ended,
            resumable=False,
            followed=False,
            result=outcome.result(
                migration,
                self._estimator.samples,
                final,
                stood_still=self._observer.stood_still,
                resumed=self._observer.resumed,
            ),
            checks=self._checks(),
            progress=1.0,
            outcome=sentence,
            hint=outcome.hint_of(there.instance),
        )
        await self._log.keep()

    def _checks(self) -> tuple[Check, ...]:
        migration = self._log.migration
        here = self._observer.side(migration.host, migration.uuid)
        return outcome.checks(
            migration,
            migration.was,
            here.instance if here.up else None,
            self._observer.side(migration.to, migration.uuid).instance,
            keeps_definition=not self._request.undefine,
            persists=self._request.persist,
            source_seen=here.up,
        )

    async def _until_undefined(self) -> None:
        """Wait for the source to forget it where it was asked to: that comes with the last step."""
        migration, clock = self._log.migration, self._log.clock
        until, pause = clock.monotonic() + UNDEFINED_WITHIN, _AGAIN
        while self._request.undefine and clock.monotonic() < until:
            here = self._observer.side(migration.host, migration.uuid)
            if not here.up or here.instance is None or self._observer.lost:
                return
            await asyncio.sleep(pause)
            pause = min(_AT_MOST, 2 * pause)
            await self._observer.look_both(migration)

    async def _release_source(self) -> None:
        """Remove the definition at the source in libvirt's place, where that was asked for."""
        migration = self._log.migration
        here = self._observer.side(migration.host, migration.uuid)
        there = self._observer.side(migration.to, migration.uuid)
        if not self._log.ours or not outcome.may_undefine(self._request, here, there):
            return
        try:
            await self._log.calls.make(
                *(migration.host, "undefine", f"removing its definition on {migration.host}"),
                f"virsh undefine {virsh_name(migration)} --keep-nvram",
                self._hosts.undefine(migration.host, migration.uuid),
            )
        except VirtdeckError as error:
            self._log.change(
                f"{migration.host} keeps its definition, which was to go: {error.message}"
            )
            return
        self._log.change(
            f"its definition on {migration.host} was removed, as was asked: libvirt had lost sight "
            "of the migration"
        )
        await self._observer.look_both(migration)

    async def _record(self) -> JobSample | None:
        migration = self._log.migration
        with suppress(VirtdeckError):
            return await self._hosts.completed_job(migration.to, migration.uuid)
        return None

    async def _mend_autostart(self) -> None:
        """Have it start with its new host where it did with the old: libvirt forgets that."""
        migration, was = self._log.migration, self._log.migration.was
        there = self._observer.side(migration.to, migration.uuid).instance
        if was is None or not was.autostart or there is None or not there.persistent:
            return
        if not there.autostart:
            with suppress(VirtdeckError):
                await self._log.calls.make(
                    *(migration.to, "autostart", f"setting its autostart on {migration.to}"),
                    f"virsh autostart {virsh_name(migration)}",
                    self._hosts.set_autostart(migration.to, migration.uuid),
                )
                await self._observer.look_both(migration)

    async def check_agent(self) -> None:
        """Ask the guest agent where it answered before, and note it: it may take seconds."""
        migration, was = self._log.migration, self._log.migration.was
        if was is None or not was.agent or migration.status is not MigrationStatus.COMPLETED:
            return
        answers = await self._hosts.agent_answers(migration.to, migration.uuid)
        self._log.change(checks=(*migration.checks, outcome.agent_check(answers)))
        await self._log.keep()

    async def fail(self, judgement: Judgement) -> None:
        """Say how it ended, where it did not arrive. Needs fresh sides."""
        migration = self._log.migration
        checks = migration.checks
        if judgement.status in (MigrationStatus.ABORTED, MigrationStatus.FAILED):
            there = self._observer.side(migration.to, migration.uuid)
            checks = (outcome.left_clean(migration, there, waited=False),)
        self._log.change(
            judgement.outcome,
            status=judgement.status,
            ended=migration.ended or self._log.clock.now(),
            outcome=judgement.outcome,
            hint=judgement.hint,
            resumable=judgement.resumable,
            followed=judgement.followed,
            checks=checks,
        )
        await self._log.keep()

    async def check_clean(self) -> None:
        """Wait for the destination to be clean where it was not at the end, and note it.

        The state is asked, which events keep: it costs no call until the end.
        """
        until = self._log.clock.monotonic() + CLEAN_WITHIN
        self._observer.sides.clear()
        while True:
            migration = self._log.migration
            open_ = [one for one in migration.checks if one.name == "clean" and not one.passed]
            if not open_ or self._observer.moves_again(migration):
                return
            waited = self._log.clock.monotonic() >= until
            there = self._observer.side(migration.to, migration.uuid)
            found = outcome.left_clean(migration, there, waited=waited)
            if found not in open_ and (found.passed or waited):
                others = (one for one in migration.checks if one.name != "clean")
                self._log.change(checks=(*others, found))
                await self._log.keep()
            await asyncio.sleep(_RARELY if waited else _AT_MOST)
