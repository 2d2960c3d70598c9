"""What the pages of a pool and of a volume say above their tables. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from console import format as fmt
from console.glyphs import glyphs
from console.screens.page import beside
from console.screens.storage.figures import (
    StorageRow,
    disks_of,
    doing_of,
    growth_in,
    io_of,
    use_words,
)
from console.screens.table_text import facts, heading
from console.screens.view import View
from console.status_signs import status_sign
from console.widgets.charts import bar
from console.widgets.columns import Cell, CellValue
from core.model import Pool, Severity, Volume
from core.model.text import clean
from core.state.figures import used_fraction
from core.state.storage_operations import connections_at, operations_about
from core.state.usage import overlays_of, pool_users, users_known, volume_count

_WIDE = 120
"""Cells from which the operations stand beside the facts."""
_LATELY = 8
"""Operations that are shown."""
_BAR = 12
_NAMED = 6
_GONE = "missing: others removed it, and its pool still lists it until it is refreshed"
Pairs = list[tuple[str, CellValue]]


def volume_lines(view: View, volume: Volume, width: int) -> list[CellValue]:
    """Return what a volume is, who uses it, what goes on and what was done to it."""
    name = f"{volume.pool_name}/{volume.name}"
    kind = [volume.format, volume.type, "encrypted" if volume.encrypted else ""]
    pairs: Pairs = [
        ("state", Cell(_GONE if volume.missing else "", "warning")),
        ("path", clean(volume.path)),
        ("kind", ", ".join(filter(None, kind))),
        *_sizes(view, volume),
        ("last used", view.date(volume.used_at) if volume.used_at else ""),
        ("lies over", clean(volume.backing)),
        ("used by", _users(view, volume)),
        ("I/O", _does(view, volume)),
        ("now", Cell(doing_of(view, volume), "changing")),
        *_connected(view, volume),
    ]
    return _page(view, volume, name, pairs, width)


def pool_lines(view: View, pool: Pool, width: int) -> list[CellValue]:
    """Return what a pool is, who uses it, what goes on and what was done to it."""
    starts = "starts with its host" if pool.autostart else "does not start with its host"
    kept = "" if pool.persistent else ", transient: gone when it stops"
    count = volume_count(view.state, pool)
    pairs: Pairs = [
        ("state", f"{pool.state.value}, {starts}{kept}"),
        ("type", pool.type or fmt.UNKNOWN),
        ("target", clean(pool.path)),
        ("source", clean(pool.source)),
        *_sizes(view, pool),
        ("volumes", _volumes(pool, count)),
        ("used by", _pool_users(view, pool)),
        ("now", Cell(doing_of(view, pool), "changing")),
    ]
    return _page(view, pool, pool.name, pairs, width)


def _page(
    view: View, row: StorageRow, name: str, pairs: Sequence[tuple[str, CellValue]], width: int
) -> list[CellValue]:
    told = [pair for pair in pairs if not isinstance(pair[1], Cell) or pair[1].text]
    title = (Cell(f" {clean(name)}", "strong"), Cell(f" on {clean(row.host)}", "muted"))
    own = [title, *facts(told, 10)]
    done = _operations(view, row)
    if width >= _WIDE:
        return [*_alerts(view, row), *beside(own, done, width // 2, width)]
    return [*_alerts(view, row), *own, *done]


def _alerts(view: View, row: StorageRow) -> list[CellValue]:
    lines: list[CellValue] = []
    if view.stale(row.host):
        age = view.stale_age(row.host)
        text = f" The link to {row.host} is not up: this is {age} old."
        lines.append(Cell(text, "warning"))
    for alert in view.alerts(row.key):
        role = "error" if alert.severity is Severity.ERROR else "warning"
        text = f" {glyphs().alert} {alert.cause}"
        lines.append((Cell(text, role), Cell(f"  since {view.clock(alert.since)}", "muted")))
    if isinstance(row, Pool) and row.error:
        lines.append(Cell(f" Its volumes are not listed: {clean(row.error)}", "warning"))
    return lines


def _sizes(view: View, row: StorageRow) -> Pairs:
    part = used_fraction(row)
    taken = f"{fmt.size(row.allocation)} of {fmt.size(row.capacity)}"
    size: CellValue = taken
    if part is not None:
        size = (Cell(f"{taken} "), Cell(bar(part, _BAR), "chart"), Cell(f" {fmt.percent(part)}"))
    if isinstance(row, Pool) and row.available is not None:
        size = (*(size if isinstance(size, tuple) else (Cell(taken),)),
                Cell(f", {fmt.size(row.available)} free"))  # fmt: skip
    return [("takes", size), ("grows", _growth(view, row))]


def _growth(view: View, row: StorageRow) -> CellValue:
    found = growth_in(view, row)
    if found is None:
        return Cell("not known yet: it was not seen to change", "muted")
    if abs(found.per_hour) < 1:
        return "not at all"
    full = ""
    if found.full_in is not None:
        takes = fmt.duration(found.full_in)
        whole = f"; with all that grows there its pool is full in {takes}"
        full = f", full in {takes}" if isinstance(row, Pool) else whole
    return f"by {fmt.size(found.per_hour)} an hour{full}"


def _users(view: View, volume: Volume) -> CellValue:
    if users := use_words(view, volume):
        return clean(fmt.listed(users, _NAMED))
    if over := overlays_of(view.state, volume):
        return f"no instance; {clean(fmt.listed([one.name for one in over], 3))} over it"
    if users_known(view.state, volume):
        return "nobody"
    return Cell("not known yet: not every instance was read", "muted")


def _does(view: View, volume: Volume) -> CellValue:
    found = [disk for _, disk in disks_of(view, volume)]
    if io_of(view, volume) is None:
        return ""
    words = [
        f"{word} {fmt.rate(sum(getattr(disk, word) or 0.0 for disk in found))}"
        for word in ("read", "write")
    ]
    for word in ("read", "write"):
        took = [getattr(disk, f"{word}_latency") for disk in found]
        known = [each for each in took if each is not None]
        words += [f"a {word} takes {fmt.milliseconds(max(known))}"] if known else []
    return ", ".join(words)


def _connected(view: View, volume: Volume) -> Pairs:
    lines: Pairs = []
    for subject, one, left in connections_at(view.state, volume):
        instance = view.state.instances.get(subject)
        name = subject.id if instance is None else instance.name
        text = f"{clean(one.word)} for {clean(name)}:{one.target}"
        role = "warning" if left else ""
        lines.append(("connected", Cell(f"{text}, left over" if left else text, role)))
    return lines


def _volumes(pool: Pool, count: int) -> CellValue:
    if not pool.active:
        return Cell("not seen while it is off", "muted")
    return fmt.plural(count, "volume")


def _pool_users(view: View, pool: Pool) -> CellValue:
    names = [clean(one.name) for one in pool_users(view.state, pool)]
    return fmt.listed(names, _NAMED) if names else Cell("nobody, as far as is read", "muted")


def _operations(view: View, row: StorageRow) -> list[CellValue]:
    found = operations_about(view.state, row)
    if not found:
        return [Cell(" Nothing was done to it that is remembered.", "muted")]
    lines: list[CellValue] = [heading("Operations")]
    for record in found[:_LATELY]:
        sign = status_sign(record.status)
        what = clean(f"{record.verb} {record.name}")
        end = clean(record.outcome or record.doing)
        lines.append(
            (
                Cell(f"  {view.clock(record.created)} ", "muted"),
                Cell(f"{sign.glyph} ", sign.role),
                Cell(f"{what}: {end}" if end else what),
                Cell(f"  {clean(record.author)}", "muted"),
            )
        )
    more = len(found) - _LATELY
    return [*lines, Cell(f"  and {more:,} more: 4", "muted")] if more > 0 else lines
