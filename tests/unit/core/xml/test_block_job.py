"""Which disks may have a block job, what they are mirrored to, and the numbers of images."""

from __future__ import annotations

import pytest

from core.xml.block_job import JobDisk, read_image_number, read_job_disks

XML = """
<domain type='kvm'><name>web</name><devices>
  <disk type='file' device='disk'><source file='/a' index='9'/>
    <backingStore type='file' index='8'><format type='qcow2'/><source file='/base'/>
      <backingStore type='file' index='12'><format type='raw'/><source file='/bottom'/>
        <backingStore/></backingStore></backingStore>
    <target dev='vda'/>
    <mirror type='file' job='copy' ready='yes'><source file='/b' index='10'/></mirror></disk>
  <disk type='file' device='disk'><source file='/c'/><target dev='vdb'/>
    <mirror type='file' job='active-commit'><source file='/d'/></mirror></disk>
  <disk type='file' device='disk'><source file='/base' index='3'/><target dev='vdc'/></disk>
  <disk type='file' device='cdrom'><target dev='sda'/></disk>
</devices></domain>
"""


def test_a_copy_is_ready_where_its_mirror_says_so_and_an_empty_drive_has_no_job() -> None:
    assert read_job_disks(XML) == {
        "vda": JobDisk(ready=True, mirror="/b"),
        "vdb": JobDisk(mirror="/d"),
        "vdc": JobDisk(),
    }


@pytest.mark.parametrize(("target", "path", "number"), [
    ("vda", "/a", "9"), ("vda", "/base", "8"), ("vda", "/bottom", "12"), ("vdc", "/base", "3"),
    ("vda", "/b", None), ("vda", "/elsewhere", None), ("vdb", "/c", None), ("vdx", "/a", None),
])  # fmt: skip
def test_an_image_has_a_number_in_the_chain_of_its_disk_alone(
    target: str, path: str, number: str | None
) -> None:
    assert read_image_number(XML, target, path) == number
