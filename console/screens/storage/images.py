"""The base images of every host: who needs each, through which chain. UI thread."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from msgspec.structs import replace
from textual import on
from textual.widget import Widget

from console import format as fmt
from console.actions.registry import bindings_for
from console.screens.listing import Passes
from console.screens.marked import MarkedScreen
from console.screens.matching import word_filter
from console.screens.page import Page
from console.screens.panelled import PanelledScreen
from console.screens.parts import Part
from console.screens.view import ChangeWatch, Tells, View
from console.widgets.columns import Cell, CellValue, Column
from console.widgets.live_table import LiveTable
from core.model import Delta, ObjectKey
from core.model.text import clean
from core.state.images import BaseImage, images, sums, users_in_words

_TOLD: dict[str, Tells] = {
    "instance": lambda row: (row.name, row.state, row.described, row.disks),
    "volume": lambda row: (
        *(row.path, row.pool_name, row.backing, row.format, row.described),
        *(row.capacity, row.used_at),
    ),
    "pool": lambda row: (row.name, row.type, row.path, row.state, row.error),
    "host": lambda row: (row.link.status, row.listed),
}
"""What an image's use is made of, and its line, but for what it takes: that grows all the time."""
_NAMED = 2
"""Users that a line names."""


class ImagesScreen(MarkedScreen[BaseImage], PanelledScreen[BaseImage], inherit_bindings=False):
    """A table over a panel that has every user of the image under the cursor."""

    CSS_PATH = "images.tcss"
    BINDINGS = bindings_for("subjects", "list", "panel", "images")
    registry_layer = "images"
    subject_kinds = ("volume",)
    noun = "image"
    filter_words = "words of pool, name, host, format, users, unused, !word"

    def __init__(self) -> None:
        super().__init__()
        self._page = Page(id="image")
        self._told = ChangeWatch(**_TOLD)
        self._shown: dict[ObjectKey, BaseImage] = {}

    def make_table(self) -> LiveTable[BaseImage]:
        """The table."""
        view = self.console.view
        return LiveTable(
            image_columns(view),
            name_of=place_of,
            sort="name",
            row_role=lambda row: "muted" if view.stale(row.volume.host) else "",
        )

    def panel(self) -> Iterable[Widget]:
        """Everything about an image."""
        yield self._page

    def crumbs(self) -> tuple[str, ...]:
        """Where it is reached from."""
        return ("volumes", "images")

    def rows(self) -> Mapping[ObjectKey, BaseImage]:
        """Every base image."""
        self._shown = images(self.console.view.state)
        return self._shown

    def show_all(self) -> None:
        """Every image, from what all chains are now."""
        self._told.look(self.console.view.state)
        super().show_all()

    def changes(self, delta: Delta) -> tuple[Mapping[ObjectKey, BaseImage], list[ObjectKey]] | None:
        """All of them where anything changed that a chain is made of; else those that grew."""
        state, shown = self.console.view.state, self._shown
        if self._told.moved(state, delta):
            return None
        grown = {
            key: replace(shown[key], volume=state.volumes[key])
            for key in delta.changed
            if key in shown and key in state.volumes
        }
        shown.update(grown)
        return grown, []

    def summary(self) -> list[Part]:
        """How many, and what those take that nothing needs."""
        count, taken = sums(self._shown)
        free = Part(f" {count:,} unused, {fmt.size(taken)} ", "warning" if count else "muted")
        return [free, *super().summary()]

    def parse_filter(self, text: str) -> Passes[BaseImage]:
        """Words."""
        return word_filter(text, _words, _groups(self.console.view))

    def empty_text(self) -> str:
        """What would be here."""
        return (
            "No base image is known.\n\n"
            "Here are volumes that images lie over, and those that no instance has as a disk."
        )

    @on(LiveTable.Highlighted)
    def show_panel(self) -> None:
        """Who needs it, and what is not known of that."""
        row = self.table.cursor.row
        self._page.show([] if row is None else image_facts(row))

    @on(LiveTable.Activated)
    def _open(self) -> None:
        self.action_verb_menu()


