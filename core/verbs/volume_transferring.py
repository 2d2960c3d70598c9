"""Volumes are filled from files of this machine, and read into them. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from shlex import quote
from typing import Annotated, ClassVar

from msgspec import Meta

from core.model import Request, State, Volume
from core.model.lists import listed
from core.model.sizes import size_words
from core.model.text import clean
from core.verbs.caution import Caution
from core.verbs.parameter import PATH_BYTES, parameter
from core.verbs.refusal import Refusal
from core.verbs.sequence import Step
from core.verbs.situation import Sent, Situation
from core.verbs.transfers import moved_words, transfer, written
from core.verbs.verb import Risk, Subjects, Verb
from core.verbs.volume import (
    FROM_BEGINNING,
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
    offset: Annotated[
        int,
        parameter(
            "Go on at this byte, where one was ended: if the volume has not what the file has "
            "before, it begins anew.",
            least=0,
            unit="bytes",
            advanced=True,
        ),
    ] = 0


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
    found = _looked(now)
    return given if found is None else found.path


def _looked(now: Situation) -> FileHere | None:
    """Return what was found of the file; None: not looked at yet."""
    return next((one.answer for one in now.sent if isinstance(one.answer, FileHere)), None)


def _parts(now: Situation) -> list[Sent]:
    """Return the parts of an upload that were sent, without those that were gone on with."""
    sent = [one for one in now.sent if isinstance(one.call, VolumeUploadCall)]
    return [one for one in sent if one.accepted or one is sent[-1]]


def _upload(now: Situation) -> list[Step]:
    request, (pool, name) = now.request, _place(now)
    assert isinstance(request, UploadVolume)
    look = UploadLookCall(pool, name, request.file)
    shown, place = clean(request.file), clean(f"{pool}/{name}")
    calls = [one.call for one in _parts(now) if isinstance(one.call, VolumeUploadCall)]
    if (begins := _next_part(now)) is not None:
        found = _looked(now)
        whole = 0 if found is None else found.whole
        file = _file(now, request.file)
        fresh = bool(calls) and now.last.at >= (now.progress.adopted or 0.0)
        sign = "" if found is None else found.sign
        more = VolumeUploadCall(pool, name, file, True, begins, whole, fresh, sign)
        calls.append(more)
    return [
        Step(look, f"looking whether {shown} fits {place}"),
        *(
            Step(
                call,
                f"writing {shown} over {place}{_from(call.at)}",
                leaves=f"only a part of {shown}",
                abort=StopTransferCall(),
            )
            for call in calls
        ),
    ]


def _from(at: int) -> str:
    return f", from {size_words(at)} on" if at else ""


def _next_part(now: Situation) -> int | None:
    """Return where the next part of an upload begins; None: all were sent."""
    sent = _parts(now)
    if not sent:
        return now.request.offset if isinstance(now.request, UploadVolume) else 0
    answer = sent[-1].answer
    return answer.reached if isinstance(answer, Transferred) else None


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


def _uploaded(now: Situation) -> str:
    assert isinstance(now.request, UploadVolume)
    return f"{clean('/'.join(_place(now)))} holds {clean(now.request.file)}{moved_words(now)}"


def _downloaded(now: Situation) -> str:
    assert isinstance(now.request, DownloadVolume)
    file = clean(_file(now, now.request.to))
    return f"{clean('/'.join(_place(now)))} is in {file}{moved_words(now)}"


def _upload_again(now: Situation) -> str:
    """Say how an upload goes on that was cut off: of another file no part is gone on with."""
    if any(one.hint == FROM_BEGINNING for one in now.sent):
        return FROM_BEGINNING
    if not (reached := written(now)) or not isinstance(now.request, UploadVolume):
        return "Upload it again."
    place = clean("/".join((now.request.subject.host, *_place(now))))
    file = clean(_file(now, now.request.file))
    return (
        f"{size_words(reached)} of it are written. Go on there: `virtdeck volume upload "
        f"{quote(place)} --file {quote(file)} --offset {reached}`."
    )


def _download_again(_: Situation) -> str:
    return "Ask for it again: it goes on where it was, unless the volume was written to since."


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
    decide=transfer(_upload, _uploaded, (VolumeUploadCall, _upload_again)),
    steps=_upload,
    calls=(UploadLookCall, VolumeUploadCall, StopTransferCall),
    waits=True,
    refusals=_against_upload,
    single=True,
    risk=Risk(Caution.TYPE, _overwrites, after=_overwritten),
    cancelled="The volume then holds a part of the file, with which another upload may go on.",
)
VOLUME_DOWNLOAD = Verb(
    DownloadVolume,
    title="Download",
    help="Read a volume into a file of this machine, which has its name once it is whole.",
    doing="being read",
    group="volume",
    key="o",
    subject="volume",
    decide=transfer(_download, _downloaded, (VolumeDownloadCall, _download_again)),
    steps=_download,
    calls=(DownloadLookCall, VolumeDownloadCall, StopTransferCall),
    waits=True,
    single=True,
    risk=Risk(raised=_caution, after=_written_meanwhile),
    cancelled="What was read is kept beside the file, for another download to go on with.",
)
VERBS = (VOLUME_UPLOAD, VOLUME_DOWNLOAD)
