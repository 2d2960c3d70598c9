"""The calls that run a command in a guest. Run on a lane thread; raise libvirtError."""

from __future__ import annotations

import base64
from typing import Any

from core.hypervisor.calls.agent_words import ask_agent
from core.hypervisor.calls.function import CallFunctions
from core.hypervisor.connection.binding import Connection
from core.model import ObjectKey
from core.verbs.agent.execute import (
    OUTPUT_BYTES,
    ExecCall,
    ExecStarted,
    ExecStatus,
    ExecStatusCall,
)


def execute(conn: Connection, subject: ObjectKey, call: ExecCall) -> ExecStarted:
    """Start a process (guest-exec); what it is given to read ends with a line's end."""
    program, *words = call.argv
    arguments: dict[str, Any] = {"path": program, "arg": words, "capture-output": True}
    if call.input is not None:
        given = f"{call.input.reveal()}\n".encode()
        arguments["input-data"] = base64.b64encode(given).decode()
    domain = conn.lookupByUUIDString(subject.id)
    return ask_agent(domain, "guest-exec", lambda told: ExecStarted(int(told["pid"])), **arguments)


def exec_status(conn: Connection, subject: ObjectKey, call: ExecStatusCall) -> ExecStatus:
    """Tell how a process stands (guest-exec-status)."""
    domain = conn.lookupByUUIDString(subject.id)
    return ask_agent(domain, "guest-exec-status", lambda told: _status(call, told), pid=call.pid)


def _status(call: ExecStatusCall, told: dict[str, Any]) -> ExecStatus:
    out, err = _output(told, "out-data"), _output(told, "err-data")
    return ExecStatus(
        call.pid,
        bool(told["exited"]),
        _number(told, "exitcode"),
        _number(told, "signal"),
        out[:OUTPUT_BYTES],
        err[:OUTPUT_BYTES],
        out_whole=len(out) <= OUTPUT_BYTES and not told.get("out-truncated"),
        err_whole=len(err) <= OUTPUT_BYTES and not told.get("err-truncated"),
        keeps=call.keeps,
    )


def _number(told: dict[str, Any], name: str) -> int | None:
    value = told.get(name)
    return None if value is None else int(value) & 0xFFFFFFFF


def _output(told: dict[str, Any], name: str) -> bytes:
    return base64.b64decode(told.get(name, ""))


CALL_FUNCTIONS: CallFunctions = {ExecCall: execute, ExecStatusCall: exec_status}
