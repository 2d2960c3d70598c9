"""Every virtual network of every host: its state, where it leads, who is on it. UI thread."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from typing import Any

from textual import on

from console.actions.registry import bindings_for
from console.screens.empty import no_networks
from console.screens.listing import Passes
from console.screens.marked import MarkedScreen
from console.screens.matching import groups_of_hosts, word_filter
from console.screens.networks.columns import network_columns, network_role, place_of, words_of
from console.screens.networks.network import NetworkDialog
from console.screens.parts import Part
from console.screens.subjects import READ_ONLY
from console.screens.view import ChangeWatch, LinkWatch
from console.widgets.live_table import LiveTable
from core.model import Delta, Instance, Network, ObjectKey
from core.verbs.registry import VERBS


class NetworksScreen(MarkedScreen[Network], inherit_bindings=False):
    """One table: a network of a host per row."""

    BINDINGS = bindings_for("subjects", "list", "networks")
    registry_layer = "networks"
    subject_kinds = ("network",)
    noun = "network"
    filter_words = "words of network, host, state, bridge, forward mode, address, group:prod, !word"

    def __init__(self) -> None:
        super().__init__()
        self._links = LinkWatch()
        self._users = ChangeWatch(instance=_told_of)

    def make_table(self) -> LiveTable[Network]:
        """The table: by host and name."""
        view = self.console.view
        return LiveTable(
            network_columns(view), name_of=place_of, sort="name", row_role=network_role(view)
        )

    def rows(self) -> Mapping[ObjectKey, Network]:
        """Every network."""
        return self.console.view.state.networks

    def show_all(self) -> None:
        """Every network, from who is on it now."""
        self._users.look(self.console.view.state)
        super().show_all()

    def changes(self, delta: Delta) -> tuple[Mapping[Any, Network], Iterable[Hashable]] | None:
        """Networks that changed; everything when hosts or who is on them may have."""
        networks, view = self.rows(), self.console.view
        moved, turned = self._users.moved(view.state, delta), self._links.turned(view, delta)
        if moved or turned:
            return None
        changed = {key: networks[key] for key in delta.changed if key in networks}
        return changed, [key for key in delta.gone if key.kind == "network"]

    def summary(self) -> list[Part]:
        """How many there are, and how many are active."""
        networks = self.rows().values()
        active = sum(network.active for network in networks)
        words = f"{active:,} of {len(networks):,} active"  # so that all tabs fit into 80 cells
        return [Part(f" {words} ", "muted"), *super().summary()[1:]]

    def parse_filter(self, text: str) -> Passes[Network]:
        """Words, and groups of its host."""
        view = self.console.view
        return word_filter(
            text, words_of, lambda row: groups_of_hosts(view.state.hosts, (row.host,))
        )

    def empty_text(self) -> str:
        """How to make one."""
        return no_networks(self.console.view)

    @on(LiveTable.Activated)
    async def _open(self) -> None:
        row = self.table.cursor.row
        if row is None:
            return

        async def opened(found: str | ObjectKey | None) -> None:
            if isinstance(found, ObjectKey):
                self.edit(found)
            elif found:
                await self.console.navigation.show_instances(found)

        self.console.push_screen(NetworkDialog(row.key), opened)

    def edit(self, key: ObjectKey) -> None:
        """Edit the definition of a network, where this console changes anything."""
        if self.console.read_only:
            self.console.notify(READ_ONLY, severity="warning", timeout=4)
        else:
            self._ask_for(VERBS["network-edit"], [key])


def _told_of(row: Instance) -> object:
    """Return what the networks tell of who is on them."""
    return row.interfaces and (row.name, row.state.active, row.interfaces)
