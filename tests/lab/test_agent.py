"""What the agent of a real guest does for it, and what is said where there is none."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from console.cli.root import run
from core.errors import OperationFailedError, RefusedError
from core.fleet import Fleet
from core.lab import LabHost
from core.model import AgentState, ObjectKey, OperationStatus
from core.model.secret_value import Secret
from core.verbs.agent.accounts import AddSshKey, RemoveSshKey, SetPassword
from core.verbs.agent.trimming import Trim
from tests.lab.asking_guests import in_guest
from tests.lab.one_host import until
from tests.lab.seeing import key_of
from tests.lab.test_verbs import carry_out

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ3fPPQl1bBzYvd0kR7dQ2n8v5WqQm0J6s1o9mJv3Q0T op@deck"
OTHER = KEY.replace("IJ3f", "IJ4f").replace("op@", "other@")
MARKER = "tell-n0body-0815"


@pytest.fixture
async def obedient(
    fleet: Fleet, guest: Callable[..., str], booted: Callable[..., None]
) -> ObjectKey:
    """A guest whose agent answers."""
    return await answering(fleet, guest, booted)


async def answering(
    fleet: Fleet, guest: Callable[..., str], booted: Callable[..., None], *switches: str
) -> ObjectKey:
    key = await key_of(fleet, guest("alpha", "obedient", *switches))
    await asyncio.to_thread(booted, "alpha", "obedient")
    await until(lambda: fleet.state.instances[key].agent is AgentState.CONNECTED)
    return key


def file_in_guest(alpha: LabHost, name: str, path: str) -> str:
    """Read a file past the console, through the agent itself."""

    def ask(command: str, **arguments: object) -> object:
        words = json.dumps({"execute": command, "arguments": arguments})
        return json.loads(alpha.virsh("qemu-agent-command", name, words))["return"]

    handle = ask("guest-file-open", path=path, mode="r")
    read = ask("guest-file-read", handle=handle, count=1 << 16)
    ask("guest-file-close", handle=handle)
    assert isinstance(read, dict)
    return base64.b64decode(read["buf-b64"]).decode()


def hash_of(alpha: LabHost, name: str, user: str) -> str:
    lines = file_in_guest(alpha, name, "/etc/shadow").splitlines()
    return next(line.split(":")[1] for line in lines if line.startswith(f"{user}:"))


async def test_a_password_is_set_and_is_nowhere_to_be_found_afterwards(
    fleet: Fleet, obedient: ObjectKey, alpha: LabHost, tmp_path: Path
) -> None:
    before = hash_of(alpha, "obedient", "root")
    outcome = await carry_out(fleet, "set-password", obedient, password=Secret(MARKER))
    assert outcome == "the password of root in obedient is set"
    after = hash_of(alpha, "obedient", "root")
    assert after.startswith("$6$")
    assert after != before

    hashed = "$6$salt$notreallyahash"
    await carry_out(fleet, "set-password", obedient, password=Secret(hashed), encrypted=True)
    assert hash_of(alpha, "obedient", "root") == hashed

    with pytest.raises(OperationFailedError) as failed:
        await carry_out(fleet, "set-password", obedient, password=Secret(MARKER), user="nobody4")
    assert "guest-set-user-password" in str(failed.value) or "nobody4" in str(failed.value)
    assert MARKER not in str(failed.value)

    kept = b"".join(file.read_bytes() for file in tmp_path.glob("journal*"))  # noqa: ASYNC240
    for marker in (MARKER, hashed):
        assert marker.encode() not in kept
        assert marker not in repr(fleet.state)
    assert b"set-user-password obedient root withheld" in kept


async def test_a_key_is_added_once_and_removed_and_the_others_stay(
    fleet: Fleet, obedient: ObjectKey, alpha: LabHost
) -> None:
    def keys() -> list[str]:  # virsh 9.0 prints them without anything between
        return file_in_guest(alpha, "obedient", "/root/.ssh/authorized_keys").splitlines()

    await carry_out(fleet, "add-ssh-key", obedient, key=OTHER)
    for _ in range(2):
        outcome = await carry_out(fleet, "add-ssh-key", obedient, key=KEY)
        assert outcome == "the key opens root in obedient"
        assert sorted(keys()) == [KEY, OTHER]
    await carry_out(fleet, "remove-ssh-key", obedient, key=KEY)
    assert keys() == [OTHER]
    for wrong, why in (("-----BEGIN OPENSSH PRIVATE KEY-----", "private"), ("AAAA", "no public")):
        with pytest.raises(RefusedError, match=why):
            await fleet.submit(AddSshKey(obedient, wrong))


async def test_a_guest_is_trimmed(fleet: Fleet, obedient: ObjectKey) -> None:
    assert await carry_out(fleet, "trim", obedient) == "what can be trimmed in obedient is trimmed"


async def test_vcpus_are_left_alone_and_used_again(
    fleet: Fleet, guest: Callable[..., str], booted: Callable[..., None], alpha: LabHost
) -> None:
    # QEMU 7.2's emulation may fall over a vCPU that comes while a guest is as busy as one that
    # has just gone on from a held state
    obedient = await answering(fleet, guest, booted, "vd.boot")

    def used() -> str:
        return in_guest(alpha, "obedient", "cat", "/sys/devices/system/cpu/online").strip()

    alpha.virsh("setvcpus", "obedient", "2", "--live")
    await until(lambda: fleet.state.instances[obedient].vcpus == 2)
    listed = ("ls", "/sys/devices/system/cpu")  # its kernel has it a moment after QEMU
    await until(lambda: "cpu1" in in_guest(alpha, "obedient", *listed).split())
    outcome = await carry_out(fleet, "guest-vcpus", obedient, cpus="1")
    assert outcome == "obedient uses its vCPUs 1"
    assert await asyncio.to_thread(used) == "0-1"
    outcome = await carry_out(fleet, "guest-vcpus", obedient, cpus="1", offline=True)
    assert outcome == "obedient leaves alone its vCPUs 1"
    assert await asyncio.to_thread(used) == "0"
    with pytest.raises(OperationFailedError, match="offlin"):
        await carry_out(fleet, "guest-vcpus", obedient, cpus="0", offline=True)


async def test_what_the_agent_tells_of_the_guest_is_in_the_detail(
    fleet: Fleet, obedient: ObjectKey
) -> None:
    detail = await fleet.detail(obedient)
    told = detail.guest
    assert told is not None, detail.notes
    assert told.host_name == "obedient"
    assert told.kernel[0].isdigit()
    assert told.system == "virtdeck lab guest"
    assert (told.time_zone, told.time_offset) == ("UTC", 0)
    assert (told.users, told.file_systems) == ((), ()), "it has no file system on a disk"
    assert {each.source for each in detail.addresses} == {"agent"}
    assert detail.notes == ()


async def test_a_guest_whose_agent_does_not_run_is_told_so(
    fleet: Fleet, guest: Callable[..., str]
) -> None:
    key = await key_of(fleet, guest("alpha", "agentless", "vd.noagent"))
    await until(lambda: fleet.state.instances[key].described)
    detail = await fleet.detail(key)
    assert (detail.guest, detail.notes) == (None, ())
    for request in (
        SetPassword(key, Secret(MARKER)),
        AddSshKey(key, KEY),
        RemoveSshKey(key, KEY),
        Trim(key),
    ):
        with pytest.raises(
            RefusedError, match="agentless has a guest agent channel, and no agent on it"
        ):
            await fleet.submit(request)


def test_the_command_line_takes_the_password_from_a_file(
    lab: object,
    uris: dict[str, str],
    guest: Callable[..., str],
    booted: Callable[..., None],
    alpha: LabHost,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    guest("alpha", "obedient")
    booted("alpha", "obedient")
    monkeypatch.setenv("VIRTDECK_JOURNAL", str(tmp_path / "journal.db"))
    file = tmp_path / "secret"
    file.write_text(f"{MARKER}\n")
    words = ("-c", uris["alpha"], "set-password", "obedient")
    assert run((*words, "--yes")) == 2, "there is no terminal to type it at"
    assert "--password-file is missing" in capsys.readouterr().err
    before = hash_of(alpha, "obedient", "root")
    assert run((*words, "--yes", "--password-file", str(file), "--json")) == 0
    assert hash_of(alpha, "obedient", "root") != before
    printed = capsys.readouterr()
    assert MARKER not in printed.out + printed.err
    assert json.loads(printed.out.splitlines()[-1])["status"] == OperationStatus.DONE
