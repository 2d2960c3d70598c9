"""The ledger of what hosts have connected: nothing that is connected still is left out of it."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from core.model import (
    Disk,
    DiskSource,
    Instance,
    InstanceState,
    ObjectKey,
    OperationRecord,
    State,
)
from core.model.connected_volume import ConnectedVolume
from core.model.secret_value import Secret
from core.state.connections import connections_of, disks_with, every_connection, ledger, paths_of
from core.state.next_starts import to_be_read, with_next_starts
from core.verbs.around import around
from core.verbs.checks import check
from core.verbs.device.connecting import DisconnectCall, LetGoAnswer, VolumeLeft, VolumeReached
from core.verbs.device.host_requests import DisconnectVolume
from core.verbs.device.leftover import VOLUME_DISCONNECT, entry_of
from core.verbs.device.requests import VolumeAttach
from core.verbs.situation import End, Progress, Send, Situation
from core.verbs.undefining import Undefine
from tests.unit.core.verbs.device.test_connecting import record
from tests.unit.core.verbs.device.test_leftover import HOST, UP
from tests.unit.core.volumes.infos import VOLUME, document
from tests.unit.power_builders import WEB, T, sent, web

DB = ObjectKey("instance", "alpha", "db-uuid")
A = ConnectedVolume("iscsi", {"target_lun": 1}, {"path": "/dev/sdb"}, "vdb", "A")
B = ConnectedVolume("iscsi", {"target_lun": 2}, {"path": "/dev/sdc"}, "vdb", "B")
LOST = replace(A, device={}, target="")


def brought(at: float, result: VolumeReached | VolumeLeft, of: ObjectKey = WEB) -> OperationRecord:
    verb = "volume-attach" if isinstance(result, VolumeReached) else "volume-detach"
    return replace(record(verb, at, result.told()), subject=of)


def picture(*records: OperationRecord, instances: tuple[Instance, ...] = ()) -> State:
    return State(
        hosts={"alpha": UP},
        instances={one.key: one for one in instances or (web(disks=()),)},
        operations={one.id: one for one in records},
    )


def having(path: str, serial: str = "", **more: object) -> Instance:
    disk = Disk("vdb", source=DiskSource("block", path), serial=serial)
    return replace(web(), disks=(disk,), **more)


def test_a_volume_whose_disk_got_another_one_stays_in_the_ledger() -> None:
    state = picture(brought(1.0, VolumeReached(A)), brought(2.0, VolumeReached(B)),
                    instances=(having("/dev/sdc"),))  # fmt: skip
    assert connections_of(state, WEB) == {"vdb": B, "/dev/sdb": replace(A, target="")}
    stands = {one.volume.volume_id: one.standing for one in ledger(state)}
    assert stands == {"A": "left over", "B": "in use"}
    assert check(state, DisconnectVolume(HOST, "/dev/sdb")) == ()
    gone = brought(3.0, VolumeLeft("/dev/sdb", released_of=WEB.id), HOST)
    assert connections_of(picture(*state.operations.values(), gone), WEB) == {"vdb": B}


def test_what_only_the_next_start_has_is_not_left_over() -> None:
    runs = replace(web(disks=()), state=InstanceState.RUNNING)
    state = picture(brought(1.0, VolumeReached(A)), instances=(runs,))
    entries = ledger(state)
    assert [one.standing for one in entries] == ["left over"]
    assert to_be_read(state, entries) == [WEB]
    assert with_next_starts(entries, {}) == entries
    (told,) = with_next_starts(entries, {WEB: having("/dev/sdb")})
    assert told.standing == "next start"
    assert told.why == "what runs has no such disk, the next start of web has it as vdb"
    off = picture(
        brought(1.0, VolumeReached(A)), instances=(replace(runs, state=InstanceState.SHUTOFF),)
    )
    assert to_be_read(off, ledger(off)) == []


@pytest.mark.parametrize(
    ("old", "new", "both"),
    [
        (A, replace(A, device={"path": "/dev/sdx"}), False),
        (replace(A, volume_id=""), replace(B, volume_id=""), True),
        (replace(A, volume_id=""), replace(B, volume_id="", device=A.device), True),
        (replace(A, volume_id="", device={}), replace(A, volume_id=""), False),
        (replace(A, volume_id=""), replace(A, volume_id="", device=B.device), True),
    ],
)
def test_one_volume_is_told_from_another_by_its_id_or_by_how_it_is_reached(
    old: ConnectedVolume, new: ConnectedVolume, both: bool
) -> None:
    state = picture(brought(1.0, VolumeReached(old)), brought(2.0, VolumeReached(new)))
    assert connections_of(state, WEB)["vdb"] == new
    assert (len(connections_of(state, WEB)) == 2) is both


def test_a_device_that_is_gone_takes_no_other_volume_out_of_the_ledger() -> None:
    """A path is given to another volume once its first is gone, or is thought to be."""
    there = replace(B, device=A.device)
    state = picture(
        brought(1.0, VolumeReached(A)),
        brought(2.0, VolumeReached(there), DB),
        brought(3.0, VolumeLeft("vdb"), DB),
    )
    assert every_connection(state) == {WEB: {"vdb": A}}
    known = replace(A, volume_id="", device={"path": "/dev/sdb", "scsi_wwn": "W"})
    same = replace(known, data={"target_lun": 9})  # as another host was told of it
    state = picture(
        brought(1.0, VolumeReached(known)),
        brought(2.0, VolumeReached(same), DB),
        brought(3.0, VolumeLeft("vdb"), DB),
    )
    assert every_connection(state) == {}


def test_two_lost_ones_of_an_instance_are_two_rows() -> None:
    other = replace(LOST, volume_id="B", data={"target_lun": 2})
    state = picture(brought(1.0, VolumeReached(LOST)), brought(2.0, VolumeReached(other)))
    assert len({one.key for one in ledger(state)}) == len(ledger(state)) == 2


@pytest.mark.parametrize("data", [{"export": "h:/e", "name": "n"}, {}])
def test_a_lost_one_without_an_id_has_a_name_to_be_let_go_of_by(data: dict[str, str]) -> None:
    lost = ConnectedVolume("nfs", data, {})
    assert lost.handle.startswith("nfs-")
    again = ConnectedVolume("nfs", dict(reversed(data.items())), {}, "vdb")
    assert (again.handle, again.slot) == (lost.handle, "vdb")
    assert ConnectedVolume("nfs", {"export": "h:/f"}, {}).handle != lost.handle
    state = picture(brought(1.0, VolumeReached(lost)))
    assert check(state, DisconnectVolume(HOST, lost.handle)) == ()


def test_a_lost_one_is_in_use_where_its_volume_is_somebodys_disk() -> None:
    """The serial of that disk may be the operator's own word."""
    at = having("/dev/sdb", "DATA1")
    state = picture(brought(1.0, VolumeReached(LOST)), brought(2.0, VolumeReached(A)),
                    instances=(at,))  # fmt: skip
    (lost,) = [one for one in ledger(state) if not one.volume.path]
    assert (lost.standing, lost.why) == ("in use", "it is the disk of web:vdb")
    assert "A is not left over" in str(check(state, DisconnectVolume(HOST, "A"))[0])
    assert paths_of(every_connection(state), "alpha", LOST) == ("/dev/sdb",)
    assert paths_of(every_connection(state), "beta", LOST) == ()
    assert paths_of(every_connection(state), "alpha", A) == ()
    asked = DisconnectVolume(HOST, "A")
    now = Situation(asked, "alpha", T + 9, Progress(()), UP, around=around(state, HOST))
    assert VOLUME_DISCONNECT.decide is not None
    first = VOLUME_DISCONNECT.decide(now)
    assert isinstance(first, Send)
    assert first.call == DisconnectCall(LOST, of=WEB.id, also=("/dev/sdb",))


