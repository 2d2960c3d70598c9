"""Volumes that are filled, read, wiped, resized and copied: what is sent, and what refuses it."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from msgspec.structs import replace

from core.model import InstanceState, OperationStatus, Pool, PoolState, State, Volume
from core.verbs.caution import Caution
from core.verbs.danger import danger
from core.verbs.preview import situation_of
from core.verbs.situation import Action, End, Progress, Send, Sent, Situation, Wait
from core.verbs.verb import Verb
from core.verbs.volume import (
    FROM_BEGINNING,
    DownloadLookCall,
    FileHere,
    StopTransferCall,
    Transferred,
    UploadLookCall,
    VolumeCloneCall,
    VolumeDownloadCall,
    VolumeResizeCall,
    VolumeUploadCall,
    VolumeWipeCall,
)
from core.verbs.volume_changing import (
    VOLUME_RESIZE,
    VOLUME_WIPE,
    ResizeVolume,
    WipeVolume,
)
from core.verbs.volume_cloning import VOLUME_CLONE, CloneVolume
from core.verbs.volume_creating import VOLUME_CREATE, CreateVolume
from core.verbs.volume_transferring import (
    VOLUME_DOWNLOAD,
    VOLUME_UPLOAD,
    DownloadVolume,
    UploadVolume,
)
from tests.unit.core.state.test_images import host, picture, pool, volume, web
from tests.verbs import check

GIB = 1 << 30
DISK = volume("disk", format="raw", type="file", capacity=2 * GIB)
OVER = volume("over", "disk")
ALONE = picture(host("alpha"), pool(), DISK)
UPLOAD, DOWNLOAD = UploadVolume(DISK.key, "~/a.raw"), DownloadVolume(DISK.key, "b.raw")
CHANGES = [UPLOAD, WipeVolume(DISK.key), ResizeVolume(DISK.key, "4G"),
           ResizeVolume(DISK.key, "1G", shrink=True)]  # fmt: skip


def situation(request: Any, *sent: Sent, state: State = ALONE, **more: Any) -> Situation:
    found = situation_of(state, request)
    return dataclasses.replace(found, progress=Progress(tuple(sent)), **more)


def decided(verb: Verb, request: Any, *sent: Sent, **more: Any) -> Action:
    assert verb.decide is not None
    return verb.decide(situation(request, *sent, **more))


def said_yes(call: Any, answer: Any = None) -> Sent:
    return Sent(call, 1.0, 2.0, answer=answer)


@pytest.mark.parametrize("request_", CHANGES)
def test_what_nothing_needs_may_be_changed(request_: Any) -> None:
    assert check(ALONE, request_) == ()


@pytest.mark.parametrize("request_", CHANGES)
@pytest.mark.parametrize(
    ("others", "who"),
    [
        ((web("disk"),), "web (vda)"),
        ((web("disk", state=InstanceState.RUNNING),), "web (vda)"),
        ((OVER, web("over")), "web (vda) through over"),
        ((OVER,), "over, which nobody uses and which lies over it"),
        ((host("beta"), pool("beta"), web("disk", where="beta")), "web on beta (vda)"),
    ],
)
def test_what_something_needs_is_left_alone_and_the_user_is_named(
    request_: Any, others: tuple[Any, ...], who: str
) -> None:
    (reason, *_) = check(picture(host("alpha"), pool(), DISK, *others), request_)
    assert reason.startswith(f"disk is needed: by {who}: ")


def test_one_in_use_is_grown_through_who_uses_it() -> None:
    state = picture(host("alpha"), pool(), DISK, web("disk"))
    (reason,) = check(state, ResizeVolume(DISK.key, "4G"))
    assert reason.endswith("let web grow it: `virtdeck resize alpha/web --grow vda=4G`.")


def test_doubt_is_told_before_something_is_lost_and_refuses_nothing() -> None:
    dark = pool(name="other", path="/o", state=PoolState.INACTIVE)
    state = picture(host("alpha"), pool(), DISK, dark)
    for request in (UPLOAD, WipeVolume(DISK.key), ResizeVolume(DISK.key, "1G", shrink=True)):
        assert check(state, request) == ()
        found = danger(state, request)
        assert (found.caution, found.word) == (Caution.TYPE, "disk")
        assert "Whether disk is needed is not known: what is in the pool other" in found.text


def test_a_file_is_looked_at_then_written_by_its_whole_path() -> None:
    look = UploadLookCall("images", "disk", "~/a.raw")
    first = decided(VOLUME_UPLOAD, UPLOAD)
    assert isinstance(first, Send)
    assert first.call == look
    found = said_yes(look, FileHere("/home/op/a.raw", GIB))
    second = decided(VOLUME_UPLOAD, UPLOAD, found)
    call = VolumeUploadCall("images", "disk", "/home/op/a.raw", over=True)
    assert isinstance(second, Send)
    assert second.call == call
    told = Transferred(GIB, 100 << 20, 2.0)
    end = decided(VOLUME_UPLOAD, UPLOAD, found, said_yes(call, told))
    assert isinstance(end, End)
    assert end.result == told
    assert end.outcome == (
        "images/disk holds ~/a.raw: 1.0 GiB, 100 MiB of it data, in 2.0 s (50 MiB/s)"
    )


def test_an_upload_is_ended_in_its_middle_and_never_repeated_by_itself() -> None:
    found = said_yes(UploadLookCall("images", "disk", "~/a.raw"), FileHere("/a.raw", GIB))
    call = VolumeUploadCall("images", "disk", "/a.raw", over=True)
    stop = decided(VOLUME_UPLOAD, UPLOAD, found, Sent(call, 2.0), calling=True, cancelled="enough")
    assert isinstance(stop, Send)
    assert stop.call == StopTransferCall()
    late = decided(VOLUME_UPLOAD, UPLOAD, found, Sent(call, 2.0))
    assert isinstance(late, End)
    assert late.status is OperationStatus.UNKNOWN
    assert "only a part of ~/a.raw may be left of it" in late.outcome
    assert late.hint == "Upload it again."


def part(at: int, reached: int | None, seconds: float = 1.0) -> Sent:
    call = VolumeUploadCall("images", "disk", "/a.raw", over=True, at=at, whole=2 * GIB)
    data = (reached or GIB) - at
    return said_yes(call, Transferred(GIB, data, seconds, at, reached))


LOOKED = said_yes(
    UploadLookCall("images", "disk", "~/a.raw"), FileHere("/a.raw", GIB, whole=2 * GIB)
)


def test_an_upload_goes_on_part_after_part_and_tells_them_as_one() -> None:
    first = part(0, 512 << 20)
    second = decided(VOLUME_UPLOAD, UPLOAD, LOOKED, first)
    assert isinstance(second, Send)
    assert second.call == replace(part(512 << 20, None).call, fresh=True)
    assert second.text == "writing ~/a.raw over images/disk, from 512 MiB on"
    away = decided(VOLUME_UPLOAD, UPLOAD, LOOKED, first, link_up=False)
    assert isinstance(away, Wait)
    end = decided(VOLUME_UPLOAD, UPLOAD, LOOKED, first, part(512 << 20, None))
    assert isinstance(end, End)
    assert end.result == Transferred(GIB, GIB, 2.0)
    asked = UploadVolume(DISK.key, "~/a.raw", 512 << 20)
    whole = decided(VOLUME_UPLOAD, asked, LOOKED, part(512 << 20, None))
    assert isinstance(whole, End)
    assert "1.0 GiB, the first 512 MiB of it from before, in 1.0 s (512 MiB/s)" in whole.outcome


def test_a_cancelled_upload_says_how_it_goes_on() -> None:
    end = decided(VOLUME_UPLOAD, UPLOAD, LOOKED, part(0, 512 << 20), cancelled="enough")
    assert isinstance(end, End)
    assert end.status is OperationStatus.CANCELLED
    assert end.hint == (
        "512 MiB of it are written. Go on there: `virtdeck volume upload alpha/images/disk "
        "--file /a.raw --offset 536870912`."
    )


def test_every_part_names_the_file_that_was_looked_at_and_another_is_begun_anew() -> None:
    looked = replace(LOOKED, answer=FileHere("/a.raw", GIB, 2 * GIB, "1.2.3"))
    first = decided(VOLUME_UPLOAD, UPLOAD, looked)
    assert isinstance(first, Send)
    told = said_yes(first.call, Transferred(GIB, GIB // 2, 1.0, 0, GIB // 2))
    second = decided(VOLUME_UPLOAD, UPLOAD, looked, told)
    assert isinstance(second, Send)
    signs = [one.call.sign for one in (first, second) if isinstance(one.call, VolumeUploadCall)]
    assert signs == ["1.2.3", "1.2.3"]
    other = Sent(second.call, 3.0, 4.0, "/a.raw is another file", FROM_BEGINNING)
    end = decided(VOLUME_UPLOAD, UPLOAD, looked, told, other)
    assert isinstance(end, End)
    assert end.status is OperationStatus.FAILED
    assert end.hint == FROM_BEGINNING, "half of one and half of another would be there"


@pytest.mark.parametrize("verb", [VOLUME_UPLOAD, VOLUME_DOWNLOAD])
def test_a_transfer_goes_on_once_the_lost_host_is_back(verb: Verb) -> None:
    if verb is VOLUME_UPLOAD:
        request: Any = UPLOAD
        before, call = (LOOKED, part(0, 512 << 20)), part(512 << 20, None).call
    else:
        request = DOWNLOAD
        look = DownloadLookCall("images", "disk", "b.raw")
        before = (said_yes(look, FileHere("/w/b.raw")),)
        call = VolumeDownloadCall("images", "disk", "/w/b.raw")
    lost = Sent(call, 2.0, 3.0, "the connection was lost", certain=False)
    waits = decided(verb, request, *before, lost, now=4.0, link_up=False)
    assert isinstance(waits, Wait)
    again = decided(verb, request, *before, lost, now=9.0)
    assert isinstance(again, Send)
    assert again.call == call
    assert again.text.endswith(", going on with it")
    twice = decided(verb, request, *before, lost, lost, now=9.0)
    assert isinstance(twice, Send)
    over = decided(verb, request, *before, lost, now=2000.0, link_up=False)
    assert isinstance(over, End)
    assert over.status is OperationStatus.UNKNOWN
    assert "Go on there" in over.hint or "it goes on where it was" in over.hint
    stopped = decided(verb, request, *before, lost, now=9.0, cancelled="enough")
    assert isinstance(stopped, End)


def test_the_next_part_is_not_sent_unasked_by_another_console() -> None:
    now = situation(UPLOAD, LOOKED, part(0, 512 << 20))
    adopted = replace(now.progress, adopted=9.0, first_adopted=9.0)
    assert VOLUME_UPLOAD.decide is not None
    end = VOLUME_UPLOAD.decide(dataclasses.replace(now, progress=adopted))
    assert isinstance(end, End)
    assert end.status is OperationStatus.UNKNOWN
    assert "--offset 536870912" in end.hint


def test_a_download_is_begun_anew_by_who_takes_it_over() -> None:
    found = said_yes(DownloadLookCall("images", "disk", "b.raw"), FileHere("/w/b.raw"))
    call = VolumeDownloadCall("images", "disk", "/w/b.raw")
    now = situation(DOWNLOAD, found, Sent(call, 2.0))
    adopted = replace(now.progress, adopted=9.0, first_adopted=9.0)
    assert VOLUME_DOWNLOAD.decide is not None
    again = VOLUME_DOWNLOAD.decide(dataclasses.replace(now, progress=adopted))
    assert isinstance(again, Send)
    assert again.call == call


def test_what_is_written_meanwhile_is_read_after_a_yes_alone() -> None:
    assert danger(ALONE, DOWNLOAD).caution is Caution.NONE
    running = picture(host("alpha"), pool(), DISK, web("disk", state=InstanceState.RUNNING))
    found = danger(running, DOWNLOAD)
    assert found.caution is Caution.CONFIRM
    assert "web (vda) writes to images/disk meanwhile" in found.text
    assert danger(picture(host("alpha"), pool(), DISK, web("disk")), DOWNLOAD).text == ""


def test_a_wipe_says_what_is_left() -> None:
    image = replace(DISK, format="qcow2")
    text = danger(picture(host("alpha"), pool(), image), WipeVolume(DISK.key)).text
    assert "What is left of images/disk (qcow2) is no image any more, but a raw file." in text
    assert "libvirt frees the blocks, and writes over none: images/disk." in text
    (step,) = VOLUME_WIPE.steps(situation(WipeVolume(DISK.key)))  # type: ignore[misc]
    assert step.call == VolumeWipeCall("images", "disk")


def test_a_volume_shrinks_only_where_that_is_asked_for() -> None:
    (reason,) = check(ALONE, ResizeVolume(DISK.key, "1G"))
    assert reason == (
        "disk has 2.0 GiB, and never shrinks unasked: give more than that, or shrink it to "
        "1.0 GiB (`--shrink`)."
    )
    cut = ResizeVolume(DISK.key, "1G", shrink=True)
    assert danger(ALONE, cut).caution is Caution.TYPE
    assert "Cuts images/disk off at 1.0 GiB: what lies beyond is lost." in danger(ALONE, cut).text
    assert danger(ALONE, ResizeVolume(DISK.key, "4G", shrink=True)).caution is Caution.NONE
    (step,) = VOLUME_RESIZE.steps(situation(cut))  # type: ignore[misc]
    assert step.call == VolumeResizeCall("images", "disk", GIB, shrink=True, unused=True)
    (same,) = check(ALONE, ResizeVolume(DISK.key, "2G"))
    assert "has 2.0 GiB already" in same


def test_a_pool_of_devices_has_room_or_says_so() -> None:
    vg = Pool("alpha", "p-images", "images", "logical", PoolState.ACTIVE, "/dev/vg", available=GIB)
    state = picture(host("alpha"), vg, replace(DISK, path="/dev/vg/disk"))
    (reason,) = check(state, ResizeVolume(DISK.key, "4G"))
    assert reason == "images has 1.0 GiB left: give less."


@pytest.mark.parametrize("of_files", [True, False])
def test_a_pool_of_files_that_has_less_free_is_warned_of_and_taken(of_files: bool) -> None:
    kind = "dir" if of_files else "logical"
    small = Pool("alpha", "p-images", "images", kind, PoolState.ACTIVE, "/i", available=GIB)
    state = picture(host("alpha"), small, replace(DISK, allocation=GIB))
    fits = [CreateVolume(small.key, "new", "1G"), ResizeVolume(DISK.key, "2G")]
    assert [danger(state, one).warnings for one in fits] == ["", ""]
    asked = [CreateVolume(small.key, "new", "4G"), ResizeVolume(DISK.key, "4G")]
    assert [bool(check(state, one)) for one in asked] == [not of_files] * 2
    made, grown = (danger(state, one) for one in asked)
    assert [one.caution for one in (made, grown)] == [Caution(of_files)] * 2
    if of_files:
        assert made.warnings == (
            "The pool images has 1.0 GiB free, and new may come to take 4.0 GiB: once the pool is "
            "full its guest is paused, or gets I/O errors."
        )
        assert "disk may come to take 3.0 GiB more" in grown.warnings


@pytest.mark.parametrize("of_files", [True, False])
def test_a_copy_into_a_pool_that_has_less_free_is_warned_of_or_refused(of_files: bool) -> None:
    kind = "dir" if of_files else "logical"
    small = Pool("alpha", "p-small", "small", kind, PoolState.ACTIVE, "/s", available=GIB)
    known = picture(host("alpha"), pool(), small, DISK)
    there = CloneVolume(DISK.key, "copy", "small")
    told = [str(one) for one in check(known, there)]
    assert told == ([] if of_files else ["small has 1.0 GiB left: give less."])
    warned = danger(known, there)
    assert warned.caution is (Caution.KEY if of_files else Caution.NONE)
    begins = "The pool small has 1.0 GiB free, and copy may come to take 2.0 GiB: "
    assert warned.warnings.startswith(begins if of_files else "")
    assert danger(known, CloneVolume(DISK.key, "copy")).warnings == ""


def test_a_copy_is_made_beside() -> None:
    request = CloneVolume(DISK.key, "copy")
    (step,) = VOLUME_CLONE.steps(situation(request))  # type: ignore[misc]
    assert step.call == VolumeCloneCall("images", "copy", "images/disk", "raw")
    assert step.undo is None
    (reason,) = check(ALONE, CloneVolume(DISK.key, "disk"))
    assert reason.startswith("The pool images has a volume disk already")
    running = picture(host("alpha"), pool(), DISK, web("disk", state=InstanceState.RUNNING))
    (reason,) = check(running, request)
    assert "disk is written to by web (vda): copy the disk as it is at one moment" in reason
    assert check(picture(host("alpha"), pool(), DISK, OVER), request) == ()


@pytest.mark.parametrize(
    "lost",
    [
        Sent(VolumeCloneCall("images", "copy", "images/disk", "raw"), 1.0),
        Sent(
            *(VolumeCloneCall("images", "copy", "images/disk", "raw"), 1.0, 2.0),
            *("the link was lost", "Connect.", False),
        ),
    ],
)
def test_a_copy_whose_answer_was_lost_is_named_and_never_deleted(lost: Sent) -> None:
    request = CloneVolume(DISK.key, "copy")
    there = frozenset({("images", "copy")})
    now = situation(request, lost, now=200.0, looked=199.0, volumes=there)
    adopted = replace(now.progress, adopted=100.0, first_adopted=100.0)
    assert VOLUME_CLONE.decide is not None
    end = VOLUME_CLONE.decide(dataclasses.replace(now, progress=adopted))
    assert isinstance(end, End)
    assert end.status is OperationStatus.UNKNOWN
    assert "images/copy may be what it made, or what another made" in end.outcome
    assert "Look at images/copy" in end.hint
    full = Sent(lost.call, 1.0, 2.0, "no space left.")
    refused = decided(VOLUME_CLONE, request, full)
    assert isinstance(refused, End)
    assert (refused.status, refused.outcome) == (OperationStatus.FAILED, "no space left")
    whole = decided(VOLUME_CLONE, request, said_yes(lost.call))
    assert isinstance(whole, End)
    assert (whole.status, whole.outcome) == (
        OperationStatus.DONE,
        "images/copy is a copy of images/disk",
    )


@pytest.mark.parametrize("there", [True, False])
@pytest.mark.parametrize("error", ["the link was lost", ""], ids=["link", "console"])
def test_a_new_volume_whose_answer_was_lost_may_be_of_another(there: bool, error: str) -> None:
    """libvirt's refusal, for the name is taken, may be the answer that was lost."""
    request = CreateVolume(pool().key, "data.raw", "1G")
    (step,) = VOLUME_CREATE.steps(situation(request))  # type: ignore[misc]
    ended = 2.0 if error else None
    lost = Sent(step.call, 1.0, ended, error, "", certain=False)
    seen = frozenset({("images", "data.raw")} if there else ())
    assert isinstance(decided(VOLUME_CREATE, request, lost, now=3.0, volumes=seen), Wait)
    away = decided(VOLUME_CREATE, request, lost, now=30.0, volumes=seen, link_up=False)
    assert isinstance(away, Wait)
    end = decided(VOLUME_CREATE, request, lost, now=200.0, looked=199.0, volumes=seen)
    assert isinstance(end, End)
    if not there:
        assert end.status is OperationStatus.FAILED
        assert end.outcome.startswith("making data.raw in images did not take effect")
        return
    assert end.status is OperationStatus.UNKNOWN
    assert "images/data.raw may be what it made, or what another made" in end.outcome
    assert end.hint.startswith("Look at images/data.raw: delete it only where it is yours")


