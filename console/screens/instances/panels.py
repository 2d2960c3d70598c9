"""What the tabs of one instance say, as lines of text. Pure."""

from __future__ import annotations

from console import format as fmt
from console.glyphs import glyphs
from console.move_words import phase
from console.screens.events.columns import event_text
from console.screens.instances.figures import figures, latency, own_figures
from console.screens.instances.guest import guest
from console.screens.instances.run import (
    agent_words,
    block_job_words,
    device_outcomes,
    snapshot_count,
    thresholds,
)
from console.screens.page import beside
from console.screens.snapshots.tree import kind_of, tree_of
from console.screens.table_text import facts, heading, table
from console.screens.view import View
from console.widgets.columns import Cell, CellValue
from core.model import (
    Disk,
    DiskRates,
    DiskSource,
    Instance,
    InstanceDetail,
    Severity,
)
from core.state.operations import activity

_NOW = 72
"""Cells of the left column of a wide overview: labels, figures and sparks."""
_MADE = 55
"""Cells the right one has at least: labels, and a UUID in one piece."""
_WIDE = 120
_LATELY = 8
"""Events on the overview."""
_EVENTS = 500
"""Events of an instance shown at most."""


def overview(
    view: View, row: Instance, detail: InstanceDetail | None, width: int = 0
) -> list[CellValue]:
    """Alerts, state, figures, what it is made of (the latter side by side where it is wide), what
    its guest tells of itself, and what happened to it last.
    """
    beside_it = width >= _WIDE
    left = min(_NOW, width - _MADE) if beside_it else _NOW
    now = [heading("Now"), *facts(_now(view, row, left))]
    made = [heading("Made of"), *facts([*_made(row), ("snapshots", snapshot_count(view, row))])]
    if detail is not None and detail.addresses:
        addresses = ", ".join(address.address for address in detail.addresses)
        made += facts([("addresses", addresses)])
    lines = _alerts(view, row)
    lines += beside(now, made, left, width) if beside_it else [*now, "", *made]
    if detail is not None and detail.guest is not None and (told := guest(view, detail.guest)):
        lines += ["", *told]
    if row.description:
        lines += ["", heading("Description"), f"  {row.description}"]
    return [*lines, "", heading("Lately"), *events(view, row)[:_LATELY]]


def _alerts(view: View, row: Instance) -> list[CellValue]:
    lines: list[CellValue] = []
    if view.stale(row.host):
        age = view.stale_age(row.host)
        lines.append(Cell(f" The link to {row.host} is not up: this is {age} old.", "warning"))
    for alert in view.alerts(row.key):
        role = "error" if alert.severity is Severity.ERROR else "warning"
        text = f" {glyphs().alert} {alert.cause}"
        lines.append((Cell(text, role), Cell(f"  since {view.clock(alert.since)}", "muted")))
    return [*lines, ""] if lines else []


def _now(view: View, row: Instance, width: int) -> list[tuple[str, CellValue]]:
    sign = fmt.instance_state(row.state)
    state: list[Cell] = [Cell(f"{sign.glyph} {sign.word}", sign.role)]
    if row.reason:
        state.append(Cell(f" ({row.reason})"))
    if row.state_since:
        state.append(Cell(f" since {view.date(row.state_since)}", "muted"))
    pairs: list[tuple[str, CellValue]] = [("state", tuple(state))]
    if doing := activity(view.state, row.key):
        pairs.append(("doing", Cell(doing, "changing")))
    if moved := phase(row):
        pairs.append(("move", Cell(f"{moved}: confirm or revert that", "warning")))
    if row.rescue:
        pairs.append(("rescue", Cell("it boots the rescue image until it is unrescued", "warning")))
    pairs.append(("agent", agent_words(view, row)))
    if row.state.active:
        pairs += figures(view, row, width)
    return pairs


def _made(row: Instance) -> list[tuple[str, CellValue]]:
    vcpus = str(row.vcpus)
    if row.vcpus_maximum and row.vcpus_maximum != row.vcpus:
        vcpus += f" of {row.vcpus_maximum}"
    memory = fmt.size(row.memory)
    if row.memory_maximum and row.memory_maximum != row.memory:
        memory += f" of {fmt.size(row.memory_maximum)}"
    kept = ["persistent" if row.persistent else "transient"]
    kept += ["autostart"] if row.autostart else []
    kept += ["managed save"] if row.managed_save else []
    machine = " ".join(filter(None, (row.type, row.architecture, row.machine)))
    disks = ", ".join(f"{disk.target} ({source_text(disk.source)})" for disk in row.disks)
    interfaces = ", ".join(f"{one.mac} on {one.source or one.type}" for one in row.interfaces)
    return [
        ("title", row.title),
        ("vcpus", vcpus),
        ("memory", memory),
        ("machine", machine),
        ("cpu mode", row.cpu_mode),
        ("firmware", row.firmware),
        ("boots from", ", ".join(row.boot)),
        ("kept", ", ".join(kept)),
        ("uuid", row.uuid),
        ("id", "" if row.id is None else str(row.id)),
        ("disks", disks or "none"),
        ("interfaces", interfaces or "none"),
    ]


def devices(view: View, row: Instance) -> list[CellValue]:
    """Every device but disks and interfaces, with its address and alias; then what the hypervisor
    itself counts.
    """
    own = own_figures(view.state.rates.get(row.key)) if row.state.active else []
    if not row.described:
        return [Cell("  Its devices were not read yet.", "muted")]
    rows = [
        (one.kind, one.alias or fmt.UNKNOWN, one.address or fmt.UNKNOWN, one.summary or fmt.UNKNOWN)
        for one in row.devices
    ]
    # The long one last: a channel's path would push what follows it out of sight.
    found = [heading("Devices"), *table(("kind", "alias", "address", "what"), rows)]
    return [*found, *device_outcomes(view, row), *own]


