"""One instance: tabs of text, live charts, its XML with search. UI thread."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from textual import events, on
from textual.containers import VerticalScroll
from textual.widget import Widget

from console import format as fmt
from console.actions.registry import bindings_for
from console.screens.filter_bar import FilterBar
from console.screens.instances import panels
from console.screens.instances.agent import agent_lines
from console.screens.instances.charts import chart_height, series_of
from console.screens.instances.checkpoints_watch import CheckpointsWatch
from console.screens.instances.diagnosing import APART, Diagnosing
from console.screens.instances.jobs_watch import EVERY, JobsWatch
from console.screens.instances.tab_bar import tab_parts
from console.screens.page import Page
from console.screens.parts import Part, PartsLine
from console.screens.subjects import InstanceChoosingScreen
from console.screens.text_search import Search
from console.widgets.charts import Chart
from console.widgets.columns import Cell, CellValue
from core.model import Delta, Instance, InstanceDetail, ObjectKey
from core.verbs.registry import VERBS

TABS = (
    *("overview", "charts", "disks", "network", "devices", "agent", "snapshots", "jobs"),
    *("diagnosis", "events", "xml"),
)
"""In their order."""
_DETAILED = ("overview", "network", "agent", "snapshots", "xml")
"""The tabs that show what is read only on demand."""


class InstanceScreen(InstanceChoosingScreen, inherit_bindings=False):
    """Everything about one instance; the tab bar is under the screen's own."""

    AUTO_FOCUS = "#page"
    CSS_PATH = "instance.tcss"
    BINDINGS = bindings_for("subjects", "power", "instance")
    registry_layer = "instance"

    def __init__(self, key: ObjectKey, tab: str = "overview") -> None:
        super().__init__()
        self._key = key
        self._tab = tab
        self._detail: InstanceDetail | None = None
        self._problem: CellValue = ""
        self._search = Search()
        self._jobs = JobsWatch(self, key)
        self._checkpoints = CheckpointsWatch(self, key)
        self._pages = PartsLine(id="pages")
        self._scroll = VerticalScroll(id="page")
        self._text = Page(id="text")
        self._charts = Chart(step=self._step(), id="charts")
        self._diagnosing = Diagnosing(self.console, key, self._draw_diagnosis)
        self._bar = FilterBar("what to look for on this page, whatever the case")

    def body(self) -> Iterable[Widget]:
        """Tab names, the page, the charts, the search line."""
        yield self._pages
        with self._scroll:
            yield self._text
            yield self._charts
        yield self._bar

    @on(events.Mount)
    def _mounted(self) -> None:
        """Read what is read on demand."""
        self._read_detail()
        self.set_interval(EVERY, self._look_at_jobs)

    @on(events.Resize)
    def _resized(self) -> None:
        """Charts as high, columns as wide as the terminal is now."""
        if self.is_mounted:
            self.show_all()

    def _look_at_jobs(self) -> None:
        """Of block jobs no event tells how far they are."""
        if self._tab == "jobs":
            self._jobs.look()

    def _step(self) -> float | None:
        """Seconds between two samples; a tape does not tell."""
        console = self.console
        return None if console.tape.replay else console.settings.link.stats_interval

    @property
    def _row(self) -> Instance | None:
        """The instance as it is now; None when it is gone."""
        return self.console.view.state.instances.get(self._key)

    def in_view(self) -> frozenset[ObjectKey]:
        """The instance."""
        return frozenset({self._key})

    def crumbs(self) -> tuple[str, ...]:
        """Its name and host."""
        row = self._row
        name = row.name if row is not None else "gone"
        return ("instances", name, self._key.host)

    def summary(self) -> list[Part]:
        """Its state, and the search."""
        row = self._row
        parts = []
        if self._search.text:
            parts.append(Part(f" {self._search.label()} ", "strong", "screen.search"))
        if row is not None:
            sign = fmt.instance_state(row.state)
            parts.append(Part(f" {sign.glyph} {sign.word} ", sign.role))
        return parts

    def _lists_snapshots(self) -> bool:
        """On their tab."""
        return self._tab == "snapshots"

    def chosen_subjects(self) -> list[ObjectKey]:
        """This one."""
        return [self._key]

    def show_all(self) -> None:
        """Draw the page of the tab."""
        tab = self._tab
        self._pages.show(tab_parts(TABS, tab, self.size.width))
        self._charts.display = tab == "charts"
        self._text.display = tab != "charts"
        if tab == "charts":
            series = series_of(self.console.view, self._key)
            self._charts.show(series, chart_height(self.size.height))
        else:
            self._text.show(self._search.mark(self._lines()))

    def show_change(self, delta: Delta) -> None:
        """Draw the page anew if anything of this instance or its host changed."""
        if any(event.subject == self._key for event in delta.events):
            self._read_detail()
        near = {self._key, ObjectKey("host", self._key.host, self._key.host)}
        if near & (delta.changed | delta.gone):
            if self._tab == "diagnosis":
                self._diagnosing.look()
            self.show_all()

    def show_time(self) -> None:
        """Ages."""
        if self.console.view.stale(self._key.host):
            self.show_all()

    def read_again(self) -> None:
        """What is read on demand; how fast it writes to its memory, where that is shown."""
        self._read_detail()
        if self._tab == "snapshots":
            self._checkpoints.look()
        if self._tab == "diagnosis" and (row := self._row) is not None:
            self._diagnosing.measure(row)

    def peel(self) -> bool:
        """The search line, else the search."""
        if not self._bar.editing and not self._search.text:
            return False
        if self._bar.editing:
            self._close_bar()
        self._search.look_for("")
        self.show_all()
        self.show_lines()
        return True

    # -- actions ---------------------------------------------------------------------------------

    def action_tab(self, step: int) -> None:
        """The next or previous tab."""
        self.action_show_tab(TABS[(TABS.index(self._tab) + step) % len(TABS)])

    def action_show_tab(self, name: str) -> None:
        """One of the tabs, from its top."""
        self._tab = name
        self._scroll.scroll_home(animate=False)
        if name in _DETAILED:
            self._read_detail()
        self._look_at_jobs()
        if name == "snapshots":
            self._checkpoints.look()
        if name == "diagnosis":
            self._diagnose()
        self.show_all()
        self.show_lines()

    def action_job(self, verb: str) -> None:
        """Steer a block job of its disks."""
        self._jobs.steer(VERBS[verb])

    def action_search(self) -> None:
        """Open the search line."""
        self._bar.open(self._search.text)

    def action_search_step(self, step: int) -> None:
        """The next or previous line that matches."""
        if not self._search.text:
            self.action_search()
            return
        self._search.step(step)
        self._go_to_match()

    @on(FilterBar.Typed)
    def _typed(self, event: FilterBar.Typed) -> None:
        self._search.look_for(event.text)
        self._search.mark(self._lines())
        self._go_to_match()
        nothing = bool(event.text) and not self._search.found
        self._bar.explain("Not on this page." if nothing else "")

    @on(FilterBar.Kept)
    def _close_bar(self) -> None:
        self._bar.close("")
        self._scroll.focus()

    def _go_to_match(self) -> None:
        self.show_all()
        self.show_lines()
        line = self._search.line
        if line is not None:
            page = self._scroll
            place = self._text.place_of(line)
            page.scroll_to(y=max(0, place - page.size.height // 2), animate=False)

    # -- content ---------------------------------------------------------------------------------

    def _lines(self) -> list[CellValue]:
        row = self._row
        if row is None:
            return [Cell(" This instance is gone: it is neither defined nor running.", "warning")]
        view, detail = self.console.view, self._detail
        pages: dict[str, Callable[[], list[CellValue]]] = {
            "overview": lambda: panels.overview(view, row, detail, self.size.width),
            "disks": lambda: panels.disks(view, row),
            "network": lambda: panels.interfaces(row, detail),
            "devices": lambda: panels.devices(view, row),
            "snapshots": lambda: [
                *panels.snapshots(view, detail),
                *self._checkpoints.lines(view),
            ],
            "jobs": lambda: self._jobs.lines(view, row),
            "agent": lambda: agent_lines(view, row, detail),
            "diagnosis": lambda: self._diagnosing.lines(view, row),
            "events": lambda: panels.events(view, row),
            "xml": lambda: panels.xml(row, detail),
        }
        page = pages.get(self._tab)
        lines = page() if page else []
        if self._problem and self._tab in _DETAILED:
            return [self._problem, "", *lines]
        return lines

    def _diagnose(self) -> None:
        """Ask for two samples, a moment apart; later ones come with the figures of the table."""
        self._diagnosing.look()
        if not self._diagnosing.complete:
            self.set_timer(1.2 * APART, self._diagnosing.look)

    def _draw_diagnosis(self) -> None:
        if self._tab == "diagnosis" and self.is_mounted:
            self.show_all()

    def _read_detail(self) -> None:
        key = self._key

        def read(detail: InstanceDetail) -> None:
            self._problem = ""
            if detail != self._detail:
                self._detail = detail
                self.show_all()

        def failed(error: Exception) -> None:
            self._problem = Cell(f" ! {error}", "warning")
            self.show_all()

        self.console.ask(lambda source: source.detail(key), read, failed)
