"""What a host cannot do, why, and what would change it. Pure.

Only what can be known from here is claimed. What cannot (whether the kernel lets QEMU use
userfaultfd, which post-copy needs; whether a /dev/kvm that opens also works) is not guessed at.
"""

from __future__ import annotations

from collections.abc import Iterator

from core.hypervisor.connection.binding import dotted
from core.hypervisor.observe.events import RefusedEvent
from core.model.base import Value
from core.model.driver import DRIVERS
from core.model.host import Limitation


class Abilities(Value, frozen=True):
    """What was found out about a host. None: not known, so nothing is claimed."""

    driver: str = ""
    """libvirt's driver, as virConnectGetType says: QEMU, TEST..."""
    libvirt: int = 0
    """The daemon's version as libvirt counts: 9000000 for 9.0.0; 0: not known."""
    session: bool = False
    """An unprivileged daemon of one user."""
    guest_types: tuple[str, ...] | None = None
    migration_transports: tuple[str, ...] | None = None
    storage: bool | None = None
    networks: bool | None = None
    secrets: bool | None = None
    efi: bool | None = None
    tpm: bool | None = None
    refused: tuple[RefusedEvent, ...] = ()
    """The events it does not send."""


_SINCE = (
    (4_005_000, "give statistics while a guest is busy"),
    (6_009_000, "tell of memory errors that hit a guest"),
    (8_000_000, "copy disks along with a migration by synchronous writes"),
    (8_005_000, "recover a migration that failed in its post-copy phase"),
    (10_009_000, "leave out blocks of zeros when it copies disks along with a migration"),
    (11_001_000, "be told the bandwidth there is for a migration's last step"),
)
"""libvirt's versions that brought something, for the QEMU driver."""

_WATCHED = {
    "instance": "instances",
    "pool": "storage pools",
    "network": "networks",
    "secret": "secrets",
    "node-device": "its devices",
}
_SWEPT = ("instance", "pool", "network")
"""What a listing shows as well, so that changes no event tells of are found by the next sweep."""

_PARTS = (
    ("storage", "storage pools and volumes", "libvirt-daemon-driver-storage"),
    ("networks", "virtual networks", "libvirt-daemon-driver-network"),
    (
        "secrets",
        "secrets (passphrases of encrypted and network disks)",
        "libvirt-daemon-driver-secret",
    ),
)


def limitations(host: Abilities) -> tuple[Limitation, ...]:
    """Return what a host cannot do, gravest first."""
    return tuple(_find(host))


def _find(host: Abilities) -> Iterator[Limitation]:
    if host.driver == "TEST":
        yield Limitation(
            "run guests", "This is libvirt's test driver: its instances exist on paper only."
        )
    if host.driver == "QEMU":
        yield from _qemu(host)
    driver = DRIVERS.get(host.driver.lower())
    in_library = driver is not None and driver.client_side
    for field, what, package in _PARTS:
        if getattr(host, field) is False and in_library:
            yield Limitation(f"manage {what}", f"libvirt's {host.driver} driver has none of them.")
        elif getattr(host, field) is False:
            yield Limitation(
                f"manage {what}",
                "libvirt has no driver for them here, or the daemon that has it does not run.",
                f"Install or start it on the host (its package is named like {package}).",
            )
    if host.migration_transports == ():
        yield Limitation(
            "take part in live migrations", f"libvirt's {host.driver} driver names no transport."
        )
    yield from _deaf(host)


def _deaf(host: Abilities) -> Iterator[Limitation]:
    for kind, plural in _WATCHED.items():
        mine = [refusal for refusal in host.refused if refusal.object == kind]
        if mine:
            names = ", ".join(refusal.constant.partition("_EVENT_ID_")[2] for refusal in mine)
            instead = "A sweep finds what changed" if kind in _SWEPT else "Changes are not shown"
            # What a version brings is claimed for the QEMU driver alone, as in _SINCE.
            newer = "; a newer libvirt on the host may send them" if host.driver == "QEMU" else ""
            yield Limitation(
                f"send some events of {plural} ({names})",
                f"It refuses them: {mine[0].reason.rstrip('.')}.",
                f"{instead}{newer}.",
            )


def _qemu(host: Abilities) -> Iterator[Limitation]:
    if host.guest_types is not None and not any(t.startswith("kvm ") for t in host.guest_types):
        yield Limitation(
            "run guests at full speed",
            "libvirt offers no KVM here, only emulation (TCG).",
            "Switch virtualisation on in the firmware (in a guest: nested virtualisation), load "
            "kvm_intel or kvm_amd, and let the daemon's user open /dev/kvm (group kvm).",
        )
    if host.session:
        yield Limitation(
            "give guests the host's own devices and bridges",
            "The daemon is unprivileged: it belongs to one user (session).",
            "Use the system daemon: qemu:///system.",
        )
    if host.efi is False:
        yield Limitation(
            "boot guests by UEFI", "No UEFI firmware for guests is installed.", "Install ovmf."
        )
    if host.tpm is False:
        yield Limitation(
            "give guests a TPM", "No TPM emulator is installed.", "Install swtpm and swtpm-tools."
        )
    for version, what in _SINCE:
        if 0 < host.libvirt < version:
            yield Limitation(
                what,
                f"Its libvirt is {dotted(host.libvirt)}; this came with {dotted(version)}.",
                "Install a newer libvirt on the host.",
            )
