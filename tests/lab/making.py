"""What the tests of making instances share: the requests, a guest's shell, what a pool holds."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from contextlib import suppress
from typing import Any
from uuid import uuid4

from core.errors import LabError
from core.fleet import Fleet
from core.lab import Lab, LabHost
from core.lab.templates import KERNEL_WORDS
from core.model import ObjectKey, OperationRecord, Request
from core.verbs.registry import VERBS
from tests.lab.one_host import until

HOST = ObjectKey("host", "alpha", "alpha")
SMALL = {"memory": 96, "vcpus": 1, "network": "none", "graphics": "none"}


def booting(lab: Lab, name: str) -> dict[str, Any]:
    """The options with which the lab's own guest is booted."""
    return {
        **SMALL,
        "kernel": str(lab.root / "image" / "kernel"),
        "initrd": str(lab.root / "image" / "initramfs"),
        "cmdline": f"console=ttyS0 quiet {KERNEL_WORDS} vd.host={name}",
    }


def asked(verb: str, **options: Any) -> Request:
    return VERBS[verb].at(HOST, str(uuid4()), options)


async def make(fleet: Fleet, verb: str, **options: Any) -> OperationRecord:
    """Make an instance, once all is known that it is planned from."""
    await until(lambda: known(fleet, options.get("image", "")))
    record = await (await fleet.submit(asked(verb, **options)))
    assert isinstance(record, OperationRecord)
    return record


def known(fleet: Fleet, image: str = "") -> bool:
    """Whether all is known that an instance is planned from; an image is named POOL/VOLUME."""
    name = image.partition("/")[2] if image.startswith("default/") else ""
    found = [one for one in fleet.state.volumes.values() if one.name == name]
    if name and not (found and found[0].capacity is not None):
        return False
    host = fleet.state.hosts["alpha"]
    listed = {"instances", "pools", "volumes", "networks"} <= host.listed
    return bool(host.facts and host.facts.platform and listed)


def volumes(alpha: LabHost, pool: str = "default") -> set[str]:
    """The names of a pool's volumes, as libvirt itself finds them. Blocking."""
    alpha.virsh("pool-refresh", pool)
    lines = alpha.virsh("vol-list", pool).splitlines()[2:]
    return {line.split()[0] for line in lines if line.strip()}


async def there(alpha: LabHost, pool: str = "default") -> tuple[set[str], set[str]]:
    """The instances and the volumes that there are."""
    found = await asyncio.to_thread(alpha.instances)
    return set(found), await asyncio.to_thread(volumes, alpha, pool)


def remove(alpha: LabHost, name: str, pool: str = "default", *, more: tuple[str, ...] = ()) -> None:
    """Remove an instance and every volume that begins with its name. Blocking.

    `more` are further options of `virsh undefine`.
    """
    for words in (("destroy", name), ("undefine", name, *more)):
        with suppress(LabError):  # it may be off, or never have been made
            alpha.virsh(*words)
    for volume in volumes(alpha, pool):
        if volume.startswith(name):
            alpha.virsh("vol-delete", volume, "--pool", pool)


def in_guest(alpha: LabHost, name: str, script: str) -> str:
    """Run a line in a guest's shell, through its agent; returns what it prints. Blocking."""

    def ask(command: str, **arguments: object) -> Any:
        words = json.dumps({"execute": command, "arguments": arguments})
        return json.loads(alpha.virsh("qemu-agent-command", name, words))["return"]

    pid = ask("guest-exec", path="/bin/sh", arg=["-c", script], **{"capture-output": True})["pid"]
    while not (found := ask("guest-exec-status", pid=pid))["exited"]:
        time.sleep(0.1)
    assert found["exitcode"] == 0, found
    return base64.b64decode(found.get("out-data", "")).decode()
