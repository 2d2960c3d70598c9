"""Images: live or cold, frozen and thawed, compressed, outrun by the guest; what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from core.model import (
    AgentState,
    BlockJobState,
    Disk,
    DiskSource,
    Host,
    InstanceState,
    Link,
    LinkStatus,
    OperationStatus,
    State,
)
from core.verbs import checks
from core.verbs.agent.freezing import ThawCall
from core.verbs.block.calls import (
    ALREADY_FROZEN,
    BlockAbortCall,
    BlockCopyCall,
    CopyFinishCall,
    CopyRemoveCall,
    PoolLookCall,
    ReleaseCall,
    SlowDownCall,
)
from core.verbs.block.image import IMAGE, ImageMake, chosen, is_this_machine
from core.verbs.block.image_calls import CompressCall, CompressCheckCall, FileCloneCall
from core.verbs.part import part_of
from core.verbs.situation import Answered, Ask, Sent, Situation, Wait
from tests.unit.core.verbs.test_block_verbs import (
    BEGAN,
    NOW,
    POOL,
    TOP,
    called,
    decide,
    ended,
    job,
    now,
    sent,
    web,
)

S = BlockJobState
PLAIN = BlockCopyCall("vda", "/pool/golden", "qcow2")
PART = BlockCopyCall("vda", "/pool/golden.part", "qcow2")
OFF = web(state=InstanceState.SHUTOFF, id=None)


def image(**options: Any) -> ImageMake:
    return ImageMake(web().key, **{"to": "default/golden", **options})


def after(request: ImageMake, *calls: Sent, **fields: Any) -> Situation:
    return now(request, sent(PLAIN), *calls, **fields)


def test_one_that_runs_or_is_paused_is_mirrored_and_one_that_is_off_is_written_by_libvirt() -> None:
    for state in (InstanceState.RUNNING, InstanceState.PAUSED):
        assert called(decide(IMAGE, now(image(), instance=web(state=state)))) == PLAIN
    cold = called(decide(IMAGE, now(image(format="raw"), instance=OFF)))
    assert cold == FileCloneCall("/pool/top", "/pool/golden", "raw", "qcow2")


def test_it_is_whole_once_the_copy_that_was_equal_was_ended_and_the_pool_looks_at_it() -> None:
    ready = after(image(), told=job("copy", S.READY))
    assert called(decide(IMAGE, ready)) == CopyFinishCall("vda")
    finish = sent(CopyFinishCall("vda"), NOW - 2)
    over = after(image(), finish, told=job("copy", S.CANCELED))
    assert called(decide(IMAGE, over)) == PoolLookCall("default")
    looked = sent(PoolLookCall("default"), NOW - 1)
    done = after(image(), finish, looked, told=job("copy", S.CANCELED))
    ended(decide(IMAGE, done), OperationStatus.DONE, "/pool/golden is vda of web as it was then")


def test_a_guest_is_thawed_where_nobody_heard_that_it_is_and_only_then() -> None:
    frozen = CopyFinishCall("vda", quiesce=True)
    heard = after(image(quiesce=True), sent(frozen, NOW - 2), told=job("copy", S.CANCELED))
    assert called(decide(IMAGE, heard)) == PoolLookCall("default")
    unheard = after(
        image(quiesce=True), sent(frozen, NOW - 5, ended=None), adopted=NOW - 4,
        told=job("copy", S.READY),
    )  # fmt: skip
    assert called(decide(IMAGE, unheard)) == ThawCall()
    failed = sent(frozen, NOW - 5, error="the agent went away.")
    ready = {"told": job("copy", S.READY)}
    assert called(decide(IMAGE, after(image(quiesce=True), failed, **ready))) == ThawCall()
    thawed = sent(ThawCall(), NOW - 4)
    given_up = after(image(quiesce=True), failed, thawed, **ready)
    assert called(decide(IMAGE, given_up)) == BlockAbortCall("vda")
    theirs = sent(frozen, NOW - 5, error=f"{ALREADY_FROZEN}: nothing was ended.")
    assert called(decide(IMAGE, after(image(quiesce=True), theirs, **ready))) == BlockAbortCall(
        "vda"
    )


def test_one_that_could_not_be_frozen_is_a_failure_and_removed() -> None:
    frozen = sent(CopyFinishCall("vda", quiesce=True), NOW - 5, error="no agent.")
    calls = (
        frozen,
        sent(ThawCall(), NOW - 4, error="no agent."),
        sent(BlockAbortCall("vda"), NOW - 3),
    )
    over = {"told": job("copy", S.CANCELED)}
    assert called(decide(IMAGE, after(image(quiesce=True), *calls, **over))) == CopyRemoveCall(
        "/pool/golden"
    )
    removed = sent(CopyRemoveCall("/pool/golden"), NOW - 2)
    end = decide(IMAGE, after(image(quiesce=True), *calls, removed, **over))
    ended(end, OperationStatus.FAILED, "no agent", "is removed", "may be frozen still")


def test_a_compressed_one_is_copied_beside_then_compressed_then_the_copy_removed() -> None:
    request = image(compressed=True)
    assert called(decide(IMAGE, now(request))) == CompressCheckCall("/pool/golden")
    check = sent(CompressCheckCall("/pool/golden"), BEGAN - 1)
    assert called(decide(IMAGE, now(request, check))) == PART
    refused = replace(check, error="This machine has no qemu-img.")
    ended(decide(IMAGE, now(request, refused)), OperationStatus.FAILED, "no qemu-img")
    calls = check, sent(PART), sent(CopyFinishCall("vda"), NOW - 4)
    over = {"told": job("copy", S.CANCELED)}
    part = part_of(now(request, *calls))
    compress = CompressCall("/pool/golden.part", "qcow2", "/pool/golden", part)
    assert called(decide(IMAGE, now(request, *calls, **over))) == compress
    assert isinstance(
        decide(IMAGE, now(request, *calls, sent(compress, NOW - 3, ended=None), calling=True)), Wait
    )
    done = sent(compress, NOW - 3)
    assert called(decide(IMAGE, now(request, *calls, done, **over))) == CopyRemoveCall(PART.to)


STALLED = {
    "told": job("copy", S.RUNNING, current=100 << 20, end=110 << 20, least=10 << 20, at=NOW,
                least_at=NOW - 31),
}  # fmt: skip
KEY = f"stalled-{BEGAN}-0"


def test_a_guest_that_outruns_its_copy_is_asked_about_after_a_while() -> None:
    asked = decide(IMAGE, after(image(), **STALLED))
    assert isinstance(asked, Ask)
    assert asked.question.key == KEY
    words = [one.word for one in asked.question.choices]
    assert words == ["slower", "together", "go-on", "give-up"]
    falls = job("copy", S.RUNNING, current=1, end=9, least=8, least_at=NOW - 29)
    assert isinstance(decide(IMAGE, after(image(), told=falls)), Wait)
    limited = web(disks=(Disk("vda", source=TOP, throttled=True),))
    less = decide(IMAGE, after(image(), instance=limited, **STALLED))
    assert isinstance(less, Ask)
    assert [one.word for one in less.question.choices] == ["together", "go-on", "give-up"]


def said(word: str) -> dict[str, Any]:
    return {**STALLED, "answers": (Answered(KEY, word, "me@here"),)}


def test_what_the_operator_says_of_it_is_done() -> None:
    rate = (100 << 20) // 10 // 4
    assert called(decide(IMAGE, after(image(), **said("slower")))) == SlowDownCall("vda", rate)
    slowed = sent(SlowDownCall("vda", rate), NOW - 1)
    assert isinstance(decide(IMAGE, after(image(), slowed, **said("slower"))), Wait)
    for word in ("together", "give-up"):
        assert called(decide(IMAGE, after(image(), **said(word)))) == BlockAbortCall("vda")
    assert isinstance(decide(IMAGE, after(image(), **said("go-on"))), Wait)
    later = decide(IMAGE, after(image(), now=NOW + 90, looked=NOW + 90, **said("go-on")))
    assert isinstance(later, Ask), "it is asked again, later"


def test_the_second_copy_is_synchronous_and_a_slowed_guest_is_let_go_before_the_end() -> None:
    calls = sent(BlockAbortCall("vda"), NOW - 4), sent(CopyRemoveCall("/pool/golden"), NOW - 3)
    over = {"told": job("copy", S.CANCELED), "answers": (Answered(KEY, "together", "me@here"),)}
    again = called(decide(IMAGE, after(image(), *calls, **over)))
    assert again == replace(PLAIN, synchronous=True)
    gone = {"told": job("copy", S.CANCELED), "answers": (Answered(KEY, "give-up", "me@here"),)}
    slowed = sent(SlowDownCall("vda", 9), NOW - 5)
    assert called(decide(IMAGE, after(image(), slowed, *calls, **gone))) == ReleaseCall("vda")
    released = sent(ReleaseCall("vda"), NOW - 2)
    end = decide(IMAGE, after(image(), slowed, *calls, released, **gone))
    ended(end, OperationStatus.CANCELLED, "is removed")


def against(request: ImageMake, uri: str = "qemu:///system", **changes: Any) -> list[str]:
    instance = web(**changes)
    known = State(
        hosts={"alpha": Host("alpha", uri, Link(LinkStatus.UP, 0.0))},
        instances={instance.key: instance},
        pools={POOL.key: POOL},
    )
    return [str(one) for one in checks.check(known, request)]


def test_what_libvirt_alone_cannot_do_is_refused_with_what_can_be() -> None:
    assert against(image()) == against(image(compressed=True)) == []
    far = "qemu+ssh://root@far/system"
    assert against(image(), far) == []
    assert "leave it out, or run virtdeck on alpha" in against(image(compressed=True), far)[0]
    assert "choose qcow2" in against(image(compressed=True, format="raw"))[0]
    assert "has no disk vdz: it has vda" in against(image(disk="vdz"))[0]
    quiesced = image(quiesce=True)
    assert "leave quiesce out" in against(quiesced, state=InstanceState.PAUSED)[0]
    assert "no guest agent channel" in against(quiesced, agent=AgentState.NONE)[0]
    rbd = Disk("vda", source=DiskSource("network", "rbd:a", protocol="rbd"))
    assert against(image(), disks=(rbd,)) == []
    assert "start it" in against(image(), disks=(rbd,), state=InstanceState.SHUTOFF)[0]


@pytest.mark.parametrize(("uri", "here"), [
    ("qemu:///system", True), ("qemu+unix:///session?socket=/x", True),
    ("qemu+ssh://far/system", False), ("qemu+tcp://127.0.0.1/system", False), ("", False),
])  # fmt: skip
def test_a_uri_that_names_no_host_is_this_machine(uri: str, here: bool) -> None:
    assert is_this_machine(uri) is here


def test_the_disk_it_boots_from_is_the_one_unless_another_is_named() -> None:
    cd, data, root = (
        Disk("sda", device="cdrom", source=TOP, boot_order=1),
        Disk("vda", source=TOP),
        Disk("vdb", source=TOP, boot_order=2),
    )
    assert chosen(web(disks=(cd, data, root)), "") == root
    assert chosen(web(disks=(cd, data)), "") == data
    assert chosen(web(disks=(cd, data, root)), "vda") == data
    assert chosen(web(disks=(cd,)), "") is None
