"""What an empty list says: why it is empty and what to do about it. Pure."""

from __future__ import annotations

from console.screens.view import View
from core.model import Host, LinkStatus


def no_instances(view: View) -> str:
    """Why no instance is shown."""
    return _why(view) or (
        "There is no instance on any host.\n\nDefine one with `virsh define FILE`: it appears here."
    )


def no_hosts(view: View) -> str:
    """Why no host is shown."""
    if not view.state.revision:
        return "Opening the hosts ..."
    return (
        "No host is configured.\n\n"
        "Name one: virtdeck --connect qemu:///system\n"
        'or several in the configuration file: hosts = ["qemu+ssh://alpha/system", ...]\n'
        "or look around with two real ones: virtdeck demo"
    )


def no_volumes(view: View) -> str:
    """Why no pool and no volume is shown."""
    return _why(view) or (
        "There is no storage pool on any host.\n\n"
        "Make one: choose a host on screen 2 and press a, p, n; or on the command line:\n"
        "virtdeck pool create NAME --host HOST --path DIRECTORY --build"
    )


def no_networks(view: View) -> str:
    """Why no network is shown."""
    return _why(view) or (
        "There is no virtual network on any host.\n\n"
        "Make one: choose a host on screen 2 and press a, n, n; or on the command line:\n"
        "virtdeck network create NAME --host HOST --subnet 192.168.100.0/24\n"
        "Bridges that libvirt does not keep are not listed."
    )


def no_operations(view: View) -> str:
    """Why no operation is shown."""
    del view
    return (
        "Nothing was asked for yet.\n\n"
        "Choose an instance on screen 1 and press a: what can be done to it."
    )


def no_migrations(view: View) -> str:
    """Why no migration is shown."""
    return _why(view) or (
        "Nothing migrates, and nothing did lately.\n\n"
        "Choose an instance on screen 1 and press the key of Migrate (? lists it).\n"
        "On the command line: virtdeck migrate NAME --to HOST.\n"
        "What somebody else starts appears here by itself."
    )


def no_events(view: View) -> str:
    """Why no event is shown."""
    return _why(view) or "No event came yet. They appear here as the hosts send them."


def _why(view: View) -> str:
    """What keeps anything from being shown at all; empty when some host answers."""
    hosts = list(view.state.hosts.values())
    if not hosts:
        return no_hosts(view)
    if any(host.link.status is LinkStatus.UP for host in hosts):
        return ""
    return "\n\n".join(_host(host) for host in hosts)


def _host(host: Host) -> str:
    link = host.link
    if link.status is not LinkStatus.DOWN:
        if link.waiting:
            return f"{host.name}: waits for {link.waiting}."
        return f"{host.name}: connecting to {host.uri} ..."
    error = link.error or "The host cannot be reached."
    return "\n".join(filter(None, (f"{host.name}: {error}", link.hint)))
