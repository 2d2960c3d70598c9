"""The options of a migration, for `migrate` and `drain`, and the request they make."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import click

from console.cli.parameters import Decorator, option, several
from core.errors import UsageError
from core.migration.plan.options import contradictions
from core.model import ObjectKey
from core.model.lists import numbered
from core.model.rewrites import Rewrites
from core.verbs.migration.requests import Migrate
from core.verbs.parameter import parameter_of

Command = TypeVar("Command", bound=Callable[..., Any])

NOWHERE = ObjectKey("instance", "", "")
"""The subject of options that are not yet anybody's."""
_STORAGE = {"all": "copy-all", "incremental": "copy-incremental"}
_ORDER = (
    *("policy", "max_downtime", "bandwidth", "post_copy_bandwidth", "switchover_bandwidth"),
    *("post_copy", "auto_converge", "auto_converge_initial", "auto_converge_increment"),
    *("completion_timeout", "progress_timeout", "timeout_action", "parallel", "compression"),
    *("zero_copy", "tls", "tls_destination", "tunnelled", "destination_uri", "migrate_uri"),
    *("listen_address", "disks_uri", "disks_port", "storage", "disks", "synchronous_writes"),
    *(
        "detect_zeroes",
        "host_devices",
        "persist",
        "undefine",
        "offline",
        "rewrites",
        "unsafe",
        "overrides",
    ),
)
"""The fields of the request, as the help shows their options."""


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


_OWN: Mapping[str, Decorator] = {
    "storage": click.option(
        "--copy-storage", "storage", type=click.Choice(list(_STORAGE)), callback=_storage,
        help=parameter_of(Migrate, "storage").help,
    ),
    "disks": several("--disk", parameter_of(Migrate, "disks")),
    "rewrites": click.option(
        "--rewrite", "rewrites", type=click.Path(path_type=Path, dir_okay=False),
        callback=_rewrites, metavar="FILE.toml", help=parameter_of(Migrate, "rewrites").help,
    ),
    "overrides": several("--override", parameter_of(Migrate, "overrides")),
}  # fmt: skip
"""The options that are not written as their fields are."""


def limits() -> tuple[Decorator, ...]:
    """What can be changed while a migration runs: without a default."""
    names = ("policy", "max_downtime", "bandwidth", "post_copy_bandwidth")
    return tuple(option(replace(parameter_of(Migrate, name), default=None)) for name in names)


def options(command: Command) -> Command:
    """Add the options of a migration to a command; `request` makes them one."""
    for name in reversed(_ORDER):
        add = _OWN.get(name) or option(parameter_of(Migrate, name))
        command = add(command)
    return command


def request(values: dict[str, Any], **more: Any) -> Migrate:
    """Return the request the options make, of no instance yet.

    Raises UsageError for options that contradict each other, with every contradiction.
    """
    made = Migrate(subject=NOWHERE, **{**values, **more})
    if reasons := contradictions(made):
        raise UsageError(numbered(reasons), "Leave one of them out.")
    return made
