"""One network, over the networks screen: how it is, who is on it, its leases. UI thread."""

from __future__ import annotations

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical, VerticalScroll

from console.screens.dialogs.dialog import Dialog
from console.screens.networks.network_text import network_lines
from console.screens.page import Page
from console.widgets.columns import Cell
from core.model import Delta, ObjectKey
from core.model.network import NetworkUse
from core.model.text import clean
from core.source import Source
from core.state.query import quoted
from core.state.usage import instances_on


class NetworkDialog(Dialog[str | ObjectKey], inherit_bindings=False):
    """Answers with a filter that leaves the instances on it, or with its own key, to be edited.

    None: back to the networks.
    """

    CSS_PATH = ["network.tcss"]  # noqa: RUF012 - Textual's own way
    BINDINGS = [  # noqa: RUF012 - Textual's own way
        Binding("escape,q", "leave", "Close"),
        Binding("enter", "instances", "Instances"),
        Binding("e", "edit", "Edit"),
        Binding("r", "read", "Read again"),
    ]

    def __init__(self, key: ObjectKey) -> None:
        super().__init__()
        self._key = key
        self._use: NetworkUse | None = None
        self._why = ""
        """Why that could not be read."""
        self._lines = Page(id="network")

    def compose(self) -> ComposeResult:
        """The title, the lines, the keys."""
        row = self.console.view.state.networks.get(self._key)
        name = "" if row is None else f"{clean(row.name)} on {row.host}"
        keys = "up, down move   enter its instances   e edit   r read again   esc back"
        with Vertical(classes="dialog"):
            yield Page([Cell(name, "strong"), ""])
            with VerticalScroll():
                yield self._lines
            yield Page(["", Cell(keys, "muted")])

    def on_mount(self) -> None:
        """Show what is known, and read the rest."""
        self._show()
        self.action_read()

    def take_news(self, delta: Delta) -> None:
        """Show what changed of it, and of who is on it."""
        if any(key == self._key or key.kind == "instance" for key in delta.changed | delta.gone):
            self._show()

    def action_read(self) -> None:
        """Read its definition, its leases and ports."""

        async def question(source: Source) -> NetworkUse | None:
            await source.links.look(self._key)  # libvirt tells by no event what others changed
            return await source.links.network_use(self._key)

        def answered(use: NetworkUse | None) -> None:
            self._use, self._why = use, "" if use else "no host tells them."
            if self.is_attached:
                self._show()

        def failed(error: Exception) -> None:
            self._why = str(error)  # what is known stays shown
            if self.is_attached:
                self._show()

        self.console.ask(question, answered, failed)

    @on(events.Resize)
    def _resized(self) -> None:
        self.call_after_refresh(self._show)

    def _show(self) -> None:
        state = self.console.view.state
        row = state.networks.get(self._key)
        if row is None:
            self._lines.show([Cell("It is gone.", "warning")])
        else:
            width, now = self._lines.size.width, self.console.view.now()
            self._lines.show(network_lines(state, row, self._use, width, now, self._why))

    def action_instances(self) -> None:
        """Go to the instances on it."""
        state = self.console.view.state
        row = state.networks.get(self._key)
        if row is None or not instances_on(state, row):
            self.answer(None)
        else:
            self.answer(f"host:{quoted(row.host)} network:{quoted(clean(row.name))}")

    def action_edit(self) -> None:
        """Edit it."""
        self.answer(self._key)

    def action_leave(self) -> None:
        """Go back to the networks."""
        self.answer(None)
