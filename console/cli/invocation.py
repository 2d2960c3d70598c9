"""What every command takes: hosts, configuration, read-only, version, JSON."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec

Command = TypeVar("Command", bound=Callable[..., Any])


class Invocation(msgspec.Struct):
    """The global options of one run, wherever on the command line they stood."""

    connect: list[str] = []
    read_only: bool = False
    config: Path | None = None
    json: bool = False


def version() -> str:
    """The installed version of virtdeck."""
    from importlib import metadata  # slow to import, and rarely asked for

    try:
        return metadata.version("virtdeck")
    except metadata.PackageNotFoundError:  # run from a checkout
        return "0+checkout"


def called() -> str:
    """How this program is called here: by its name where a shell finds it by that, else by its
    path, as from a checkout."""
    path = Path(sys.argv[0])
    found = shutil.which(path.name)
    return path.name if found is not None and path.exists() and path.samefile(found) else str(path)


def invocation(context: click.Context) -> Invocation:
    """Return the invocation a context belongs to, the same for root and sub-command."""
    root = context.find_root()
    if not isinstance(root.obj, Invocation):
        root.obj = Invocation()
    return root.obj


def common(command: Command) -> Command:
    """Add the options every command takes, before and after the sub-command's name."""
    options = (
        click.option(
            "--connect", "-c", metavar="URI", multiple=True, expose_value=False,
            callback=_add_hosts, help="A libvirt URI, or NAME=URI; may be repeated.",
        ),
        click.option(
            "--read-only", is_flag=True, expose_value=False, callback=_set_read_only,
            help="Look, but change nothing.",
        ),
        click.option(
            "--config", metavar="FILE", type=click.Path(path_type=Path), expose_value=False,
            callback=_set_config, help="Read this configuration file.",
        ),
        click.option(
            "--version", is_flag=True, is_eager=True, expose_value=False, callback=_show_version,
            help="Print the version and leave.",
        ),
    )  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command


def json_option(command: Command) -> Command:
    """Add `--json`: JSON lines instead of text."""
    return click.option(
        "--json", "json_", is_flag=True, expose_value=False, callback=_set_json,
        help="Print JSON, a line for each object.",
    )(command)  # fmt: skip


def _add_hosts(context: click.Context, _: click.Parameter, value: tuple[str, ...]) -> None:
    invocation(context).connect.extend(value)


def _set_read_only(context: click.Context, _: click.Parameter, value: bool) -> None:
    invocation(context).read_only |= value


def _set_config(context: click.Context, _: click.Parameter, value: Path | None) -> None:
    if value is not None:
        invocation(context).config = value


def _set_json(context: click.Context, _: click.Parameter, value: bool) -> None:
    invocation(context).json |= value


def _show_version(context: click.Context, _: click.Parameter, value: bool) -> None:
    if value and not context.resilient_parsing:
        click.echo(f"virtdeck {version()}")
        context.exit()
