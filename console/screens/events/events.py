"""Every event of every host, newest at the end: follow, hold still, filter. UI thread."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from textual import on

from console.actions.registry import bindings_for
from console.screens.empty import no_events
from console.screens.events.columns import EventLine, event_columns
from console.screens.listing import ListScreen, Passes
from console.screens.parts import Part
from console.widgets.live_table import LiveTable
from core.model import Delta, Event
from core.state.selection import parse_event_filter


class EventsScreen(ListScreen[EventLine], inherit_bindings=False):
    """A table of lines numbered as they came; the cursor keeps its line unless it follows."""

    BINDINGS = bindings_for("list", "events")
    registry_layer = "events"
    noun = "event"
    filter_words = "words, host:, group:, name:, kind:pool, severity:error, !word"

    def __init__(self) -> None:
        super().__init__()
        self._lines: dict[int, EventLine] = {}
        self._next = 0
        self._follow = True
        self._holding = False
        self._held: list[Event] = []

    def make_table(self) -> LiveTable[EventLine]:
        """The table, oldest first."""
        return LiveTable(
            event_columns(self.console.view),
            name_of=lambda row: f"{row.number:012d}",
            sort="at",
        )

    def rows(self) -> Mapping[int, EventLine]:
        """The numbered lines."""
        return self._lines

    def show_all(self) -> None:
        """Number the events of the picture anew."""
        self._held.clear()
        self._lines.clear()
        self._append(self.console.view.state.events)
        super().show_all()
        self._go_to_end()

    def show_change(self, delta: Delta) -> None:
        """Add what is new, or keep it back while the list is held."""
        del delta  # it may be older than the picture: what is in both would be shown twice
        fresh = self._fresh()
        if self._holding:
            self._held = list(fresh or ())
        elif fresh is None:
            self.show_all()
        elif fresh:
            self._add(fresh)

    def parse_filter(self, text: str) -> Passes[EventLine]:
        """Words, `host:`, `kind:`, `severity:` and the others of core.state.selection."""
        passes, state = parse_event_filter(text), self.console.view.state
        return lambda row: passes(row.event, state)

    def empty_text(self) -> str:
        """That none came yet."""
        return no_events(self.console.view)

    def summary(self) -> list[Part]:
        """Whether it follows or holds, before the counts."""
        parts = super().summary()
        if self._holding:
            text = f" held, {len(self._held):,} new " if self._held else " held "
            parts.append(Part(text, "paused", "screen.hold"))
        elif self._follow:
            parts.append(Part(" following ", "ok", "screen.follow"))
        return parts

    def action_follow(self) -> None:
        """Keep the newest event in view, or stop."""
        self._follow = not self._follow
        if self._follow and self._holding:
            self._release()
        self._go_to_end()
        self.show_lines()

    def action_hold(self) -> None:
        """Hold the list still, or let it go on."""
        if self._holding:
            self._release()
        else:
            self._holding = True
        self.show_lines()

    @on(LiveTable.Highlighted)
    def _moved(self) -> None:
        """A cursor that leaves the end stops following."""
        order = self.table.model.order
        if self._follow and order and self.table.cursor.key != order[-1]:
            self._follow = False
            self.show_lines()

    @on(LiveTable.Activated)
    async def _open(self) -> None:
        line = self.table.cursor.row
        if line is None:
            return
        subject = line.event.subject
        if subject in self.console.view.state.instances:
            await self.console.navigation.open_instance(subject, "events")
        else:
            self.console.notify(
                f"{line.event.name or subject.kind} has no page of its own.",
                timeout=3, markup=False,
            )  # fmt: skip

    def _fresh(self) -> Sequence[Event] | None:
        """The events of the picture after the last line; None where that is not among them.

        Then very many came at once, or somebody moved about on a tape.
        """
        events = self.console.view.state.events
        if not self._lines:
            return events
        last = self._lines[self._next - 1].event
        for count, event in enumerate(reversed(events)):
            if event is last:
                return events[len(events) - count :]
        return None

    def _release(self) -> None:
        self._holding = False
        self._held = []
        fresh = self._fresh()
        if fresh is None:
            self.show_all()
        elif fresh:
            self._add(fresh)

    def _add(self, events: Sequence[Event]) -> None:
        gone = self._append(events)
        new = {number: self._lines[number] for number in self._newest(len(events))}
        self.table.update_rows(new, gone)
        self._show_empty()
        self._go_to_end()

    def _append(self, events: Iterable[Event]) -> list[int]:
        """Give the events numbers; returns the numbers of those that had to go."""
        for event in events:
            self._lines[self._next] = EventLine(self._next, event)
            self._next += 1
        surplus = len(self._lines) - max(KEPT, len(self.console.view.state.events))
        gone = list(self._lines)[:surplus] if surplus > 0 else []
        for number in gone:
            del self._lines[number]
        return gone

    def _newest(self, count: int) -> list[int]:
        return list(range(max(self._next - count, self._next - len(self._lines)), self._next))

    def _go_to_end(self) -> None:
        if self._follow and self._lines and not self._holding:
            if self.table.model.stale:
                self.table.sort_by("at", False)
            order = self.table.model.order
            if order:
                self.table.cursor.go_to(order[-1])


KEPT = 2000
"""Lines kept at least; the state keeps as many events as it likes."""
