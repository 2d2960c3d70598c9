"""`virtdeck lab up|status|down`: the private two-host lab, from the command line."""

from __future__ import annotations

import click

from console.cli.invocation import invocation, json_option
from console.cli.output import json_line, note, say
from core.lab import Lab, LabHost, LabStatus
from core.lab.status import as_plain

name_option = click.option("--name", default="demo", show_default=True, help="Which lab.")


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


def describe_host(host: LabHost, lab_name: str, root: str) -> dict[str, object]:
    """What a script needs of a host: its name, where it answers, whose it is."""
    return {
        "name": host.name,
        "uri": host.uri,
        "socket": str(host.socket),
        "pid": host.pid,
        "lab": lab_name,
        "root": root,
    }


@click.group()
def lab() -> None:
    """Two private libvirt hosts with real guests on this machine, without root."""


@lab.command()
@name_option
@click.option("--guests/--no-guests", default=True, help="Start the six guests (default).")
@json_option
@click.pass_context
def up(context: click.Context, name: str, guests: bool) -> int:
    """Bring the lab up, or bring back what is missing of it.

    With --json: one list of the hosts, each with name, uri, socket, pid, lab and root.
    """
    the_lab = Lab(name)
    the_lab.up(guests=guests, say=note)
    if invocation(context).json:
        say(json_line([describe_host(host, name, str(the_lab.root)) for host in the_lab.hosts]))
    else:
        say("\n".join(describe(the_lab.status())))
    return 0


@lab.command()
@name_option
@json_option
@click.pass_context
def status(context: click.Context, name: str) -> int:
    """Show what runs, and whether post-copy migration works; exit status 1 when it is not up."""
    found = Lab(name).status()
    say(json_line(as_plain(found)) if invocation(context).json else "\n".join(describe(found)))
    return 0 if found.running else 1


@lab.command()
@name_option
def down(name: str) -> int:
    """End every process of the lab and remove every file of it."""
    Lab(name).down(say=note)
    return 0
