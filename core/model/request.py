"""Requests: what an operator can ask for. `Fleet.submit` turns one into an operation."""

from __future__ import annotations

from typing import ClassVar, Literal

from core.model.base import ObjectKey, Value, kebab
from core.model.rewrites import Rewrites


class Request(Value, frozen=True, tag_field="verb", tag=kebab):
    """Something to do to one object. Frozen, journalled as JSON, holds no secrets."""

    verb: ClassVar[str] = ""
    """The operator's word for it, as on the command line."""

    subject: ObjectKey


class Start(Request, frozen=True):
    """Start a shut-off instance (virDomainCreate)."""

    verb: ClassVar[str] = "start"
    second_copy: str = ""
    """The instance's name or UUID, typed by an operator who wants it to run although it may run
    elsewhere (core.state.second_copy); anything else lets nothing pass."""


class Shutdown(Request, frozen=True):
    """Ask the guest to power off (virDomainShutdown), again every 10 s, for `timeout` seconds."""

    verb: ClassVar[str] = "shutdown"
    timeout: float = 60.0
    then_stop: bool = False
    """Cut the power when the guest did not obey in time."""


class Stop(Request, frozen=True):
    """Cut the power (virDomainDestroy)."""

    verb: ClassVar[str] = "stop"


class Reboot(Request, frozen=True):
    """Ask the guest to reboot (virDomainReboot)."""

    verb: ClassVar[str] = "reboot"
    timeout: float = 120.0


class Reset(Request, frozen=True):
    """Press the reset button (virDomainReset)."""

    verb: ClassVar[str] = "reset"
    second_copy: str = ""
    """As of `Start`: what has crashed runs again."""


class Pause(Request, frozen=True):
    """Stop the vCPUs (virDomainSuspend)."""

    verb: ClassVar[str] = "pause"


class Resume(Request, frozen=True):
    """Let the vCPUs run again (virDomainResume), or wake a sleeping guest (virDomainPMWakeup)."""

    verb: ClassVar[str] = "resume"
    second_copy: str = ""
    """As of `Start`."""


class Migrate(Request, frozen=True):
    """Move a running instance to another host without stopping it (virDomainMigrateToURI3)."""

    verb: ClassVar[str] = "migrate"
    to: str = ""
    """The destination's name."""
    policy: str = "adaptive"
    """adaptive, nova, nova-rocky or manual: see core.migration.policies."""
    max_downtime: int | None = None
    """Milliseconds; how far a policy may go. None: the policy's own limit (500)."""
    bandwidth: int | None = None
    """MiB/s; None or 0: unlimited."""
    post_copy_bandwidth: int | None = None
    """MiB/s in post-copy; None or 0: unlimited."""
    switchover_bandwidth: int | None = None
    """MiB/s there are for the last step, with the guest stopped; None: QEMU estimates them."""
    post_copy: Literal["never", "allow", "at-once"] = "never"
    """allow: it may be switched, by hand or by the policy."""
    auto_converge: bool | None = None
    """None: where the policy is adaptive and post-copy is not allowed."""
    auto_converge_initial: int | None = None
    """Percent."""
    auto_converge_increment: int | None = None
    parallel: int | None = None
    """Connections; None: one, without the parallel mode."""
    compression: tuple[str, ...] = ()
    """xbzrle, mt, zlib, zstd."""
    zero_copy: bool = False
    tls: bool = False
    tls_destination: str = ""
    """The name the destination's certificate must have."""
    tunnelled: bool = False
    storage: Literal["shared", "copy-all", "copy-incremental"] = "shared"
    disks: tuple[str, ...] = ()
    """Targets to copy; empty: with a copying storage, every disk that is not shared."""
    synchronous_writes: bool = False
    """Copy disks with write-through, so that they converge."""
    detect_zeroes: bool = False
    """Send no blocks of zeros of the disks that are copied: those at the destination must read as
    zeros before, or they are corrupted."""
    persist: bool = True
    undefine: bool = True
    offline: bool = False
    """Move the definition of an instance that is off."""
    unsafe: bool = False
    destination_name: str = ""
    destination_uri: str = ""
    """How the source's daemon reaches the destination's; empty: the address it is open at."""
    migrate_uri: str = ""
    """Where the memory is sent: tcp://ADDRESS[:PORT]."""
    listen_address: str = ""
    disks_uri: str = ""
    """Where the disks are sent: tcp://ADDRESS[:PORT], unix:///PATH."""
    disks_port: int | None = None
    """The port disks are received at; None: libvirt chooses."""
    completion_timeout: float = 800.0
    """Seconds per GiB, for the nova policies; 0: none."""
    progress_timeout: float = 0.0
    """Seconds without progress, for nova-rocky; 0: none."""
    timeout_action: Literal["abort", "force-complete"] = "abort"
    """For the policy nova."""
    rewrites: Rewrites = Rewrites()
    """What its XML must say at the destination."""
    overrides: tuple[str, ...] = ()
    """Findings of the preflight that the operator overrides by name."""


class ResumeMigration(Request, frozen=True):
    """Go on with a post-copy migration that failed (VIR_MIGRATE_POSTCOPY_RESUME)."""

    verb: ClassVar[str] = "resume-migration"
    accept_crash: str = ""
    """The instance's name or UUID, typed by an operator who resumes it although the destination's
    libvirt is known to die of it (core.state.resume_crash)."""


class Drain(Request, frozen=True):
    """Move every active instance of a host away. Its subject is the host."""

    verb: ClassVar[str] = "drain"
    to: tuple[str, ...] = ()
    """Destinations, in order of preference; empty: every other host that is open."""
    at_a_time: int = 2
    bandwidth: int | None = None
    """MiB/s shared by those that run at the same time."""
    order: Literal["smallest", "largest", "name"] = "smallest"
    options: Migrate | None = None
    """What each migration is asked with; its subject, `to` and bandwidth are set for each."""


AnyRequest = (
    Start | Shutdown | Stop | Reboot | Reset | Pause | Resume | Migrate | ResumeMigration | Drain
)
POWER_VERBS: dict[str, type[Request]] = {
    kind.verb: kind for kind in (Start, Shutdown, Stop, Reboot, Reset, Pause, Resume)
}
"""What is done to one instance where it is."""
VERBS: dict[str, type[Request]] = POWER_VERBS | {
    kind.verb: kind for kind in (Migrate, ResumeMigration, Drain)
}
