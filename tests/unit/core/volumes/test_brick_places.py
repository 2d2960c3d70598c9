"""Where os-brick is started, by which words, and what is said where it does not start."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from core.errors import UnsupportedError
from core.volumes.brick.cures import CURES, cure_of, missing_program, telling, why_not_started
from core.volumes.brick.place import BrickHost, brick_host


@pytest.mark.parametrize(
    "uri", ["qemu:///system", "qemu+unix:///system?socket=/run/a", "test:///d"]
)
def test_what_is_here_is_started_here(uri: str) -> None:
    assert brick_host(uri) == BrickHost(python=sys.executable)
    command = brick_host(uri).command(10)
    assert command[:2] == ["/bin/sh", "-c"]
    assert "exec sudo -n" in command[2]


def test_what_is_elsewhere_is_started_by_ssh_as_libvirt_would() -> None:
    uri = "qemu+ssh://joe@far:2222/system?keyfile=/k%20ey&no_verify=1&command=/opt/ssh"
    host = brick_host(uri)
    assert host.ssh == (
        *("/opt/ssh", "-T", "-o", "BatchMode=yes", "-o", "ConnectTimeout=20", "-p", "2222"),
        *("-i", "/k ey", "-o", "StrictHostKeyChecking=no", "-l", "joe", "--", "far"),
    )
    assert host.place == "far"
    words = host.command(10)
    assert words[:-1] == list(host.ssh)
    assert words[-1].startswith("/bin/sh -c ")


def test_a_host_that_starts_nothing_is_told() -> None:
    with pytest.raises(UnsupportedError, match="os-brick runs on far itself, and qemu") as raised:
        brick_host("qemu+tls://far/system")
    assert raised.value.hint == "Open the host by qemu+ssh."


def test_without_root_nobody_is_asked_for_it() -> None:
    assert "sudo" not in BrickHost(root=False).command(1)[2]


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("sudo: a password is required", "does not let os-brick be started as root without a"),
        ("Sorry, user joe is not allowed to execute '/usr/bin/python3 -c' as root on far.",
         "does not let os-brick be started as root"),
        ("sh: 1: exec: sudo: not found", "There is no sudo on far"),
        ("joe@far: Permission denied (publickey).", "ssh to far is refused"),
        ("Host key verification failed.", "ssh to far is refused"),
        ("ssh: connect to host far port 22: Connection refused", "far is not reached by ssh"),
        ("sh: 1: exec: python9: not found", "There is no such Python on far"),
        ("a\nMemoryError\n", "os-brick did not start on far: MemoryError"),
        ("", "os-brick did not start on far: it said nothing"),
    ],
)  # fmt: skip
def test_why_it_does_not_start_is_one_sentence_with_a_cure(said: str, words: str) -> None:
    text, hint = why_not_started(said, "far")
    assert words in text
    assert hint


def test_a_login_that_is_refused_is_told_with_the_whole_command() -> None:
    host = brick_host("qemu+ssh://joe@far:2222/system?keyfile=/k%20ey")
    _, hint = why_not_started("Permission denied (publickey,password).", "far", host.login)
    assert hint.startswith("It must let in by a key, without asking for a password")
    assert "BatchMode=yes" in hint
    assert hint.endswith("-p 2222 -i '/k ey' -l joe -- far true` says.")


@pytest.mark.parametrize(
    ("uri", "name"),
    [
        ("qemu+ssh://KVM-Node1/system", "KVM-Node1"),
        ("qemu+ssh://Joe@KVM-Node1:22/system", "KVM-Node1"),
        ("qemu+ssh://joe@[FD00::1]:22/system", "FD00::1"),
    ],
)
def test_a_host_is_named_to_ssh_as_it_is_written(uri: str, name: str) -> None:
    host = brick_host(uri)
    assert (host.ssh[-1], host.name) == (name, name)
    assert brick_host("qemu://LocalHost/system").ssh == ()


def test_sudo_speaks_the_language_that_is_read(tmp_path: Path) -> None:
    for name, does in (("id", "echo 1000"), ("sudo", 'echo "$LC_ALL $1"')):
        (tmp_path / name).write_text(f"#!/bin/sh\n{does}\n")
        (tmp_path / name).chmod(0o755)
    env = {"PATH": str(tmp_path), "LC_ALL": "de_DE.UTF-8"}
    done = subprocess.run(BrickHost().command(1), env=env, capture_output=True, text=True)
    assert done.stdout == "C -n\n"


def test_every_error_has_a_cure() -> None:
    assert all(CURES.values())
    assert "in a venv there, and name its Python under [volumes]" in cure_of("ImportError")
    assert cure_of("Unheard") == CURES["BrickException"]


@pytest.mark.parametrize(
    ("code", "cure"), [(24, "the password"), (8, "does not answer"), (20, "start iscsid")]
)
def test_how_a_login_failed_tells_the_cure(code: int, cure: str) -> None:
    told = (
        "a",
        f"Failed to login iSCSI target iqn.x:y on portal 10.0.0.5:3260 (exit code {code}).",
    )
    assert cure in cure_of("VolumeDeviceNotFound", (*told, "b"))
    assert telling((*told, "b")) == told[1]
    assert telling(("a", "b")) == "b"
    assert telling(()) == ""
    lun = "LUN 9 on iSCSI portal 10.0.0.5:3260 not found on sysfs after logging in."
    assert telling((lun, "b")) == lun
    assert "no such LUN" in cure_of("VolumeDeviceNotFound", (lun, "b"))
    assert cure_of("VolumeDeviceNotFound", ("a",)) == CURES["VolumeDeviceNotFound"]
    other = "Failed to login iSCSI target iqn.x:y on portal 10.0.0.5:3260 (exit code 99)."
    assert cure_of("VolumeDeviceNotFound", (other,)) == CURES["VolumeDeviceNotFound"]


def test_a_program_that_the_host_lacks_is_named_with_its_package() -> None:
    raised = (
        "Unexpected error while running command.\nCommand: iscsiadm -m session\nExit code: -\n"
        "Stdout: None\nStderr: [Errno 2] No such file or directory: 'iscsiadm'"
    )
    assert missing_program(raised) == (
        "the host has no iscsiadm",
        "Install it there (Debian's package open-iscsi): see `virtdeck doctor`.",
    )
    assert missing_program("[Errno 2] No such file or directory: '/mnt/a b'") is None
