"""The form of a verb, made from its declaration. Dismisses with the requests. UI thread."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Button, Input

from console.screens.dialogs.dialog import Dialog
from console.screens.dialogs.form_panel import FormPanel
from console.screens.dialogs.question import danger_lines
from console.screens.menu_lines import heading_of
from console.screens.page import Page
from console.screens.submitting import reasons_against
from console.screens.verb_form import Reading, asked_parameters, command_of, fields_of, read
from console.widgets.columns import Cell, CellValue
from core.model import ObjectKey, Request, State
from core.source import Source
from core.verbs.danger import danger_of
from core.verbs.verb import Verb

DEBOUNCE = 0.1
"""Seconds without a change before the requests are checked."""
KEYS = "tab move   left, right choose   ^s do it   esc cancel"


class VerbFormDialog(Dialog[tuple[Request, ...]], inherit_bindings=False):
    """The fields, what is wrong with each below it, what speaks against the whole, the command."""

    CSS_PATH = ["form.tcss", "verb_form.tcss"]  # noqa: RUF012 - Textual's own way
    BINDINGS = [  # noqa: RUF012 - Textual's own way
        Binding("escape", "peel", "Cancel", priority=True),
        Binding("down,tab", "move(1)", "Down", priority=True),
        Binding("up,shift+tab", "move(-1)", "Up", priority=True),
        # not before the keys typed ahead of it have reached their field
        Binding("ctrl+s", "do", "Do it"),
    ]

    def __init__(
        self, verb: Verb, keys: Sequence[ObjectKey], state: State, *, hidden: int = 0
    ) -> None:
        """`state` has the choices of its fields."""
        super().__init__()
        self._verb = verb
        self._keys = tuple(keys)
        self._hidden = hidden
        self._reading = Reading()
        self._checked: Reading | None = None
        """What `_reasons` speak against."""
        self._reasons: Sequence[tuple[str, ...]] = ()
        self._state = state
        """The picture that they were checked against."""
        self._told = False
        """Whether what was not given yet is told: not before something was typed or tried."""
        self._debounce: Timer | None = None
        self._form = FormPanel(
            fields_of(verb, state, keys[0]),
            ", ".join(each.words for each in asked_parameters(verb) if each.advanced),
        )
        self._found = Page(id="found")
        self._keys_page = Page([Cell(KEYS, "muted")])
        self._no = Button("Cancel", id="no", compact=True)
        self._yes = Button(verb.title, id="yes", compact=True)

    def compose(self) -> ComposeResult:
        """What is asked of whom, the form, what was found, the command, the buttons, the keys."""
        whom = heading_of(self.console.view.state, self._keys, self._hidden)
        with Vertical(classes="dialog"):
            title = Cell(f"{self._verb.title}: ", "strong")
            yield Page([(title, *whom), Cell(self._verb.help, "muted"), ""])
            yield self._form
            yield self._found
            with Horizontal(classes="buttons"):
                yield self._no
                yield self._yes
            yield self._keys_page

    def on_mount(self) -> None:
        """The cursor goes to the first field, and what is there is checked."""
        self._form.controls()[0].focus()
        self._changed()

    @property
    def at_rest(self) -> bool:
        """Whether all that can be said of what stands in the fields is shown."""
        return bool(self._reading.wrong) or self._checked == self._reading

    @on(events.DescendantFocus)
    def _show_keys(self) -> None:
        """The keys; above them the hint beside the cursor, where it is cut there."""
        hint = self._form.cut_hint(self.focused)
        lines = [Cell(hint, "strong")] if hint else []
        self._keys_page.show([*lines, Cell(KEYS, "muted")])

    # -- looking -----------------------------------------------------------------------------------

    @on(FormPanel.Changed)
    def _field_changed(self) -> None:
        self._told = True
        self._changed()

    def _changed(self) -> None:
        self._reading = read(self._verb, self._form.values(), self._keys)
        if self._debounce is not None:
            self._debounce.stop()
            self._debounce = None
        if not self._reading.wrong and self._reading != self._checked:
            self._debounce = self.set_timer(DEBOUNCE, self._check)
        self._show()

    def _check(self) -> None:
        """Ask what speaks against the requests; an answer to earlier ones is dropped."""
        reading = self._reading

        async def question(source: Source) -> tuple[list[tuple[str, ...]], State]:
            reasons = await reasons_against(source, reading.requests)
            return reasons, source.state

        def answered(found: tuple[list[tuple[str, ...]], State]) -> None:
            if self.is_attached and reading == self._reading:
                self._checked = reading
                self._reasons, self._state = found
                self._show()

        self.console.ask(question, answered)

    # -- showing -----------------------------------------------------------------------------------

    def _show(self) -> None:
        wrong = self._reading.wrong
        self._form.tell(wrong if self._told else {})
        self._found.show(["", *self._found_lines()])
        self._yes.disabled = bool(wrong)

    def _found_lines(self) -> list[CellValue]:
        requests = self._reading.requests
        if not requests:
            text = "Set right what is marked." if self._told else "Fill in what is missing."
            return [Cell(text, "muted")]
        lines: list[CellValue] = []
        if self._checked == self._reading:
            against = [reasons for reasons in self._reasons if reasons]
            if against and len(requests) > 1:
                able = len(requests) - len(against)
                lines.append(Cell(f"It can be done to {able:,} of {len(requests):,}.", "warning"))
            if against:
                lines.append(Cell(" ".join(against[0]), "warning"))
        if not lines:
            lines += danger_lines(danger_of(self._state, requests))
        command = command_of(self._verb, self._state, requests)
        return [*lines, (Cell("$ ", "muted"), Cell(command, "muted"))]

    # -- keys --------------------------------------------------------------------------------------

    def action_move(self, step: int) -> None:
        """Go to the next or previous control, round the ends."""
        buttons: list[Widget] = [self._no, self._yes]
        stops = [*self._form.controls(), *(each for each in buttons if not each.disabled)]
        at = stops.index(self.focused) if self.focused in stops else -1
        stops[(at + step) % len(stops)].focus()

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        """Enter in a field goes on to the next one."""
        event.stop()
        self.action_move(1)

    def action_peel(self) -> None:
        """Take off a layer: the options beyond the first, the dialog."""
        if self._form.all_shown:
            self._form.more.action_step(1)
            self._form.more.focus()
        else:
            self.answer(())

    def action_do(self) -> None:
        """Answer with the requests, or say what is wrong."""
        self._told = True
        self._changed()  # what was typed last may not have been told yet
        if self._reading.wrong:
            first = next(iter(self._reading.wrong.values()))
            self.notify(first, severity="warning", timeout=4, markup=False)
        else:
            self.answer(self._reading.requests)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """A button was chosen."""
        if event.button.id == "yes":
            self.action_do()
        else:
            self.answer(())
