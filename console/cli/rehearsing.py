"""`--dry-run`: what would be sent, or why not, and nothing is."""

from __future__ import annotations

from collections.abc import Sequence

from console.cli.output import json_of_plain, plain, say, say_lines
from console.describing import trial
from core.fleet import Fleet
from core.model import Request, State
from core.model.text import clean
from core.verbs.call import Call
from core.verbs.danger import danger
from core.verbs.preview import planned, virsh_line
from core.verbs.refusal import Refusal, told
from core.verbs.wording import name_of
from core.xml import format_xml

REFUSED = 1
"""The exit status where one of the requests would be refused."""


async def rehearse(fleet: Fleet, requests: Sequence[Request], *, as_json: bool) -> int:
    """Print what each request would send, as virsh would be told it; returns the exit status.

    What the host itself judges without making it, it is asked.
    """
    refused = False
    for request in requests:
        reasons = tuple(fleet.check(request))
        if not reasons and (reason := await trial(fleet, request)):
            reasons = (reason,)
        refused = refused or bool(reasons)
        if as_json:
            say(json_of_plain(_plain(fleet.state, request, reasons)))
        else:
            _print(fleet.state, request, reasons)
    return REFUSED if refused else 0


def _uri(state: State, request: Request, call: Call) -> str:
    host = state.hosts.get(call.host or request.subject.host)
    return "" if host is None else host.uri


def _print(state: State, request: Request, reasons: Sequence[Refusal]) -> None:
    name = name_of(state, request)
    label = clean(f"{name} on {request.subject.host}")
    if reasons:
        say(f"{label}: {request.verb} would be refused: {clean(told(reasons))}")
        return
    risk = danger(state, request)
    for line in (*risk.text.splitlines(), *risk.warnings.splitlines()):
        say(f"{label}: {clean(line)}")
    for send in planned(state, request):
        say(f"{label}: {clean(send.text)}")
        if line := virsh_line(_uri(state, request, send.call), name, request.subject, send.call):
            say(f"  {line}")
        if send.call.text:
            say_lines(f"  {line}" for line in format_xml(send.call.text).splitlines())


def _plain(state: State, request: Request, reasons: Sequence[Refusal]) -> dict[str, object]:
    name, risk = name_of(state, request), danger(state, request)
    sends = () if reasons else planned(state, request)
    return {
        "verb": request.verb,
        "host": request.subject.host,
        "name": name,
        "refusals": [plain(reason) for reason in reasons],
        "danger": {
            "caution": risk.caution.name.lower(),
            "text": risk.text,
            "warnings": risk.warnings.splitlines(),
        },
        "calls": [
            {
                "call": send.call.word,
                **plain(send.call),
                "virsh": virsh_line(
                    _uri(state, request, send.call), name, request.subject, send.call
                ),
            }
            for send in sends
        ],
    }
