"""The calls that carry the UEFI variables of an instance along when it is called otherwise.

libvirt names their file by the instance. After a rename by libvirt alone the next start has fresh
ones, and the guest's boot entries are lost (libvirt 9.0), or a later instance of the old name has
them too.
"""

from __future__ import annotations

from typing import ClassVar

from core.model import Instance
from core.verbs.call import Call


class NvramCopyCall(Call, frozen=True):
    """virStorageVolCreateXMLFrom of an instance's UEFI variables; nothing where it has none yet."""

    to: str
    """The instance that is to have them, by its name."""
    named_by_it: bool = False
    """Only where libvirt has named the file: one that was chosen stays that of the instance."""


class NvramDeleteCall(Call, frozen=True):
    """virStorageVolDelete of such a copy."""

    repeatable: ClassVar[bool] = True
    of: str
    """The instance whose they were to be, by its name."""


class NvramMovedCall(Call, frozen=True):
    """virDomainDefineXML with the copy, where it names a file, and virStorageVolDelete of the old.

    Of an instance that was renamed.
    """

    repeatable: ClassVar[bool] = True
    before: str
    """What it was called."""


def has_nvram(instance: Instance | None) -> bool:
    """Whether an instance may have UEFI variables."""
    return instance is not None and instance.firmware not in ("", "bios")
