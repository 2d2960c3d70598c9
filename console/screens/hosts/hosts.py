"""The hosts, and everything about the one under the cursor. UI thread."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from typing import Any

from textual import on
from textual.widget import Widget

from console import format as fmt
from console.actions.registry import bindings_for
from console.screens.chrome import sign_of_link
from console.screens.empty import no_hosts
from console.screens.hosts.panel import host_lines
from console.screens.instances.counts import InstanceCounts
from console.screens.listing import Passes
from console.screens.marked import MarkedScreen
from console.screens.matching import word_filter
from console.screens.page import Page
from console.screens.panelled import PanelledScreen
from console.screens.parts import Part, PartsLine
from console.widgets.columns import Cell, CellValue, Column
from console.widgets.live_table import LiveTable
from console.widgets.table_messages import Activated
from core.model import Delta, Host, LinkStatus, ObjectKey
from core.source import Source


class HostsScreen(MarkedScreen[Host], PanelledScreen[Host], inherit_bindings=False):
    """A table over a panel."""

    CSS_PATH = "hosts.tcss"
    BINDINGS = bindings_for("subjects", "list", "panel", "hosts")
    registry_layer = "hosts"
    subject_kinds = ("host",)
    noun = "host"
    filter_words = "words of name, URI, link or version, group:prod, !word"

    def __init__(self) -> None:
        self._counts = InstanceCounts()  # the table, which the next line makes, looks at them
        super().__init__()
        self._page = Page(id="host")
        self._sum = PartsLine(id="sum")

    def make_table(self) -> LiveTable[Host]:
        """The table: what is wrong first, then by name."""
        return LiveTable(host_columns(self._counts), name_of=lambda row: row.name, sort="link")

    def body(self) -> Iterable[Widget]:
        """The line that sums all up, the table, the panel, the filter line."""
        yield self._sum
        yield from super().body()

    def panel(self) -> Iterable[Widget]:
        """Everything about a host."""
        yield self._page

    def show_all(self) -> None:
        """Every host, its instances counted anew."""
        self._counts.count(self.console.view.state.instances)
        super().show_all()
        self._show_sum()

    def show_change(self, delta: Delta) -> None:
        """Hosts that changed, with what the delta names counted again."""
        self._counts.update(delta, self.console.view.state.instances)
        super().show_change(delta)
        self._show_sum()

    def _show_sum(self) -> None:
        self._sum.show(summary_parts(self.rows().values(), self._counts))

    def rows(self) -> Mapping[str, Host]:
        """Every host."""
        return self.console.view.state.hosts

    def changes(self, delta: Delta) -> tuple[Mapping[Any, Host], Iterable[Hashable]]:
        """Hosts that changed, or that have other instances now."""
        hosts = self.console.view.state.hosts
        named = {key.host for key in delta.changed | delta.gone}
        changed = {name: hosts[name] for name in named if name in hosts}
        return changed, [key.id for key in delta.gone if key.kind == "host"]

    def parse_filter(self, text: str) -> Passes[Host]:
        """Words and groups."""
        return word_filter(text, _words, lambda row: row.groups)

    def empty_text(self) -> str:
        """How to name one."""
        return no_hosts(self.console.view)

    def action_reconnect(self) -> None:
        """Open the links to the marked hosts, or to the one under the cursor, again, now."""
        console = self.console
        names = [str(name) for name in self.table.chosen]
        if not names:
            return

        async def reconnect(source: Source) -> None:
            await asyncio.gather(*map(source.links.reconnect, names))

        text = f"Connecting to {fmt.listed(names, 3)} again."
        console.ask(reconnect, lambda _: console.notify(text, timeout=3, markup=False))

    async def action_open_devices(self) -> None:
        """Show the devices of the host under the cursor."""
        from console.screens.hosts.devices import DevicesScreen

        name = self.table.cursor.key
        if name is not None:
            await self.console.push_screen(DevicesScreen(str(name)))

    def chosen_subjects(self) -> list[ObjectKey]:
        """The marked ones, or the one under the cursor."""
        return [ObjectKey("host", name, name) for name in self.table.chosen]

    @on(LiveTable.Highlighted)
    def show_panel(self) -> None:
        """Its link, its versions, what it cannot do."""
        row = self.console.view.state.hosts.get(self.table.cursor.key or "")
        self._page.show(host_lines(self.console.view, row) if row else [])

    @on(LiveTable.Activated)
    async def _open(self, event: Activated) -> None:
        await self.console.navigation.show_instances(f"host:{event.key}")


def host_columns(counts: InstanceCounts) -> list[Column[Host]]:
    """Every column, in order."""
    return [
        Column("name", "HOST", lambda row: row.name, lambda row: row.name, min_width=10,
               max_width=30, flex=2, tooltip="What it is called here"),
        Column("link", "LINK", _link, _trouble,
               width=13, tooltip="Our connection to it; sorted: what is down or not up yet first"),
        Column("instances", "ACTIVE", lambda row: str(counts.of(row.name)),
               lambda row: counts.of(row.name).active, width=11, align="right", priority=1,
               default_descending=True, tooltip="Active instances of all"),
        Column("hypervisor", "HYPERVISOR", lambda row: _versions(row)[0], min_width=10,
               max_width=16, priority=3, tooltip="Driver and version"),
        Column("libvirt", "LIBVIRT", lambda row: _versions(row)[1], lambda row: _versions(row)[1],
               width=8, priority=2, tooltip="Version of its daemon"),
        Column("cpus", "CPUS", lambda row: str(row.facts.cpus) if row.facts else "-",
               lambda row: row.facts.cpus if row.facts else None, width=4, align="right",
               priority=4, default_descending=True, tooltip="Logical processors"),
        Column("memory", "MEM", lambda row: fmt.size(row.facts.memory if row.facts else None),
               lambda row: row.facts.memory if row.facts else None, width=5, align="right",
               priority=4, default_descending=True, tooltip="Memory of the machine"),
        Column("limits", "LIMITS", _limits, lambda row: len(row.facts.limitations) if row.facts
               else None, width=6, align="right", priority=5, default_descending=True,
               tooltip="How many things it cannot do"),
        Column("uri", "URI", lambda row: Cell(row.uri, "muted"), lambda row: row.uri,
               min_width=20, flex=4, priority=6, tooltip="How we reach it"),
    ]  # fmt: skip


_TROUBLE = (LinkStatus.DOWN, LinkStatus.CONNECTING, LinkStatus.CLOSED, LinkStatus.UP)
"""The states of a link, what an operator should look at first."""


def summary_parts(hosts: Iterable[Host], counts: InstanceCounts) -> list[list[Part]]:
    """How many hosts are down, not up yet and up, and how many of all instances are active.

    What a host out of reach runs now nobody knows: its instances are counted apart.
    """
    ordered = sorted(hosts, key=_trouble)
    signs = [sign_of_link(host.link) for host in ordered]
    lost = [host for host in ordered if host.link.status is not LinkStatus.UP]
    last_seen = sum(counts.of(host.name).active for host in lost)
    groups = [
        [Part(f" {sign.glyph} {number:,} {sign.word} ", sign.role)]
        for sign, number in Counter(signs).items()
    ]
    active, total = counts.all
    instances = fmt.plural(total, "instance")
    groups.append([Part(f" {active - last_seen:,} of {instances} active ", "muted")])
    if last_seen:
        groups.append([Part(f" {last_seen:,} when last seen ", "muted")])
    return groups


def _trouble(row: Host) -> tuple[int, bool]:
    """What is wrong before what is not yet right; what waits after what connects."""
    return _TROUBLE.index(row.link.status), bool(row.link.waiting)


def _link(row: Host) -> CellValue:
    sign = sign_of_link(row.link)
    return Cell(f"{sign.glyph} {sign.word}", sign.role)


def _versions(row: Host) -> tuple[str, str]:
    if row.facts is None:
        return fmt.UNKNOWN, fmt.UNKNOWN
    return f"{row.facts.hypervisor} {row.facts.hypervisor_version}", row.facts.libvirt_version


def _limits(row: Host) -> CellValue:
    if row.facts is None:
        return fmt.UNKNOWN
    count = len(row.facts.limitations)
    return Cell(f"! {count}", "warning") if count else Cell("0", "muted")


def _words(row: Host) -> str:
    sign = sign_of_link(row.link)
    return " ".join((row.name, row.uri, sign.word, *_versions(row)))
