"""What an operator can look at or type into of an instance: consoles, displays, and their ends."""

from __future__ import annotations

from enum import StrEnum

from core.model.base import Value

TALKING = frozenset({"pty"})
"""Sources of a console whose stream libvirt's QEMU driver opens (qemuDomainOpenConsole)."""


class Console(Value, frozen=True):
    """A serial port, parallel port or paravirtual console of an instance."""

    alias: str
    """What virDomainOpenConsole names it by; empty while the instance is off."""
    kind: str
    """serial, parallel or console."""
    source: str
    """What is at its host's side: pty, file, tcp, unix, null ..."""
    target: str = ""
    """isa-serial, virtio, sclp ..."""
    port: int = 0
    path: str = ""
    """The file or socket of the source, on the host."""
    log: str = ""
    """The file on the host that keeps what the guest writes."""

    @property
    def talks(self) -> bool:
        """Whether one can type into it, so that a stream is worth asking for."""
        return self.source in TALKING

    @property
    def record(self) -> str:
        """The file on the host that has what the guest wrote; empty: there is none."""
        return self.log or (self.path if self.source == "file" else "")

    @property
    def label(self) -> str:
        """How people tell it from its likes: `serial0`, `serial 1` while it has no alias."""
        return self.alias or f"{self.kind} {self.port}"


class Display(Value, frozen=True):
    """A graphical console of an instance."""

    kind: str
    """vnc, spice, rdp, dbus, sdl ..."""
    listen: str = ""
    port: int | None = None
    """None: none given yet, as of an instance that is off."""
    tls_port: int | None = None
    socket: str = ""


class Consoles(Value, frozen=True):
    """What there is to look at of an instance, as its XML says."""

    running: bool
    consoles: tuple[Console, ...] = ()
    displays: tuple[Display, ...] = ()
    screens: bool = False
    """Whether it has a video device, which virDomainScreenshot can take a picture of."""

    def named(self, alias: str) -> Console | None:
        """The console of that alias; empty: the first one can type into, else the first."""
        if alias:
            return next((each for each in self.consoles if each.alias == alias), None)
        talking = [each for each in self.consoles if each.talks]
        return next(iter((*talking, *self.consoles)), None)


class ConsoleEnd(StrEnum):
    """Why nothing comes of a console any more."""

    OFF = "off"
    """The instance stopped. A console opened after its next start is another one."""
    TAKEN = "taken"
    """Another client took it over (VIR_DOMAIN_CONSOLE_FORCE)."""
    LOST = "lost"
    """The connection to the host broke off."""
    DROPPED = "dropped"
    """Its host ended it, while the instance runs on."""
    CLOSED = "closed"
    """We closed it."""


class LogTail(Value, frozen=True):
    """The end of what a guest wrote, from the file its host keeps; or why it cannot be read."""

    path: str
    data: bytes = b""
    why_not: str = ""
    end: int = 0
    """Where in the file it ends: what is read next begins there."""
