"""What is asked for where instances move: one, what is left of one, all of a host."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from core.model.request import Request
from core.model.rewrites import Rewrites
from core.verbs.parameter import parameter

AtATime = Annotated[
    int,
    parameter("Migrations at the same time.", least=1, most=32, label="number at a time"),
]


LONGEST_DOWNTIME = 2_000_000
"""Milliseconds: what QEMU takes at most for its downtime-limit."""
LARGEST_BANDWIDTH = 8_796_093_022_207
"""MiB/s: what libvirt takes for unlimited (libvirt.md 6.4)."""
LONGEST_TIMEOUT = 1e9


def _bandwidth(help_: str, *, least: int = 0, label: str = "") -> Meta:
    return parameter(help_, least=least, most=LARGEST_BANDWIDTH, unit="MiB/s", label=label)


def _percent(help_: str) -> Meta:
    return parameter(help_, least=1, most=99, unit="%", advanced=True)


def _seconds(help_: str) -> Meta:
    return parameter(help_, least=0, most=LONGEST_TIMEOUT, unit="s", advanced=True)


def _more(help_: str, label: str = "") -> Meta:
    return parameter(help_, label=label, advanced=True)


class Migrate(Request, frozen=True):
    """Move a running instance to another host without stopping it (virDomainMigrateToURI3)."""

    verb: ClassVar[str] = "migrate"
    to: Annotated[str, parameter("The destination.", source="hosts")] = ""
    """Its name."""
    policy: Annotated[
        Literal["adaptive", "nova", "nova-rocky", "manual"],
        parameter("Who acts while it runs, and how."),
    ] = "adaptive"
    """See core.migration.policies."""
    max_downtime: (
        Annotated[
            int,
            parameter(
                "How long the guest may stand still; how far a policy may go.",
                least=1,
                most=LONGEST_DOWNTIME,
                unit="ms",
            ),
        ]
        | None
    ) = None
    """None: the policy's own limit (500)."""
    bandwidth: Annotated[int, _bandwidth("The bandwidth it may take; 0: all there is.")] | None = (
        None
    )
    """None or 0: unlimited."""
    post_copy_bandwidth: (
        Annotated[int, _bandwidth("What it may take after the switch to post-copy.")] | None
    ) = None
    """None or 0: unlimited."""
    switchover_bandwidth: (
        Annotated[
            int,
            _bandwidth(
                "What there is for the last step, where QEMU takes it for less (libvirt 11.1 and "
                "QEMU 8.2 at the source).",
                least=1,
            ),
        ]
        | None
    ) = None
    """With the guest stopped; None: QEMU estimates it."""
    post_copy: Annotated[
        Literal["never", "allow", "at-once"],
        parameter("Whether it may run at the destination before all of its memory is there."),
    ] = "never"
    """allow: it may be switched, by hand or by the policy."""
    auto_converge: (
        Annotated[
            bool,
            _more("Slow the guest down until it converges. [default: as the policy needs]"),
        ]
        | None
    ) = None
    """None: where the policy is adaptive and post-copy is not allowed."""
    auto_converge_initial: (
        Annotated[int, _percent("How much it is slowed down at first.")] | None
    ) = None
    auto_converge_increment: Annotated[int, _percent("How much more each time.")] | None = None
    parallel: (
        Annotated[
            int,
            parameter(
                "Send the memory over so many connections.",
                least=1,
                most=255,
                label="number of parallel connections",
                advanced=True,
            ),
        ]
        | None
    ) = None
    """None: one, without the parallel mode."""
    compression: Annotated[
        tuple[Literal["mt", "xbzrle", "zlib", "zstd"], ...], _more("How the memory is compressed.")
    ] = ()
    zero_copy: Annotated[bool, _more("Send memory without copying it first.")] = False
    tls: Annotated[bool, _more("Encrypt what is sent, by QEMU.")] = False
    tls_destination: Annotated[str, _more("The name the destination's certificate must have.")] = ""
    tunnelled: Annotated[bool, _more("Send everything through libvirt.")] = False
    storage: Annotated[
        Literal["shared", "copy-all", "copy-incremental"],
        parameter("Copy the disks too: all of them, or what is over their backing files."),
    ] = "shared"
    disks: Annotated[
        tuple[str, ...],
        _more("Copy this disk (vda). [default: those not shared]"),
    ] = ()
    """Targets to copy; empty: with a copying storage, every disk that is not shared."""
    synchronous_writes: Annotated[
        bool, _more("Let the guest's writes wait for the copy, so that it converges.")
    ] = False
    """Copy disks with write-through."""
    detect_zeroes: Annotated[
        bool,
        _more(
            "Send no zeros of the disks: those there must read as zeros before (libvirt 10.9 at "
            "the source)."
        ),
    ] = False
    """Else they are corrupted."""
    host_devices: Annotated[
        Literal["detach", "migrate"],
        _more(
            "Have the guest let go of PCI and mediated devices and SR-IOV interfaces, and attach "
            "those of its definition there; or migrate them, where VFIO can."
        ),
    ] = "detach"
    """What becomes of what holds it to its host."""
    persist: Annotated[bool, _more("Define it at the destination.")] = True
    undefine: Annotated[bool, _more("Remove its definition from the source.")] = True
    offline: Annotated[bool, _more("Move the definition of an instance that is off.")] = False
    unsafe: Annotated[bool, _more("Even if libvirt takes its disks' cache mode for unsafe.")] = (
        False
    )
    destination_name: Annotated[str, _more("Its name at the destination.", "new name")] = ""
    destination_uri: Annotated[
        str, _more("How the source's daemon reaches the destination's. [default: as we do]")
    ] = ""
    """Empty: the address it is open at."""
    migrate_uri: Annotated[
        str, _more("Where the memory is sent: tcp://ADDRESS[:PORT].", "address for the memory")
    ] = ""
    listen_address: Annotated[str, _more("Where the destination listens.")] = ""
    disks_uri: Annotated[str, _more("Where the disks are sent.", "address for the disks")] = ""
    """tcp://ADDRESS[:PORT], unix:///PATH."""
    disks_port: (
        Annotated[
            int,
            parameter(
                "The port they are received at.",
                least=1,
                most=65535,
                label="port of the disks",
                advanced=True,
            ),
        ]
        | None
    ) = None
    """None: libvirt chooses."""
    completion_timeout: Annotated[
        float, _seconds("For each GiB, with the nova policies; 0: none.")
    ] = 800.0
    progress_timeout: Annotated[
        float, _seconds("Without progress, with the policy nova-rocky; 0: none.")
    ] = 0.0
    timeout_action: Annotated[
        Literal["abort", "force-complete"],
        _more("What the policy nova does after the completion timeout."),
    ] = "abort"
    rewrites: Annotated[Rewrites, _more("What its XML must say at the destination.")] = Rewrites()
    overrides: Annotated[
        tuple[str, ...],
        _more("Start in spite of this blocker of the preflight."),
    ] = ()


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
