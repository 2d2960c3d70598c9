"""Which disks may have a block job."""

from __future__ import annotations

from core.xml.block_job import read_job_disks

XML = """
<domain type='kvm'><name>web</name><devices>
  <disk type='file' device='disk'><source file='/a'/><target dev='vda'/>
    <mirror type='file' job='copy' ready='yes'><source file='/b'/></mirror></disk>
  <disk type='file' device='disk'><source file='/c'/><target dev='vdb'/>
    <mirror type='file' job='active-commit'><source file='/d'/></mirror></disk>
  <disk type='file' device='disk'><source file='/e'/><target dev='vdc'/></disk>
  <disk type='file' device='cdrom'><target dev='sda'/></disk>
</devices></domain>
"""


def test_a_copy_is_ready_where_its_mirror_says_so_and_an_empty_drive_has_no_job() -> None:
    assert read_job_disks(XML) == {"vda": True, "vdb": False, "vdc": False}