def disks(view: View, row: Instance) -> list[CellValue]:
    """Every disk with the images below it, and what its requests take."""
    rates = view.state.rates.get(row.key) if row.state.active else None
    by_target = {one.target: one for one in rates.disks} if rates is not None else {}
    lines: list[CellValue] = []
    run = view.state.runs.get(row.key)
    for disk in row.disks:
        job = None if run is None else run.block_job(disk.target)
        now: list[tuple[str, CellValue]] = [("latency", _lately(by_target.get(disk.target)))]
        now += [("job", block_job_words(view, job))] if job is not None else []
        lines += [*_disk(disk), *facts(now), *thresholds(view, run, disk.target), ""]
    return lines or [Cell("  It has no disk.", "muted")]


def _lately(disk: DiskRates | None) -> str:
    flushes = None if disk is None else disk.flushes
    often = "" if flushes is None else f", {flushes:.1f} flushes a second"
    return latency(disk) + often


def _disk(disk: Disk) -> list[CellValue]:
    flags = [
        word
        for word, there in (
            ("read-only", disk.read_only),
            ("shareable", disk.shareable),
            ("encrypted", disk.encrypted),
            (f"boot {disk.boot_order}", disk.boot_order is not None),
        )
        if there
    ]
    tuning = ", ".join(
        f"{name} {value}"
        for name, value in (("cache", disk.cache), ("io", disk.io), ("discard", disk.discard))
        if value
    )
    title = " ".join(filter(None, (disk.bus, disk.device, *flags)))
    lines: list[CellValue] = [(Cell(f" {disk.target} ", "strong"), Cell(title, "muted"))]
    chain = [disk.source, *disk.backing] if disk.source else []
    for depth, layer in enumerate(chain):
        arm = "  " if depth == 0 else "  " + "   " * (depth - 1) + glyphs().arm
        kind = f"  {layer.format or layer.type}"
        lines.append((Cell(arm, "muted"), Cell(source_text(layer)), Cell(kind, "muted")))
    if not chain:
        lines.append(Cell("  empty drive", "muted"))
    return lines + facts(
        [
            ("alias", disk.alias),
            ("address", disk.address),
            ("serial", disk.serial),
            ("data", ", ".join(map(source_text, disk.data))),
            ("tuning", tuning),
        ]
    )


def source_text(source: DiskSource | None) -> str:
    """Where an image is: a path, or protocol, name and hosts."""
    if source is None:
        return "empty"
    if source.hosts:
        return f"{source.path} at {', '.join(source.hosts)}"
    return source.path or source.type or fmt.UNKNOWN


def interfaces(row: Instance, detail: InstanceDetail | None) -> list[CellValue]:
    """Every interface, and the addresses anybody knows of it."""
    rows = [
        (
            one.mac,
            Cell("up", "ok") if one.link_up else Cell("down", "warning"),
            one.model or fmt.UNKNOWN,
            one.target or fmt.UNKNOWN,
            one.alias or fmt.UNKNOWN,
            one.address or fmt.UNKNOWN,
            f"{one.type} {one.source}".rstrip() or fmt.UNKNOWN,
        )
        for one in row.interfaces
    ]
    titles = ("mac", "link", "model", "target", "alias", "address", "plugged into")
    lines = [heading("Interfaces"), *table(titles, rows), "", heading("Addresses")]
    if detail is None:
        return [*lines, Cell("  being read ...", "muted")]
    known = [(one.address, one.interface, one.mac, one.source) for one in detail.addresses]
    lines += table(("address", "interface", "mac", "told by"), known, "nobody knows any")
    return [*_notes(detail), *lines]


def snapshots(view: View, detail: InstanceDetail | None) -> list[CellValue]:
    """The snapshots as a tree."""
    if detail is None:
        return [Cell("  being read ...", "muted")]
    if detail.snapshots is None:
        return _notes(detail)
    rows = [
        (
            line.branch,
            Cell("current", "strong") if line.snapshot.current else "",
            view.date(line.snapshot.created),
            line.snapshot.state,
            kind_of(line.snapshot),
            "" if line.cost is None else fmt.size(line.cost),
            line.snapshot.description,
        )
        for line in tree_of(detail.snapshots)
    ]
    titles = ("name", "", "made", "state", "kind", "takes", "description")
    more = Cell("  enter opens the list: make one, revert, delete", "muted")
    return [heading("Snapshots"), *table(titles, rows, "It has no snapshot."), more]


def _notes(detail: InstanceDetail) -> list[CellValue]:
    """What could not be read, above what could."""
    return [Cell(f" {note}", "warning") for note in detail.notes]


def events(view: View, row: Instance) -> list[CellValue]:
    """What happened to it, newest first."""
    mine = [event for event in view.state.events if event.subject == row.key][-_EVENTS:]
    if not mine:
        return [Cell("  Nothing happened to it since this console was opened.", "muted")]
    return [
        (Cell(f"  {view.clock(event.at)}  ", "muted"), event_text(event))
        for event in reversed(mine)
    ]


def xml(row: Instance, detail: InstanceDetail | None) -> list[CellValue]:
    """The live XML, then that of the next start where it differs."""
    if detail is None:
        return [Cell("  being read ...", "muted")]
    lines = _notes(detail)
    both = bool(row.state.active and detail.inactive_xml)
    if both:
        lines.append(heading("Live"))
    lines += detail.xml.splitlines()
    if both and detail.inactive_xml != detail.xml:
        lines += ["", heading("At the next start"), *detail.inactive_xml.splitlines()]
    return lines
