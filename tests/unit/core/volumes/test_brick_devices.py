"""By which path a definition has a device: udev's links, in a folder of the test's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.volumes.brick import devices

NULL = "/dev/null"


@pytest.fixture
def by_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "by-id"
    folder.mkdir()
    monkeypatch.setattr(devices, "BY_ID", str(folder))
    monkeypatch.setenv("PATH", str(tmp_path))
    return folder


def link(folder: Path, *names: str, to: str = NULL) -> None:
    for name in names:
        (folder / name).symlink_to(to)


@pytest.mark.parametrize(
    ("names", "best"),
    [
        (("scsi-36001405", "wwn-0x6001405", "wwn-0x6001405-part1"), "wwn-0x6001405"),
        (("wwn-0x6001405", "dm-uuid-mpath-36001405", "dm-name-m"), "dm-uuid-mpath-36001405"),
        (("nvme-Linux_beef", "nvme-uuid.1-2", "nvme-eui.3"), "nvme-uuid.1-2"),
    ],
)
def test_the_path_is_the_best_of_the_links_that_name_what_is_stored(
    by_id: Path, names: tuple[str, ...], best: str
) -> None:
    link(by_id, *names)
    link(by_id, "dm-uuid-mpath-other", to="/dev/zero")
    found = devices.lasting({"path": b"/dev/null", "scsi_wwn": "3600"})
    assert found["path"] == str(by_id / best)
    assert (devices._text(found["os_path"]), found["scsi_wwn"]) == (NULL, "3600")


@pytest.mark.parametrize("path", ["/dev/null", "/m/abc/v1", "", None])
def test_what_has_no_such_link_keeps_its_path(by_id: Path, path: str | None) -> None:
    link(by_id, "ata-QEMU_HARDDISK", "dm-name-m")
    link(by_id, "wwn-0x1", to="/dev/zero")
    link(by_id, "wwn-0x2", to="/dev/gone")
    assert devices.lasting({"path": path}) == {"path": path}


def test_a_link_that_os_brick_has_made_itself_is_kept(by_id: Path) -> None:
    """That of an encrypted device leads to what was opened: udev's would lead around it."""
    link(by_id, "wwn-0x1", "os-brick+dev+null")
    own = {"path": f"{by_id}/os-brick+dev+null"}
    assert devices.lasting(own) == own


def test_udev_is_waited_for_where_it_has_named_nothing_yet(by_id: Path, tmp_path: Path) -> None:
    udev = tmp_path / "udevadm"
    udev.write_text(f"#!/bin/sh\n/bin/ln -s {NULL} {by_id}/wwn-0x1\n")
    udev.chmod(0o755)
    assert devices.lasting({"path": NULL})["path"] == f"{by_id}/wwn-0x1"


def test_os_brick_is_given_the_number_that_a_device_has_by_now(by_id: Path) -> None:
    link(by_id, "wwn-0x1")
    given = {"path": f"{by_id}/wwn-0x1", "os_path": "/dev/sdb", "scsi_wwn": "3600"}
    assert devices.present(given)["path"] == NULL
    assert devices.present({**given, "path": f"{by_id}/wwn-0x2"})["path"] == "/dev/sdb"
    by_path = "/dev/disk/by-path/pci-0000:00:10.0-fc-0x2000020000010102-lun-1"
    assert devices.present({**given, "os_path": by_path})["path"] == by_path
    assert devices.present({"path": "/dev/sdb"}) == {"path": "/dev/sdb"}
    assert devices.where(f"{by_id}/wwn-0x1") == NULL
    assert devices.where(f"{by_id}/wwn-0x2") == devices.where("") == ""


def test_what_is_not_there_is_told(tmp_path: Path) -> None:
    gone = {"path": str(tmp_path / "v1"), "type": "gpfs"}
    assert devices.seen(gone) == {**gone, "missing": True}
    (tmp_path / "v1").touch()
    assert devices.seen(gone) == gone
    assert devices.seen({"path": None}) == {"path": None}
