"""From which machines the lab's emulator has a state kept, and which go on from one."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from core.lab.templates import emulator_script

SHAPED = [
    *("-name", "guest=web,debug-threads=on", "-S", "-no-user-config", "-nodefaults"),
    *("-object", '{"qom-type":"secret","id":"masterKey0","format":"raw","file":"/k"}'),
    *("-machine", "pc-q35-7.2,memory-backend=pc.ram", "-uuid", "0da7"),
    *("-chardev", "socket,id=charmonitor,fd=30,server=on", "-mon", "chardev=charmonitor"),
    *("-kernel", "/lab/kernel", "-append", "console=ttyS0 quiet vd.host=web vd.write=64:30"),
    *("-blockdev", '{"driver":"file","filename":"/web","node-name":"libvirt-1-storage"}'),
    "-device",
    '{"driver":"virtio-blk-pci","drive":"libvirt-1-format","id":"virtio-disk0","serial":"web"}',
    *("-netdev", '{"type":"user","id":"hostnet0"}'),
    "-device",
    '{"driver":"virtio-net-pci","netdev":"hostnet0","mac":"52:54:00:9d:e1:8d","bus":"pci.1"}',
    *("-add-fd", "set=0,fd=28", "-chardev", "pty,id=charserial0,logfile=/dev/fdset/0"),
]
SHAPE = [
    *("-no-user-config", "-nodefaults", "-machine", "pc-q35-7.2,memory-backend=pc.ram"),
    *("-kernel", "/lab/kernel", "-append", " console=ttyS0 quiet vd.hold"),
    *("-blockdev", '{"driver":"null-co","node-name":"libvirt-1-format"}'),
    *("-device", '{"driver":"virtio-blk-pci","drive":"libvirt-1-format","id":"virtio-disk0"}'),
    *("-netdev", "user,id=hostnet0"),
    *("-device", '{"driver":"virtio-net-pci","netdev":"hostnet0","bus":"pci.1"}'),
    *("-chardev", "null,id=charserial0"),
]


@pytest.fixture
def emulator(tmp_path: Path) -> Callable[..., list[str]]:
    """Runs the lab's emulator for a QEMU that prints its arguments; states are kept in `states`."""
    told = tmp_path / "qemu"
    told.write_text('#!/bin/sh\nfor word do printf "%s\\n" "$word"; done\n')
    told.chmod(0o700)
    (tmp_path / "script").write_text(emulator_script(str(told), tmp_path / "states"))

    def emulate(*given: str) -> list[str]:
        words = ["sh", str(tmp_path / "script"), *given]
        return subprocess.run(words, capture_output=True, text=True, check=True).stdout.splitlines()

    return emulate


def test_a_state_is_wanted_of_a_machine_of_a_shape_that_starts_again(
    tmp_path: Path, emulator: Callable[..., list[str]]
) -> None:
    states = tmp_path / "states"
    states.mkdir()
    assert emulator(*SHAPED) == SHAPED
    assert not list(states.glob("*.wanted"))
    other = [word.replace("web", "db").replace("9d:e1:8d", "00:00:01") for word in SHAPED]
    assert emulator(*other) == other
    (wanted,) = states.glob("*.wanted")
    assert wanted.read_text().splitlines() == SHAPE
    wanted.rename(wanted.with_suffix(".state"))
    assert emulator(*SHAPED) == [*SHAPED, "-incoming", "fd:9"]
    assert emulator(*SHAPED, "-m", "2") == [*SHAPED, "-m", "2040k"]  # of another shape


@pytest.mark.parametrize(
    "more",
    [
        ("-incoming", "defer"),
        ("-netdev", '{"type":"tap","fd":"30","id":"hostnet1"}'),
        ("-object", '{"qom-type":"secret","id":"libvirt-1-format-encryption-secret0"}'),
        ("-accel", "kvm"),
        ("-append", "console=ttyS0 vd.host=web vd.boot"),
        ("-machine", "pc-q35-7.2,pflash0=libvirt-pflash0-format"),
    ],
)
def test_no_state_is_wanted_of_what_does_not_boot_or_not_by_itself(
    tmp_path: Path, emulator: Callable[..., list[str]], more: tuple[str, str]
) -> None:
    states = tmp_path / "states"
    states.mkdir()
    for _ in range(3):
        assert emulator(*SHAPED, *more) == [*SHAPED, *more]
    assert not list(states.iterdir())
