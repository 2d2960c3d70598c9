"""The devices of one host as a tree, who holds each, its NUMA cells. UI thread.

They are read when somebody looks; the core then reads again what the host's events tell of. Who
holds one is in the definitions, which are known already; a device that changes hands is read again,
for its driver is another one then.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from typing import Any

from textual import on
from textual.widget import Widget

from console import format as fmt
from console.actions.registry import bindings_for
from console.screens.hosts.device_columns import (
    device_columns,
    device_facts,
    line_name,
    words_of,
)
from console.screens.hosts.panel import numa_lines
from console.screens.listing import Passes
from console.screens.matching import word_filter
from console.screens.page import Page
from console.screens.panelled import PanelledScreen
from console.screens.parts import Part
from console.screens.subjects import READ_ONLY, SubjectScreen, copy_names
from console.screens.view import LinkWatch
from console.widgets.columns import Cell
from console.widgets.live_table import LiveTable
from core.model import Delta, ObjectKey
from core.source import Source
from core.state.device_tree import DeviceHolder, DeviceLine, devices_of_host, undescribed
from core.state.held_devices import as_held
from core.verbs.registry import VERBS

_DETACHING = {
    "device": ("device-detach", "device"),
    "interface": ("interface-detach", "interface"),
    "disk": ("volume-detach", "disk"),
}
"""How what holds a device lets go of it: the verb, and its field that names the device."""


class DevicesScreen(SubjectScreen, PanelledScreen[DeviceLine], inherit_bindings=False):
    """A table over a panel about the device under the cursor."""

    CSS_PATH = "devices.tcss"
    BINDINGS = bindings_for("list", "panel", "devices")
    registry_layer = "devices"
    noun = "device"
    filter_words = "words of address, model, driver, holder, free, pci, usb, mdev, group7, !word"

    def __init__(self, host: str) -> None:
        self._host = host
        super().__init__()
        self._page = Page(id="device")
        self._links = LinkWatch()
        self._shown: Mapping[str, DeviceLine] = {}
        self._reading = False
        self._problem = ""
        """Why they could not be read the last time."""

    def make_table(self) -> LiveTable[DeviceLine]:
        """The table: the tree."""
        view, host = self.console.view, self._host
        return LiveTable(
            device_columns(),
            name_of=line_name,
            sort="name",
            row_role=lambda _: "muted" if view.stale(host) else "",
        )

    def panel(self) -> Iterable[Widget]:
        """Everything about a device."""
        yield self._page

    def crumbs(self) -> tuple[str, ...]:
        """Where it is reached from."""
        return ("hosts", self._host, "devices")

    def in_view(self) -> frozenset[ObjectKey]:
        """Who holds one."""
        return frozenset(one.key for line in self._shown.values() for one in line.holders)

    def rows(self) -> Mapping[str, DeviceLine]:
        """Every device that is known of the host."""
        lines = devices_of_host(self.console.view.state, self._host)
        self._shown = {line.device.name: line for line in lines}
        return self._shown

    def changes(self, delta: Delta) -> tuple[Mapping[Any, DeviceLine], Iterable[Hashable]] | None:
        """The lines that are others now; what changed hands is read again."""
        view = self.console.view
        if self._links.turned(view, delta):
            if not view.stale(self._host):
                self._read()  # what was plugged meanwhile nobody told
            return None
        touched = any(key.host == self._host and key.kind in ("host", "instance")
                      for key in delta.changed | delta.gone)  # fmt: skip
        if not touched:
            return {}, ()
        before = self._shown
        now = self.rows()
        changed = {name: line for name, line in now.items() if before.get(name) != line}
        self._read_some([name for name, line in changed.items()
                         if name in before and before[name].holders != line.holders])  # fmt: skip
        return changed, [name for name in before if name not in now]

    def catch_up(self) -> None:
        """Read them, where that was not done yet."""
        super().catch_up()
        if self._host not in self.console.view.state.devices:
            self._read()

    def read_again(self) -> None:
        """Read them again, because the operator wants all read."""
        self._read()

    def summary(self) -> list[Part]:
        """How many are held."""
        held = sum(bool(line.holders) for line in self._shown.values())
        parts = [Part(f" {held:,} held ", "muted"), *super().summary()]
        return [Part(" ! not read ", "warning"), *parts] if self._problem else parts

    def parse_filter(self, text: str) -> Passes[DeviceLine]:
        """Words."""
        return word_filter(text, words_of, lambda _: ())

    def empty_text(self) -> str:
        """Why there is none to be seen."""
        if self._problem:
            return f"{self._problem}\n\n^r reads again."
        if self._host in self.console.view.state.devices:
            return f"The libvirt of {self._host} lists no PCI, USB or mediated device."
        if self.console.tape.replay:
            return "This tape does not tell the devices of its hosts."
        return "Reading the devices ..."

    @on(LiveTable.Highlighted)
    def show_panel(self) -> None:
        """All that is known of it, and the NUMA cells of its host."""
        state, row = self.console.view.state, self.table.cursor.row
        host = state.hosts.get(self._host)
        lines = [] if row is None else [*device_facts(row), ""]
        if row is not None and (missing := undescribed(state, self._host)):
            text = f" ! What {fmt.plural(missing, 'instance')} of it hold is not read yet."
            lines = [Cell(text, "warning"), *lines]
        if self._problem and row is not None:
            text = f" ! {self._problem} What is shown may be old."
            lines = [Cell(text, "warning"), *lines]
        known = None if host is None else host.facts
        self._page.show([*lines, *([] if known is None or not known.numa else numa_lines(known))])

    @on(LiveTable.Activated)
    def _open(self) -> None:
        row = self.table.cursor.row
        if row is None:
            return
        if not row.holders:
            self.console.notify("No instance holds it: a gives it to one.", timeout=4)
            return
        self._of_one(row.holders, "Open", lambda key: self.call_later(self._go_to, key))

    async def _go_to(self, key: ObjectKey) -> None:
        await self.console.navigation.open_instance(key, "overview")

    # -- attaching and detaching -------------------------------------------------------------------

    def action_attach(self) -> None:
        """Have an instance chosen, and show the form with this device."""
        row = self._to_change()
        if row is None:
            return
        if not row.device.place:
            text = "No instance can be given this one: choose a PCI, USB or mediated device."
            self.console.notify(text, severity="warning", timeout=5)
            return
        from console.screens.dialogs.instance_choice import InstanceChoiceDialog

        word = row.device.place
        instances = self.console.view.state.instances.values()
        here = [one for one in instances if one.host == self._host]

        def chosen(key: ObjectKey | None) -> None:
            if key is not None:
                self._ask_for(VERBS["device-attach"], [key], given={"device": word})

        self.console.push_screen(InstanceChoiceDialog(f"Give {word} to", here), chosen)

    def action_detach(self) -> None:
        """Show the form that has its holder let go of it."""
        row = self._to_change()
        if row is None:
            return
        if not row.holders:
            self.console.notify("No instance holds it.", severity="warning", timeout=4)
            return
        self._of_one(row.holders, "Detach it from", lambda key: self._let_go(row, key))

    def _let_go(self, row: DeviceLine, key: ObjectKey) -> None:
        instance = self.console.view.state.instances.get(key)
        held = None if instance is None else as_held(instance, row.device)
        if held is None:
            self.console.notify("It is held no longer.", severity="warning", timeout=4)
            return
        verb, field = _DETACHING[held.kind]
        self._ask_for(VERBS[verb], [key], given={field: held.name})

    def _of_one(self, holders: tuple[DeviceHolder, ...], title: str, then: Any) -> None:
        """Go on with who holds a device; where several do, with that which is chosen."""
        if len(holders) == 1:
            then(holders[0].key)
            return
        from console.screens.dialogs.instance_choice import InstanceChoiceDialog

        instances = self.console.view.state.instances
        who = [instances[one.key] for one in holders if one.key in instances]

        def chosen(key: ObjectKey | None) -> None:
            if key is not None:
                then(key)

        self.console.push_screen(InstanceChoiceDialog(title, who), chosen)

    def _to_change(self) -> DeviceLine | None:
        if self.console.read_only:
            self.console.notify(READ_ONLY, severity="warning", timeout=4)
            return None
        return self.table.cursor.row

    def action_copy_word(self) -> None:
        """Copy the word by which the device is attached."""
        row = self.table.cursor.row
        if row is not None:
            copy_names(self.console, [row.device.place or row.device.name])

    # -- reading -----------------------------------------------------------------------------------

    def _read(self) -> None:
        """Read all of them, unless they are being read."""
        if self._reading:
            return
        self._reading = True
        host = self._host
        self.console.ask(
            lambda source: source.links.host_devices(host),
            lambda _: self._answered(""),
            lambda error: self._answered(str(error)),
        )

    def _read_some(self, names: list[str]) -> None:
        """Read those again; a host that is out of reach by now says so elsewhere."""
        host = self._host

        async def read(source: Source) -> None:
            await source.links.host_devices(host, names)

        if names:
            self.console.ask(read, lambda _: None, lambda _: None)

    def _answered(self, problem: str) -> None:
        self._reading = False
        self._problem = problem
        if self.is_attached:
            self.show_all()
            self.show_lines()