def image_columns(view: View) -> list[Column[BaseImage]]:
    """Every column, in order."""
    del view
    return [
        Column("name", "IMAGE", lambda row: Cell(_name(row), "strong"), place_of, min_width=28,
               max_width=48, flex=3, cut="middle", tooltip="Its pool and its name"),
        Column("host", "HOST", lambda row: row.volume.host, lambda row: row.volume.host,
               min_width=5, max_width=16, priority=2, tooltip="Where it is"),
        Column("format", "FORMAT", lambda row: row.volume.format or fmt.UNKNOWN,
               lambda row: row.volume.format, width=6, priority=5, tooltip="Its format"),
        Column("capacity", "SIZE", lambda row: fmt.size(row.volume.capacity),
               lambda row: row.volume.capacity, width=5, align="right", priority=4,
               default_descending=True, tooltip="Capacity"),
        Column("allocation", "ALLOC", lambda row: fmt.size(row.volume.allocation),
               lambda row: row.volume.allocation, width=5, align="right", priority=1,
               default_descending=True, tooltip="What it takes on disk"),
        Column("overlays", "OVER", lambda row: f"{len(row.overlays):,}",
               lambda row: len(row.overlays), width=4, align="right", priority=3,
               default_descending=True, tooltip="Images that lie over it"),
        Column("used", "LAST USED", lambda row: fmt.date(row.volume.used_at),
               lambda row: row.volume.used_at, width=10, priority=6, default_descending=True,
               tooltip="When its file was last read or written, as its file system says"),
        Column("users", "NEEDED BY", _users, lambda row: len(row.users), min_width=22, flex=4,
               tooltip="The instances that need it, and through which images"),
    ]  # fmt: skip


def place_of(row: BaseImage) -> str:
    """What sorts images by host, pool and name."""
    return f"{row.volume.host}\t{row.volume.pool_name}\t{row.volume.name}"


def _name(row: BaseImage) -> str:
    return f"{row.volume.pool_name}/{row.volume.name}"


def _users(row: BaseImage) -> CellValue:
    if row.used:
        return fmt.listed(users_in_words(row, _NAMED), _NAMED + 1)
    return Cell("not known", "warning") if row.unknown else Cell("nobody", "ok")


def _words(row: BaseImage) -> str:
    volume = row.volume
    state = "used" if row.used else "unknown" if row.unknown else "unused"
    names = " ".join(user.name for user in row.users)
    return f"{volume.pool_name}/{volume.name} {volume.host} {volume.format} {names} {state}"


def _groups(view: View) -> Callable[[BaseImage], tuple[str, ...]]:
    hosts = view.state.hosts
    return lambda row: hosts[row.volume.host].groups if row.volume.host in hosts else ()


def image_facts(row: BaseImage) -> list[CellValue]:
    """Say all that is known of an image's use, a line for each chain."""
    volume = row.volume
    lines: list[CellValue] = [
        (Cell(f" {clean(_name(row))}", "strong"), Cell(f" on {clean(volume.host)}", "muted")),
        Cell(f" {clean(volume.path)}", "muted"),
        "",
    ]
    for user in row.users:
        names = [path.rpartition("/")[2] for path in user.chain]
        chain = " over ".join(clean(name) for name in (*names, volume.name))
        where = f" on {clean(user.instance.host)}" if user.instance.host != volume.host else ""
        who = f" {clean(user.name)}{where} {clean(user.target)}"
        state = f" ({user.state.value}): "
        lines.append((Cell(who, "strong"), Cell(f"{state}{chain}", "muted")))
    in_use = {path for user in row.users for path in user.chain}
    for over in row.overlays:
        if over.path not in in_use:
            text = f" {clean(over.pool_name)}/{clean(over.name)} lies over it, and nobody uses it"
            lines.append(Cell(text, "warning"))
    if not row.used and not row.unknown:
        lines.append(Cell(" Nothing needs it: it can be deleted (a).", "ok"))
    lines += [Cell(f" ! Not known: {clean(why)}.", "warning") for why in row.unknown]
    return lines
