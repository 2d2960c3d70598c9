"""Migrate: where to, how, and what speaks against it, looked at live while it is chosen.

Dismisses with the requests to submit, or None. UI thread.
"""

from __future__ import annotations

from collections.abc import Sequence

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Button, Input

from console.screens.dialogs.dialog import Dialog
from console.screens.dialogs.form_panel import FormPanel
from console.screens.migrations.assessing import assess
from console.screens.migrations.migrate_check import Check, Pressed, Question
from console.screens.migrations.migrate_findings import Assessment, heading, overridable
from console.screens.migrations.migrate_form import Reading, fields, read
from console.screens.migrations.migrate_found import found_lines
from console.screens.page import Page
from console.widgets.columns import Cell
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
    CSS_PATH = ["form.tcss", "migrate.tcss"]  # noqa: RUF012 - Textual's own way
    BINDINGS = [  # noqa: RUF012 - Textual's own way
        Binding("escape", "peel", "Cancel", priority=True),
        Binding("down,tab", "move(1)", "Down", priority=True),
        Binding("up,shift+tab", "move(-1)", "Up", priority=True),
        Binding("pagedown", "scroll_findings(1)", "Findings", priority=True),
        Binding("pageup", "scroll_findings(-1)", "Findings", priority=True),
        # not before the keys typed ahead of it have reached their field
        Binding("ctrl+s", "start", "Start"),
    ]

    def __init__(self, instances: Sequence[Instance], *, hidden: int = 0) -> None:
        super().__init__()
        self._instances = tuple(instances)
        self._hidden = hidden
        self._overrides: tuple[str, ...] = ()
        self._to = ""
        """The destination that the overrides are meant for."""
        self._check = Check()
        self._debounce: Timer | None = None
        state = self.console.view.state
        self._form = FormPanel(fields(self._instances, state), "connections, compression, TLS...")
        self._findings = VerticalScroll(id="findings", can_focus=False)
        self._found_page = Page(id="found")
        self._override_line = Horizontal(id="override-line")
        self._override_box = Input(id="override", compact=True)
        self._override_box.cursor_blink = False
        self._keys_page = Page()
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
            yield self._keys_page

    def on_mount(self) -> None:
        """Look at once at what is proposed."""
        self._fit()
        self._show_keys()
        self._changed(delay=0.0)

    def on_resize(self) -> None:
        """Side by side where there is room."""
        self._fit()

    def _fit(self) -> None:
        self.set_class(self.size.width >= _SIDE_BY_SIDE, "-beside")
        self.call_after_refresh(self._show_keys)

    @on(events.DescendantFocus)
    def _show_keys(self) -> None:
        """The keys; above them the hint beside the cursor, where it is cut there."""
        hint = self._form.cut_hint(self.focused)
        lines = [Cell(hint, "strong")] if hint else []
        self._keys_page.show([*lines, Cell(KEYS, "muted")])

    # -- choosing ------------------------------------------------------------------------------

    @on(FormPanel.Changed)
    def _field_changed(self) -> None:
        self._changed()
        self._show_keys()

    def _changed(self, delay: float = DEBOUNCE) -> None:
        """What was found no longer fits: look again, once nothing more is typed."""
        if not self._check.choose(self._read()):
            return
        if self._debounce is not None:
            self._debounce.stop()
        self._debounce = self.set_timer(delay, self._look) if delay else None
        self._show()
        if self._debounce is None:
            self._look()

    def _read(self) -> Reading:
        values = self._form.values()
        if values["to"] != self._to:
            self._overrides = ()  # what was overridden was said of another host
            self._to = values["to"]
        return read(values, [row.key for row in self._instances], self._overrides)

    def _look(self) -> None:
        """Ask the hosts; one question at a time, and never about what is no longer chosen."""
        if self._debounce is not None:
            self._debounce.stop()
        self._debounce = None
        if (asked := self._check.question()) is None:
            return
        self._show()
        self._ask(asked)

    def _ask(self, asked: Question) -> None:
        requests = self._check.reading.requests

        async def question(source: Source) -> list[Assessment]:
            return await assess(source, requests, measure=asked.measure, fresh=asked.fresh)

        def answered(found: list[Assessment]) -> None:
            self._answered(asked.wish, tuple(found))

        def failed(error: Exception) -> None:
            self._answered(asked.wish, (Assessment("", None, (str(error),)),))

        self.console.ask(question, answered, failed)

    def _answered(self, wish: int, found: tuple[Assessment, ...]) -> None:
        pressed = self._check.answer(wish, found)
        if not self.is_attached:
            return
        if pressed is not None:
            self._show()
            self._go_on(pressed)
        if self._debounce is None and self.is_active:
            self._look()

    # -- overriding ------------------------------------------------------------------------------

    def _override(self, box: Input) -> None:
        word = box.value.strip()
        open_ = overridable(self._check.assessments, self._overrides)
        if word not in open_:
            named = ", ".join(open_) or "nothing"
            self.notify(f"Type the name of a blocker: {named}.", timeout=4, markup=False)
            return
        box.clear()
        self._overrides = (*self._overrides, word)
        self._check.override(self._read())
        self._show()

    # -- showing ---------------------------------------------------------------------------------

    @property
    def ready(self) -> bool:
        """Whether it can be started as it is chosen now."""
        return self._check.ready

    @property
    def at_rest(self) -> bool:
        """Whether everything that can be found of what is chosen now is shown."""
        return self._check.at_rest

    def _show(self) -> None:
        danger = danger_of(self.console.view.state, self._check.reading.requests)
        self._found_page.show(found_lines(self._check, danger, len(self._instances)))
        self._yes.disabled = self._check.blocked
        open_ = overridable(self._check.assessments, self._overrides) if self._check.known else ()
        line = self._override_line
        if line.display and not open_ and self.focused is self._override_box:
            self._no.focus()
        line.display = bool(open_)
        if open_:
            self._override_box.placeholder = f"type {open_[0]} to override it"

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
        """Take off a layer: a start that waits, a half-typed override, more options, the dialog."""
        box = self._override_box
        if self._check.take_back():
            self._show()
            self.notify("It does not start by itself any more.", timeout=4)
        elif box.value:
            box.clear()
        elif self._form.all_shown:
            self._form.more.action_step(1)
            self._form.more.focus()
        else:
            self.answer(())

    def action_start(self) -> None:
        """Start, if nothing blocks: at once, or when the hosts have been looked at."""
        self._changed(delay=0.0)  # what was typed last may not have been told yet
        pressed = self._check.press()
        if pressed.waits:
            self._findings.scroll_home(animate=False)
            self._show()
            self._look()
        self._go_on(pressed)

    def _go_on(self, pressed: Pressed) -> None:
        if pressed.starts:
            self.answer(self._check.reading.requests)
        elif pressed.text:
            self.notify(pressed.text, severity="warning", timeout=6, markup=False)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """A button was chosen."""
        if event.button.id == "yes":
            self.action_start()
        else:
            self.answer(())
