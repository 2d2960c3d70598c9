"""Guests of the tests that go on from a held state are as if they had booted."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from core.lab import Lab
from core.lab.templates import HELD_STATES
from tests.lab.asking_guests import in_guest


def test_a_guest_from_a_held_state_has_its_own_words_and_devices(
    lab: Lab,
    guest: Callable[..., str],
    booted: Callable[..., None],
    eventually: Callable[..., Any],
    qemu_pid: Callable[[str, str], int],
    virsh: Callable[..., str],
) -> None:
    memory = 100  # of no other test: MiB
    for name in ("held-first", "held-second"):
        guest("alpha", name, memory=memory)
    states = lab.root / HELD_STATES
    known = set(states.glob("*.state"))
    eventually(lambda: set(states.glob("*.state")) - known, "a state is kept", 120)
    guest("alpha", "held-third", "vd.write=1:1", memory=memory)
    booted("alpha", "held-third")
    command = Path(f"/proc/{qemu_pid('alpha', 'held-third')}/cmdline").read_bytes()
    assert b"\0-incoming\0fd:9\0" in command
    asked = "hostname; cat /proc/cmdline /sys/class/net/eth0/address; date -u +%s"
    told = in_guest(lab.host("alpha"), "held-third", "/bin/sh", "-c", asked)
    host, words, address, seconds = told.splitlines()
    assert host == "held-third"
    assert words.endswith("vd.host=held-third vd.write=1:1")
    assert abs(int(seconds) - time.time()) < 60
    assert address in virsh("alpha", "domiflist", "held-third")
