"""The calls that make, fill and remove volumes of pools. What makes verbs of them is elsewhere."""

from __future__ import annotations

from typing import ClassVar, Literal

from core.verbs.answer import CallAnswer
from core.verbs.call import Call

Format = Literal["qcow2", "raw"]
"""What disks are made in."""
FROM_BEGINNING = "Upload it again, from its beginning."
"""What helps an upload whose file became another one."""


class VolumeCall(Call, frozen=True):
    """A call on a volume, named as virsh does it."""

    pool: str
    """Its name."""
    name: str


class VolumeCreateCall(VolumeCall, frozen=True):
    """virStorageVolCreateXML: an empty volume, or one that lies over another."""

    capacity: int
    """Bytes."""
    format: str = "qcow2"
    backing: str = ""
    """POOL/NAME of the volume it lies over; empty: none."""

    @property
    def volume(self) -> tuple[str, str]:
        """What it makes."""
        return self.pool, self.name

    def virsh(self, _: str) -> tuple[str, ...]:
        """`virsh vol-create-as`; none for what lies over a volume of another pool."""
        pool, _, base = self.backing.rpartition("/")
        if self.backing and pool != self.pool:
            return ()
        over = ("--backing-vol", base) if self.backing else ()
        made = ("vol-create-as", self.pool, self.name, str(self.capacity))
        return (*made, "--format", self.format, *over)


class VolumeCloneCall(VolumeCall, frozen=True):
    """virStorageVolCreateXMLFrom: a copy of a volume, as large, which libvirt makes on the host."""

    long: ClassVar[bool] = True
    source: str
    """POOL/NAME of the volume that is copied."""
    format: str = "qcow2"

    @property
    def volume(self) -> tuple[str, str]:
        """What it makes."""
        return self.pool, self.name


class FileHere(CallAnswer, frozen=True):
    """A file of this machine."""

    path: str
    """From the root on: another console may stand in another folder."""
    size: int | None = None
    """Bytes; None: there is none yet."""
    whole: int = 0
    """Bytes that a raw volume has, which it is to keep; 0: not asked, or an image."""
    sign: str = ""
    """What tells it from another file of its name, and from what is written into it later."""


class Transferred(CallAnswer, frozen=True):
    """What went between a volume and a file of this machine."""

    bytes: int
    """As large as the file is."""
    data: int
    """Those that went over the connection: holes are told, and not sent."""
    seconds: float
    began: int = 0
    """The byte that it went on at: what lies before was there, and was compared."""
    reached: int | None = None
    """Where the next part begins; None: all of it is over."""
    note: str = ""
    """Why it did not go on where it was to; empty: it did."""


class UploadLookCall(VolumeCall, frozen=True):
    """open: whether a file of this machine can be read, and fits a volume that nobody uses."""

    probe: ClassVar[bool] = True
    repeatable: ClassVar[bool] = True
    answers: ClassVar[type[CallAnswer] | None] = FileHere
    file: str


class VolumeUploadCall(VolumeCall, frozen=True):
    """virStorageVolUpload: a file of this machine is written over a volume, a part after another.

    What libvirt has said yes to is written: the next part begins there, whatever comes between.
    """

    long: ClassVar[bool] = True
    answers: ClassVar[type[CallAnswer] | None] = Transferred
    file: str
    over: bool = False
    """It may hold something: nobody must use it, what it holds goes first, and a raw one stays as
    large as it is."""
    at: int = 0
    """The byte that it begins at: what lies before must be the file's. Else it begins anew."""
    whole: int = 0
    """Bytes that a raw volume is to have; 0: as many as it has."""
    fresh: bool = False
    """What lies before was written by this console right before: it is not compared."""
    sign: str = ""
    """That of the file that was looked at: no part of another is written; empty: not looked at."""

    def virsh(self, _: str) -> tuple[str, ...]:
        """`virsh vol-upload`; of the file's end it has no word."""
        return () if self.at else ("vol-upload", self.name, self.file, "--pool", self.pool)


class DownloadLookCall(VolumeCall, frozen=True):
    """access: whether a file can be written on this machine, of a name that none has."""

    probe: ClassVar[bool] = True
    repeatable: ClassVar[bool] = True
    answers: ClassVar[type[CallAnswer] | None] = FileHere
    file: str


class VolumeDownloadCall(VolumeCall, frozen=True):
    """virStorageVolDownload: a volume is read into a file of this machine.

    It has its name once it is whole. One that is there and the same is what an earlier one made;
    what one that was cut off has left is gone on with, unless the volume was written to since.
    """

    long: ClassVar[bool] = True
    repeatable: ClassVar[bool] = True
    answers: ClassVar[type[CallAnswer] | None] = Transferred
    file: str

    def virsh(self, _: str) -> tuple[str, ...]:
        """`virsh vol-download`."""
        return ("vol-download", self.name, self.file, "--pool", self.pool, "--sparse")


class VolumeWipeCall(VolumeCall, frozen=True):
    """virStorageVolWipe, unless an instance uses it."""

    long: ClassVar[bool] = True

    def virsh(self, _: str) -> tuple[str, ...]:
        """`virsh vol-wipe`."""
        return ("vol-wipe", self.name, "--pool", self.pool)


class VolumeResizeCall(VolumeCall, frozen=True):
    """virStorageVolResize: a volume grows; one that is as large already stays as it is."""

    capacity: int
    shrink: bool = False
    """One that is larger is cut off."""
    unused: bool = False
    """Not while an instance uses it."""

    def virsh(self, _: str) -> tuple[str, ...]:
        """`virsh vol-resize`."""
        less = ("--shrink",) if self.shrink else ()
        return ("vol-resize", self.name, str(self.capacity), "--pool", self.pool, *less)


class VolumeDeleteCall(VolumeCall, frozen=True):
    """virStorageVolDelete, unless an instance uses it; none there is as good as deleted.

    One that is being copied is deleted once that is over: libvirt cannot end it.
    """

    long: ClassVar[bool] = True
    repeatable: ClassVar[bool] = True

    def virsh(self, _: str) -> tuple[str, ...]:
        """`virsh vol-delete`."""
        return ("vol-delete", self.name, "--pool", self.pool)


class StopTransferCall(Call, frozen=True):
    """virStreamAbort of what this console writes or reads."""

    urgent: ClassVar[bool] = True
