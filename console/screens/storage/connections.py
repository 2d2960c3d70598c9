"""The volumes that hosts have connected for disks, and what is left over of them. UI thread."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property

from textual import on
from textual.widget import Widget

from console import format as fmt
from console.actions.registry import bindings_for
from console.screens.listing import Passes
from console.screens.matching import groups_of_hosts, word_filter
from console.screens.page import Page
from console.screens.panelled import PanelledScreen
from console.screens.parts import Part
from console.screens.storage.next_starts import NextStartReader
from console.screens.subjects import READ_ONLY
from console.screens.submitting import propose
from console.screens.table_text import facts, heading
from console.screens.view import ChangeWatch, Tells, View
from console.widgets.columns import Cell, CellValue, Column
from console.widgets.live_table import LiveTable
from core.model import Delta, ObjectKey
from core.model.text import clean
from core.state.connections import LedgerEntry
from core.verbs.device.host_requests import DisconnectVolume

_ROLES = {"in use": "ok", "next start": "off", "left over": "warning", "not known": "muted"}
_TOLD: dict[str, Tells] = {
    "instance": lambda row: (row.name, row.described, row.disks, row.state.active),
    "pool": lambda row: (row.name, row.type, row.path),
    "host": lambda row: (row.link.status, row.listed),
}
"""What an entry, and how it stands, is made of beside what the journal has."""
NOT_KNOWN = (
    "Here is what this journal has of attaches and detaches. What another journal had connected, "
    "or somebody by hand, is not known here."
)


class ConnectionsScreen(PanelledScreen[LedgerEntry], inherit_bindings=False):
    """A table over a panel about the entry under the cursor."""

    CSS_PATH = "images.tcss"
    BINDINGS = bindings_for("list", "panel", "connections")
    registry_layer = "connections"
    noun = "connection"
    filter_words = "words of device, volume, instance, host, left over, in use, !word"

    def __init__(self) -> None:
        super().__init__()
        self._page = Page(id="connection")
        self._told = ChangeWatch(**_TOLD)
        self._shown: dict[tuple[str, str, str], LedgerEntry] = {}

    def make_table(self) -> LiveTable[LedgerEntry]:
        """The table: by host and device."""
        view = self.console.view
        return LiveTable(
            connection_columns(view),
            name_of=lambda row: "\t".join((row.subject.host, row.volume.path, row.volume.target)),
            sort="device",
            row_role=lambda row: "muted" if view.stale(row.subject.host) else "",
        )

    def panel(self) -> Iterable[Widget]:
        """Everything about an entry."""
        yield self._page

    def crumbs(self) -> tuple[str, ...]:
        """Where it is reached from."""
        return ("volumes", "connections")

    def rows(self) -> Mapping[tuple[str, str, str], LedgerEntry]:
        """Every entry."""
        found = self._next_starts.entries(self.console.view.state)
        self._shown = {one.key: one for one in found}
        return self._shown

    @cached_property
    def _next_starts(self) -> NextStartReader:
        return NextStartReader(self.console, self._read_more)

    def show_time(self) -> None:
        """Read definitions again after a while: not every change of one is told."""
        super().show_time()
        if self._next_starts.is_old(self.console.view.now()):
            self._next_starts.outdate_all()
            self._next_starts.entries(self.console.view.state)

    def _read_more(self) -> None:
        if self.is_attached:
            self.show_all()
            self.show_lines()

    def catch_up(self) -> None:
        """Read definitions again, too, where something happened that nobody looked at."""
        if self.seen != self.console.view.state.revision:
            self._next_starts.outdate_all()
        super().catch_up()

    def show_all(self) -> None:
        """Every entry, from what all disks are now."""
        self._told.look(self.console.view.state)
        super().show_all()

    def changes(
        self, delta: Delta
    ) -> tuple[Mapping[tuple[str, str, str], LedgerEntry], list[tuple[str, str, str]]] | None:
        """All of them where anything changed that an entry is made of."""
        state = self.console.view.state
        moved = self._told.moved(state, delta)
        defined = self._next_starts.outdate(state, delta)
        told = any(key.kind == "operation" for key in delta.changed | delta.gone)
        return None if moved or told or defined else ({}, [])

    def summary(self) -> list[Part]:
        """How many are left over."""
        left = sum(one.standing == "left over" for one in self._shown.values())
        words = Part(f" {left:,} left over ", "warning" if left else "muted")
        return [words, *super().summary()]

    def parse_filter(self, text: str) -> Passes[LedgerEntry]:
        """Words, and groups of its host."""
        hosts = self.console.view.state.hosts
        return word_filter(text, _words, lambda row: groups_of_hosts(hosts, (row.subject.host,)))

    def empty_text(self) -> str:
        """What would be here."""
        return f"No host has connected a volume for a disk, as far as is known.\n\n{NOT_KNOWN}"

    @on(LiveTable.Highlighted)
    def show_panel(self) -> None:
        """All that the ledger has."""
        row = self.table.cursor.row
        self._page.show([] if row is None else connection_facts(row))

    @on(LiveTable.Activated)
    async def _open(self) -> None:
        row = self.table.cursor.row
        if row is None:
            return
        if row.subject in self.console.view.state.instances:
            await self.console.navigation.open_instance(row.subject, "disks")
        else:
            self.console.notify("Its instance is gone.", timeout=4)

    def action_disconnect(self) -> None:
        """Ask for the leftover under the cursor to be disconnected."""
        row = self.table.cursor.row
        if self.console.read_only:
            self.console.notify(READ_ONLY, severity="warning", timeout=4)
        elif row is not None and row.standing == "next start":
            text = f"It is not left over: {row.why}."
            self.console.notify(text, severity="warning", timeout=6, markup=False)
        elif row is not None:
            host = ObjectKey("host", row.subject.host, row.subject.host)
            propose(self, [DisconnectVolume(host, row.volume.handle)], hidden=0)


def connection_columns(view: View) -> list[Column[LedgerEntry]]:
    """Every column, in order."""
    del view
    return [
        Column("device", "DEVICE", lambda row: Cell(clean(row.volume.path), "strong"),
               lambda row: (row.subject.host, row.volume.path), min_width=20, max_width=60, flex=3,
               cut="middle", tooltip="The device on its host"),
        Column("host", "HOST", lambda row: row.subject.host, lambda row: row.subject.host,
               min_width=5, max_width=16, priority=1, tooltip="Who has it connected"),
        Column("standing", "STANDS", lambda row: Cell(row.standing, _ROLES[row.standing]),
               lambda row: row.standing, width=10, tooltip="Whether its disk is there"),
        Column("for", "FOR", lambda row: clean(row.whose),
               lambda row: row.name, min_width=12, max_width=40, flex=2, priority=2,
               tooltip="The disk it was connected for"),
        Column("protocol", "PROTOCOL", lambda row: row.volume.protocol,
               lambda row: row.volume.protocol, min_width=8, max_width=14, priority=4,
               tooltip="How it is reached"),
        Column("volume", "VOLUME", lambda row: clean(row.volume.volume_id) or fmt.UNKNOWN,
               lambda row: row.volume.volume_id, min_width=12, flex=3, priority=3,
               tooltip="The volume's id"),
    ]  # fmt: skip


def connection_facts(row: LedgerEntry) -> list[CellValue]:
    """Say all that is known of an entry."""
    pairs: list[tuple[str, CellValue]] = [
        ("stands", (Cell(row.standing, _ROLES[row.standing]), Cell(f": {clean(row.why)}"))),
        ("volume", clean(row.volume.word)),
        ("for", clean(f"{row.whose} on {row.subject.host}")),
        ("multipath", "yes" if row.volume.multipath else ""),
    ]
    cure = [Cell(" d has its host disconnect it.", "strong")] if row.standing == "left over" else []
    name = heading(clean(row.volume.handle) or "a device of no name")
    return [name, *facts(pairs), "", *cure, Cell(f" {NOT_KNOWN}", "muted")]


def _words(row: LedgerEntry) -> str:
    one = row.volume
    return (
        f"{one.path} {one.protocol} {one.volume_id} {row.name} {one.target} {row.subject.host} "
        f"{row.standing}"
    )
