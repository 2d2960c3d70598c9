"""Tapes: what is written comes back; whatever is wrong with a file is said in one sentence."""

from __future__ import annotations

import gzip
import stat
from pathlib import Path

import msgspec
import pytest

from core.errors import TapeError
from core.journal.record import FLUSH_EVERY, Recorder
from core.journal.replay import Replay
from core.journal.tape import VERSION, Header, Tape
from core.model import (
    BlockJob,
    BlockJobState,
    Counters,
    DiskCounters,
    Instance,
    InstanceDetail,
    InstanceState,
    Link,
    LinkStatus,
    ObjectKey,
    Observation,
    OperationRecord,
    Snapshot,
)
from core.model.event import InstanceLifecycle, JobCompleted, UnknownEvent
from core.model.observation import (
    BlockJobsRead,
    DetailRead,
    HostAdded,
    InstanceGone,
    LinkChanged,
    Listed,
    OperationChanged,
    Sampled,
    SnapshotsRead,
)

WEB = Instance(host="alpha", uuid="u-web", name="web", state=InstanceState.RUNNING, id=1)
EVERYTHING: list[Observation] = [
    HostAdded(host="alpha", at=100.0, uri="qemu:///system"),
    LinkChanged(host="alpha", at=100.5, link=Link(status=LinkStatus.UP, since=100.5)),
    Listed(host="alpha", at=101.0, instances=(WEB,)),
    Sampled(
        host="alpha",
        at=102.0,
        instances={"u-web": Counters(cpu_time=5, disks=(DiskCounters(target="vda"),))},
        silent=("u-hung",),
    ),
    InstanceLifecycle(
        host="alpha", at=103.0, uuid="u-web", name="wéb", change="suspended", detail="ioerror"
    ),
    JobCompleted(host="alpha", at=103.5, uuid="u", name="n", values={"a": 1, "b": None, "c": 1.5}),
    UnknownEvent(
        host="alpha", at=104.0, uuid="", name="x", object="instance", id=99, values=("a", 1, None)
    ),
    DetailRead(
        host="alpha",
        at=104.5,
        detail=InstanceDetail(
            host="alpha", uuid="u-web", at=104.5, xml="<domain/>\n", snapshots=(Snapshot("s1"),)
        ),
    ),
    SnapshotsRead("alpha", 104.6, "u-web", (Snapshot("s1", host="alpha", uuid="u-web"),)),
    BlockJobsRead(
        "alpha",
        104.7,
        "u-web",
        (BlockJob("vda", "copy", BlockJobState.RUNNING, 104.7, 104.7, current=1, end=2),),
    ),
    OperationChanged(
        host="alpha",
        at=105.0,
        operation=OperationRecord(
            id="1", verb="start", host="alpha", subject=ObjectKey("instance", "alpha", "u-web"),
            name="web", author="a@b", created=105.0, options={"timeout": 60.0},
            doing="starting",
        ),
    ),
    InstanceGone(host="alpha", at=106.0, uuid="u-web"),
]  # fmt: skip


class StandingClock:
    """A clock that moves only when told."""

    def __init__(self) -> None:
        self.time = 100.0

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time


def record(path: Path, observations: list[Observation]) -> None:
    recorder = Recorder(path, ["alpha"], virtdeck="1.2.3", clock=StandingClock())
    for observation in observations:
        recorder.write(observation)
    recorder.close()


def lines_of(path: Path) -> list[bytes]:
    raw = path.read_bytes()
    return (gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw).splitlines()


@pytest.mark.parametrize("name", ["a.tape", "a.tape.gz"])
def test_what_was_recorded_is_what_is_read(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    record(path, EVERYTHING)
    tape = Tape(path)
    assert list(tape.read(0, 99)) == EVERYTHING
    assert tape.header == Header(VERSION, "1.2.3", 100.0, ("alpha",))
    assert (len(tape), tape.start, tape.duration) == (len(EVERYTHING), 100.0, 6.0)
    assert tape.warning == ""
    assert list(tape.read(4, 2)) == EVERYTHING[4:6]
    assert list(tape.read(99, 1)) == []
    tape.close()


def test_a_tape_of_before_tells_whose_the_snapshots_of_its_details_are(tmp_path: Path) -> None:
    path = tmp_path / "old.tape"
    detail = b'{"host":"alpha","uuid":"u-web","at":104.5,"snapshots":[{"name":"s1"}]}'
    lines = [
        b'{"tape":2,"virtdeck":"0.9","recorded":100.0,"hosts":["alpha"]}',
        b'{"event":"listed","host":"alpha","at":101.0,"instances":'
        b'[{"host":"alpha","uuid":"u-web","name":"web","state":"running"}]}',
        b'{"event":"detail-read","host":"alpha","at":104.5,"detail":' + detail + b"}",
    ]
    path.write_bytes(b"\n".join(lines) + b"\n")
    replay = Replay.at(path, 99.0)
    known = replay.state.snapshots[WEB.key]
    assert [one.key for one in known] == [ObjectKey("snapshot", "alpha", "u-web/s1")]
    replay.close()


def test_only_the_owner_can_read_a_tape_even_one_that_replaces_another(tmp_path: Path) -> None:
    path = tmp_path / "a.tape"
    path.write_text("older")
    path.chmod(0o644)
    Recorder(path, ["alpha"], virtdeck="1", force=True).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(lines_of(path)) == 1


def test_an_existing_file_is_not_replaced_by_accident(tmp_path: Path) -> None:
    path = tmp_path / "a.tape"
    path.write_text("precious")
    with pytest.raises(TapeError, match="exists already") as caught:
        Recorder(path, ["alpha"], virtdeck="1")
    assert "--force" in caught.value.hint
    assert path.read_text() == "precious"


def test_a_tape_in_a_directory_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TapeError, match="cannot be created: No such file"):
        Recorder(tmp_path / "none" / "a.tape", [], virtdeck="1")


