"""A screen made of one live table with a filter: instances, hosts, volumes, operations, events.

UI thread.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping
from typing import Any, ClassVar, Generic, TypeVar

from textual import on
from textual.timer import Timer
from textual.widget import Widget

from console import format as fmt
from console.screens.base import ConsoleScreen
from console.screens.filter_bar import FilterBar
from console.screens.parts import Part
from console.widgets.filling import Filling
from console.widgets.live_table import LiveTable
from console.widgets.table_messages import ViewMoved
from core.errors import UsageError
from core.model import Delta, ObjectKey

Row = TypeVar("Row")
_BREATH = 0.001
"""Seconds between two portions of a listing, for whatever else waits."""
_LISTING_PART = 4
"""More new rows than one in so many are a host's listing."""
_OF_A_ROW = ("table", "steer", "instances", "operations", "hosts", "subjects")
Passes = Callable[[Row], bool]


class ListScreen(ConsoleScreen, Generic[Row], inherit_bindings=False):
    """Subclasses say which rows there are and what a filter text means."""

    AUTO_FOCUS = "LiveTable"
    noun: ClassVar[str] = "row"
    """What a row is called in counts."""
    filter_words: ClassVar[str] = "words, !word for the inverse"
    """What may be typed into the filter, in a few words."""

    def __init__(self) -> None:
        super().__init__()
        self.table: LiveTable[Row] = self.make_table()
        self._filling = Filling(self.table)
        self._fill_timer: Timer | None = None
        self._bar = FilterBar(self.filter_words)
        self.filter_text = ""
        """The filter in force: the last one that could be read."""

    # -- what a subclass says --------------------------------------------------------------------

    @abstractmethod
    def make_table(self) -> LiveTable[Row]:
        """The table, without rows."""

    @abstractmethod
    def rows(self) -> Mapping[Any, Row]:
        """Every row of the present picture."""

    def changes(self, delta: Delta) -> tuple[Mapping[Any, Row], Iterable[Hashable]] | None:
        """The rows a delta changed, and the keys it took; None: look at everything again."""
        del delta
        return None

    @abstractmethod
    def parse_filter(self, text: str) -> Passes[Row]:
        """What a filter text means; raises UsageError with a sentence."""

    def _table_of_actions(self) -> Widget:
        """The table."""
        return self.table

    def other_pane(self) -> Widget | None:
        """What stands beside the table, if anything does."""
        return None

    def _to_found(self) -> None:
        """Go to a row that a new filter means, where it shows others around those."""

    def empty_text(self) -> str:
        """What to say when there is no row at all."""
        return f"No {self.noun} here."

    # -- the rest ----------------------------------------------------------------------------

    def body(self) -> Iterable[Widget]:
        """The table and the filter line below it."""
        yield self.table
        yield self._bar

    def show_all(self) -> None:
        """Fill the table anew; a long listing in portions."""
        self._filling.begin(self.rows())
        self._fill_on()
        self._show_empty()

    def _fill_on(self) -> None:
        if self._filling.waits and self._fill_timer is None:
            self._fill_timer = self.set_timer(_BREATH, self._fill_more)

    def _fill_more(self) -> None:
        self._fill_timer = None
        if self._filling.waits:
            self._filling.go_on()
            self._show_empty()
            self.show_lines()
            self._fill_on()

    def show_change(self, delta: Delta) -> None:
        """Bring the rows that changed up to date."""
        changes = self.changes(delta)
        if changes is None or self._many_new(changes[0]):
            self.show_all()
        else:
            self._filling.change(*changes)
            self._show_empty()

    def _idle_scopes(self) -> Collection[str]:
        """Without a row there is nothing to open, and without any nothing to filter."""
        counts = self.table.counts
        if counts.visible:
            return ()
        return _OF_A_ROW if counts.total else (*_OF_A_ROW, "list")

    def in_view(self) -> Collection[ObjectKey]:
        """The rows on the screen, from top to bottom, where they are known by their objects."""
        return tuple(_objects(self.table.keys_in_view))

    def _marked_keys(self) -> Iterable[ObjectKey]:
        """The marked rows, where they are known by their objects."""
        return _objects(self.table.marks.keys)

    def summary(self) -> list[Part]:
        """How many rows, and how many of them marked."""
        counts = self.table.counts
        filtered = self.table.model.hidden
        total = fmt.plural(counts.total, self.noun)
        shown = f"{counts.total - filtered:,} of {total}" if filtered else total
        return [Part(f" {shown} ", "muted"), *self._marked()]

    def _marked(self) -> list[Part]:
        counts = self.table.counts
        if not counts.marked:
            return []
        hidden = f" ({counts.marked_hidden} hidden)" if counts.marked_hidden else ""
        return [Part(f" {counts.marked} marked{hidden} ", "mark")]

    def peel(self) -> bool:
        """The filter line, else the marks, else the filter."""
        bar = self._bar
        if bar.editing:
            self.set_filter(bar.before)
            self._leave_bar()
        elif self.focused is not self.table:
            self.table.focus()
        elif self.table.counts.marked:
            self.table.action_table("clear_marks")
        elif self.filter_text:
            self.set_filter("")
            bar.close("")
        else:
            return False
        self.show_lines()
        return True

    def set_filter(self, text: str) -> str:
        """Filter by `text`; an unreadable one changes nothing. Returns what is wrong with it."""
        text = text.strip()
        try:
            passes = self.parse_filter(text) if text else None
        except UsageError as error:
            return str(error)
        self.filter_text = text
        self.table.set_filter(passes)
        if not self._bar.editing:
            self._bar.close(text)
        self._show_empty()
        self.show_lines()
        return ""

    def action_other_pane(self) -> None:
        """To the page beside the table, or back."""
        pane = self.other_pane()
        (pane if pane is not None and self.table.has_focus else self.table).focus()

    def _marked_elsewhere(self) -> str:
        """Say so where others are marked than the row under the cursor."""
        chosen = self.table.chosen
        if chosen in ([], [self.table.cursor.key]):
            return ""
        marked = fmt.plural(len(chosen), self.noun)
        are = "is" if len(chosen) == 1 else "are"
        return (
            f"This is done to the {self.noun} under the cursor, and {marked} {are} marked: "
            "^\\ unmarks."
        )

    def action_filter(self) -> None:
        """Open the filter line."""
        self._bar.open(self.filter_text)

    @on(FilterBar.Typed)
    def _filter_typed(self, event: FilterBar.Typed) -> None:
        self._bar.explain(self.set_filter(event.text))

    @on(FilterBar.Reopened)
    def _filter_reopened(self) -> None:
        self.action_filter()

    @on(FilterBar.Kept)
    def _filter_kept(self, event: FilterBar.Kept) -> None:
        """What cannot be read is not silently replaced by what could, but explained, and stays."""
        if wrong := self.set_filter(event.text):
            self._bar.explain(wrong)
        else:
            self._to_found()
            self._leave_bar()

    @on(LiveTable.MarksChanged)
    def _marks_changed(self) -> None:
        self._tell_in_view()
        self.show_lines()

    @on(ViewMoved)
    def _view_moved(self) -> None:
        self._tell_in_view()

    def _many_new(self, changed: Mapping[Any, Row]) -> bool:
        """Whether a listing came: its rows must not wait for the table's next change of order."""
        there = self.table.model.rows
        new = sum(key not in there for key in changed)
        return new * _LISTING_PART > len(there)

    def _leave_bar(self) -> None:
        self._bar.close(self.filter_text)
        self.table.focus()

    def _show_empty(self) -> None:
        counts = self.table.counts
        if counts.total and not counts.visible:
            text = (
                f"The filter '{self.filter_text}' hides all {fmt.plural(counts.total, self.noun)}."
                "\n\nesc drops it, / changes it."
            )
        else:
            text = self.empty_text()
        self.table.set_empty(text)


def _objects(keys: Iterable[Hashable]) -> Iterator[ObjectKey]:
    return (key for key in keys if isinstance(key, ObjectKey))
