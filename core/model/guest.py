"""What a guest's agent tells of the system in it. Untrusted: a guest may say anything."""

from __future__ import annotations

from core.model.base import Value


class GuestUser(Value, frozen=True):
    """Somebody who is logged in."""

    name: str
    since: float | None = None
    """Seconds since the epoch."""
    domain: str = ""
    """Of a Windows account."""


class GuestFileSystem(Value, frozen=True):
    """A file system that the guest has mounted."""

    mount_point: str
    type: str = ""
    disks: tuple[str, ...] = ()
    """The targets of the disks it lies on: `vda`."""
    total: int | None = None
    """Bytes."""
    used: int | None = None
    """Bytes."""


class GuestInfo(Value, frozen=True):
    """What an agent answered to virDomainGetGuestInfo; empty: it does not say."""

    system: str = ""
    """`Debian GNU/Linux 12 (bookworm)`."""
    kernel: str = ""
    host_name: str = ""
    time_zone: str = ""
    time_offset: int | None = None
    """Seconds east of UTC."""
    users: tuple[GuestUser, ...] = ()
    file_systems: tuple[GuestFileSystem, ...] = ()
