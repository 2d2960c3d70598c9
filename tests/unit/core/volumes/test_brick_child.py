"""What the process with os-brick does beyond os-brick, with a connector that is none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from core.volumes.brick import child

LUN = {"target_wwn": ["2000020000010102"], "target_lun": 1}
FOUND = {"type": "block", "path": "/dev/disk/by-path/pci-0000:00:10.0-fc-0x2000020000010102-lun-1"}


class NoFibreChannelVolumeDeviceFound(Exception):  # noqa: N818 os-brick's name
    """As os-brick raises it."""


class SlowlyNamed:
    """Finds its device once udev has been waited for, if ever."""

    def __init__(self, settled: Path, *, comes: bool) -> None:
        self.device_scan_attempts = 3
        self.tried: list[int] = []
        self._settled, self._comes = settled, comes

    def connect_volume(self, data: dict[str, Any]) -> dict[str, str]:
        """Return the device, or raise."""
        assert data == LUN
        self.tried.append(self.device_scan_attempts)
        if self._comes and self._settled.exists():
            return FOUND
        raise NoFibreChannelVolumeDeviceFound("Unable to find a Fibre Channel volume device.")


@pytest.fixture
def slow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[bool], SlowlyNamed]:
    udev = tmp_path / "udevadm"
    udev.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/settled\n')
    udev.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    def make(comes: bool) -> SlowlyNamed:
        connector = SlowlyNamed(tmp_path / "settled", comes=comes)
        monkeypatch.setattr(child, "_connector", lambda _: connector)
        return connector

    return make


def test_a_device_of_fibre_channel_that_udev_is_slow_to_name_is_found_after_all(
    slow: Callable[[bool], SlowlyNamed], tmp_path: Path
) -> None:
    connector = slow(True)
    found = child._connect({"protocol": "fibre_channel", "data": LUN})
    assert found == {**FOUND, "missing": True}  # this machine has it not
    assert (tmp_path / "settled").read_text() == "settle --timeout=60\n"
    assert connector.tried == [3, 0]


def test_a_device_of_fibre_channel_that_does_not_come_up_is_os_bricks_error(
    slow: Callable[[bool], SlowlyNamed],
) -> None:
    connector = slow(False)
    with pytest.raises(NoFibreChannelVolumeDeviceFound):
        child._connect({"protocol": "fibre_channel", "data": LUN})
    assert connector.tried == [3, 0]
