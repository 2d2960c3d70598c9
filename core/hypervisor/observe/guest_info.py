"""What a guest's agent tells of the system in it (virDomainGetGuestInfo, libvirt 5.7)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from core.hypervisor.connection.tolerance import if_supported
from core.model.guest import GuestFileSystem, GuestInfo, GuestUser
from core.model.text import clean

_MOST = 256
"""Users and file systems that are read: a guest may name any number."""

Told = Mapping[str, Any]


def read_guest_info(domain: Any) -> GuestInfo | None:
    """Ask the agent for all that it and this libvirt know: one call, 0.2 s. On a lane.

    None where libvirt has no such call. Raises libvirtError where the agent does not answer. Types
    that are named, and not known to it, would have libvirt refuse the whole call: 0 is what it has.
    """
    told: Told | None = if_supported(lambda: domain.guestInfo(0, 0), otherwise=None)
    return None if told is None else guest_info_of(told)


def guest_info_of(told: Told) -> GuestInfo:
    """Return the answer of virDomainGetGuestInfo as a value; what makes no sense is left out."""
    return GuestInfo(
        system=_text(told, "os.pretty-name") or _text(told, "os.name"),
        kernel=_text(told, "os.kernel-release"),
        host_name=_text(told, "hostname"),
        time_zone=_text(told, "timezone.name"),
        time_offset=_number(told, "timezone.offset"),
        users=tuple(_users(told)),
        file_systems=tuple(_file_systems(told)),
    )


def _users(told: Told) -> Iterator[GuestUser]:
    for place in _places(told, "user"):
        if name := _text(told, f"{place}.name"):
            logged_in = _number(told, f"{place}.login-time")
            since = None if logged_in is None else logged_in / 1000
            yield GuestUser(name, since, _text(told, f"{place}.domain"))


def _file_systems(told: Told) -> Iterator[GuestFileSystem]:
    for place in _places(told, "fs"):
        disks = (_text(told, f"{each}.alias") for each in _places(told, f"{place}.disk"))
        yield GuestFileSystem(
            _text(told, f"{place}.mountpoint"),
            _text(told, f"{place}.fstype"),
            tuple(filter(None, disks)),
            _number(told, f"{place}.total-bytes"),
            _number(told, f"{place}.used-bytes"),
        )


def _places(told: Told, what: str) -> Iterator[str]:
    for place in range(min(_number(told, f"{what}.count") or 0, _MOST)):
        yield f"{what}.{place}"


def _text(told: Told, name: str) -> str:
    value = told.get(name)
    return clean(value) if isinstance(value, str) else ""


def _number(told: Told, name: str) -> int | None:
    value = told.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