def test_a_volume_of_another_pool_keeps_its_name_in_the_call() -> None:
    other = Volume("alpha", "p-other", "other", "x", "/o/x", "file", "qcow2", GIB)
    state = picture(host("alpha"), pool(), pool(name="other", path="/o"), other)
    (step,) = VOLUME_CLONE.steps(  # type: ignore[misc]
        situation(CloneVolume(other.key, "y", "images", "raw"), state=state)
    )
    assert step.call == VolumeCloneCall("images", "y", "other/x", "raw")


@pytest.mark.parametrize(
    ("pool_type", "size", "text"),
    [
        ("logical", "4G", "images has 1.0 GiB left: give less."),
        ("zfs", "4G", "images has 1.0 GiB left: give less."),
        ("dir", "9999999T", "9.5 EiB are more than QEMU's images hold: give 2.0 PiB at most."),
    ],
)
def test_a_new_volume_that_no_pool_holds_is_refused(pool_type: str, size: str, text: str) -> None:
    small = Pool("alpha", "p", "images", pool_type, PoolState.ACTIVE, "/i", available=GIB)
    state = picture(host("alpha"), small)
    assert check(state, CreateVolume(small.key, "new", size)) == (text,)


def test_a_cure_that_names_a_pool_names_its_host() -> None:
    off = Pool("alpha", "p", "images", "dir", PoolState.INACTIVE, "/i")
    (reason, *_) = check(picture(host("alpha"), off), CreateVolume(off.key, "new", "1G"))
    assert reason.endswith("start it: `virtdeck pool start alpha/images`.")