def test_what_is_at_the_old_path_of_a_volume_does_not_have_it() -> None:
    old = replace(A, target="vdc")
    records = (
        brought(1.0, VolumeReached(old)),
        brought(2.0, VolumeReached(replace(B, device=A.device))),
    )
    state = picture(*records, instances=(having("/dev/sdb", "B"),))
    assert list(disks_with(state, "A")) == []
    assert [one.name for one, _ in disks_with(state, "B")] == ["web"]
    assert list(disks_with(state, "")) == []


def test_a_volume_that_a_host_has_connected_for_a_disk_is_attached_to_nobody_else() -> None:
    theirs = having("/dev/sdb", "DATA1", host="beta", name="db", uuid="db-uuid")
    db = ObjectKey("instance", "beta", "db-uuid")
    entry = replace(A, volume_id=VOLUME)
    state = picture(brought(1.0, VolumeReached(entry), db), instances=(web(disks=()), theirs))
    told = check(state, VolumeAttach(WEB, connection_info=Secret(document("iscsi"))))
    assert [one for one in told if "is used by db on beta (vdb)" in str(one)]


def test_the_entry_stays_of_an_instance_that_has_a_shared_volume_itself() -> None:
    shared = replace(A, shared=True)
    state = picture(brought(1.0, VolumeReached(shared)), brought(2.0, VolumeReached(shared), DB))
    call = DisconnectCall(shared, of=WEB.id)
    for user, kept in (("web", True), ("db", False)):
        calls = (replace(sent(call), answer=LetGoAnswer(user)),)
        asked = DisconnectVolume(HOST, "/dev/sdb")
        now = Situation(asked, "alpha", T + 9, Progress(calls), UP, around=around(state, HOST))
        assert VOLUME_DISCONNECT.decide is not None
        end = VOLUME_DISCONNECT.decide(now)
        assert isinstance(end, End)
        assert (end.result is None) is kept


