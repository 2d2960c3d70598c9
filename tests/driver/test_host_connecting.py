"""What a host connects, and lets go of: whose disk it is is asked of libvirt's test driver.

The process with os-brick is one that only notes what it is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import libvirt
import pytest
from msgspec.structs import replace

from core.engine.calling import without_secrets_of
from core.errors import DeadlineError, HypervisorError, VirtdeckError
from core.hypervisor.calls import connecting
from core.hypervisor.calls.holding_volumes import VolumeKey
from core.model import ObjectKey
from core.model.connected_volume import ConnectedVolume, HostEncryption
from core.model.secret_value import Secret
from core.state.connections import share_used
from core.verbs.device.connecting import ConnectCall, DisconnectCall, LetGoAnswer
from core.volumes.brick.process import BrickAnswer, BrickError

XML = """
<domain type='test'>
  <name>{name}</name><memory unit='MiB'>8</memory><os><type>hvm</type></os>
  <devices><disk type='block' device='disk'>
    <source dev='{path}'/><target dev='vda' bus='virtio'/>
  </disk></devices>
</domain>"""
WEB = ObjectKey("instance", "alpha", "5a4d2f2e-0b8e-4f0e-9a43-0a3d4b0f7a11")
MOVED = ConnectCall("iscsi", {"target_lun": 1}, multiattach=True, identity="V", owner=WEB.id)
OPENED = ConnectCall(
    "iscsi", {"target_lun": 1}, encryption=HostEncryption("luks2"), passphrase=Secret("ph")
)
DEVICE = {"path": "/dev/sdb"}
ENTRY = ConnectedVolume("iscsi", {"target_lun": 1}, DEVICE, "vdb", "v1")
LINK = "/dev/disk/by-id/wwn-0x6001405"
LASTING = {"path": LINK, "os_path": "/dev/sdb"}
AGAIN = ConnectCall(
    "iscsi", {"target_lun": 1}, identity="V", owner=WEB.id, alone=True, again=LINK, target="vdb"
)


@pytest.fixture
def conn() -> Iterator[libvirt.virConnect]:
    opened = libvirt.open("test:///default")
    try:
        yield opened
    finally:
        for domain in opened.listAllDomains():
            if domain.name() != "test":
                if domain.isActive():
                    domain.destroy()
                if domain.isPersistent():
                    domain.undefine()
        opened.close()


class Brick:
    """Answers for the process with os-brick, and notes what it was asked."""

    def __init__(self) -> None:
        self.device: Any = DEVICE
        self.number = "/dev/sdb"
        self.share = "/var/lib/virtdeck/mounts/5a4d2f2e"
        self.asked: list[str] = []
        self.values: list[dict[str, Any]] = []
        self.fails: dict[str, VirtdeckError] = {}
        self.held: list[tuple[str, dict[str, Any]]] = []
        self.others: list[str] = []
        self.when_held: Callable[[], object] = lambda: None

    def __call__(self, *_: Any, **__: Any) -> Brick:
        return self

    def __enter__(self) -> Brick:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing runs."""

    def ask(self, do: str, _: float, **values: Any) -> BrickAnswer:
        """Note it, and fail where it is to."""
        if do in ("hold", "forget"):
            self.held.append((do, values))
            self.when_held()
            return BrickAnswer(self.others, ())
        self.asked.append(do)
        self.values.append(values)
        if do in self.fails:
            raise self.fails[do]
        answers = {"connect": self.device, "where": self.number, "share": self.share}
        return BrickAnswer(answers.get(do), ())


@pytest.fixture
def brick(monkeypatch: pytest.MonkeyPatch) -> Brick:
    made = Brick()
    monkeypatch.setattr(connecting, "BrickProcess", made)
    return made


def failure(text: str, hint: str = "") -> BrickError:
    return BrickError(text, hint, "VolumePathNotRemoved", ())


def runs(conn: libvirt.virConnect, name: str, path: str = "/dev/sdb") -> libvirt.virDomain:
    domain = conn.defineXML(XML.format(name=name, path=path))
    domain.create()
    return domain


