"""The options of a migration, for `migrate` and `drain`, and the request they make."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from core.errors import UsageError
from core.migration.plan.options import ALONE, BY_CONNECTION, LONGEST_DOWNTIME, contradictions
from core.migration.policies import POLICIES
from core.model import ObjectKey
from core.model.rewrites import Rewrites
from core.verbs.migration.requests import Migrate

Command = TypeVar("Command", bound=Callable[..., Any])

COMPRESSIONS = tuple(sorted(ALONE | BY_CONNECTION))
NOWHERE = ObjectKey("instance", "", "")
"""The subject of options that are not yet anybody's."""
_STORAGE = {"all": "copy-all", "incremental": "copy-incremental"}
_MIB = click.IntRange(min=0)
_PERCENT = click.IntRange(1, 99)


def _compression(_: click.Context, __: click.Parameter, value: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(part.strip() for part in value.split(",") if part.strip()))
    for name in names:
        if name not in COMPRESSIONS:
            raise click.BadParameter(f"{name!r} is not one of {', '.join(COMPRESSIONS)}.")
    return names


def _storage(_: click.Context, __: click.Parameter, value: str | None) -> str:
    return _STORAGE.get(value or "", "shared")


def _rewrites(_: click.Context, __: click.Parameter, value: Path | None) -> Rewrites:
    if value is None:
        return Rewrites()
    from console.toml import decode_toml

    try:
        text = value.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise UsageError(
            f"The rewrite file {value} cannot be read: {reason}.",
            "Name a TOML file; docs/rewrites.md says what is in it.",
        ) from None
    return decode_toml(text, Rewrites, f"The rewrite file {value}")


def limits(policy: str | None) -> tuple[Callable[[Any], Any], ...]:
    """What can be set at the start and changed while it runs; `policy` is the default one."""
    return (
        click.option("--policy", type=click.Choice(list(POLICIES)), default=policy,
                     show_default=policy is not None, help="Who acts while it runs, and how."),
        click.option("--max-downtime", type=click.IntRange(1, LONGEST_DOWNTIME), metavar="MS",
                     help="How long the guest may stand still; how far a policy may go."),
        click.option("--bandwidth", type=_MIB, metavar="MIB",
                     help="MiB/s it may take; 0: all there is."),
        click.option("--post-copy-bandwidth", type=_MIB, metavar="MIB",
                     help="MiB/s it may take after the switch to post-copy."),
    )  # fmt: skip


_CONVERGENCE: tuple[Callable[[Any], Any], ...] = (
    click.option("--switchover-bandwidth", type=click.IntRange(min=1), metavar="MIB",
                 help="MiB/s there are for the last step, where QEMU takes it for less (libvirt "
                 "11.1 and QEMU 8.2 at the source)."),
    click.option("--post-copy", type=click.Choice(["never", "allow", "at-once"]), default="never",
                 show_default=True, help="Whether it may run at the destination before all of its "
                 "memory is there."),
    click.option("--auto-converge/--no-auto-converge", default=None,
                 help="Slow the guest down until it converges. [default: as the policy needs]"),
    click.option("--auto-converge-initial", type=_PERCENT, metavar="PERCENT",
                 help="How much it is slowed down at first."),
    click.option("--auto-converge-increment", type=_PERCENT, metavar="PERCENT",
                 help="How much more each time."),
    click.option("--completion-timeout", type=click.FloatRange(0, 1e9), default=800.0,
                 show_default=True, metavar="SECONDS",
                 help="For each GiB, with the nova policies; 0: none."),
    click.option("--progress-timeout", type=click.FloatRange(0, 1e9), default=0.0,
                 show_default=True, metavar="SECONDS",
                 help="Without progress, with the policy nova-rocky; 0: none."),
    click.option("--timeout-action", type=click.Choice(["abort", "force-complete"]),
                 default="abort", show_default=True,
                 help="What the policy nova does after the completion timeout."),
)  # fmt: skip

_TRANSPORT: tuple[Callable[[Any], Any], ...] = (
    click.option("--parallel", type=click.IntRange(1, 255), metavar="N",
                 help="Send the memory over N connections."),
    click.option("--compression", default="", metavar="METHOD,...", callback=_compression,
                 help=f"{', '.join(COMPRESSIONS)}."),
    click.option("--zero-copy", is_flag=True, help="Send memory without copying it first."),
    click.option("--tls", is_flag=True, help="Encrypt what is sent, by QEMU."),
    click.option("--tls-destination", default="", metavar="NAME",
                 help="The name the destination's certificate must have."),
    click.option("--tunnelled", is_flag=True, help="Send everything through libvirt."),
    click.option("--destination-uri", default="", metavar="URI",
                 help="How the source's daemon reaches the destination's. [default: as we do]"),
    click.option("--migrate-uri", default="", metavar="URI",
                 help="Where the memory is sent: tcp://ADDRESS[:PORT]."),
    click.option("--listen-address", default="", metavar="ADDRESS",
                 help="Where the destination listens."),
    click.option("--disks-uri", default="", metavar="URI", help="Where the disks are sent."),
    click.option("--disks-port", type=click.IntRange(1, 65535), metavar="PORT",
                 help="The port they are received at."),
)  # fmt: skip

_OUTCOME: tuple[Callable[[Any], Any], ...] = (
    click.option("--copy-storage", "storage", type=click.Choice(list(_STORAGE)), callback=_storage,
                 help="Copy the disks too: all of them, or what is over their backing files."),
    click.option("--disk", "disks", multiple=True, metavar="TARGET",
                 help="Copy this disk (vda); may be repeated. [default: those not shared]"),
    click.option("--synchronous-writes", is_flag=True,
                 help="Let the guest's writes wait for the copy, so that it converges."),
    click.option("--detect-zeroes", is_flag=True,
                 help="Send no zeros of the disks: those there must read as zeros before "
                 "(libvirt 10.9 at the source)."),
    click.option("--persist/--no-persist", default=True, show_default=True,
                 help="Define it at the destination."),
    click.option("--undefine/--no-undefine", default=True, show_default=True,
                 help="Remove its definition from the source."),
    click.option("--offline", is_flag=True, help="Move the definition of an instance that is off."),
    click.option("--rewrite", "rewrites", type=click.Path(path_type=Path, dir_okay=False),
                 callback=_rewrites, metavar="FILE.toml",
                 help="What its XML must say at the destination."),
    click.option("--unsafe", is_flag=True,
                 help="Even if libvirt takes its disks' cache mode for unsafe."),
    click.option("--override", "overrides", multiple=True, metavar="FINDING",
                 help="Start in spite of this blocker of the preflight; may be repeated."),
)  # fmt: skip


def options(command: Command) -> Command:
    """Add the options of a migration to a command; `request` makes them one."""
    for option in reversed((*limits("adaptive"), *_CONVERGENCE, *_TRANSPORT, *_OUTCOME)):
        command = option(command)
    return command


def request(values: dict[str, Any], **more: Any) -> Migrate:
    """Return the request the options make, of no instance yet.

    Raises UsageError for options that contradict each other, with every contradiction.
    """
    made = Migrate(subject=NOWHERE, **{**values, **more})
    if reasons := contradictions(made):
        raise UsageError(" ".join(reasons), "Leave one of them out.")
    return made
