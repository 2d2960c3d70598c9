"""A disk that grows: by how much, on what, and what its guest sees of it."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from core.hypervisor.calls.luks_header import HEADER, payload_offset
from core.model import Disk, DiskSource, Instance, InstanceState, OperationStatus, State
from core.model.connected_volume import ConnectedVolume
from core.verbs.around import Around
from core.verbs.call import Call
from core.verbs.caution import Caution
from core.verbs.checks import check
from core.verbs.danger import danger
from core.verbs.device.connecting import ExtendCall
from core.verbs.extending import VOLUME_EXTEND, TakeSizeCall, VolumeExtend
from core.verbs.growing import GrowDiskCall
from core.verbs.situation import Action, End, Send, Sent
from tests.unit.core.verbs.test_block_verbs import NOW, called, decide, now, web
from tests.unit.core.verbs.test_swap_verb import OLD, on, state

DEVICE = Disk("vda", source=DiskSource("block", "/dev/sdx", "raw"))

IMAGE = Disk("vda", source=DiskSource("network", "rbd:volumes/one", "raw", "rbd", ("mon1",)))
LUN = Disk("vda", source=DiskSource("network", "iscsi:iqn.a:b/1", "raw", "iscsi", ("san",)))
EXPORT = Disk("vda", source=DiskSource("network", "nbd:one", "raw", "nbd", ("san",)))


def extend(**options: Any) -> VolumeExtend:
    return VolumeExtend(web().key, **{"disk": "vda", **options})


def having(disk: Disk, **changes: Any) -> Instance:
    return replace(web(), disks=(disk,), **changes)


def refused(picture: State, request: VolumeExtend) -> str:
    return " ".join(one.text for one in check(picture, request))


def test_a_size_is_given_to_what_runs_or_to_the_volume_of_what_is_off() -> None:
    grow = GrowDiskCall("vda", OLD, 16 << 30, live=True)
    assert called(decide(VOLUME_EXTEND, now(extend(size="16G"), instance=on(OLD)))) == grow
    off = replace(on(OLD), state=InstanceState.SHUTOFF)
    action = decide(VOLUME_EXTEND, now(extend(size="16G"), instance=off))
    assert called(action) == replace(grow, live=False)


def test_without_a_size_a_device_has_what_it_has_by_now() -> None:
    action = decide(VOLUME_EXTEND, now(extend(), instance=having(DEVICE)))
    assert called(action) == TakeSizeCall("vda", "/dev/sdx")
    luks = having(replace(DEVICE, encrypted=True))
    assert called(decide(VOLUME_EXTEND, now(extend(), instance=luks))).luks  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("instance", "options", "words"),
    [
        (on(OLD), {}, "vda of web is no device that grows on its storage"),
        (having(DEVICE, state=InstanceState.SHUTOFF, id=None), {}, "web is off"),
        (having(IMAGE), {}, "QEMU does not look at how large vda of web is by now"),
        (having(LUN), {"size": "20G"}, "vda of web is as large as its target makes it"),
        (having(EXPORT), {}, "vda of web stays as large as it was when QEMU opened it"),
        (having(EXPORT), {"size": "20G"}, "vda of web stays as large as it was when QEMU"),
        (on(OLD), {"size": "4G"}, "vda has 8.0 GiB, and never shrinks to 4.0 GiB"),
        (on(OLD), {"disk": "vdz", "size": "20G"}, "web has no disk vdz"),
        (on("/elsewhere"), {"size": "20G"}, "vda of web is in no pool of alpha"),
    ],
)
def test_what_cannot_grow_is_refused_with_the_reason(
    instance: Instance, options: dict[str, Any], words: str
) -> None:
    assert words in refused(state(instance=instance), extend(**options))


def test_a_device_of_no_pool_grows_by_its_size_or_to_what_it_has() -> None:
    picture = state(instance=having(DEVICE))
    assert refused(picture, extend(size="20G")) == refused(picture, extend()) == ""


def test_of_a_lun_qemu_asks_its_target_how_large_it_is() -> None:
    assert refused(state(instance=having(LUN)), extend()) == ""
    action = decide(VOLUME_EXTEND, now(extend(), instance=having(LUN)))
    assert called(action) == TakeSizeCall("vda", "iscsi:iqn.a:b/1", asked=True)


def test_an_image_of_ceph_that_runs_may_lose_its_end_and_is_confirmed() -> None:
    """QEMU makes it as large as it is told, and does not know how large it has become."""
    picture = state(instance=having(IMAGE))
    found = danger(picture, extend(size="20G"))
    assert found.caution is Caution.CONFIRM
    assert "makes the image of vda just 20G: what it has beyond that" in found.text
    for instance in (having(DEVICE), having(IMAGE, state=InstanceState.SHUTOFF, id=None)):
        assert danger(state(instance=instance), extend(size="20G")).caution is Caution.NONE


def test_the_header_of_luks_tells_where_its_data_begins() -> None:
    header = bytearray(HEADER)
    header[:8] = b"LUKS\xba\xbe\0\1"
    header[104:108] = (4040).to_bytes(4, "big")
    assert payload_offset(bytes(header)) == 2068480
    header[7] = 2
    assert payload_offset(bytes(header)) is None
    assert payload_offset(b"") is payload_offset(bytes(HEADER)) is None


REACHED = ConnectedVolume("iscsi", {"target_lun": 1}, {"path": "/dev/sdx"}, "vda", "volume-1")


@pytest.mark.parametrize(
    ("options", "last"),
    [
        ({}, TakeSizeCall("vda", "/dev/sdx")),
        ({"size": "20G"}, GrowDiskCall("vda", "/dev/sdx", 20 << 30, live=True)),
    ],
)
def test_its_host_looks_first_where_it_has_connected_the_volume(
    options: dict[str, Any], last: Call
) -> None:
    around = Around(instance=having(DEVICE), connections={"vda": REACHED})
    request = extend(**options)

    def then(*sent: Sent) -> Action:
        return decide(VOLUME_EXTEND, now(request, *sent, instance=having(DEVICE), around=around))

    first = then()
    assert isinstance(first, Send)
    assert first.call == ExtendCall(REACHED)
    assert first.text == "having alpha look at how large the iscsi volume volume-1 is"
    looked = Sent(first.call, NOW - 3, NOW - 2)
    assert called(then(looked)) == last
    grown = then(looked, Sent(last, NOW - 2, NOW - 1))
    assert isinstance(grown, End)
    assert grown.status is OperationStatus.DONE
    blind = then(replace(looked, error="os-brick failed.", hint="See its paths."))
    assert isinstance(blind, End)
    assert (blind.status, blind.hint) == (OperationStatus.FAILED, "See its paths.")
