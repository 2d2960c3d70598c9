"""Volumes are filled from files of this machine, and read into them. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Annotated, ClassVar

from msgspec import Meta

from core.model import OperationStatus, Request, State, Volume
from core.model.lists import listed
from core.model.sizes import rate_words, size_words
from core.model.text import clean
from core.verbs.call import Call
from core.verbs.caution import Caution
from core.verbs.parameter import PATH_BYTES, parameter
from core.verbs.refusal import Refusal
from core.verbs.sequence import Step, Steps, sequence
from core.verbs.situation import Action, Decide, End, Situation
from core.verbs.verb import Risk, Subjects, Verb
from core.verbs.volume import (
    DownloadLookCall,
    FileHere,
    StopTransferCall,
    Transferred,
    UploadLookCall,
    VolumeDownloadCall,
    VolumeUploadCall,
)
from core.verbs.volume_use import against_using, doubts, place_of, sizes_in, writers


def _path(help_: str) -> Meta:
    return parameter(
        help_,
        pattern=r"[^\x00-\x1f\x7f-\x9f]+",
        shape="the path of a file",
        longest=PATH_BYTES,
        label="file",
    )


class UploadVolume(Request, frozen=True):
    """Write a file of this machine over a volume (virStorageVolUpload)."""

    verb: ClassVar[str] = "volume-upload"
    file: Annotated[str, _path("The file on this machine: an image of the volume's format.")]


class DownloadVolume(Request, frozen=True):
    """Read a volume into a file of this machine (virStorageVolDownload)."""

    verb: ClassVar[str] = "volume-download"
    to: Annotated[str, _path("The file on this machine, which must not exist yet.")]


def _place(now: Situation) -> tuple[str, str]:
    """Return the pool and the name of the volume, by its first call where it is gone."""
    if isinstance(now.subject, Volume):
        return now.subject.pool_name, now.subject.name
    calls = [one.call for one in now.sent]
    named = [one for one in calls if isinstance(one, UploadLookCall | DownloadLookCall)]
    return (named[0].pool, named[0].name) if named else ("", now.name)


def _file(now: Situation, given: str) -> str:
    """Return a file's path from the root on, once it was looked at."""
    found = [one.answer for one in now.sent if isinstance(one.answer, FileHere)]
    return found[0].path if found else given


def _upload(now: Situation) -> list[Step]:
    request, (pool, name) = now.request, _place(now)
    assert isinstance(request, UploadVolume)
    look = UploadLookCall(pool, name, request.file)
    call = VolumeUploadCall(pool, name, _file(now, request.file), over=True)
    shown, place = clean(request.file), clean(f"{pool}/{name}")
    return [
        Step(look, f"looking whether {shown} fits {place}"),
        Step(
            call,
            f"writing {shown} over {place}",
            leaves=f"only a part of {shown}",
            abort=StopTransferCall(),
        ),
    ]


def _download(now: Situation) -> list[Step]:
    request, (pool, name) = now.request, _place(now)
    assert isinstance(request, DownloadVolume)
    look = DownloadLookCall(pool, name, request.to)
    call = VolumeDownloadCall(pool, name, _file(now, request.to))
    shown, place = clean(call.file), clean(f"{pool}/{name}")
    return [
        Step(look, f"looking whether {shown} can be written"),
        Step(call, f"reading {place} into {shown}", abort=StopTransferCall()),
    ]


def _moved(now: Situation) -> str:
    """Say how much went over, and how fast; empty where nobody heard."""
    found = [one.answer for one in now.sent if isinstance(one.answer, Transferred)]
    if not found or not found[-1].seconds:
        return ""
    told = found[-1]
    data = "" if told.data >= told.bytes else f", {size_words(told.data)} of it data"
    speed = rate_words(told.data / told.seconds)
    return f": {size_words(told.bytes)}{data}, in {told.seconds:.1f} s ({speed})"


def _uploaded(now: Situation) -> str:
    assert isinstance(now.request, UploadVolume)
    return f"{clean('/'.join(_place(now)))} holds {clean(now.request.file)}{_moved(now)}"


def _downloaded(now: Situation) -> str:
    assert isinstance(now.request, DownloadVolume)
    file = clean(_file(now, now.request.to))
    return f"{clean('/'.join(_place(now)))} is in {file}{_moved(now)}"


def _transfer(
    steps: Steps, outcome: Callable[[Situation], str], call: type[Call], then: str
) -> Decide:
    """Return the decisions of a transfer: what it has brought is told with its end."""
    decide = sequence(steps, outcome)

    def decided(now: Situation) -> Action:
        action = decide(now)
        if not isinstance(action, End):
            return action
        answers = [one.answer for one in now.sent if isinstance(one.answer, Transferred)]
        if action.status is OperationStatus.DONE and answers:
            return replace(action, result=answers[-1])
        begun = any(isinstance(one.call, call) for one in now.sent)
        unsure = action.status is OperationStatus.UNKNOWN
        return replace(action, hint=then) if begun and unsure else action

    return decided


def _against_upload(state: State, request: Request, _: str) -> Iterator[Refusal]:
    if (volume := state.volumes.get(request.subject)) is not None:
        yield from against_using(state, volume, "detach it there first, or take another volume")


def _overwrites(_: Request, subjects: Subjects) -> str:
    what = "what is in them is" if subjects.many else "what is in it is"
    return f"Writes over {subjects.whom}: {what} lost."


def _overwritten(state: State, requests: Sequence[Request]) -> list[str]:
    return [*sizes_in("Overwritten", state, requests), *doubts(state, requests)]


def _written_meanwhile(state: State, requests: Sequence[Request]) -> list[str]:
    """Name who writes to what is read: the file is then of no one moment."""
    told = []
    for request in requests:
        if (volume := state.volumes.get(request.subject)) is None:
            continue
        names = [f"{clean(one.name)} ({clean(target)})" for one, target in writers(state, volume)]
        if names:
            verb = "write" if len(names) > 1 else "writes"
            told.append(
                f"{listed(names)} {verb} to {place_of(volume)} meanwhile: the file may be of no "
                "use. `virtdeck image` copies a disk as it is at one moment."
            )
    return told


def _caution(state: State, request: Request) -> Caution:
    return Caution.CONFIRM if _written_meanwhile(state, (request,)) else Caution.NONE


VOLUME_UPLOAD = Verb(
    UploadVolume,
    title="Upload",
    help="Write a file of this machine over a volume that nothing needs.",
    doing="being written to",
    group="volume",
    key="u",
    subject="volume",
    decide=_transfer(_upload, _uploaded, VolumeUploadCall, "Upload it again."),
    steps=_upload,
    calls=(UploadLookCall, VolumeUploadCall, StopTransferCall),
    waits=True,
    refusals=_against_upload,
    single=True,
    risk=Risk(Caution.TYPE, _overwrites, after=_overwritten),
    cancelled="The volume then holds a part of the file.",
)
VOLUME_DOWNLOAD = Verb(
    DownloadVolume,
    title="Download",
    help="Read a volume into a file of this machine, which has its name once it is whole.",
    doing="being read",
    group="volume",
    key="o",
    subject="volume",
    decide=_transfer(_download, _downloaded, VolumeDownloadCall, "Ask for it again."),
    steps=_download,
    calls=(DownloadLookCall, VolumeDownloadCall, StopTransferCall),
    waits=True,
    single=True,
    risk=Risk(raised=_caution, after=_written_meanwhile),
    cancelled="Nothing of the file is left.",
)
VERBS = (VOLUME_UPLOAD, VOLUME_DOWNLOAD)