@pytest.mark.parametrize(
    ("entry", "handle"), [(A, "/dev/sdb"), (LOST, "A"), (replace(LOST, volume_id=""), "iscsi-")]
)
def test_what_is_connected_for_no_disk_is_disconnected_before_a_definition_is_removed(
    entry: ConnectedVolume, handle: str
) -> None:
    off = web(InstanceState.SHUTOFF, disks=())
    state = picture(brought(1.0, VolumeReached(entry)), instances=(off,))
    (told,) = [str(one) for one in check(state, Undefine(WEB)) if "connected for" in str(one)]
    assert f"`virtdeck volume disconnect alpha --device {handle}" in told
    has = picture(brought(1.0, VolumeReached(A)),
                  instances=(having("/dev/sdb", state=InstanceState.SHUTOFF),))  # fmt: skip
    assert "detach vdb first: that lets go of it" in str(check(has, Undefine(WEB))[0])


def test_of_two_at_one_path_that_is_let_go_of_which_was_asked_about() -> None:
    for records in (
        (
            brought(1.0, VolumeReached(A)),
            brought(2.0, VolumeReached(replace(B, device=A.device)), DB),
        ),
        (
            brought(1.0, VolumeReached(replace(B, device=A.device)), DB),
            brought(2.0, VolumeReached(A)),
        ),
    ):
        state = picture(*records)
        asked = DisconnectVolume(HOST, "/dev/sdb")
        entry = entry_of(state, asked)
        assert entry is not None
        assert entry.whose == "db-uuid:vdb"
        known = around(state, HOST)
        assert known.connections == {"/dev/sdb": entry.volume}
        assert known.owners == {"/dev/sdb": "db-uuid"}


def test_one_for_no_disk_is_told_by_its_instance_and_stays_where_another_is_not_known_too() -> None:
    other = replace(LOST, volume_id="B")
    state = picture(brought(1.0, VolumeReached(LOST)), brought(2.0, VolumeReached(other), DB))
    assert sorted(one.whose for one in ledger(state)) == ["db-uuid", "web"]
    call = DisconnectCall(LOST, of=WEB.id, also=("/dev/sdb",))
    calls = (replace(sent(call), answer=LetGoAnswer("db")),)
    asked = DisconnectVolume(HOST, "A")
    now = Situation(asked, "alpha", T + 9, Progress(calls), UP, around=around(state, HOST))
    assert VOLUME_DISCONNECT.decide is not None
    end = VOLUME_DISCONNECT.decide(now)
    assert isinstance(end, End)
    assert end.result is None
