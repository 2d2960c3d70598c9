"""Migrate: where to, how, and what speaks against it, looked at live while it is chosen.

Dismisses with the requests to submit, or None. UI thread.
"""

from __future__ import annotations

from collections.abc import Sequence

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Button, Input

from console import format as fmt
from console.screens.assessing import assess
from console.screens.dialogs.dialog import Dialog
from console.screens.dialogs.migrate_fields import FormPanel
from console.screens.dialogs.question import danger_lines
from console.screens.migrate_findings import (
    Assessment,
    can_start,
    command_lines,
    finding_lines,
    heading,
    overridable,
    prospect_lines,
    sum_line,
)
from console.screens.migrate_form import Reading, destinations, fields, read
from console.screens.page import Page
from console.widgets.columns import Cell, CellValue
from core.model import Instance
from core.source import Source
from core.verbs.danger import danger_of
from core.verbs.migration.requests import Migrate

DEBOUNCE = 0.3
"""Seconds without a change before the hosts are asked."""
_SIDE_BY_SIDE = 150
KEYS = "tab move  left, right choose  pgdn findings  ^s start  esc cancel"


class MigrateDialog(Dialog[tuple[Migrate, ...]], inherit_bindings=False):
    """The form above, what was found below; side by side where there is room."""

    AUTO_FOCUS = "#to"
    CSS_PATH = "migrate.tcss"
    BINDINGS = [  # noqa: RUF012 - Textual's own way
        Binding("escape", "peel", "Cancel", priority=True),
        Binding("down,tab", "move(1)", "Down", priority=True),
        Binding("up,shift+tab", "move(-1)", "Up", priority=True),
        Binding("pagedown", "scroll_findings(1)", "Findings", priority=True),
        Binding("pageup", "scroll_findings(-1)", "Findings", priority=True),
        Binding("ctrl+s", "start", "Start", priority=True),
    ]

    def __init__(self, instances: Sequence[Instance], *, hidden: int = 0) -> None:
        super().__init__()
        self._instances = tuple(instances)
        self._hidden = hidden
        self._overrides: tuple[str, ...] = ()
        self._reading = Reading()
        self._assessments: tuple[Assessment, ...] = ()
        self._known = 0
        """The wish that the assessments answer."""
        self._wish = 0
        """Counts what was chosen: an answer to an earlier one is dropped."""
        self._asked = 0
        """The wish that is being answered; 0: none."""
        self._measured = False
        """Whether the guests' dirty rates were measured: once is enough, they are remembered."""
        self._debounce: Timer | None = None
        state = self.console.view.state
        self._form = FormPanel(
            fields(self._instances, state),
            destinations(state, [row.host for row in self._instances]),
        )
        self._findings = VerticalScroll(id="findings", can_focus=False)
        self._found_page = Page(id="found")
        self._override_line = Horizontal(id="override-line")
        self._override_box = Input(id="override", compact=True)
        self._override_box.cursor_blink = False
        self._no = Button("Cancel", id="no", compact=True)
        self._yes = Button("Start", id="yes", compact=True, disabled=True)

    def compose(self) -> ComposeResult:
        """Heading, form, findings, the line for an override, the buttons, the keys."""
        with Vertical(classes="dialog"):
            yield Page([*heading(self._instances, self._hidden)])
            with Vertical(id="middle"):
                yield self._form
                with self._findings:
                    yield self._found_page
            with self._override_line:
                yield Page([Cell(" Override", "warning")], id="override-label")
                yield self._override_box
            with Horizontal(classes="buttons"):
                yield self._no
                yield self._yes
            yield Page([Cell(KEYS, "muted")])

    def on_mount(self) -> None:
        """Look at once at what is proposed."""
        self._fit()
        self._changed(delay=0.0)

    def on_resize(self) -> None:
        """Side by side where there is room."""
        self._fit()

    def _fit(self) -> None:
        self.set_class(self.size.width >= _SIDE_BY_SIDE, "-beside")

    # -- choosing ------------------------------------------------------------------------------

    @on(FormPanel.Changed)
    def _field_changed(self, event: FormPanel.Changed) -> None:
        if event.id == "to":
            self._overrides = ()  # what was overridden was said of another host
        self._changed()

    def _changed(self, delay: float = DEBOUNCE) -> None:
        """What was found no longer fits: look again, once nothing more is typed."""
        keys = [row.key for row in self._instances]
        reading = read(self._form.values(), keys, self._overrides)
        if reading == self._reading:
            return
        self._reading = reading
        self._wish += 1
        if self._debounce is not None:
            self._debounce.stop()
        self._debounce = self.set_timer(delay, self._look) if delay else None
        self._show()
        if self._debounce is None:
            self._look()

    def _look(self) -> None:
        """Ask the hosts; one question at a time, and never about what is no longer chosen."""
        self._debounce = None
        measure = self._known == self._wish  # what blocks is told: now for the forecast
        if self._asked or self._reading.wrong or (measure and self._measured):
            return
        wish = self._asked = self._wish
        if measure:
            self._measured = True
            self._show()
        requests = self._reading.requests

        async def question(source: Source) -> list[Assessment]:
            return await assess(source, requests, measure=measure)

        def answered(found: list[Assessment]) -> None:
            self._answered(wish, tuple(found))

        def failed(error: Exception) -> None:
            self._answered(wish, (Assessment("", None, (str(error),)),))

        self.console.ask(question, answered, failed)

    def _answered(self, wish: int, found: tuple[Assessment, ...]) -> None:
        self._asked = 0
        if not self.is_attached:
            return
        if wish == self._wish:
            self._assessments, self._known = found, wish
            self._show()
        if self._debounce is None:
            self._look()

    # -- overriding ------------------------------------------------------------------------------

    def _override(self, box: Input) -> None:
        word = box.value.strip()
        open_ = overridable(self._assessments, self._overrides)
        if word not in open_:
            named = ", ".join(open_) or "nothing"
            self.notify(f"Type the name of a blocker: {named}.", timeout=4, markup=False)
            return
        box.clear()
        self._overrides = (*self._overrides, word)
        keys = [row.key for row in self._instances]
        self._reading = read(self._form.values(), keys, self._overrides)
        self._show()

    # -- showing ---------------------------------------------------------------------------------

    @property
    def ready(self) -> bool:
        """Whether it can be started as it is chosen now."""
        fresh = self._known == self._wish and not self._reading.wrong
        return fresh and can_start(self._assessments, self._overrides)

    @property
    def at_rest(self) -> bool:
        """Whether everything that can be found of what is chosen now is shown."""
        if self._reading.wrong:
            return not self._asked
        return self._known == self._wish and self._measured and not self._asked

    def _show(self) -> None:
        self._found_page.show(self._found())
        self._yes.disabled = not self.ready
        fresh = self._known == self._wish and not self._reading.wrong
        open_ = overridable(self._assessments, self._overrides) if fresh else ()
        line = self._override_line
        if line.display and not open_ and self.focused is self._override_box:
            self._no.focus()
        line.display = bool(open_)
        if open_:
            self._override_box.placeholder = f"type {open_[0]} to override it"

    def _found(self) -> list[CellValue]:
        if self._reading.wrong:
            return [Cell(text, "error") for text in self._reading.wrong]
        stale = self._known != self._wish
        if stale and not self._assessments:
            return [Cell("Looking at both hosts...", "changing")]
        lines: list[CellValue] = [sum_line(self._assessments, self._overrides)]
        if stale:
            lines = [Cell("Looking again...", "changing")]
        lines += danger_lines(danger_of(self.console.view.state, self._reading.requests))
        if self._reading.left_out:
            words = fmt.plural(self._reading.left_out, "instance")
            lines.append(Cell(f"{words} left out: there already", "muted"))
        if self._asked and not stale:
            who = "it writes" if len(self._instances) == 1 else "they write"
            lines.append(Cell(f"Measuring how fast {who}...", "changing"))
        else:
            lines += prospect_lines(self._assessments)  # before what may be long
        lines += finding_lines(self._assessments, self._overrides)
        if command := list(command_lines(self._assessments)):
            lines += ["", *command]
        return lines

    # -- keys --------------------------------------------------------------------------------------

    def action_move(self, step: int) -> None:
        """Go to the next or previous control, round the ends."""
        stops = self._stops()
        at = stops.index(self.focused) if self.focused in stops else -1
        stops[(at + step) % len(stops)].focus()

    def _stops(self) -> list[Widget]:
        stops = self._form.controls()
        if self._override_line.display:
            stops.append(self._override_box)
        return [*stops, *(button for button in (self._no, self._yes) if not button.disabled)]

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        """Enter in a field goes on to the next one; in the last it overrides."""
        event.stop()
        if event.input.id == "override":
            self._override(event.input)
        else:
            self.action_move(1)

    def action_scroll_findings(self, step: int) -> None:
        """Turn over what was found."""
        pane = self._findings
        pane.scroll_relative(y=step * max(1, pane.size.height - 1), animate=False)

    def action_peel(self) -> None:
        """Take off a layer: a half-typed override, the options beyond the first, the dialog."""
        box = self._override_box
        if box.value:
            box.clear()
        elif self._form.all_shown:
            self._form.more.action_step(1)
            self._form.more.focus()
        else:
            self.answer(())

    def action_start(self) -> None:
        """Start, if nothing blocks."""
        if self.ready:
            self.answer(self._reading.requests)
        elif self._known != self._wish and not self._reading.wrong:
            self.notify("What speaks against it is still being looked at.", timeout=4)
        else:
            self.notify("It is blocked: see what was found.", severity="warning", timeout=4)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """A button was chosen."""
        if event.button.id == "yes":
            self.action_start()
        else:
            self.answer(())
