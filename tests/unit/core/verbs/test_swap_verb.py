"""A disk that moves to other storage: where to, when the old one goes, what is against it."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from core.model import (
    BlockJob,
    Disk,
    DiskSource,
    Host,
    Instance,
    Link,
    LinkStatus,
    OperationStatus,
    Pool,
    PoolState,
    State,
    Volume,
)
from core.model import BlockJobState as S
from core.verbs.around import Around
from core.verbs.block.calls import (
    BlockAbortCall,
    BlockCopyCall,
    BlockPivotCall,
    CopyRemoveCall,
    PoolLookCall,
)
from core.verbs.block.steering import ABORT, PIVOT, SPEED
from core.verbs.block.swap import SWAP, VolumeSwap
from core.verbs.caution import Caution
from core.verbs.checks import check
from core.verbs.danger import danger
from core.verbs.device.disk_secrets import drop_secrets
from core.verbs.situation import Action, Answered, Ask, Situation, Wait
from core.verbs.volume import VolumeDeleteCall
from tests.unit.core.verbs.test_block_verbs import (
    BEGAN,
    NOW,
    called,
    decide,
    ended,
    job,
    now,
    sent,
    web,
)

OLD, NEW = "/slow/web.qcow2", "/fast/web.qcow2"
SLOW = Pool("alpha", "p-slow", "slow", "dir", PoolState.ACTIVE, "/slow", available=1 << 40)
FAST = Pool("alpha", "p-fast", "fast", "dir", PoolState.ACTIVE, "/fast", available=1 << 40)
GROUP = Pool("alpha", "p-vg", "vg", "logical", PoolState.ACTIVE, "/dev/vg", available=1 << 40)
OFF = Pool("alpha", "p-off", "off", "dir", PoolState.INACTIVE, "/off")
VOLUME = Volume("alpha", "p-slow", "slow", "web.qcow2", OLD, "file", "qcow2", 8 << 30, 2 << 30)
LARGE = Volume("alpha", "p-vg", "vg", "large", "/dev/vg/large", "block", "raw", 8 << 30)
SMALL = Volume("alpha", "p-vg", "vg", "small", "/dev/vg/small", "block", "raw", 1 << 30)
COPYING = BlockCopyCall("vda", NEW, "qcow2", source=OLD)


def on(path: str, **changes: Any) -> Instance:
    disk = Disk("vda", source=DiskSource("file", path, "qcow2"), **changes)
    return replace(web(), disks=(disk,))


def swap(**options: Any) -> VolumeSwap:
    return VolumeSwap(web().key, **{"disk": "vda", "to": "fast", **options})


def state(*more: Instance, instance: Instance | None = None, **fields: Any) -> State:
    instances = (instance or on(OLD), *more)
    volumes = (*fields.pop("volumes", ()), VOLUME, LARGE, SMALL)
    pools = (SLOW, fields.pop("fast", FAST), GROUP, OFF)
    return State(
        hosts={"alpha": Host("alpha", "qemu:///system", Link(LinkStatus.UP, 0.0))},
        instances={one.key: one for one in instances},
        pools={one.key: one for one in pools},
        volumes={one.key: one for one in volumes},
    )


def at(request: VolumeSwap, *calls: Any, told: BlockJob | None = None, **fields: Any) -> Situation:
    picture = state(instance=fields.pop("instance", on(OLD)))
    found = now(request, *calls, told=told, instance=picture.instances[web().key], **fields)
    around = Around(
        instance=found.around.instance,
        run=found.around.run,
        pools=picture.pools,
        volumes=picture.volumes,
    )
    return Situation(**{
        name: getattr(found, name) for name in Situation.__dataclass_fields__ if name != "around"
    }, around=around)  # fmt: skip


def of(request: VolumeSwap, *calls: Any, **fields: Any) -> Action:
    return decide(SWAP, at(request, *calls, **fields))


@pytest.mark.parametrize(
    ("options", "call"),
    [
        ({}, COPYING),
        ({"to": "fast/other.img"}, replace(COPYING, to="/fast/other.img")),
        (
            {"to": "/srv/web.img", "format": "raw"},
            replace(COPYING, to="/srv/web.img", format="raw"),
        ),
        ({"to": "vg/large"}, replace(COPYING, to="/dev/vg/large", format="raw", device=True)),
        ({"to": "/dev/sdx"}, replace(COPYING, to="/dev/sdx", format="raw", device=True)),
        ({"speed": 2.0}, replace(COPYING, bandwidth=2 << 20)),
    ],
)
def test_a_disk_goes_to_a_pool_a_volume_a_file_or_a_device(
    options: dict[str, Any], call: BlockCopyCall
) -> None:
    assert called(of(swap(**options))) == call


def test_the_instance_goes_on_on_the_new_one_and_the_old_one_stays() -> None:
    begun = sent(COPYING)
    assert isinstance(of(swap(), begun, told=job("copy", S.RUNNING)), Wait)
    assert called(of(swap(), begun, told=job("copy", S.READY))) == BlockPivotCall("vda")
    pivoted = sent(BlockPivotCall("vda"), BEGAN + 5)
    moved = {"instance": on(NEW), "told": job("copy", S.COMPLETED)}
    assert called(of(swap(), begun, pivoted, **moved)) == PoolLookCall("fast")
    looked = sent(PoolLookCall("fast"), BEGAN + 6)
    ended(
        of(swap(), begun, pivoted, looked, **moved),
        *(OperationStatus.DONE, f"vda of web is {NEW} now; {OLD} is as it was then"),
    )


def test_the_secrets_of_an_image_of_the_network_go_once_the_instance_has_left_it() -> None:
    source = DiskSource("network", "iscsi:iqn.a:b/1", "raw", "iscsi", ("san",))
    lun = replace(web(), disks=(Disk("vda", source=source),))
    copying = replace(COPYING, source=source.path)
    assert called(of(swap(to=NEW, format="qcow2"), instance=lun)) == copying
    calls = (
        sent(copying),
        sent(BlockPivotCall("vda"), BEGAN + 5),
        sent(PoolLookCall("fast"), BEGAN + 6),
    )
    moved = {"instance": on(NEW), "told": job("copy", S.COMPLETED)}
    drop = drop_secrets(web().key, "vda")
    assert called(of(swap(), *calls, **moved)) == drop
    told = f"vda of web is {NEW} now; {source.path} is as it was then"
    end = of(swap(), *calls, sent(drop, BEGAN + 7), **moved)
    ended(end, OperationStatus.DONE, told)
    end = of(swap(), *calls, sent(drop, BEGAN + 7, error="no answer."), **moved)
    ended(end, OperationStatus.DONE, "whether its secrets are gone is not known: no answer")
    assert isinstance(of(swap(), *calls, sent(drop, BEGAN + 7, ended=None), **moved), Wait)


def test_a_move_that_begins_again_goes_to_the_same_place_with_each_write_waiting() -> None:
    begun = sent(replace(COPYING, to="/dev/sdx", format="raw", device=True))
    call = begun.call
    assert isinstance(call, BlockCopyCall)
    answers = (Answered(f"stalled-{begun.at}-0", "together", "joe@here"),)
    calls = (begun, sent(BlockAbortCall("vda"), BEGAN + 41))
    told = job("copy", S.CANCELED)
    action = of(swap(to="/dev/sdx"), *calls, told=told, answers=answers)
    assert called(action) == replace(call, synchronous=True)


def test_a_device_that_a_move_was_to_stays_where_that_is_ended() -> None:
    """It was there before, and may be a volume that libvirt would delete."""
    begun = sent(replace(COPYING, to="/dev/vg/large", format="raw", device=True))
    calls = (begun, sent(BlockAbortCall("vda"), BEGAN + 41))
    end = of(swap(to="vg/large"), *calls, told=job("copy", S.CANCELED))
    ended(end, OperationStatus.CANCELLED, "was ended; /dev/vg/large has a part of it")


def test_the_old_volume_is_deleted_only_after_a_pivot_that_is_proven() -> None:
    request, begun = swap(old="delete"), sent(COPYING)
    pivoted = sent(BlockPivotCall("vda"), BEGAN + 5, error="no answer", certain=False)
    assert isinstance(of(request, begun, pivoted, told=job("copy", S.READY)), Wait)
    moved = {"instance": on(NEW), "told": job("copy", S.COMPLETED)}
    delete = VolumeDeleteCall("slow", "web.qcow2")
    assert called(of(request, begun, pivoted, **moved)) == delete
    gone, looked = sent(delete, BEGAN + 7), sent(PoolLookCall("fast"), BEGAN + 8)
    end = of(request, begun, pivoted, gone, looked, **moved)
    ended(end, OperationStatus.DONE, f"vda of web is {NEW} now; {OLD} is deleted")
    kept = sent(delete, BEGAN + 7, error="it is used by db: it is left alone.")
    end = of(request, begun, pivoted, kept, looked, **moved)
    ended(end, OperationStatus.FAILED, f"is {NEW} now", f"{OLD} was not deleted", "used by db")


def test_a_pivot_that_a_dead_console_left_is_told_by_the_chain() -> None:
    request, begun = swap(old="delete"), sent(COPYING)
    action = of(request, begun, instance=on(NEW), adopted=NOW - 1)
    assert called(action) == VolumeDeleteCall("slow", "web.qcow2")


def test_a_deletion_whose_answer_a_dead_console_took_along_is_sent_again() -> None:
    delete = VolumeDeleteCall("slow", "web.qcow2")
    calls = (sent(COPYING), sent(BlockPivotCall("vda"), BEGAN + 5))
    lost = sent(delete, BEGAN + 7, ended=None)
    moved = {"instance": on(NEW), "told": job("copy", S.COMPLETED)}
    again = of(swap(old="delete"), *calls, lost, adopted=BEGAN + 20, **moved)
    assert called(again) == delete
    waits = of(swap(old="delete"), *calls, lost, **moved)
    assert isinstance(waits, Wait)
    away = of(swap(old="delete"), *calls, lost, adopted=BEGAN + 20, link_up=False, **moved)
    assert isinstance(away, Wait)


def test_the_operator_may_be_asked_and_stays() -> None:
    request, begun = swap(then="ask"), sent(COPYING)
    asked = of(request, begun, told=job("copy", S.READY))
    assert isinstance(asked, Ask)
    stay = Answered(asked.question.key, "stay", "ann@desk")
    action = of(request, begun, told=job("copy", S.READY), answers=(stay,))
    assert called(action) == BlockAbortCall("vda")
    aborted = sent(BlockAbortCall("vda"), BEGAN + 6)
    over = of(request, begun, aborted, told=job("copy", S.CANCELED), answers=(stay,))
    assert called(over) == CopyRemoveCall(NEW)


@pytest.mark.parametrize(
    ("options", "changes", "words"),
    [
        ({"to": "nowhere"}, {}, "alpha has no pool nowhere"),
        ({"to": "off"}, {}, "The pool off of alpha is not active"),
        ({"to": "vg"}, {}, "QEMU makes no volume in it"),
        ({"to": "vg/none"}, {}, "vg has no volume none that is a device"),
        ({"to": "vg/small"}, {}, "/dev/vg/small has 1.0G, the disk 8.0G"),
        ({"to": "vg/large", "format": "qcow2"}, {}, "A device holds its disk as raw"),
        ({"to": "a/b/c"}, {}, "a/b/c is no place for a disk"),
        ({"to": ""}, {}, "nothing is no place for a disk"),
        ({"to": "slow"}, {}, "is needed: by web (vda)"),
        ({"disk": "vdz"}, {}, "web has no disk vdz"),
        ({}, {"encrypted": True}, "is encrypted by QEMU"),
        ({}, {"shareable": True}, "vda is shared"),
    ],
)
def test_what_cannot_be_moved_is_refused_with_the_reason(
    options: dict[str, Any], changes: dict[str, Any], words: str
) -> None:
    found = check(state(instance=on(OLD, **changes)), swap(**options))
    assert any(words in one.text for one in found), found


def test_what_does_not_fit_or_is_there_is_refused() -> None:
    full = replace(FAST, available=1 << 30)
    (why,) = check(state(fast=full), swap())
    assert "The pool fast has 1.0G left, and 2.0G of the disk are written" in why.text
    there = replace(VOLUME, pool="p-fast", pool_name="fast", path=NEW)
    (why,) = check(state(volumes=(there,)), swap())
    assert f"{NEW} is there already" in why.text


def test_what_others_need_is_not_deleted() -> None:
    over = Volume("alpha", "p-slow", "slow", "over", "/slow/over", "file", "qcow2", backing=OLD)
    (why,) = check(state(volumes=(over,)), swap(old="delete"))
    assert f"{OLD} is needed by more than this disk: over" in why.text
    assert check(state(volumes=(over,)), swap()) == ()
    (why,) = check(state(instance=on("/srv/alone")), swap(old="delete"))
    assert "/srv/alone is in no pool of alpha as read" in why.text
    assert why.cure == "define a pool of /srv, and start it; or keep it"
    (why,) = check(state(instance=on("/slow/new")), swap(old="delete"))
    assert why.cure.startswith("refresh its pool: `virtdeck pool refresh alpha/slow`")


def test_deleting_is_confirmed_by_its_name() -> None:
    assert danger(state(), swap()).caution is Caution.NONE
    found = danger(state(), swap(old="delete"))
    assert found.caution is Caution.CONFIRM
    assert f"Then deletes {OLD}, which web has written to until then." in found.text


def test_the_job_of_a_move_can_be_steered_while_it_goes_on() -> None:
    for verb in (SPEED, PIVOT, ABORT):
        assert VolumeSwap in verb.beside
