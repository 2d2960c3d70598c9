"""A volume is not read in a format that only what it begins with tells, where that names a file."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

import pytest

from core.errors import HypervisorError
from core.hypervisor.calls.found_format import refuse_found_format, refuse_other_format
from core.model.image_format import named_format, only_found
from tests.unit.core.hypervisor.calls.local_volume import LocalVolume


@dataclass
class Found(LocalVolume):
    """A volume as its pool tells of it."""

    name: str = "v"
    told: str = "qcow2"
    over: str = ""

    def XMLDesc(self, _: int) -> str:  # noqa: N802 - libvirt's
        over = f"<backingStore><path>{self.over}</path></backingStore>" if self.over else ""
        return (
            f"<volume type='file'><name>{self.name}</name><target><path>{self.file}</path>"
            f"<format type='{self.told}'/></target>{over}</volume>"
        )

    def connect(self) -> Found:
        return self


def header(backing: int = 0, features: int = 0, version: int = 3) -> bytes:
    return struct.pack(">4sIQ56xQ", b"QFI\xfb", version, backing, features) + bytes(424)


@pytest.mark.parametrize(
    ("name", "told", "over", "data", "refused"),
    [
        ("v.qcow2", "qcow2", "/etc/hostname", header(512, 4), False),
        ("cloud.img", "qcow2", "", header(), False),
        ("data", "qcow2", "", header(), False),
        ("data", "qcow2", "", header(features=1), False),
        ("data", "qcow2", "", header(version=2, features=4), False),
        ("data", "qcow2", "/etc/hostname", header(), True),
        ("data", "qcow2", "", header(512), True),
        ("data.raw", "qcow2", "", header(features=4), True),
        ("data.raw", "qcow2", "", b"QFI\xfb", True),
        ("data.raw", "vmdk", "", b"# Disk DescriptorFile", True),
        ("data.raw", "raw", "", bytes(512), False),
        ("cd", "iso", "", bytes(512), False),
    ],
)
def test_what_names_another_file_is_read_so_only_where_its_name_says_so(
    tmp_path: Path, name: str, told: str, over: str, data: bytes, refused: bool
) -> None:
    (tmp_path / "v").write_bytes(data)
    volume = Found(tmp_path / "v", name=name, told=told, over=over)
    if not refused:
        refuse_found_format(volume)
        return
    with pytest.raises(HypervisorError, match=f"{name} reads as {told} that may name another"):
        refuse_found_format(volume)


def test_a_raw_disk_is_not_read_as_what_its_guest_wrote(tmp_path: Path) -> None:
    volume = Found(tmp_path / "v", name="v.qcow2")
    for has in ("qcow2", ""):
        refuse_other_format(volume, has)
    with pytest.raises(HypervisorError, match="is a raw disk, and libvirt would read it as qcow2"):
        refuse_other_format(volume, "raw")
    refuse_other_format(Found(tmp_path / "v", told="iso"), "raw")


def test_a_name_tells_a_format() -> None:
    assert [named_format(one) for one in ("a.qcow2", "a.IMG", "a.vhd", "a")] == [
        *("qcow2", "raw", "vpc", ""),
    ]
    assert not only_found("a.qcow2", "qcow2")
    assert not only_found("a", "raw")
    assert only_found("a.raw", "qcow2")
