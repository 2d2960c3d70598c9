"""Checkpoints and backups as XML, read and written."""

from __future__ import annotations

import pytest

from core.errors import XmlError
from core.xml.checkpoint import (
    UNFINISHED,
    checkpoint_xml,
    files_described,
    push_xml,
    read_backup_files,
    read_checkpoint,
    with_description,
)

SIZED = """
<domaincheckpoint>
  <name>two</name>
  <description>{}</description>
  <parent><name>one</name></parent>
  <creationTime>1795945663</creationTime>
  <disks>
    <disk name='vda' checkpoint='bitmap' bitmap='two' size='65536'/>
    <disk name='vdb' checkpoint='bitmap' bitmap='two'/>
    <disk name='sda' checkpoint='no'/>
  </disks>
</domaincheckpoint>"""


def test_a_bitmap_of_which_no_size_was_told_is_broken_where_it_was_asked_for() -> None:
    read = read_checkpoint(SIZED.format("by hand"), judged=True)
    assert (read.name, read.parent, read.created) == ("two", "one", 1795945663.0)
    assert [disk.target for disk in read.disks] == ["vda", "vdb"]
    assert read.broken == ("vdb",)
    assert read.changed is None
    assert read.description == "by hand"
    unasked = read_checkpoint(SIZED.format("by hand"))
    assert unasked.broken == ()
    assert not unasked.backed_up


def test_where_a_backup_lies_is_in_its_checkpoint_and_nowhere_else() -> None:
    files = (("vda", "/b/a=b c.qcow2"), ("vdb", "/b/é.qcow2"))
    told = with_description(SIZED.format(UNFINISHED), files_described(files))
    read = read_checkpoint(told)
    assert tuple((disk.target, disk.file) for disk in read.disks) == files
    assert read.backed_up
    assert not read.unfinished
    assert read.description == ""
    begun = read_checkpoint(SIZED.format(UNFINISHED))
    assert begun.unfinished
    assert not begun.backed_up
    others = read_checkpoint(SIZED.format("vda=/etc/passwd"))
    assert not others.backed_up


def test_every_disk_is_named_and_names_are_no_xml() -> None:
    made = push_xml([("vda", "/b/<&>.qcow2")], ["vdb"], "qcow2", "a<b")
    assert read_backup_files(made) == ("/b/<&>.qcow2",)
    assert "<incremental>a&lt;b</incremental>" in made
    assert '<disk name="vdb" backup="no"/>' in made
    assert "incremental" not in push_xml([("vda", "/b/x")], [], "raw", "")
    checkpoint = read_checkpoint(checkpoint_xml("a<b", ["vda"], ["vdb"], "x & y"))
    assert (checkpoint.name, checkpoint.description) == ("a<b", "x & y")
    assert [disk.target for disk in checkpoint.disks] == ["vda"]


def test_what_is_no_checkpoint_is_refused() -> None:
    with pytest.raises(XmlError):
        read_checkpoint("<domainsnapshot/>")