@pytest.mark.parametrize(
    ("call", "device", "known"),
    [
        pytest.param(
            MOVED, {**DEVICE, "scsi_wwn": "W"}, "/dev/sdb", id="another volume, for a shared one"
        ),
        pytest.param(replace(MOVED, alone=True), LASTING, LINK, id="known by its number"),
    ],
)
def test_what_came_up_is_not_taken_from_who_has_it(
    conn: libvirt.virConnect, brick: Brick, call: ConnectCall, device: Any, known: str
) -> None:
    runs(conn, "db", "/dev/sdb")
    brick.device = device
    with pytest.raises(HypervisorError, match=rf"What came up .*, {known}, is the disk of db"):
        connecting.connect(conn, WEB, call)
    assert brick.asked == ["connect"]


@pytest.mark.parametrize(
    ("call", "device", "told", "hint"),
    [
        pytest.param(
            *(MOVED, {**DEVICE, "scsi_wwn": "W"}, "is another volume than the one it was: W", ""),
            id="another volume that nobody has",
        ),
        pytest.param(MOVED, None, "named no device of it", "", id="no device"),
        pytest.param(
            *(AGAIN, {"path": "/dev/sdc"}, r"at /dev/sdc; vdb is .*wwn-0x6001405"),
            "attach it again",
            id="elsewhere than the disk",
        ),
        pytest.param(  # os-brick's connector of GPFS only passes the path on
            *(MOVED, {"path": "/gpfs/v1", "missing": True}, "and there is no /gpfs/v1", ""),
            id="a path that is not there",
        ),
    ],
)
def test_what_came_up_wrong_is_told_and_disconnected_again(
    conn: libvirt.virConnect, brick: Brick, call: ConnectCall, device: Any, told: str, hint: str
) -> None:
    brick.device = device
    with pytest.raises(HypervisorError, match=told) as raised:
        connecting.connect(conn, WEB, call)
    assert not isinstance(raised.value, DeadlineError)
    assert hint in raised.value.hint
    assert brick.asked == ["connect", "disconnect"]


def test_a_shared_volume_that_somebody_has_is_connected_and_stays_where_it_cannot_be_opened(
    conn: libvirt.virConnect, brick: Brick
) -> None:
    runs(conn, "db")
    brick.device = {**DEVICE, "scsi_wwn": "V"}
    answer = connecting.connect(conn, WEB, MOVED)
    assert answer.device == brick.device
    brick.fails = {"open": failure("It is open already.")}
    with pytest.raises(BrickError, match="It is open already"):
        connecting.connect(conn, WEB, replace(OPENED, multiattach=True))
    assert brick.asked == ["connect", "connect", "open"]


@pytest.mark.parametrize("close", [None, failure("It was never open.")])
def test_what_could_not_be_opened_is_disconnected_whether_it_could_be_closed_or_not(
    conn: libvirt.virConnect, brick: Brick, close: BrickError | None
) -> None:
    brick.fails = {"open": failure("No key fits.", "Give another.")}
    if close is not None:
        brick.fails["close"] = close
    with pytest.raises(BrickError, match="No key fits") as raised:
        connecting.connect(conn, WEB, OPENED)
    assert raised.value.hint == "Give another."
    assert brick.asked == ["connect", "open", "close", "disconnect"]
    assert brick.values[-1]["data"]["device_path"] == "/dev/sdb"


@pytest.mark.parametrize(
    ("call", "device", "first"),
    [
        (OPENED, DEVICE, "No key fits"),
        (MOVED, {**DEVICE, "scsi_wwn": "W"}, "is another volume than the one it was: W"),
        (MOVED, None, "named no device of it"),
    ],
)
def test_what_could_not_be_disconnected_is_told_and_may_be_connected_still(
    conn: libvirt.virConnect, brick: Brick, call: ConnectCall, device: Any, first: str
) -> None:
    brick.device = device
    brick.fails = {"open": failure("No key fits."), "disconnect": failure("It is busy.")}
    with pytest.raises(DeadlineError) as raised:  # not certain: the ledger has it from then on
        connecting.connect(conn, WEB, call)
    assert f"{first}; it may still be connected: It is busy." in raised.value.message
    assert "virtdeck connections" in raised.value.hint
    assert "again" not in raised.value.hint
    assert without_secrets_of(call, raised.value.message) == raised.value.message


