"""A volume that is a file of this machine, as far as a transfer asks libvirt for one."""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass, field
from pathlib import Path

from core.hypervisor.calls import volume_transfers
from core.model import ObjectKey
from core.verbs.volume import Transferred, UploadLookCall, VolumeUploadCall

KEY = ObjectKey("volume", "alpha", "default/v")
HEAD = b"QFI\xfb"


def image(size: int, disk: int) -> bytes:
    """Return a file that begins as a qcow2 image of a disk of so many bytes."""
    return (HEAD + bytes(20) + struct.pack(">Q", disk)).ljust(size, b"i")


@dataclass
class LocalStream:
    """A stream to or from a file."""

    descriptor: int = -1

    def send(self, data: bytes) -> int:
        return os.write(self.descriptor, data)

    def sendHole(self, length: int) -> None:  # noqa: N802 - libvirt's
        """A hole leaves what is there, and cuts off what follows (libvirt 9.0)."""
        os.ftruncate(self.descriptor, os.lseek(self.descriptor, length, os.SEEK_CUR))

    def recv(self, length: int) -> bytes:
        return os.read(self.descriptor, length)

    def recvFlags(self, length: int, _: int) -> bytes:  # noqa: N802 - libvirt's
        return self.recv(length)

    def finish(self) -> None:
        os.close(self.descriptor)

    def abort(self) -> None:
        os.close(self.descriptor)


@dataclass
class LocalVolume:
    """A volume of the pool `default`, which is its own connection and pool, too."""

    file: Path
    resized: list[int] = field(default_factory=list)

    @property
    def format(self) -> str:
        return "qcow2" if self.file.read_bytes()[:4] == HEAD else "raw"

    @property
    def capacity(self) -> int:
        head = self.file.read_bytes()[:32]
        whole = self.file.stat().st_size
        return struct.unpack(">Q", head[24:])[0] if self.format == "qcow2" else whole

    def info(self) -> list[int]:
        return [0, self.capacity, self.file.stat().st_blocks * 512]

    def infoFlags(self, _: int) -> list[int]:  # noqa: N802 - libvirt's
        return [0, self.capacity, self.file.stat().st_size]

    def key(self) -> str:
        return str(self.file)

    path = key

    def XMLDesc(self, _: int) -> str:  # noqa: N802 - libvirt's
        return (
            f"<volume type='file'><name>v</name><key>{self.file}</key><capacity unit='bytes'>"
            f"{self.capacity}</capacity><target><path>{self.file}</path>"
            f"<format type='{self.format}'/></target></volume>"
        )

    def upload(self, stream: LocalStream, offset: int, _: int, __: int) -> None:
        stream.descriptor = os.open(self.file, os.O_WRONLY)
        os.lseek(stream.descriptor, offset, os.SEEK_SET)

    def download(self, stream: LocalStream, offset: int, _: int, __: int) -> None:
        stream.descriptor = os.open(self.file, os.O_RDONLY)
        os.lseek(stream.descriptor, offset, os.SEEK_SET)

    def resize(self, size: int, _: int) -> None:
        """Grow; in an image that is a new size of its disk, written into its header."""
        self.resized.append(size)
        if self.format == "raw":
            os.truncate(self.file, size)
            return
        with self.file.open("r+b") as out:
            out.seek(24)
            out.write(struct.pack(">Q", size))

    def storagePoolLookupByName(self, _: str) -> LocalVolume:  # noqa: N802 - libvirt's
        return self

    def storageVolLookupByName(self, _: str) -> LocalVolume:  # noqa: N802 - libvirt's
        return self

    def refresh(self, _: int) -> None: ...

    def newStream(self, _: int) -> LocalStream:  # noqa: N802 - libvirt's
        return LocalStream()

    def listAllDomains(self, _: int) -> list[object]:  # noqa: N802 - libvirt's
        return []

    def getAllDomainStats(self, *_: int) -> list[object]:  # noqa: N802 - libvirt's
        return []

    def isAlive(self) -> bool:  # noqa: N802 - libvirt's
        return True


def looked(volume: LocalVolume, file: Path) -> VolumeUploadCall:
    """Return the first part of an upload, of a file that was looked at."""
    found = volume_transfers.look_up(volume, KEY, UploadLookCall("default", "v", str(file)))
    return VolumeUploadCall(
        "default", "v", found.path, over=True, whole=found.whole, sign=found.sign
    )


def part(volume: LocalVolume, call: VolumeUploadCall) -> Transferred:
    """Write one part."""
    return volume_transfers.upload(volume, KEY, call)
