"""Images of instances on real QEMU: live, paused, off, frozen, compressed, outrun; read back."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable
from typing import Any

import pytest

from core.engine.handle import Handle
from core.errors import OperationCancelledError, OperationFailedError, RefusedError
from core.fleet import Fleet
from core.lab import Lab, LabHost, Wanted
from core.model import AgentState, ObjectKey, OperationStatus
from core.verbs.block import mirror
from core.verbs.registry import VERBS
from tests.lab.one_host import until
from tests.lab.scratch_disk import ScratchDisks, chain, holds, info, write
from tests.lab.seeing import key_of
from tests.lab.test_agent import file_in_guest
from tests.lab.test_snapshot import frozen


async def begin(fleet: Fleet, vm: ObjectKey, **options: Any) -> Handle:
    await until(lambda: fleet.state.instances[vm].described)
    return await fleet.submit(VERBS["image"].request(subject=vm, **options))


async def image(fleet: Fleet, vm: ObjectKey, **options: Any) -> str:
    record = await (await begin(fleet, vm, **options))
    assert record.status is OperationStatus.DONE, record
    return record.outcome


def write_in_guest(alpha: LabHost, name: str, path: str, text: str) -> None:
    """Write a file through the guest's own agent."""

    def ask(command: str, **arguments: object) -> Any:
        words = json.dumps({"execute": command, "arguments": arguments})
        return json.loads(alpha.virsh("qemu-agent-command", name, words))["return"]

    handle = ask("guest-file-open", path=path, mode="w")
    encoded = base64.b64encode(text.encode()).decode()
    ask("guest-file-write", **{"handle": handle, "buf-b64": encoded})
    ask("guest-file-close", handle=handle)


def is_mounted(lab: Lab, name: str) -> bool:
    """Whether a guest has its disk at /data."""
    return "data disk mounted" in (lab.root / f"logs/{name}.log").read_text(errors="replace")


async def test_a_live_image_holds_what_the_guest_wrote_and_boots_and_the_definition_stays(
    fleet: Fleet, lab: Lab, alpha: LabHost, disks: ScratchDisks, guest: Callable[..., str],
    booted: Callable[..., None],
) -> None:  # fmt: skip
    name = guest("alpha", "imaged", disk=disks.make("imaged"))
    vm = await key_of(fleet, name)
    await asyncio.to_thread(booted, "alpha", name)
    await until(lambda: is_mounted(lab, name), 120)
    await until(lambda: fleet.state.instances[vm].agent is AgentState.CONNECTED)
    before = alpha.virsh("dumpxml", "--inactive", name)
    await asyncio.to_thread(write_in_guest, alpha, name, "/data/said", "kept safe")
    outcome = await image(fleet, vm, to="default/golden.qcow2", quiesce=True)
    assert outcome == f"{alpha.pool}/golden.qcow2 is vda of imaged as it was then"
    assert "thawed" in frozen(alpha, name)
    assert alpha.virsh("dumpxml", "--inactive", name) == before
    assert chain(alpha, name) == ["imaged.qcow2"]
    assert "backing-filename" not in info(alpha.pool / "golden.qcow2")
    other = guest("alpha", "born-of-it", disk="default/golden.qcow2")
    await asyncio.to_thread(booted, "alpha", other)
    await until(lambda: is_mounted(lab, other), 120)
    assert file_in_guest(alpha, other, "/data/said") == "kept safe"


async def test_a_paused_instance_stays_paused_and_one_that_is_off_stays_off(
    fleet: Fleet, alpha: LabHost, disks: ScratchDisks, guest: Callable[..., str]
) -> None:
    disks.make("below")
    name = guest("alpha", "calm", disk=disks.make("calm", base="below"), wanted=Wanted.PAUSED)
    vm = await key_of(fleet, name)
    await asyncio.to_thread(write, alpha, name, 1)
    with pytest.raises(RefusedError, match="does not run: its guest freezes nothing"):
        await begin(fleet, vm, to="default/no.qcow2", quiesce=True)
    await image(fleet, vm, to="default/paused.qcow2")
    assert alpha.instances()[name] == "paused"
    await image(fleet, vm, to="default/small.qcow2", compressed=True)
    assert not list(alpha.pool.glob("*.part"))
    assert not list(alpha.pool.glob("*.half"))
    await asyncio.to_thread(alpha.virsh, "destroy", name)
    await until(lambda: not fleet.state.instances[vm].state.active)
    await image(fleet, vm, to="default/off.raw", format="raw")
    outside = alpha.directory / "home" / "off.qcow2"  # in no pool
    await image(fleet, vm, to=str(outside))
    await image(fleet, vm, to="default/off-small.qcow2", compressed=True)
    assert alpha.instances()[name] == "shut off"
    for file in ("paused.qcow2", "small.qcow2", "off-small.qcow2", str(outside)):
        assert holds(alpha.pool / file, 1), file
        assert "backing-filename" not in info(alpha.pool / file)
    assert holds(alpha.pool / "off.raw", 1, form="raw")
    assert "virtdeck" not in alpha.virsh("pool-list", "--all", "--name")
    with pytest.raises(OperationFailedError, match="is there already"):
        await image(fleet, vm, to=str(outside))
    outside.unlink()