def test_a_full_disk_is_told_as_such(tmp_path: Path) -> None:
    path = tmp_path / "a.tape"
    path.symlink_to("/dev/full")
    with pytest.raises(TapeError, match="cannot be written: No space left"):
        Recorder(path, [], virtdeck="1", force=True)


@pytest.mark.parametrize("name", ["a.tape", "a.tape.gz"])
def test_a_killed_recorder_leaves_everything_up_to_its_last_flush(
    tmp_path: Path, name: str
) -> None:
    path, clock = tmp_path / name, StandingClock()
    recorder = Recorder(path, ["alpha"], virtdeck="1", clock=clock)
    for observation in EVERYTHING[:5]:
        recorder.write(observation)
    clock.time += FLUSH_EVERY
    recorder.write(EVERYTHING[5])
    copy = tmp_path / f"killed-{name}"
    copy.write_bytes(path.read_bytes())  # what a SIGKILL now would leave
    tape = Tape(copy)
    assert list(tape.read(0, 99)) == EVERYTHING[:6]
    assert bool(tape.warning) is name.endswith(".gz")
    tape.close()
    recorder.close()


@pytest.mark.parametrize("cut", [1, 7, 40])
def test_a_tape_cut_in_its_last_line_plays_the_rest_and_says_so(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "a.tape"
    record(path, EVERYTHING)
    path.write_bytes(path.read_bytes()[:-cut])
    tape = Tape(path)
    assert list(tape.read(0, 99)) == EVERYTHING[:-1]
    assert f"line {len(EVERYTHING) + 1}" in tape.warning
    tape.close()


def test_a_compressed_tape_cut_anywhere_plays_what_is_there(tmp_path: Path) -> None:
    path = tmp_path / "a.tape.gz"
    record(path, EVERYTHING)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) * 3 // 4])
    tape = Tape(path)
    there = list(tape.read(0, 99))
    assert there == EVERYTHING[: len(there)]
    assert tape.warning
    tape.close()


def test_a_corrupt_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.tape"
    record(path, EVERYTHING)
    lines = lines_of(path)
    lines[4] = lines[4].replace(b'"at":102', b'"at":"x"')
    path.write_bytes(b"\n".join(lines) + b"\n")
    with pytest.raises(TapeError, match="corrupt in line 5") as caught:
        Tape(path)
    assert "head -n 4" in caught.value.hint


BROKEN = {
    "empty": (b"", "is not a tape"),
    "binary": (b"\x00\xff\xfe\n", "is not a tape"),
    "text": (b"hello\n", "is not a tape"),
    "other JSON": (b'{"a":1}\n', "is not a tape"),
    "newer": (b'{"tape":4,"what":"ever"}\n', "has version 4"),
    "zero": (b'{"tape":0}\n', "has version 0"),
    "half a header": (b'{"tape":1}\n', "line 1: Object missing required field"),
    "damaged gzip": (b"\x1f\x8b" + b"\x00" * 40, "is damaged"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_what_is_no_tape_is_refused_with_a_cure(tmp_path: Path, kind: str) -> None:
    content, message = BROKEN[kind]
    path = tmp_path / "a.tape"
    path.write_bytes(content)
    with pytest.raises(TapeError, match=message) as caught:
        Tape(path)
    assert caught.value.hint
    assert "\n" not in str(caught.value)


def test_a_tape_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TapeError, match="No such file"):
        Tape(tmp_path / "none.tape")
    with pytest.raises(TapeError, match="Is a directory"):
        Tape(tmp_path)


def test_a_clock_that_stepped_back_does_not_reorder_the_tape(tmp_path: Path) -> None:
    path = tmp_path / "a.tape"
    steps = [HostAdded(host="alpha", at=at) for at in (100.0, 103.0, 90.0, 104.0)]
    record(path, list(steps))
    tape = Tape(path)
    assert [tape.time(index) for index in range(4)] == [0.0, 3.0, 3.0, 4.0]
    assert [tape.due(position) for position in (0.0, 2.9, 3.0, 4.0)] == [1, 1, 3, 4]
    tape.close()


def test_a_tape_from_a_header_alone_is_empty(tmp_path: Path) -> None:
    path = tmp_path / "a.tape"
    record(path, [])
    tape = Tape(path)
    assert (len(tape), tape.duration, tape.start) == (0, 0.0, 100.0)
    tape.close()


def test_the_header_is_the_first_line_and_plain_json(tmp_path: Path) -> None:
    path = tmp_path / "a.tape"
    record(path, EVERYTHING[:1])
    first = msgspec.json.decode(lines_of(path)[0])
    assert first == {"tape": 3, "virtdeck": "1.2.3", "recorded": 100.0, "hosts": ["alpha"]}
