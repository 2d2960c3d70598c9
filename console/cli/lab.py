"""`virtdeck lab up|status|down`: the private two-host lab, from the command line."""

from __future__ import annotations

import sys
from typing import NoReturn

import click
import msgspec

from core.errors import VirtdeckError
from core.lab import Lab, LabStatus


def fail(problem: VirtdeckError) -> NoReturn:
    """Print an error and its cure to standard error and leave with its exit status."""
    click.echo(f"virtdeck: {problem.message}", err=True)
    if problem.hint:
        click.echo(problem.hint, err=True)
    sys.exit(problem.exit_status)


def print_json(value: object) -> None:
    """Print a value as one JSON document."""
    click.echo(msgspec.json.format(msgspec.json.encode(value), indent=2))


def progress(line: str) -> None:
    """Show a step on standard error, so that standard output stays for the result."""
    click.echo(line, err=True)


def describe(status: LabStatus) -> list[str]:
    """The lines a person reads. Pure."""
    lines = [f"lab {status.name}: {'running' if status.running else 'not running'}"]
    for host in status.hosts:
        if not host.answers:
            state = "down" if host.pid is None else f"daemon {host.pid} does not answer"
            lines.append(f"  {host.name:<6} {state}")
            continue
        lines.append(f"  {host.name:<6} {host.uri}")
        lines += [f"         {name:<8} {state}" for name, state in sorted(host.instances.items())]
    if status.running:
        kind = {"kvm": "KVM", "tcg": "TCG, without KVM"}.get(status.accelerator, "unknown")
        lines.append(f"  guests run on {kind}")
        ability = status.post_copy
        verdict = "works" if ability.works else "does not work"
        lines.append(f"  post-copy migration {verdict}: {ability.reason}")
        lines += [f"    {ability.cure}"] if ability.cure else []
    return lines


def show(status: LabStatus, as_json: bool) -> None:
    """Print a status for a person or for a program."""
    if as_json:
        print_json(status)
    else:
        click.echo("\n".join(describe(status)))


name_option = click.option("--name", default="demo", show_default=True, help="Which lab.")
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group()
def lab() -> None:
    """Two private libvirt hosts with real guests on this machine."""


@lab.command()
@name_option
@json_option
@click.option("--guests/--no-guests", default=True, help="Start the six guests (default).")
def up(name: str, as_json: bool, guests: bool) -> None:
    """Bring the lab up, or bring back what is missing of it.

    With --json: a list of {"name", "uri", "socket", "pid", "lab", "root"}, one for each host.
    """
    try:
        the_lab = Lab(name)
        the_lab.up(guests=guests, say=progress)
        if not as_json:
            show(the_lab.status(), as_json=False)
            return
    except VirtdeckError as problem:
        fail(problem)
    hosts = [
        {
            "name": host.name,
            "uri": host.uri,
            "socket": str(host.socket),
            "pid": host.pid,
            "lab": name,
            "root": str(the_lab.root),
        }
        for host in the_lab.hosts
    ]
    print_json(hosts)


@lab.command()
@name_option
@json_option
def status(name: str, as_json: bool) -> None:
    """Show what runs, and whether post-copy migration works; exit status 1 when the lab is down."""
    try:
        found = Lab(name).status()
    except VirtdeckError as problem:
        fail(problem)
    show(found, as_json)
    if not found.running:
        sys.exit(1)


@lab.command()
@name_option
def down(name: str) -> None:
    """End every process of the lab and remove every file of it."""
    try:
        Lab(name).down(say=progress)
    except VirtdeckError as problem:
        fail(problem)
