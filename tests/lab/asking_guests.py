"""What is so inside a guest, asked past the console, through virsh and the guest's own agent."""

from __future__ import annotations

import base64
import json
import time
from typing import Any, Protocol


class AskedHost(Protocol):
    """A host of the lab, or one of `tests.lab.networked`."""

    def virsh(self, *words: str, deadline: float = 60.0) -> str: ...


def agent_words(program: str, *words: str) -> str:
    """What `virsh qemu-agent-command` takes to run a program."""
    arguments = {"path": program, "arg": list(words), "capture-output": True}
    return json.dumps({"execute": "guest-exec", "arguments": arguments})


def ask_agent(alpha: AskedHost, name: str, words: str) -> Any:
    """Return what the agent of a guest answers."""
    return json.loads(alpha.virsh("qemu-agent-command", name, words))["return"]


def in_guest(alpha: AskedHost, name: str, program: str, *words: str) -> str:
    """Run a program in a guest and return what it printed. Blocks."""
    pid = ask_agent(alpha, name, agent_words(program, *words))["pid"]
    asking = json.dumps({"execute": "guest-exec-status", "arguments": {"pid": pid}})
    while not (status := ask_agent(alpha, name, asking))["exited"]:
        time.sleep(0.05)
    return base64.b64decode(status.get("out-data", "")).decode(errors="replace")
