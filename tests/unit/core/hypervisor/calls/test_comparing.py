"""A file is compared with what is served: a real program that a signal ends."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from core.errors import HypervisorError
from core.hypervisor.calls import nbd_reading
from core.hypervisor.calls.transfers import Transfer
from core.verbs.backup.pull_calls import PullReadCall


def test_a_comparison_that_was_killed_tells_nothing_about_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "qemu-img"
    program.write_text("#!/bin/sh\nkill -9 $$\n")
    program.chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"
    monkeypatch.setattr(nbd_reading, "PLAIN", {**nbd_reading.PLAIN, "PATH": path})
    call = PullReadCall("vda", str(tmp_path / "backup.qcow2"), "tcp:127.0.0.1:9")
    with pytest.raises(HypervisorError, match="could not be compared"):
        nbd_reading.holds(call, Transfer())
