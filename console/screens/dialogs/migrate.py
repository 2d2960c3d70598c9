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
from textual.widgets import Input

from console.screens.dialogs.form_dialog import FormDialog
from console.screens.dialogs.form_panel import FormPanel
from console.screens.form import Field
from console.screens.migrations.assessing import assess
from console.screens.migrations.migrate_check import MigrateCheck, Pressed, Question
from console.screens.migrations.migrate_findings import Assessment, heading, overridable
from console.screens.migrations.migrate_form import MigrateAnswers, fields, read
from console.screens.migrations.migrate_found import found_lines
from console.screens.page import Page
from console.widgets.columns import Cell
from core.model import Instance, ObjectKey
from core.source import Source
from core.verbs.danger import danger_of
from core.verbs.migration.requests import Migrate

DEBOUNCE = 0.3
"""Seconds without a change before the hosts are asked."""
_SIDE_BY_SIDE = 150


class MigrateDialog(FormDialog[tuple[Migrate, ...]], inherit_bindings=True):
    """The form above, what was found below; side by side where there is room."""

    AUTO_FOCUS = "#to"
    CSS_PATH = ["form.tcss", "migrate.tcss"]  # noqa: RUF012 - Textual's own way
    BINDINGS = [  # noqa: RUF012 - Textual's own way
        Binding("pagedown", "scroll_findings(1)", "Findings", priority=True),
        Binding("pageup", "scroll_findings(-1)", "Findings", priority=True),
    ]
    KEYS = "tab move  left, right choose  pgdn findings  ^s start  esc cancel"

    def __init__(self, instances: Sequence[Instance], *, hidden: int = 0) -> None:
        state = self.console.view.state
        super().__init__(
            fields(tuple(instances), state), "connections, compression, TLS...", "Start"
        )
        self._yes.disabled = True
        self._instances = tuple(instances)
        self._hidden = hidden
        self._overrides: tuple[str, ...] = ()
        self._to = ""
        """The destination that the overrides are meant for."""
        self._check = MigrateCheck()
        self._debounce: Timer | None = None
        self._findings = VerticalScroll(id="findings", can_focus=False)
        self._found_page = Page(id="found")
        self._override_line = Horizontal(id="override-line")
        self._override_box = Input(id="override", compact=True)
        self._override_box.cursor_blink = False

    def fields_now(self) -> Sequence[Field]:
        """The fields, with the hosts that are up now."""
        return fields(self._instances, self.console.view.state)

    @property
    def subjects(self) -> Sequence[ObjectKey]:
        """The instances to migrate."""
        return [row.key for row in self._instances]

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

    def _read(self) -> MigrateAnswers:
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

    def stops(self) -> list[Widget]:
        """The fields, and the line for an override while it is there."""
        return [*super().stops(), *([self._override_box] if self._override_line.display else [])]

    def entered(self, box: Input) -> None:
        """Enter in a field goes on to the next one; in the last it overrides."""
        if box.id == "override":
            self._override(box)
        else:
            super().entered(box)

    def action_scroll_findings(self, step: int) -> None:
        """Turn over what was found."""
        pane = self._findings
        pane.scroll_relative(y=step * max(1, pane.size.height - 1), animate=False)

    def peel_more(self) -> bool:
        """Take off a start that waits, or a half-typed override."""
        if self._check.take_back():
            self._show()
            self.notify("It does not start by itself any more.", timeout=4)
        elif self._override_box.value:
            self._override_box.clear()
        else:
            return False
        return True

    def action_do(self) -> None:
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
