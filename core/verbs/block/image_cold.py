"""The image of an instance that is off: libvirt writes its disk anew. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.model import DiskSource
from core.model.text import clean
from core.verbs.block.calls import PoolLookCall
from core.verbs.block.following import refused
from core.verbs.block.image_calls import CompressCall, CompressCheckCall, FileCloneCall
from core.verbs.block.outcome import pool_of
from core.verbs.part import part_of
from core.verbs.sequence import LONG
from core.verbs.situation import Action, Send, Sent, Situation, Wait, done, failed, unknown

if TYPE_CHECKING:
    from core.verbs.block.image import ImageMake


def cold(now: Situation, request: ImageMake, source: DiskSource, path: str) -> Action:
    """Decide about an image of an instance that was off when it was begun."""
    if now.calling:
        return Wait(now.now + LONG)
    writing = next(
        (one for one in now.sent if isinstance(one.call, FileCloneCall | CompressCall)), None
    )
    if writing is None:
        return _begin(now, request, source, path)
    if refused(writing):
        return failed(writing.error, writing.hint)
    if writing.accepted:
        return _shown(now, path)
    return _unheard(now, writing, path)


def _begin(now: Situation, request: ImageMake, source: DiskSource, path: str) -> Action:
    if now.cancelled:
        return failed("nothing was written")
    text = f"writing the image of {now.name} to {clean(path)}"
    if not request.compressed:
        call = FileCloneCall(source.path, path, request.format, source.format or "raw")
        return Send(call, text)
    if not now.sent:
        return Send(CompressCheckCall(path), f"looking whether {clean(path)} can be written here")
    if refused(now.last):
        return failed(now.last.error, now.last.hint)
    return Send(CompressCall(source.path, source.format or "raw", path, part_of(now)), text)


def _unheard(now: Situation, writing: Sent, path: str) -> Action:
    """Decide about a file of which nobody heard whether it was written whole."""
    if writing.call.repeatable and writing.at < (now.progress.adopted or 0.0):
        return Send(writing.call, f"writing {clean(path)}, once more", instead=True)
    return unknown(
        f"whether {clean(path)} was written whole is not known",
        "Remove it, and ask for it again.",
    )


def _shown(now: Situation, path: str) -> Action:
    pool = pool_of(now, path)
    if pool and now.link_up and all(not isinstance(one.call, PoolLookCall) for one in now.sent):
        return Send(PoolLookCall(pool), f"having the pool {clean(pool)} look at it")
    return done(f"{clean(path)} is the disk of {now.name} as it is")
