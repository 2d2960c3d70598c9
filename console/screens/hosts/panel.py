"""What the hosts screen says of the host under the cursor. Pure."""

from __future__ import annotations

from console import format as fmt
from console.device_words import huge_pages
from console.screens.chrome import sign_of_link
from console.screens.networks.columns import forward_of
from console.screens.table_text import facts, heading, table
from console.screens.view import View
from console.status_signs import status_sign
from console.widgets.columns import Cell, CellValue
from core.model import Host, HostFacts, LinkStatus
from core.state.operations import activity

_HISTORY = 12
"""Lines of link history."""


def host_lines(view: View, host: Host) -> list[CellValue]:
    """Link, what it is, what it cannot do, NUMA, networks, link history."""
    lines = _link(view, host)
    if host.facts is not None:
        lines += ["", *_limitations(host.facts), "", *_machine(host.facts)]
        if host.facts.numa:
            lines += ["", *numa_lines(host.facts)]
    lines += ["", *_networks(view, host), "", *_history(view, host)]
    return lines


def _link(view: View, host: Host) -> list[CellValue]:
    link = host.link
    sign = sign_of_link(link)
    words = (
        Cell(f"{sign.glyph} {sign.word}", sign.role),
        Cell(f" since {view.date(link.since)}" if link.since else ""),
    )
    pairs: list[tuple[str, CellValue]] = [("link", words), ("uri", host.uri)]
    if host.groups:
        pairs.append(("groups", ", ".join(host.groups)))
    if link.waiting:
        pairs.append(("waits for", link.waiting))
    if link.error:
        pairs.append(("why", Cell(link.error, "error")))
    if link.hint:
        pairs.append(("cure", Cell(link.hint, "strong")))
    if link.status is LinkStatus.DOWN and link.next_attempt is not None:
        tried = fmt.plural(link.attempt, "attempt")
        words_ = f"{view.clock(link.next_attempt)}, after {tried} (R tries now)"
        pairs.append(("next attempt", words_))
    if link.read_only:
        pairs.append(("access", Cell("read-only", "paused")))
    if doing := activity(view.state, host.key):
        pairs.append(("now", Cell(doing, "changing")))
    return [heading(host.name), *facts(pairs)]


def _machine(known: HostFacts) -> list[CellValue]:
    topology = (
        f"{fmt.plural(known.cpus, 'CPU')}: {fmt.plural(known.sockets, 'socket')} x "
        f"{fmt.plural(known.cores, 'core')} x {fmt.plural(known.threads, 'thread')}, "
        f"{fmt.plural(known.nodes, 'NUMA node')}"
    )
    model = " ".join(filter(None, (known.cpu_vendor, known.cpu_model)))
    memory = fmt.size(known.memory)
    if known.memory_free is not None:
        memory += f", {fmt.size(known.memory_free)} free"
    return [
        heading("Machine"),
        *facts(
            [
                ("hostname", known.hostname),
                ("hypervisor", f"{known.hypervisor} {known.hypervisor_version}".strip()),
                ("libvirt", known.libvirt_version),
                ("architecture", known.architecture),
                ("cpu", ", ".join(filter(None, (model, f"{known.mhz} MHz" if known.mhz else "")))),
                ("topology", topology if known.cpus else ""),
                ("memory", memory),
                ("runs", ", ".join(known.guest_types)),
                ("migrates over", ", ".join(known.migration_transports)),
                ("cpu features", fmt.listed(known.cpu_features, 8)),
            ]
        ),
    ]


def _limitations(known: HostFacts) -> list[CellValue]:
    lines: list[CellValue] = [heading("What it cannot do")]
    if not known.limitations:
        return [*lines, Cell("  nothing known", "muted")]
    for limit in known.limitations:
        lines.append((Cell("  ! ", "warning"), Cell(limit.what, "strong")))
        lines.append(Cell(f"    {limit.why}", ""))
        if limit.cure:
            lines.append((Cell("    cure: ", "muted"), Cell(limit.cure)))
    return lines


def numa_lines(known: HostFacts) -> list[CellValue]:
    """Say what memory, CPUs and huge pages the NUMA cells of a host have."""
    rows = [
        (
            str(cell.id),
            fmt.size(cell.memory),
            str(cell.cpus),
            huge_pages(cell) or fmt.UNKNOWN,
        )
        for cell in known.numa
    ]
    return [heading("NUMA"), *table(("cell", "memory", "cpus", "huge pages"), rows)]


def _networks(view: View, host: Host) -> list[CellValue]:
    rows = [
        (
            network.name,
            Cell("active", "ok") if network.active else Cell("inactive", "off"),
            forward_of(network),
            network.bridge or fmt.UNKNOWN,
            ", ".join(network.addresses) or fmt.UNKNOWN,
            "yes" if network.autostart else "no",
        )
        for key, network in view.state.networks.items()
        if key.host == host.name
    ]
    titles = ("name", "state", "forward", "bridge", "addresses", "autostart")
    return [heading("Networks"), *table(titles, rows)]


def _history(view: View, host: Host) -> list[CellValue]:
    rows = []
    for change in reversed(host.history[-_HISTORY:]):
        sign = status_sign(change.status)
        rows.append(
            (view.date(change.at), Cell(f"{sign.glyph} {sign.word}", sign.role), change.reason)
        )
    return [heading("Link history"), *table(("when", "link", "why"), rows, "nothing yet")]
