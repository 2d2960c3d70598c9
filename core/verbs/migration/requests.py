"""What is asked for where instances move: one, what is left of one, all of a host."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from core.model.request import Request
from core.model.rewrites import Rewrites
from core.verbs.parameter import parameter

AtATime = Annotated[
    int,
    parameter("Migrations at the same time.", least=1, most=32, label="number at a time"),
]


class Migrate(Request, frozen=True):
    """Move a running instance to another host without stopping it (virDomainMigrateToURI3)."""

    verb: ClassVar[str] = "migrate"
    to: Annotated[str, parameter("The destination.", source="hosts")] = ""
    """Its name."""
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
    to: Annotated[tuple[str, ...], parameter("The destinations.", source="hosts")] = ()
    """Destinations, in order of preference; empty: every other host that is open."""
    at_a_time: AtATime = 2
    bandwidth: (
        Annotated[
            int, parameter("Shared by those that run at the same time.", least=0, unit="MiB/s")
        ]
        | None
    ) = None
    order: Literal["smallest", "largest", "name"] = "smallest"
    options: Migrate | None = None
    """What each migration is asked with; its subject, `to` and bandwidth are set for each."""