def test_every_instance_is_asked_before_a_volume_is_let_go_of_however_long_it_takes(
    conn: libvirt.virConnect, brick: Brick, monkeypatch: pytest.MonkeyPatch
) -> None:
    hours = iter(range(0, 10**9, 3600))
    monkeypatch.setattr("core.hypervisor.calls.volume_users.monotonic", lambda: next(hours))
    runs(conn, "db", "/dev/sdx")
    later = runs(conn, "later", "/dev/sdy")
    conn.defineXML(later.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE).replace("/dev/sdy", "/dev/sdb"))
    answer = connecting.disconnect(conn, WEB, DisconnectCall(ENTRY))
    assert (answer, brick.asked) == (LetGoAnswer("later"), [])


def test_an_encrypted_one_of_which_no_device_is_known_is_disconnected(
    conn: libvirt.virConnect, brick: Brick
) -> None:
    lost = replace(ENTRY, device={}, encryption=HostEncryption("luks2"))
    assert connecting.disconnect(conn, WEB, DisconnectCall(lost)) == LetGoAnswer()
    assert brick.asked == ["disconnect"]


def test_who_has_it_still_is_told_before_others_that_share_it(
    conn: libvirt.virConnect, brick: Brick
) -> None:
    """Else the entry of the ledger would be over, and the last detach would leave it connected."""
    runs(conn, "db")
    web = runs(conn, "web")
    call = DisconnectCall(replace(ENTRY, shared=True))
    own = ObjectKey("instance", "alpha", web.UUIDString())
    later = web.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)
    for xml in (later, later.replace("/dev/sdb", "/dev/sdy")):  # or from its next start on
        conn.defineXML(xml)
        assert connecting.disconnect(conn, own, call) == LetGoAnswer("web")
        host = ObjectKey("host", "alpha", "alpha")
        of = replace(call, of=own.id)
        assert connecting.disconnect(conn, host, of) == LetGoAnswer("web")
    web.destroy()
    assert connecting.disconnect(conn, own, call) == LetGoAnswer("db")
    assert brick.asked == []


def test_one_of_which_no_device_is_known_stays_where_its_device_is_somebodys(
    conn: libvirt.virConnect, brick: Brick
) -> None:
    db = runs(conn, "db")
    call = DisconnectCall(replace(ENTRY, device={}), also=("/dev/sdb",))
    assert connecting.disconnect(conn, WEB, call) == LetGoAnswer("db")
    assert brick.asked == []
    db.destroy()
    db.undefine()
    assert connecting.disconnect(conn, WEB, call) == LetGoAnswer()
    assert brick.asked == ["disconnect"]


def test_a_device_stays_where_somebody_has_it_by_the_number_that_it_has_by_now(
    conn: libvirt.virConnect, brick: Brick
) -> None:
    db = runs(conn, "db", "/dev/sdq")
    brick.number = "/dev/sdq"
    call = DisconnectCall(replace(ENTRY, device=LASTING))
    assert connecting.disconnect(conn, WEB, call) == LetGoAnswer("db")
    assert brick.asked == ["where"]
    db.destroy()
    db.undefine()
    runs(conn, "other", "/dev/sdb")  # the number that it had before its host's boot
    assert connecting.disconnect(conn, WEB, call) == LetGoAnswer()
    assert brick.asked[-1] == "disconnect"


def test_one_that_its_own_instance_has_is_connected_again_and_never_taken_from_it(
    conn: libvirt.virConnect, brick: Brick
) -> None:
    own = runs(conn, "web", LINK)
    again = replace(AGAIN, owner=own.UUIDString())
    brick.device = LASTING
    assert connecting.connect(conn, WEB, again).device == LASTING
    brick.device = {**LASTING, "scsi_wwn": "W"}
    with pytest.raises(HypervisorError, match="is another volume than the one it was: W"):
        connecting.connect(conn, WEB, again)
    assert brick.asked == ["connect", "connect"]


