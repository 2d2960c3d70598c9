"""The hosts, and everything about the one under the cursor. UI thread."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from typing import Any

from textual import on
from textual.widget import Widget

from console import format as fmt
from console.actions import bindings_for
from console.screens.chrome import link_sign
from console.screens.empty import no_hosts
from console.screens.host_panel import host_lines
from console.screens.listing import Passes
from console.screens.matching import word_filter
from console.screens.page import Page
from console.screens.panelled import PanelledScreen
from console.screens.view import View
from console.widgets.columns import Cell, CellValue, Column
from console.widgets.live_table import LiveTable
from console.widgets.table_messages import Activated
from core.model import Delta, Host, LinkStatus


class HostsScreen(PanelledScreen[Host], inherit_bindings=False):
    """A table over a panel."""

    CSS_PATH = "hosts.tcss"
    BINDINGS = bindings_for("list", "panel", "hosts")
    registry_layer = "hosts"
    noun = "host"
    filter_words = "words of name, URI, link or version, !word"

    def __init__(self) -> None:
        super().__init__()
        self._page = Page(id="host")

    def make_table(self) -> LiveTable[Host]:
        """The table, by name."""
        return LiveTable(host_columns(self.console.view), name_of=lambda row: row.name, sort="name")

    def panel(self) -> Iterable[Widget]:
        """Everything about a host."""
        yield self._page

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
        """Words."""
        return word_filter(text, _words)

    def empty_text(self) -> str:
        """How to name one."""
        return no_hosts(self.console.view)

    def action_reconnect(self) -> None:
        """Open the link to the host under the cursor again, now."""
        console = self.console
        name = self.table.cursor_key
        if name is None:
            return
        console.ask(
            lambda source: source.reconnect(name),
            lambda _: console.notify(f"Connecting to {name} again.", timeout=3, markup=False),
        )

    def action_drain(self) -> None:
        """Move everything that runs on the host under the cursor to others."""
        from console.screens import draining

        if self.table.cursor_key is not None:
            draining.propose(self, self.table.cursor_key)

    @on(LiveTable.Highlighted)
    def show_panel(self) -> None:
        """Its link, its versions, what it cannot do."""
        row = self.console.view.state.hosts.get(self.table.cursor_key or "")
        self._page.show(host_lines(self.console.view, row) if row else [])

    @on(LiveTable.Activated)
    async def _open(self, event: Activated) -> None:
        await self.console.show_instances(f"host:{event.key}")


def host_columns(view: View) -> list[Column[Host]]:
    """Every column, in order."""
    return [
        Column("name", "HOST", lambda row: row.name, lambda row: row.name, min_width=10,
               max_width=30, flex=2, tooltip="What it is called here"),
        Column("link", "LINK", _link, lambda row: list(LinkStatus).index(row.link.status),
               width=13, tooltip="Our connection to it"),
        Column("instances", "ACTIVE", lambda row: _running(view, row)[1],
               lambda row: _running(view, row)[0], width=9, align="right", priority=1,
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


def _link(row: Host) -> CellValue:
    sign = link_sign(row.link.status)
    return Cell(f"{sign.glyph} {sign.word}", sign.role)


def _running(view: View, row: Host) -> tuple[int, str]:
    mine = [one for key, one in view.state.instances.items() if key.host == row.name]
    active = sum(one.state.active for one in mine)
    return active, f"{active}/{len(mine)}"


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
    sign = link_sign(row.link.status)
    groups = [f"group:{group}" for group in row.groups]
    return " ".join((row.name, row.uri, sign.word, *groups, *_versions(row)))
