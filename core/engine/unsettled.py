"""Operations whose outcome nobody saw: told later, when the state shows it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Set

from core.engine.case import Case
from core.engine.executor import Executor
from core.model import ObjectKey, OperationStatus
from core.state.subject import subject_of
from core.verbs.amended import seen_later
from core.verbs.situation import End

PATIENCE = 600.0
"""Seconds after its end that a change of the subject is still taken for the outcome."""


class Unsettled:
    """The newest operation of each subject that ended as unknown. On the core's loop only."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self._cases: dict[ObjectKey, Case] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def __bool__(self) -> bool:
        return bool(self._cases)

    async def close(self) -> None:
        """Give up on what is not settled: the records stay unknown."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def add(self, case: Case) -> None:
        """Watch for the outcome of an operation: at once if the link is lost, until it is back."""
        case.stale = not self._executor.link_up(case.record.host)
        self._cases[case.record.subject] = case

    def drop(self, subject: ObjectKey) -> None:
        """Forget: another operation on the subject begins, and its effects are its own."""
        self._cases.pop(subject, None)

    def observe(self, keys: Set[ObjectKey], lost: Set[str]) -> None:
        """Learn which objects changed and which links were lost."""
        for subject, case in list(self._cases.items()):
            case.stale = case.stale or subject.host in lost
            if not self._executor.link_up(subject.host):
                continue
            late = case.now() > (case.record.ended or 0.0) + PATIENCE
            defines = any(call.defines for call in case.progress.unheard)
            if case.stale or (subject in keys and defines and not late):
                case.stale = False
                self._begin(self._look(case))
            elif late:
                self.drop(subject)
            elif subject in keys:
                case.update(subject_of(self._executor.state(), subject))
                self._settle(case)

    def _begin(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _look(self, case: Case) -> None:
        if await self._executor.look(case):
            self._settle(case)

    def _settle(self, case: Case) -> None:
        action = self._executor.next(case)
        mine = self._cases.get(case.record.subject) is case
        if mine and isinstance(action, End) and action.status is OperationStatus.DONE:
            self.drop(case.record.subject)
            self._begin(self._executor.finish(case, seen_later(action)))
