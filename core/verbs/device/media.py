"""What lies in a drive: another medium, or none. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, ClassVar

from core.model import Instance, ObjectKey, Request, State
from core.model.lists import listed
from core.model.text import clean
from core.verbs.applied import Applied, When, affects, against_when, before, shown
from core.verbs.create.machine import disk_at
from core.verbs.create.site import Site, against_volume, site_in, site_of
from core.verbs.device.sharing import Access, against_users
from core.verbs.parameter import PATH_BYTES, parameter
from core.verbs.refusal import Refusal, RefusalCode
from core.verbs.sequence import Step
from core.verbs.situation import Situation

DRIVES = ("cdrom", "floppy")


class ChangeMedia(Request, frozen=True):
    """Put another medium into a drive, or take it out (virDomainUpdateDeviceFlags)."""

    verb: ClassVar[str] = "change-media"
    drive: Annotated[str, parameter("The drive, by its target.", source="disks")]
    medium: Annotated[
        str,
        parameter(
            "POOL/VOLUME, or the path of a file on the host; empty: none, it is taken out.",
            longest=PATH_BYTES,
            source="volumes",
            place=True,
            typed=True,
        ),
    ] = ""
    force: Annotated[bool, parameter("Even if its guest has locked the tray.", advanced=True)] = (
        False
    )
    when: When = "both"


class ChangeMediaCall(Applied, frozen=True):
    """virDomainUpdateDeviceFlags of a drive, with another source or none."""

    repeatable: ClassVar[bool] = True
    drive: str
    source: str
    """The path; empty: none."""
    type: str
    """file, block."""
    force: bool

    def virsh(self, name: str) -> tuple[str, ...]:
        """`virsh change-media`."""
        how = ("--update", self.source) if self.source else ("--eject",)
        force = ("--force",) if self.force else ()
        return ("change-media", name, self.drive, *how, *force, *self.affected())


def steps(now: Situation) -> list[Step]:
    """Return the one call."""
    request = now.request
    assert isinstance(request, ChangeMedia)
    live, config = affects(now, request.when)
    new = disk_at(site_of(now), request.medium, "cdrom") if request.medium else None
    source, kind = ("", "file") if new is None else (new.source, new.type)
    call = ChangeMediaCall(live, config, request.drive, source, kind, request.force)

    def fits(instance: Instance) -> bool:
        return _medium_of(instance, request.drive) == source

    doing = f"putting {clean(request.medium)} into" if request.medium else "emptying"
    return [Step(call, f"{doing} {request.drive} of {now.name}", shown(call, fits))]


def _medium_of(instance: Instance, target: str) -> str:
    disk = next((one for one in instance.disks if one.target == target), None)
    return "" if disk is None or disk.source is None else disk.source.path


def outcome(now: Situation) -> str:
    """Say what is so then."""
    request = now.request
    assert isinstance(request, ChangeMedia)
    what = f"{clean(request.medium)} is in" if request.medium else "nothing is in"
    live, _ = affects(now, request.when)
    later = "" if live else ", from its next start on"
    return f"{what} {request.drive} of {now.name}{later}"


def undo(now: Situation) -> Request | None:
    """Return what puts the medium back that was in it; None: it is not known, or the same."""
    request = now.request
    assert isinstance(request, ChangeMedia)
    was = before(now, request.when, lambda one: _medium_of(one, request.drive))
    if was is None or was == request.medium:
        return None
    return ChangeMedia(request.subject, request.drive, was, request.force, request.when)


def volumes_of(state: State, request: Request) -> Iterable[ObjectKey]:
    """Return the medium: its path is to be known."""
    assert isinstance(request, ChangeMedia)
    volume = site_in(state, request.subject.host).volume(request.medium)
    return () if volume is None else (volume.key,)


def against(state: State, request: Request, but: str) -> Iterator[Refusal]:
    """Tell why a medium cannot be put in."""
    assert isinstance(request, ChangeMedia)
    instance = state.instances.get(request.subject)
    if instance is None:
        return
    yield from against_when(state, request, but)
    drives = [one.target for one in instance.disks if one.device in DRIVES]
    if instance.described and request.drive not in drives:
        text = f"{instance.name} has no drive {clean(request.drive)}"
        has = f"it has {listed(drives)}" if drives else "it has none: attach one by `edit`"
        yield Refusal(RefusalCode.PARAMETER, text, has, "drive")
    if request.medium:
        site = site_in(state, request.subject.host)
        yield from against_volume(site, request.medium, "medium")
        yield from _against_image(site, request)
        places = (disk_at(site, request.medium, "cdrom").source, request.medium)
        yield from against_users(state, instance, places, Access("read-only", "medium"))


def _against_image(site: Site, request: ChangeMedia) -> Iterator[Refusal]:
    volume = site.volume(request.medium)
    known = "" if volume is None else volume.format
    if known not in ("", "raw", "iso", "dir", "unknown"):
        text = f"{clean(request.medium)} is {known}: a guest reads a medium as it is"
        yield Refusal(RefusalCode.PARAMETER, text, "take an ISO image, or a raw one", "medium")
