"""Hosts and our links to them: history, events, and what a lost link leaves of the rest."""

from __future__ import annotations

from msgspec.structs import replace

from core.model import AlertKind, Host, LinkChange, LinkStatus
from core.model.event import LinkEvent
from core.model.observation import HostAdded, HostRead, LinkChanged
from core.state import alerts, checkpoints, devices, runs, snapshots
from core.state.tables import Tables


def on_added(tables: Tables, added: HostAdded) -> None:
    """Show a host that was configured."""
    old = tables.hosts.get(added.host) or Host(added.host, added.uri)
    put_host(tables, replace(old, uri=added.uri, groups=added.groups, connecting=added.connecting))


def on_read(tables: Tables, read: HostRead) -> None:
    """Take over what a host said of itself."""
    put_host(tables, replace(_known(tables, read.host), facts=read.facts))


def on_link(tables: Tables, changed: LinkChanged) -> None:
    """Take over the link's status: a new line of its history, an event, an alert as need be."""
    old = _known(tables, changed.host)
    link = changed.link
    history = old.history
    last = history[-1] if history else None
    # attempts to get back what was lost are not worth a line each
    retry = link.status is LinkStatus.CONNECTING and last is not None
    again = last is not None and last.at >= link.since  # as where the reason alone is another
    at = changed.at if again else link.since or changed.at
    line = LinkChange(at, link.status, link.error)
    if not retry and (last is None or (last.status, last.reason) != (line.status, line.reason)):
        history = (*history, line)[-tables.limits.link_changes :]
        announced = None if last is None else last.status
        if link.status not in (LinkStatus.CONNECTING, announced):
            tables.log(LinkEvent(old.name, changed.at, "", old.name, str(link.status), link.error))
    listed = old.listed if link.status is LinkStatus.UP else frozenset[str]()
    host = replace(old, link=link, history=history, listed=listed)
    put_host(tables, host)
    was_seen = old.link.status is LinkStatus.UP or host.name in tables.samples
    if was_seen and link.status is not LinkStatus.UP:
        _grow_stale(tables, host.name)
        for key in [key for key in tables.io_errors if key.host == host.name]:
            del tables.io_errors[key]  # another disk's may come, unheard
    if old.link.status is not LinkStatus.UP and link.status is LinkStatus.UP:
        snapshots.forget(tables, host.name)
        checkpoints.forget(tables, host.name)
        devices.forget(tables, host.name)
    current = tables.alerts.get(host.key) or ()
    tables.put_alerts(host.key, alerts.update_host(host, current, changed.at))


def note_listed(tables: Tables, name: str, kind: str) -> None:
    """Note that a kind of a host's objects is known."""
    host = tables.hosts.get(name)
    if host is not None and kind not in host.listed:
        put_host(tables, replace(host, listed=host.listed | {kind}))


def put_host(tables: Tables, host: Host) -> None:
    """Set a host."""
    if tables.hosts.put(host.name, host):
        tables.mark(host.key)


def _known(tables: Tables, name: str) -> Host:
    return tables.hosts.get(name) or Host(name, uri="")


def _grow_stale(tables: Tables, host: str) -> None:
    """Keep a lost host's instances, and forget what was only true while we could see them."""
    tables.samples.pop(host, None)
    tables.sampled.pop(host, None)
    tables.silent.pop(host, None)
    for key in [key for key in tables.rates if key.host == host]:
        tables.histories.gap(key)
        tables.put_rates(key, None)
    for key in [key for key in tables.jobs if key.host == host]:
        tables.put_job(key, None, 0.0)
    runs.lose_sight(tables, host)
    for key in [key for key in tables.alerts if key.host == host]:
        current = tables.alerts.get(key) or ()
        tables.put_alerts(key, alerts.without(current, (AlertKind.NOT_ANSWERING,)))
