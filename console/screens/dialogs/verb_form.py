"""The form of a verb, made from its declaration. UI thread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from uuid import uuid4

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.timer import Timer

from console.screens.dialogs.form_dialog import FormDialog
from console.screens.dialogs.form_panel import FormPanel
from console.screens.dialogs.hand_over import HandOver, Take
from console.screens.dialogs.question import danger_lines
from console.screens.dialogs.xml import XmlDialog
from console.screens.form import Field, Values
from console.screens.menu_lines import heading_of
from console.screens.page import Page
from console.screens.submitting import refusals_against
from console.screens.verb_form import (
    FormAnswers,
    asked_parameters,
    command_of,
    fields_of,
    read,
    text_of,
    xml_of,
)
from console.widgets.columns import Cell, CellValue
from core.model import ObjectKey, State
from core.source import Source
from core.verbs.danger import danger_of
from core.verbs.refusal import Refusal, told
from core.verbs.verb import Verb

DEBOUNCE = 0.1
"""Seconds without a change before the requests are checked."""
BESIDE_FIELDS = 17
"""Lines that are kept for all but the fields, where there are enough: the fields stay as they are
while the cursor goes from a short hint to a long one."""
FRAME = 4
"""The border, the buttons and the line above these."""
LEAST = 4


class VerbFormDialog(FormDialog[None], inherit_bindings=True):
    """The fields, what is wrong with each below it, what speaks against the whole, the command."""

    CSS_PATH = ["form.tcss", "verb_form.tcss"]  # noqa: RUF012 - Textual's own way
    BINDINGS = [Binding("ctrl+x", "show_xml", "XML", priority=True)]  # noqa: RUF012

    def __init__(
        self,
        verb: Verb,
        keys: Sequence[ObjectKey],
        state: State,
        take: Take,
        *,
        hidden: int = 0,
        given: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """`state` has the choices of its fields, `given` what some of them begin with.

        `take` is called with the requests, and what speaks against each of them, before it is
        closed: Textual's own way would first draw the screen below again.
        """
        fields = fields_of(verb, state, keys[0], alone=len(keys) == 1)
        super().__init__(
            [replace(one, default=given.get(one.id, one.default)) for one in fields],
            ", ".join(each.words for each in asked_parameters(verb) if each.advanced),
            verb.title,
        )
        self._verb = verb
        self._take = take
        self._keys = tuple(keys)
        self._hidden = hidden
        self._new = str(uuid4())
        """The id of what is made, where something is."""
        self._reading = FormAnswers()
        self._checked: FormAnswers | None = None
        """What `_refusals` speak against."""
        self._refusals: Sequence[tuple[Refusal, ...]] = ()
        self._state = state
        """The picture that they were checked against."""
        self._told = False
        """Whether what was not given yet is told: not before something was typed or tried."""
        self._wanted = False
        """Whether the requests are answered with once they are checked."""
        self._hand_over = HandOver(self)
        self._debounce: Timer | None = None
        self._found = Page(id="found")

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

    @on(events.Resize)
    @on(events.DescendantFocus)
    def _lines_changed(self) -> None:
        self.call_after_refresh(self._use_room)

    def _use_room(self) -> None:
        """Let the fields have what the other lines of the dialog leave, the keys below all.

        As cells: Textual forgets a share of the screen where a dialog is as high as what is in it,
        and the dialog was empty below what it showed.
        """
        size, height = self.size, self.size.height
        pages = self.query(".dialog > Page").results(Page)
        beside = sum(page.get_content_height(size, size, page.size.width) for page in pages)
        wanted = max(height // 2, height - BESIDE_FIELDS)
        self._form.styles.max_height = max(LEAST, min(wanted, height - beside - FRAME))

    @property
    def keys_line(self) -> str:
        """Which keys work."""
        return f"{self.KEYS}   ^x its XML" if self._verb.makes is not None else self.KEYS

    def fields_now(self) -> Sequence[Field]:
        """The fields, as the first subject has them."""
        alone = len(self._keys) == 1
        return fields_of(self._verb, self.console.view.state, self._keys[0], alone=alone)

    @property
    def subjects(self) -> Sequence[ObjectKey]:
        """What the verb is asked of."""
        return self._keys

    @property
    def at_rest(self) -> bool:
        """Whether all that can be said of what stands in the fields is shown."""
        return bool(self._reading.wrong) or self._checked == self._reading

    # -- looking -----------------------------------------------------------------------------------

    @on(FormPanel.Changed)
    def _field_changed(self) -> None:
        if self._hand_over.begun:
            return
        self._told = True
        before = self._reading
        self._changed()
        if self._reading != before:  # else it was wanted already as it stands now
            self._wanted = False

    def _changed(self) -> None:
        self._reading = read(self._verb, self._values(), self._keys, self._new)
        if self._debounce is not None:
            self._debounce.stop()
            self._debounce = None
        if not self._reading.wrong and self._reading != self._checked:
            self._debounce = self.set_timer(DEBOUNCE, self._check)
        self._show()

    def _values(self) -> Values:
        """What the form says; a text that is the path of a file, as the file says it."""
        texts = {each.name for each in asked_parameters(self._verb) if each.text}
        values = self._form.values()
        return {name: text_of(value) if name in texts else value for name, value in values.items()}

    def _check(self) -> None:
        """Ask what speaks against the requests; an answer to earlier ones is dropped."""
        reading = self._reading

        async def question(source: Source) -> tuple[list[tuple[Refusal, ...]], State]:
            refusals = await refusals_against(source, reading.requests)
            return refusals, source.state

        def answered(found: tuple[list[tuple[Refusal, ...]], State]) -> None:
            if self.is_attached and reading == self._reading and not self._hand_over.begun:
                self._checked = reading
                self._refusals, self._state = found
                if not self._answer_if_wanted():
                    self._show()

        self.console.ask(question, answered)

    # -- showing -----------------------------------------------------------------------------------

    def _show(self) -> None:
        wrong = self._reading.wrong
        self._form.tell((wrong or self._refused_fields()) if self._told else {})
        self._found.show(["", *self._found_lines()])
        self._lines_changed()
        self._yes.disabled = bool(wrong)

    def _found_lines(self) -> list[CellValue]:
        requests = self._reading.requests
        if not requests:
            text = "Set right what is marked." if self._told else "Fill in what is missing."
            return [Cell(text, "muted")]
        lines: list[CellValue] = []
        if self._checked == self._reading:
            against = [refusals for refusals in self._refusals if refusals]
            if against and len(requests) > 1:
                able = len(requests) - len(against)
                lines.append(Cell(f"It can be done to {able:,} of {len(requests):,}.", "warning"))
            shown = self._refused_fields() if self._told else {}
            rest = [each for each in self._first_refusals() if each.field not in shown]
            to_fill = set() if self._told else self._empty_fields()
            said = [each for each in rest if each.field not in to_fill]
            if said:
                lines += [Cell(str(each), "warning") for each in said]
            elif rest and not lines:
                lines.append(Cell("Fill in what is missing.", "muted"))
            elif shown and not lines:
                lines.append(Cell("Set right what is marked.", "muted"))
        if not lines:
            lines += danger_lines(danger_of(self._state, requests))
        command = command_of(self._verb, self._state, requests)
        return [*lines, (Cell("$ ", "muted"), Cell(command, "muted"))]

    def _first_refusals(self) -> tuple[Refusal, ...]:
        """What speaks against the first request that anything speaks against."""
        if self._checked != self._reading:
            return ()
        return next(filter(None, self._refusals), ())

    def _empty_fields(self) -> set[str]:
        """The fields in which nothing stands."""
        return {name for name, value in self._values().items() if not value.strip()}

    def _refused_fields(self) -> dict[str, str]:
        """What the check says of the values of single fields: it stands below them."""
        asked = {parameter.name for parameter in asked_parameters(self._verb)}
        found: dict[str, str] = {}
        for each in self._first_refusals():
            if each.field in asked:
                found[each.field] = f"{found.get(each.field, '')} {each}".strip()
        return found

    # -- what it makes -----------------------------------------------------------------------------

    def action_show_xml(self) -> None:
        """Show the XML of what would be made."""
        if self._verb.makes is None:
            return
        found = "" if self._reading.wrong else xml_of(self._state, self._reading.requests[0])
        if found:
            self.console.push_screen(XmlDialog(self._verb.title, found))
        else:
            text = "There is no XML to show before what is marked is set right."
            self.notify(text, severity="warning", timeout=4)

    # -- keys --------------------------------------------------------------------------------------

    def action_do(self) -> None:
        """Answer with the requests, or say what is wrong."""
        if self._hand_over.begun:
            return
        last = read(self._verb, self._values(), self._keys, self._new)
        if last.wrong or last != self._reading:  # what was typed last may not have been told yet
            self._told = True
            self._changed()
        if self._reading.wrong:
            first = next(iter(self._reading.wrong.values()))
            self.notify(first, severity="warning", timeout=4, markup=False)
        else:
            self._wanted = True
            self._check()  # once more: what spoke against it may have changed

    def _answer_if_wanted(self) -> bool:
        """Answer with the requests, and whether it did; where none can be done, say why."""
        if not self._wanted:
            return False
        self._wanted, self._told = False, True
        if all(self._refusals):
            text = told(self._refusals[0])
            self.notify(text, severity="warning", timeout=4, markup=False)
            return False
        self._hand_over.begun = True
        found = self._state, [tuple(map(str, each)) for each in self._refusals]
        self._take(self._reading.requests, found, self._hand_over.close)
        return True
