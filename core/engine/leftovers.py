"""What was taken over from consoles that ended: waited for, and let go of between its calls."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

from core.engine.case import Case, adopted
from core.engine.executor import Executor
from core.model import OperationRecord, Request, State
from core.verbs import checks

PATIENCE = 20.0
"""Seconds without any news after which what is in the way is waited for no longer."""
MOMENT = 0.3
"""Seconds that a call of our own may go on then: a host that hangs must not keep us."""
GOODBYE = 10.0
"""Seconds that a call of what was taken over may go on when its console is closed."""


def taken_over(state: State, request: Request, cases: Mapping[str, Case]) -> list[Case]:
    """Return the cases in the way of a request that were taken over. Pure."""
    found = (cases.get(one.id) for one in checks.in_the_way(state, request))
    return [case for case in found if case is not None and adopted(case)]


async def wait_out(
    in_the_way: Callable[[], Sequence[Case]], tell: Callable[[OperationRecord], None]
) -> None:
    """Wait until what is in the way is over, as long as it gets on; `tell` of each once."""
    told = set[str]()
    while cases := in_the_way():
        for case in cases:
            if case.record.id not in told:
                told.add(case.record.id)
                tell(case.record)
        if not await _first([case.handle.changed() for case in cases], PATIENCE):
            return


async def let_go(executor: Executor, cases: Iterable[Case]) -> None:
    """Have no call made any more, and wait for the answers to those made: of what was taken over,
    and for a moment of our own, so that an answer that is there is not lost.

    A long one is not waited for: whoever takes its operation over looks what became of it.
    """
    executor.leaving = True
    unheard = [case for case in cases if not case.at_rest.is_set()]
    waits = (
        ([case.at_rest.wait() for case in unheard if adopted(case)], GOODBYE),
        ([case.at_rest.wait() for case in unheard if not adopted(case)], MOMENT),
    )
    await asyncio.gather(
        *(_first([asyncio.gather(*calls)], time) for calls, time in waits if calls)
    )


async def write_answers(executor: Executor, cases: Iterable[Case]) -> None:
    """Write the answers that came and were not written yet: the next console would ask for them."""
    for case in cases:
        answered = any(one.ended is not None for one in case.progress.sent[-1:])
        if answered and case.progress is not case.written:
            await executor.keep_anyway(case)


async def _first(waits: Iterable[Awaitable[object]], seconds: float) -> bool:
    """Whether one of these is over in time."""
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    done, pending = await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    return bool(done)
