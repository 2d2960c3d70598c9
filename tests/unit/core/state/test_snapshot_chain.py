"""Whether the chains of the disks are what the snapshots' metadata says; what a snapshot takes."""

from __future__ import annotations

import pytest

from core.model import Disk, DiskSource, Instance, InstanceState, Snapshot, SnapshotDisk
from core.state.snapshot_chain import chain_faults, costs, files_of, line_to_current
from core.xml import read_snapshot


def snapshot(name: str, parent: str = "", *, current: bool = False) -> Snapshot:
    kept = SnapshotDisk("vda", "external", f"/p/web.{name}")
    return Snapshot(name, parent, current=current, external=True, disks=(kept,))


def web(*paths: str) -> Instance:
    top, *below = (DiskSource("file", f"/p/{path}", "qcow2") for path in paths)
    disk = Disk("vda", source=top, backing=tuple(below))
    return Instance("alpha", "u-web", "web", state=InstanceState.RUNNING, disks=(disk,))


ONE, TWO, THREE = snapshot("one"), snapshot("two", "one"), snapshot("three", "two", current=True)
FAMILY = [ONE, TWO, THREE]


def test_the_line_to_the_current_one_leaves_branches_out() -> None:
    beside = snapshot("beside", "one")
    assert line_to_current([ONE, beside, TWO, THREE]) == FAMILY
    assert line_to_current([ONE, beside]) == []
    circular = [snapshot("a", "b", current=True), snapshot("b", "a")]
    assert [one.name for one in line_to_current(circular)] == ["b", "a"]


@pytest.mark.parametrize(
    ("chain", "said"),
    [
        (("web.three", "web.two", "web.one", "web.qcow2", "base.qcow2"), []),
        (("web.three", "web.one", "web.qcow2"), ["web.two, which two was made with"]),
        (("web.two", "web.one", "web.qcow2"), ["web.three, which three was made with"]),
        (("web.1795934329", "web.two", "web.one", "web.qcow2"), []),
        (
            ("web.three", "web.two", "by-hand", "web.one", "web.qcow2"),
            ["by-hand lies in its chain"],
        ),
        (("by-hand", "web.three", "web.two", "web.one", "web.qcow2"), ["by-hand lies in"]),
        (("web.qcow2",), []),  # one that is off does not tell what lies below
    ],
    ids=["whole", "merged by hand", "newest gone", "reverted", "inserted", "on top", "not told"],
)
def test_a_chain_that_is_not_the_metadatas_is_told_link_by_link(
    chain: tuple[str, ...], said: list[str]
) -> None:
    found = chain_faults(web(*chain), FAMILY)
    assert len(found) == len(said), found
    for fault, words in zip(found, said, strict=True):
        assert words in fault
        assert fault.startswith("vda: ")


def test_what_a_snapshot_takes_is_what_was_told_or_what_the_pool_knows() -> None:
    kept = SnapshotDisk("vda", "external", "/p/a", allocation=10)
    untold = SnapshotDisk("vdb", "external", "/p/b")
    one = Snapshot("one", external=True, disks=(kept, untold), memory_file="/p/m")
    assert costs(one, {"/p/b": 5, "/p/m": 100}) == 115
    assert costs(one, {"/p/b": 5}) is None
    assert costs(Snapshot("in"), {}) is None
    assert files_of([one]) == {"/p/a", "/p/b", "/p/m"}


def test_the_files_are_read_from_the_xml() -> None:
    read = read_snapshot(
        "<domainsnapshot><name>one</name><memory snapshot='external' file='/p/one.mem'/><disks>"
        "<disk name='vda' snapshot='external' type='file'><source file='/p/web.one'/></disk>"
        "<disk name='vdb' snapshot='internal'/><disk name='vdc' snapshot='no'/>"
        "</disks></domainsnapshot>"
    )
    assert read.memory_file == "/p/one.mem"
    assert [(disk.target, disk.kept, disk.file) for disk in read.disks] == [
        ("vda", "external", "/p/web.one"),
        ("vdb", "internal", ""),
        ("vdc", "no", ""),
    ]
