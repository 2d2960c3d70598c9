"""Records what a real guest writes to its console, for tests/data/consoles.

`.venv/bin/python -m tests.lab.record_consoles URI NAME`, on a guest of a lab whose shell is idle.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from core.fleet import Fleet
from tests.lab.consoles import Talk

DATA = Path(__file__).parents[1] / "data" / "consoles"
CASES: dict[str, tuple[tuple[bytes, bytes], ...]] = {
    "shell": ((b"ls -l --color=always /\r", b"\x1b[6n"), (b"cat /proc/cpuinfo\r", b"\x1b[6n")),
    "vi": ((b"vi /init\r", b"1/"), (b"ohello from vi\x1b", b"2/")),
    "top": ((b"top -n 2\r", b"\x1b[6n"),),
}
"""By file: what is typed, and what is waited for then."""


async def record(uri: str, name: str) -> None:
    """Write a file for each case."""
    async with Fleet.open([f"alpha={uri}"], operations=False) as fleet:
        assert await fleet.ready(60)
        key = next(each.key for each in fleet.state.instances.values() if each.name == name)
        for case, steps in CASES.items():
            talk = Talk(await fleet.consoles.open(key))
            await talk.prompt(name)
            await talk.console.write(b"clear\r")
            await talk.until(b"\x1b[6n")
            written = bytearray()
            for typed, wanted in steps:
                await talk.console.write(typed)
                written += await talk.until(wanted)
                await asyncio.sleep(1.0)
            (DATA / f"{case}.bin").write_bytes(bytes(written) + talk.said)
            if case == "vi":
                await talk.console.write(b"\x1b")
                await asyncio.sleep(1.5)  # or it is taken for the start of a key
                await talk.console.write(b":q!\r")
            await talk.until(f"{name}:/# ".encode())
            await talk.console.close()


if __name__ == "__main__":
    asyncio.run(record(*sys.argv[1:]))
