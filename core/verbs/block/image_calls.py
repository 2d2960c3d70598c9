"""The calls that make an image, beside those of block jobs."""

from __future__ import annotations

from typing import ClassVar

from core.verbs.call import Call


class FileCloneCall(Call, frozen=True):
    """virStorageVolCreateXMLFrom: a file is written anew, with all that it is based on in it."""

    long: ClassVar[bool] = True
    source: str
    """As a disk names it: a whole path, or `POOL/VOLUME`."""
    to: str
    format: str
    source_format: str = ""
    """That the disk is in: libvirt reads it in the one that it finds in it."""


class CompressCheckCall(Call, frozen=True):
    """access: whether qemu-img of this machine can write a file, before anything is copied."""

    repeatable: ClassVar[bool] = True
    to: str


class CompressCall(Call, frozen=True):
    """qemu-img, on this machine: libvirt compresses nothing. An image that is there and holds the
    same is what an earlier one has made.
    """

    long: ClassVar[bool] = True
    repeatable: ClassVar[bool] = True
    source: str
    source_format: str
    to: str
    part: str = ""
    """What tells its file from another's until it is whole (`core.verbs.part`)."""
