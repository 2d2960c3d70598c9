"""The calls of a cold migration: each names both hosts, and is made at one of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Literal

from msgspec.structs import replace

from core.model.base import Value
from core.model.cold_move import ColdMove, MovedVolume
from core.verbs.answer import CallAnswer
from core.verbs.call import Call


class DiskCopy(Value, frozen=True):
    """A disk that is copied, and where its copy is."""

    target: str
    """vda, sdb..."""
    original: str
    """As its definition names it: a path, or POOL/VOLUME."""
    pool: str
    """Of the destination, by name."""
    name: str
    """Of the volume there."""
    path: str
    """Of that volume."""
    format: str = "raw"


class BetweenCall(Call, frozen=True):
    """A call of an operation on two hosts."""

    side: ClassVar[Literal["source", "destination"]] = "source"
    """Where it is made."""
    source: str
    """The hosts, by name."""
    destination: str
    move: str
    """The id of the move (`core.model.cold_move.ColdMove`): nothing else's mark is touched."""

    @property
    def host(self) -> str:
        """Where it is made."""
        return self.source if self.side == "source" else self.destination

    @property
    def hosts(self) -> tuple[str, ...]:
        """Both: what is done at one is decided by what the other has."""
        return (self.source, self.destination)

    def renamed(self, named: Callable[[str], str]) -> Call:
        """Return it with the names its hosts have here."""
        return replace(self, source=named(self.source), destination=named(self.destination))


class Forgotten(CallAnswer, frozen=True):
    """What a host forgot with a definition."""

    checkpoints: tuple[str, ...] = ()
    """Their bitmaps stay in the images."""


class HoldCall(BetweenCall, frozen=True):
    """virDomainSetMetadata and virDomainSetAutostart at the source: marked, and never by itself.

    It has all that is done later: a console that takes over goes by it.
    """

    repeatable: ClassVar[bool] = True
    autostart: bool
    """Whether it started with its host."""
    document: str
    """Its definition at the destination, without secrets and without a mark."""
    copies: tuple[DiskCopy, ...] = ()
    """The disks that are copied; the others are shared."""

    def virsh(self, name: str) -> tuple[str, ...]:
        """`virsh metadata`; `virsh autostart --disable` is the other half."""
        from core.xml.cold_mark import COLD, PREFIX, mark_xml

        own = tuple(MovedVolume(one.original) for one in self.copies)
        mark = ColdMove(self.move, "source", self.destination, self.autostart, volumes=own)
        return ("metadata", name, COLD, "--config", "--key", PREFIX, "--set", mark_xml(mark))


class MakeCopyCall(BetweenCall, frozen=True):
    """virStorageVolCreateXML at the destination: the volume that a copy is written to."""

    side: ClassVar[Literal["source", "destination"]] = "destination"
    long: ClassVar[bool] = True
    copy: DiskCopy

    @property
    def volume(self) -> tuple[str, str]:
        """Of the destination."""
        return self.copy.pool, self.copy.name


class CopyDiskCall(BetweenCall, frozen=True):
    """virStorageVolDownload at the source, virStorageVolUpload at the destination.

    Through this console; holes stay holes where libvirt can.
    """

    long: ClassVar[bool] = True
    copy: DiskCopy
    verify: bool = True
    """The copy is read back, and compared."""


class GrowCopyCall(BetweenCall, frozen=True):
    """virStorageVolResize of a copy at the destination."""

    side: ClassVar[Literal["source", "destination"]] = "destination"
    repeatable: ClassVar[bool] = True
    path: str
    """POOL/VOLUME."""
    capacity: int
    """Bytes."""

    def virsh(self, _: str) -> tuple[str, ...]:
        """`virsh vol-resize`."""
        pool, _, name = self.path.partition("/")
        return ("vol-resize", name, str(self.capacity), "--pool", pool)


class DropCopyCall(BetweenCall, frozen=True):
    """virStorageVolDelete of a copy at the destination, unless an instance there uses it."""

    side: ClassVar[Literal["source", "destination"]] = "destination"
    repeatable: ClassVar[bool] = True
    path: str
    """As the disk named it: a path, or POOL/VOLUME."""

    def virsh(self, _: str) -> tuple[str, ...]:
        """`virsh vol-delete`."""
        return vol_delete(self.path)


class DropOriginalCall(BetweenCall, frozen=True):
    """virStorageVolDelete of what was copied, at the source, unless an instance there uses it."""

    repeatable: ClassVar[bool] = True
    path: str

    def virsh(self, _: str) -> tuple[str, ...]:
        """`virsh vol-delete`."""
        return vol_delete(self.path)


def unmarked(name: str) -> tuple[str, ...]:
    """Return how virsh takes the mark of a move out of a definition."""
    from core.xml.cold_mark import COLD

    return ("metadata", name, COLD, "--config", "--remove")


def undefine(name: str) -> tuple[str, ...]:
    """Return how virsh removes a definition, and leaves what lies beside it."""
    return ("undefine", name, "--keep-nvram", "--checkpoints-metadata")


def vol_delete(path: str) -> tuple[str, ...]:
    """Return how virsh deletes a volume, by its path or as POOL/VOLUME."""
    if path.startswith("/"):
        return ("vol-delete", path)
    pool, _, name = path.partition("/")
    return ("vol-delete", name, "--pool", pool)


class UnholdCall(BetweenCall, frozen=True):
    """virDomainSetMetadata: the mark at the source is taken away, and autostart is as it was."""

    repeatable: ClassVar[bool] = True

    def virsh(self, name: str) -> tuple[str, ...]:
        """`virsh metadata --remove`."""
        return unmarked(name)


class ArriveCall(BetweenCall, frozen=True):
    """virDomainDefineXMLFlags at the destination, marked; with the secrets of the source's."""

    side: ClassVar[Literal["source", "destination"]] = "destination"
    repeatable: ClassVar[bool] = True
    xml: str
    """Without its secrets, with its mark."""
    autostart: bool

    @property
    def text(self) -> str:
        """The XML."""
        return self.xml

    def virsh(self, _: str) -> tuple[str, ...]:
        """`virsh define`."""
        return ("define", "FILE", "--validate")


class LeaveCall(BetweenCall, frozen=True):
    """virDomainUndefineFlags at the destination: not while it runs there, and only if marked."""

    side: ClassVar[Literal["source", "destination"]] = "destination"
    repeatable: ClassVar[bool] = True
    answers: ClassVar[type[CallAnswer] | None] = Forgotten
    discard: bool = False
    """Also where a copied disk was written to since."""
    volumes: tuple[str, ...] = ()
    """What is deleted next: the definition no longer tells it then."""

    def virsh(self, name: str) -> tuple[str, ...]:
        """`virsh undefine`."""
        return undefine(name)


class ForgetCall(BetweenCall, frozen=True):
    """virDomainUndefineFlags at the source, once the move is confirmed: only if marked."""

    repeatable: ClassVar[bool] = True
    answers: ClassVar[type[CallAnswer] | None] = Forgotten
    volumes: tuple[str, ...] = ()
    """What is deleted next: the definition no longer tells it then."""

    def virsh(self, name: str) -> tuple[str, ...]:
        """`virsh undefine`."""
        return undefine(name)


class SettleCall(BetweenCall, frozen=True):
    """virDomainSetMetadata: the mark at the destination is taken away: it is at home there."""

    side: ClassVar[Literal["source", "destination"]] = "destination"
    repeatable: ClassVar[bool] = True

    def virsh(self, name: str) -> tuple[str, ...]:
        """`virsh metadata --remove`."""
        return unmarked(name)
