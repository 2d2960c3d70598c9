"""Secrets of volumes that libvirt keeps for QEMU: how they are called, and what they are. Pure."""

from __future__ import annotations

from core.model.base import Value
from core.model.secret_value import Secret

PURPOSES = ("luks", "proof")
"""What a disk may need a secret for: to open it, and to prove to its servers who it is."""


class VolumeSecret(Value, frozen=True):
    """A secret of libvirt's for one disk of one instance."""

    uuid: str
    type: str
    """volume, ceph, iscsi: of its `<usage>`."""
    usage: str
    """Its name, of which each type has one."""
    value: Secret
    lasts: bool = True
    """It is kept over a restart of libvirt's: the definition has the disk."""


def secret_uuid(instance: str, target: str, purpose: str) -> str:
    """Return the UUID of a secret of a disk: the same each time, so that nothing need keep it."""
    from uuid import UUID, uuid5  # the help needs none

    space = UUID("3c0f7a52-6d52-5d0c-8f0f-6f8d1f1f7a10")
    return str(uuid5(space, f"{instance}/{target}/{purpose}"))


def secret_usage(instance: str, target: str, purpose: str) -> str:
    """Return the name of the same, by which a person knows whose it is."""
    return f"virtdeck {instance} {target} {purpose}"