async def test_what_cannot_be_is_said_before_anything_is_copied(
    fleet: Fleet, alpha: LabHost, disks: ScratchDisks, guest: Callable[..., str]
) -> None:
    name = guest("alpha", "mute", "vd.noagent", disk=disks.make("mute"))
    vm = await key_of(fleet, name)
    await until(lambda: fleet.state.instances[vm].described)
    with pytest.raises(RefusedError, match="agent"):
        await begin(fleet, vm, to="default/x.qcow2", quiesce=True)
    with pytest.raises(RefusedError, match="raw is not compressed"):
        await begin(fleet, vm, to="default/x.raw", format="raw", compressed=True)
    with pytest.raises(OperationFailedError, match="cannot be written to by this user"):
        await image(fleet, vm, to="/no/such/folder/x.qcow2", compressed=True)
    assert not list(alpha.pool.glob("x.*"))


async def test_a_guest_that_cannot_be_frozen_has_no_image_and_runs_on_unfrozen(
    fleet: Fleet, lab: Lab, alpha: LabHost, disks: ScratchDisks, guest: Callable[..., str],
    booted: Callable[..., None],
) -> None:  # fmt: skip
    name = guest("alpha", "iced", disk=disks.make("iced"))
    vm = await key_of(fleet, name)
    await asyncio.to_thread(booted, "alpha", name)
    await until(lambda: is_mounted(lab, name), 120)
    await until(lambda: fleet.state.instances[vm].agent is AgentState.CONNECTED)
    await asyncio.to_thread(alpha.virsh, "domfsfreeze", name)
    with pytest.raises(OperationFailedError, match="frozen already, by somebody else"):
        await image(fleet, vm, to="default/iced-copy.qcow2", quiesce=True)
    assert not (alpha.pool / "iced-copy.qcow2").exists()
    assert "frozen" in frozen(alpha, name), "what somebody else froze is not ours to thaw"
    await asyncio.to_thread(alpha.virsh, "domfsthaw", name)


@pytest.mark.parametrize("answer", ["slower", "together", "give-up"])
async def test_a_guest_that_outruns_the_copy_is_asked_about_and_not_waited_for_for_ever(
    answer: str, fleet: Fleet, lab: Lab, alpha: LabHost, disks: ScratchDisks,
    guest: Callable[..., str], booted: Callable[..., None], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(mirror, "STALLED", 6.0)
    monkeypatch.setattr(mirror, "LEAST_RATE", 64 << 10)
    name = guest("alpha", f"fast-{answer}", "vd.disk=2048", disk=disks.make(f"fast-{answer}"))
    vm = await key_of(fleet, name)
    await asyncio.to_thread(booted, "alpha", name)
    await until(lambda: is_mounted(lab, name), 120)
    await asyncio.to_thread(write, alpha, name, 40, "10M")  # QEMU copies 7 MB before it slows down
    handle = await begin(fleet, vm, to="default/outrun.qcow2", speed=0.25)
    await until(lambda: handle.record.question is not None, 120)
    assert handle.record.question is not None
    assert "does not catch up" in handle.record.question.text
    await fleet.answer(handle.id, answer)
    if answer == "give-up":
        with pytest.raises(OperationCancelledError, match="is removed"):
            await handle
        assert not (alpha.pool / "outrun.qcow2").exists()
        return
    text = "beginning again" if answer == "together" else "slowing"
    await until(lambda: any(text in one.text and one.took for one in handle.record.steps))
    if answer == "slower":
        limits = " ".join(alpha.virsh("blkdeviotune", name, "vda").split())
        assert "write_bytes_sec: 0" not in limits, "it writes as fast as before"
    words = ("blockjob", name, "vda", "--bandwidth", "0")
    await asyncio.to_thread(alpha.virsh, *words)
    assert (await handle).status is OperationStatus.DONE
    after = " ".join(alpha.virsh("blkdeviotune", name, "vda").split())
    assert "write_bytes_sec: 0" in after
    assert info(alpha.pool / "outrun.qcow2")["format"] == "qcow2"