def test_a_volume_that_another_is_about_to_have_stays_connected(
    conn: libvirt.virConnect, brick: Brick
) -> None:
    """Between its connection and its disk libvirt tells of no user."""
    db = conn.lookupByName("test")
    volume = VolumeKey.of(ENTRY, "").note
    brick.others = [f"{db.UUIDString()}{volume}"]
    assert connecting.disconnect(conn, WEB, DisconnectCall(ENTRY)) == LetGoAnswer("test")
    coming = "7b0e4f0e-0b8e-4f0e-9a43-0a3d4b0f7a12"  # by a move, not defined here yet
    brick.others = [f"{coming}{volume}"]
    assert connecting.disconnect(conn, WEB, DisconnectCall(ENTRY)) == LetGoAnswer(coming)
    assert "disconnect" not in brick.asked
    brick.others = [f"{coming}.another"]
    assert connecting.disconnect(conn, WEB, DisconnectCall(ENTRY)) == LetGoAnswer()
    own = VolumeKey.of(ENTRY, WEB.id)
    assert brick.held == [("hold", {"key": own.lock, "forget": own.note})] * 3


def test_who_leaves_a_volume_to_others_is_no_longer_about_to_have_it(
    conn: libvirt.virConnect, brick: Brick
) -> None:
    """Else the last one that has it would leave it connected."""
    runs(conn, "db")
    assert connecting.disconnect(conn, WEB, DisconnectCall(ENTRY)) == LetGoAnswer("db")
    own = VolumeKey.of(ENTRY, WEB.id)
    assert brick.held == [("hold", {"key": own.lock, "forget": own.note})]


def test_who_has_a_volume_since_the_first_look_is_seen_under_its_lock(
    conn: libvirt.virConnect, brick: Brick
) -> None:
    brick.when_held = lambda: runs(conn, "db")
    assert connecting.disconnect(conn, WEB, DisconnectCall(ENTRY)) == LetGoAnswer("db")
    assert "disconnect" not in brick.asked


def test_what_failed_to_open_is_not_taken_from_another_that_is_about_to_have_it(
    conn: libvirt.virConnect, brick: Brick
) -> None:
    shared = replace(OPENED, multiattach=True)
    brick.fails = {"open": failure("It is open already.")}
    brick.others = [f"{ENTRY.volume_id}{VolumeKey.of(shared, '').note}"]
    with pytest.raises(BrickError, match="It is open already"):
        connecting.connect(conn, WEB, shared)
    assert brick.asked == ["connect", "open"]
    assert [do for do, _ in brick.held] == ["hold", "forget"]


def test_a_share_stays_mounted_while_another_volume_of_it_is_about_to_be_had(
    conn: libvirt.virConnect, brick: Brick
) -> None:
    data = {"export": "server:/volumes", "name": "one"}
    one = ConnectedVolume("nfs", data, {"path": "/mnt/x/one"}, "vdb", "v1")
    beside = replace(one, data={**data, "name": "two"}, volume_id="v2")
    assert VolumeKey.of(one, "").lock == VolumeKey.of(beside, "").lock
    for others, unmounts in (([], True), ([VolumeKey.of(beside, "u").note], False)):
        brick.others = others
        assert connecting.disconnect(conn, WEB, DisconnectCall(one)) == LetGoAnswer()
        assert brick.values[-1]["unmount"] == ("/mnt/x" if unmounts else "")


def test_the_share_of_a_volume_whose_connection_was_lost_is_unmounted_where_nobody_has_it(
    conn: libvirt.virConnect, brick: Brick
) -> None:
    lost = ConnectedVolume("nfs", {"export": "server:/volumes", "name": "one"}, {}, "vdb", "v1")
    assert connecting.disconnect(conn, WEB, DisconnectCall(lost)) == LetGoAnswer()
    assert brick.asked == ["share", "disconnect"]
    assert brick.values[-1]["unmount"] == brick.share
    runs(conn, "db", f"{brick.share}/two")
    assert connecting.disconnect(conn, WEB, DisconnectCall(lost)) == LetGoAnswer()
    assert brick.values[-1]["unmount"] == ""
    call = DisconnectCall(lost, share_used=True)
    assert connecting.disconnect(conn, WEB, call) == LetGoAnswer()
    assert brick.values[-1]["unmount"] == ""
    web = ObjectKey("instance", "alpha", "u")
    two = replace(lost, data={**lost.data, "name": "two"}, volume_id="v2", target="vdc")
    other = replace(two, data={"export": "server:/others"})
    here = replace(two, device={"path": f"{brick.share}/two"})
    assert [share_used({web: {"vdc": one}}, "alpha", lost) for one in (two, other, here)] == [
        *(True, False, True)
    ]
