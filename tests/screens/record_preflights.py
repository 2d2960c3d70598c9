"""Records the preflights that the Migrate dialog is tested with, on a lab of its own.

`python -m tests.screens.record_preflights FILE` brings up two real hosts with their guests, asks
what speaks against moving one of them in a few ways, and writes the answers. What names the machine
it ran on is replaced.
"""

from __future__ import annotations

import asyncio
import re
import socket
import sys
from pathlib import Path

import msgspec

from core.fleet import Fleet
from core.lab import Lab, wait_ready
from core.model import Preflight
from core.model.rewrites import InterfaceRewrite, Rewrites
from core.verbs.migration.requests import Migrate
from tests.screens.record_tapes import key_of, until

LAB = "preflights"
GUEST, BUSY = "web", "db"
"""What they are called in the lab, and on the tape that the dialog is shown over."""
ELSEWHERE = "<interface type='network'><source network='blue'/></interface>"


async def main(path: Path) -> None:
    lab = Lab(LAB)
    lab.up(say=print)
    for guest in (GUEST, BUSY):
        wait_ready(lab.host("alpha"), guest)
    try:
        found = await record(lab)
    finally:
        lab.down(say=print)
    write_clean(found, str(lab.root), path)


def write_clean(found: dict[str, Preflight], root: str, path: Path) -> None:
    """Write them without the names of this machine and its folders."""
    text = (
        msgspec.json.format(msgspec.json.encode(found), indent=1).decode().replace(root, "/run/lab")
    )
    text = re.sub(rf"\b{re.escape(socket.gethostname())}\b(?![.\w])", "node1", text)
    path.write_text(text + "\n")


async def record(lab: Lab) -> dict[str, Preflight]:
    uris = [f"{host.name}={host.uri}" for host in lab.hosts]
    async with Fleet.open(uris, operations=False) as fleet:
        await fleet.ready(30)
        await until(lambda: all(one.described for one in fleet.state.instances.values()))

        async def ask(name: str, **options: object) -> Preflight:
            request = Migrate(key_of(fleet, name), to="beta", **options)  # type: ignore[arg-type]
            return await fleet.migrations.preflight(request, measure=True)

        found = {
            "fine": await ask(GUEST),
            "post-copy": await ask(GUEST, post_copy="allow", bandwidth=100),
            "busy": await ask(BUSY, bandwidth=20),
        }
        lab.host("alpha").virsh("snapshot-create-as", GUEST, "before-upgrade")
        await asyncio.sleep(4)  # what was seen is kept for three
        mac = fleet.state.instances[key_of(fleet, GUEST)].interfaces[0].mac
        rewrites = Rewrites(interfaces=(InterfaceRewrite(mac, xml=ELSEWHERE),))
        return {**found, "blocked": await ask(GUEST, tls=True, rewrites=rewrites)}


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
