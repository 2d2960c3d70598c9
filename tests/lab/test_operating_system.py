"""A whole operating system: a Debian that `create-from-image` makes, at its serial console.

Its image is made of Debian's packages as clouds boot it. It shows what the lab's small guest
cannot: cloud-init reads the seed, the root grows, people log in, systemd shuts down.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.lab import LabHost
from core.model import OperationRecord, Request
from core.model.secret_value import Secret
from core.verbs.create.remove_seed import RemoveSeed
from core.verbs.power.requests import Shutdown
from core.verbs.snapshot.create import SnapshotCreate
from core.verbs.snapshot.delete import SnapshotDelete
from core.verbs.snapshot.revert import SnapshotRevert
from core.verbs.undefining import Undefine
from tests.bench.terminal import Terminal
from tests.debian.cloud_image import make_image
from tests.lab.making import in_guest, make, remove, there
from tests.lab.one_host import opened
from tests.lab.screen_pilot import Operator, at_console
from tests.lab.test_console_screen import LET_GO, typed
from tests.patience import PATIENCE

pytestmark = pytest.mark.timeout(3600)  # a hang; a whole system starts, and that in emulation

NAME = "debian"
PASSWORD = "atestword"
HASH = (
    "$6$virtdeck$6GSQ9xRaPvQBMhlEdCXZ1iODit4DEGRWNg5SI1KQS0S3bvV8a1scje87e0eTKSHXt6"
    "/CPWWtazFPMD8yUEvgL."
)
"""Of that password, by `openssl passwd -6`."""
PROMPT = "ada@trixie:~$"
SLOW = 120.0
"""Seconds for a start."""


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if os.geteuid() != 0:
        pytest.skip("a system is made of packages by root")
    return make_image(tmp_path_factory.mktemp("image"))


@pytest.fixture
def made(alpha: LabHost) -> Iterator[str]:
    yield NAME
    remove(alpha, NAME)


async def test_a_day_with_debian(
    uris: dict[str, str], alpha: LabHost, image: Path, made: str, tmp_path: Path
) -> None:
    async with (
        opened(uris, tmp_path / "journal.sqlite3") as fleet,
        at_console({"alpha": uris["alpha"]}, tmp_path / "screen.sqlite3") as operator,
    ):
        seed = {"user": "ada", "hostname": "trixie", "password_hash": Secret(HASH)}
        size = {"memory": 512, "vcpus": 1, "size": 3, "network": "user", "graphics": "none"}
        record = await make(fleet, "create-from-image", name=made, image=str(image), **seed, **size)
        instance = record.subject
        await operator.show_only(f"name:{made}")
        await operator.press("i", "enter")
        await operator.sees("trixie login:", seconds=SLOW)
        await operator.sees("Cloud-init", "finished at", seconds=SLOW)
        await log_in(operator)
        await says(operator, "hostname", "trixie")
        await says(operator, ". /etc/os-release; echo $ID-$VERSION_ID", "debian-13")
        await says(operator, "sudo id -un", "root")
        grown = await asyncio.to_thread(in_guest, alpha, made, "df --output=size -k / | tail -n 1")
        assert int(grown) > 2.5 * 2**20, "the root takes its whole disk, which is 3 GiB"

        await typed(operator, "vi -u NONE kept")
        await operator.until(lambda: operator.lines()[1].startswith("~"), "vi's empty file")
        await operator.press("i", *"mine", "escape", *":wq", "enter")
        await operator.sees(PROMPT)
        await says(operator, "sync; cat kept", "mine")

        async def done(request: Request) -> OperationRecord:
            ended = await (await fleet.submit(request))
            assert isinstance(ended, OperationRecord)
            return ended

        await done(SnapshotCreate(instance, name="before"))
        # sudo gives its command a terminal of its own: what is typed meanwhile is lost with that
        await says(operator, "sudo rm -r /etc kept; echo gone", "gone")
        await says(operator, "sudo true || echo broken", "broken")
        await operator.press(LET_GO, "x")
        (before,) = await fleet.snapshots(instance) or ()
        await done(SnapshotRevert(before.key))
        await operator.press("i", "enter", "enter")
        await operator.sees(PROMPT)
        await says(operator, "sudo true && cat kept", "mine")
        await operator.press(LET_GO, "x")

        await asyncio.to_thread(talk_on_the_command_line, uris["alpha"])

        await done(RemoveSeed(instance))
        ended = await done(Shutdown(instance, timeout=SLOW))
        assert ended.outcome == f"{made} is shut off"
        await done(SnapshotDelete(before.key))
        await done(Undefine(instance, disks=("vda",)))
    instances, volumes = await there(alpha)
    assert made not in instances
    assert not [one for one in volumes if one.startswith(made)]


def talk_on_the_command_line(uri: str) -> None:
    """Have `virtdeck console` give the shell that is open, and let go of it."""
    words = ["-m", "console", "-c", f"alpha={uri}", "console", NAME]
    with Terminal(words) as terminal:

        def sees(wanted: str) -> None:
            shown = lambda lines: any(line.startswith(wanted) for line in lines)  # noqa: E731
            assert terminal.wait(shown, 60 * PATIENCE) is not None, terminal.screen.display

        sees(f"The console of {NAME} on alpha. ctrl+] lets go.")
        terminal.press("\r")
        sees(PROMPT)
        terminal.press("clear; echo $((6*7))-done\r")
        sees("42-done")
        terminal.press("\x1d")
        assert terminal.left_with(60 * PATIENCE) == 0


async def log_in(operator: Operator) -> None:
    """Log in. What was typed before, or a late answer of the terminal, is taken away first."""
    await operator.press("ctrl+u", "enter")
    await operator.sees("trixie login:")
    await typed(operator, "ada")
    await operator.sees("Password:")
    await typed(operator, PASSWORD)
    await operator.sees(PROMPT)


async def says(operator: Operator, line: str, wanted: str) -> None:
    """Have the shell run a line on an empty screen, and wait until it prints what it is to."""
    await typed(operator, f"clear; {line}")
    await operator.until(
        lambda: any(each.startswith(wanted) for each in operator.lines()), f"{wanted} of {line}"
    )
