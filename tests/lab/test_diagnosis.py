"""Why a real guest is slow: provoked on QEMU, and found by its figures."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from console.cli.root import run
from core.fleet import Fleet
from core.lab import Lab, LabHost
from core.model import InstanceState, ObjectKey
from core.state.diagnosis import Diagnosis, diagnosis
from core.state.slowness import Slowness, judged
from tests.lab import burner
from tests.lab.burner import Burner
from tests.lab.one_host import until
from tests.lab.seeing import key_of
from tests.patience import PATIENCE


async def looked(fleet: Fleet, key: ObjectKey) -> tuple[Diagnosis, Slowness]:
    before = await fleet.diagnostics.sample(key)
    await asyncio.sleep(1.5)
    found = diagnosis(before, await fleet.diagnostics.sample(key))
    return found, judged(fleet.state, fleet.state.instances[key], found)


async def found(fleet: Fleet, key: ObjectKey, code: str) -> str:
    """Look until a reason is found; its sentence."""
    async with asyncio.timeout(60 * PATIENCE):
        while True:
            _, slow = await looked(fleet, key)
            for one in slow.findings:
                if one.code == code:
                    return one.text


async def test_two_that_never_rest_on_one_processor_take_it_from_each_other(
    fleet: Fleet, lab: Lab, qemu_pid: Callable[[str, str], int]
) -> None:
    hot = [Burner(f"hot{number}", rests=False) for number in range(2)]
    names = [burner.start(lab, "alpha", each) for each in hot]
    try:
        for name in names:
            for task in Path(f"/proc/{qemu_pid('alpha', name)}/task").iterdir():  # noqa: ASYNC240
                os.sched_setaffinity(int(task.name), {0})
        text = await found(fleet, await key_of(fleet, names[0]), "steal")
        assert text.startswith("Its vCPUs stood in the run queue of alpha for")
    finally:
        for name in names:
            await asyncio.to_thread(burner.remove, lab, name)


async def test_a_disk_that_is_held_back_a_job_beside_it_and_a_pause_are_told(
    fleet: Fleet, lab: Lab, alpha: LabHost, guest: Callable[..., str]
) -> None:
    name = guest("alpha", "held", "vd.disk=2048", disk="default/clone.qcow2")
    alpha.virsh("blkdeviotune", name, "vda", "--live", "--write-bytes-sec", "65536")
    key = await key_of(fleet, name)
    text = await found(fleet, key, "throttle")
    assert "it is held to 64 KiB/s (iotune)" in text
    figures, _ = await looked(fleet, key)
    (disk,) = figures.disks
    assert disk.limits is not None
    assert disk.limits.write_bytes == 65536

    target = lab.root / "shared/held-copy.qcow2"
    copying = ("blockcopy", name, "vda", str(target), "--transient-job", "--bandwidth", "1")
    try:
        alpha.virsh(*copying)
        assert "copy" in await found(fleet, key, "block-job")
        alpha.virsh("blockjob", name, "vda", "--abort")
    finally:
        await asyncio.to_thread(target.unlink, missing_ok=True)

    alpha.virsh("suspend", name)
    await until(lambda: fleet.state.instances[key].state is InstanceState.PAUSED)
    assert (await found(fleet, key, "paused")).startswith("It stands still: it is paused")
    alpha.virsh("destroy", name)
    await until(lambda: fleet.state.instances[key].state is InstanceState.SHUTOFF)
    figures, slow = await looked(fleet, key)
    assert slow.findings[0].code == "off"
    assert figures.host.busy is not None


def test_the_command_line_says_why_and_a_script_reads_it(
    lab: object, uris: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("-c", uris["alpha"], "diagnose", "web", "--seconds", "1")
    assert run((*words, "--json")) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["name"] == "web"
    assert told["verdict"]
    assert told["figures"]["vcpus"][0]["busy"] is not None
    assert {"code", "weight", "text", "figure", "unit"} == set((told["findings"] or [{
        "code": "", "weight": "", "text": "", "figure": "", "unit": "",
    }])[0])  # fmt: skip
    assert run(words) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("web on alpha, watched for")
    assert "vCPU 0" in printed
    assert run((*words[:3], "nobody")) == 1
