"""A power cut of a QEMU that the kernel holds (state D): its storage does not answer.

libvirt itself takes 80 s until it calls such a guest shut off.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.errors import OutcomeUnknownError
from core.fleet import Fleet
from core.lab import LabHost, Wanted
from core.verbs.power.requests import HardReboot
from tests.lab.one_host import until
from tests.lab.seeing import key_of


def run(*words: object) -> None:
    subprocess.run(list(map(str, words)), check=True, stdout=subprocess.DEVNULL)


class FrozenStorage:
    """A file system of its own that can be frozen: whoever writes to it waits in the kernel."""

    def __init__(self, directory: Path) -> None:
        self.place = directory / "storage"
        self.place.mkdir()
        image = directory / "storage.img"
        run("truncate", "-s", "64M", image)
        run("mkfs.ext4", "-q", image)
        run("mount", "-o", "loop", image, self.place)
        self.frozen = False
        self.disk = self.place / "disk.raw"
        run("truncate", "-s", "16M", self.disk)
        for each, mode in ((self.place, 0o777), (self.disk, 0o666)):
            each.chmod(mode)
        for each in (directory, *directory.parents):  # QEMU's user gets through to it
            if each.is_relative_to(tempfile.gettempdir()) and each.stat().st_mode & 0o077 == 0:
                each.chmod(0o755)

    def freeze(self) -> None:
        run("fsfreeze", "-f", self.place)
        self.frozen = True

    def thaw(self) -> None:
        if self.frozen:
            run("fsfreeze", "-u", self.place)
        self.frozen = False

    def close(self) -> None:
        self.thaw()
        run("umount", "--lazy", self.place)  # a process may take a moment to let go


@pytest.fixture
def storage(tmp_path: Path, remove_guest: Callable[[str], None]) -> Iterator[FrozenStorage]:
    if os.geteuid() != 0:
        pytest.skip("file systems are mounted by root")
    if not Path("/dev/loop-control").exists():
        pytest.skip("this machine has no loop devices: a container seldom has")
    made = FrozenStorage(tmp_path)
    yield made
    made.thaw()
    remove_guest("held")
    made.close()


def held_by_kernel(pid: int) -> bool:
    """Whether a thread of a process waits in the kernel and cannot be killed."""
    states = [path.read_text().rpartition(")")[2].split()[0]
              for path in Path(f"/proc/{pid}/task").glob("*/stat")]  # fmt: skip
    return "D" in states


async def test_a_process_that_cannot_be_killed_is_named_and_not_started_again(
    fleet: Fleet,
    alpha: LabHost,
    guest: Callable[..., str],
    qemu_pid: Callable[[str, str], int],
    storage: FrozenStorage,
    tmp_path: Path,
) -> None:
    fields = {"wanted": Wanted.SHUT_OFF, "disk": "default/spare.raw"}
    guest("alpha", "held", "vd.disk=256", **fields)
    xml = alpha.virsh("dumpxml", "--inactive", "held")
    path = tmp_path / "held.xml"
    path.write_text(re.sub(r"file='[^']*spare.raw'", f"file='{storage.disk}'", xml))
    alpha.virsh("define", str(path))
    alpha.virsh("start", "held")
    pid = qemu_pid("alpha", "held")
    vm = await key_of(fleet, "held")
    await until(lambda: storage.disk.stat().st_blocks > 0, 120)
    storage.freeze()
    await until(lambda: held_by_kernel(pid))

    operation = await fleet.submit(HardReboot(vm))
    with pytest.raises(OutcomeUnknownError, match="state D") as caught:
        await operation
    assert held_by_kernel(pid)
    assert "Start held nowhere" in caught.value.hint
    assert [step.call for step in operation.record.steps if step.call] == ["destroy"]
