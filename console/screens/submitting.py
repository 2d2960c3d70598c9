"""From requests to operations: the check, the question, the submission. UI thread."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from console.describing import describe, describe_devices, describe_volumes, trial
from console.screens.base import ConsoleScreen, may_ask
from console.screens.proposal import Proposal, proposal_of, target_of
from core.errors import VirtdeckError
from core.model import Request, State
from core.source import Operation, Source
from core.verbs import second_copy
from core.verbs.refusal import Refusal
from core.verbs.registry import verb_of

if TYPE_CHECKING:
    from console.shell.app import VirtdeckApp

AT_A_TIME = 50
"""Checks without a pause."""
MOST_REASONS = 3
"""How many of those that cannot be a toast names."""


Found = tuple[State, Sequence[tuple[str, ...]]]
"""A picture, and what speaks in it against each of some requests."""


def propose(
    screen: ConsoleScreen,
    requests: Sequence[Request],
    *,
    hidden: int = 0,
    found: Found | None = None,
    close: Callable[[bool], None] = lambda _: None,
) -> None:
    """Check requests of one verb, ask what has to be asked, and submit those that can be.

    `hidden` is how many of their subjects the filter hides, `found` what a form has just found,
    which is then told to `close`: with True at once, for a question needs the screen.
    """
    console = screen.console
    state = console.view.state
    verb = verb_of(requests[0])
    given = list(requests)
    if len(requests) == 1:  # a second copy of one alone can be had, by typing its name
        requests = [second_copy.overriding(state, requests[0])]
    targets = [target_of(state, request) for request in requests]

    async def check(source: Source) -> Found:
        requests = [target.request for target in targets]
        reasons = await reasons_against(source, requests)
        return source.state, reasons

    def checked(found: Found) -> None:
        state, reasons = found
        if may_ask(screen, verb.title):
            _ask(console, proposal_of(verb, targets, reasons, state, hidden))

    if found is not None and list(requests) == given:
        shown, reasons = found
        proposal = proposal_of(verb, targets, reasons, shown, hidden)
        close(not proposal.goes_at_once)
        _ask(console, proposal)  # the core checks it once more before it begins
    else:
        close(True)
        console.ask(check, checked)


def submit_or_explain(console: VirtdeckApp, request: Request, title: str) -> None:
    """Submit what the operator has agreed to already, or say what speaks against it."""

    def checked(reasons: list[tuple[str, ...]]) -> None:
        if reasons[0]:
            tell_against(console, title, reasons[0])
        else:
            submit(console, (request,))

    console.ask(lambda source: reasons_against(source, (request,)), checked)


async def reasons_against(source: Source, requests: Sequence[Request]) -> list[tuple[str, ...]]:
    """What speaks against each of some requests of one verb, as sentences."""
    found = await refusals_against(source, requests)
    return [tuple(map(str, refusals)) for refusals in found]


async def refusals_against(
    source: Source, requests: Sequence[Request]
) -> list[tuple[Refusal, ...]]:
    """What speaks against each of some requests of one verb.

    What it needs of the XML is read first, as far as the host tells; between a few checks the
    source gets on with its own.
    """
    with suppress(VirtdeckError):  # the check says what is wrong with the host
        await describe(source, verb_of(requests[0]), [each.subject for each in requests])
    with suppress(VirtdeckError):  # of what is not known it is asked all the same
        await describe_devices(source, verb_of(requests[0]), requests)
    if (verb := verb_of(requests[0])).makes is not None:
        with suppress(VirtdeckError):
            await describe_volumes(source, verb, requests)
    found = []
    for number, request in enumerate(requests, 1):
        against = tuple(source.check(request))
        looked_at = verb.makes is not None or verb.preflight is not None or verb.tries_document
        if looked_at and not against and (judged := await trial(source, request)):
            against = (judged,)
        found.append(against)
        if number % AT_A_TIME == 0:
            await asyncio.sleep(0)
    return found


def submit(
    console: VirtdeckApp,
    requests: Sequence[Request],
    then: Callable[[Operation], None] | None = None,
) -> None:
    """Hand requests to the core; the end of each is told when it comes.

    `then` is called on the UI thread with each operation that the core took.
    """

    def submitted(operation: Operation) -> None:
        console.watch_list.add(operation.id)
        console.tell_ended()
        if then is not None:
            then(operation)

    for request in requests:
        console.ask(partial(_submission, request), submitted)


def _ask(console: VirtdeckApp, proposal: Proposal) -> None:
    from console.screens.dialogs.confirm import ConfirmDialog

    requests = [target.request for target in proposal.able]
    if not requests:
        lines = [" ".join(target.reasons) for target in proposal.unable]
        tell_against(console, proposal.verb.title, lines)
    elif proposal.must_ask:

        def answered(sure: bool | None) -> None:
            if sure:
                submit(console, requests)

        console.push_screen(ConfirmDialog(proposal), answered)
    else:
        submit(console, requests)


def tell_against(console: VirtdeckApp, title: str, lines: Sequence[str]) -> None:
    """Nothing can be done: say why, for the first few."""
    shown = "\n".join(lines[:MOST_REASONS])
    more = f"\nand {len(lines) - MOST_REASONS} more" if len(lines) > MOST_REASONS else ""
    console.notify(
        shown + more,
        title=f"{title}: not possible",
        severity="warning",
        timeout=8,
        markup=False,
    )


async def _submission(request: Request, source: Source) -> Operation:
    return await source.submit(request)
