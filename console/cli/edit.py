"""`virtdeck edit`: the definition of an instance in the operator's editor, or from a file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import click

from console.cli import interrupts
from console.cli.invocation import Invocation, common, json_option
from console.cli.live import OPERATE, on_fleet
from console.cli.lookup import named
from console.cli.output import complain, note, say
from console.cli.parameters import read_text
from console.cli.rehearsing import rehearse
from console.cli.waiting import carry_out
from console.text_editor import Draft
from core.errors import RefusedError, UsageError, VirtdeckError
from core.fleet import Fleet
from core.model import Instance, ObjectKey
from core.model.text import clean
from core.verbs.danger import danger
from core.verbs.editing import Edit, edited
from core.verbs.refusal import told
from core.xml.definition.changes import unified
from core.xml.definition.merging import merged

DROPPED = "Nothing was changed."


@click.command(name="edit")
@click.argument("name")
@click.option(
    "--xml-file", metavar="FILE",
    help="Take the new definition from FILE, - is standard input, instead of an editor.",
)  # fmt: skip
@click.option("--unchecked", is_flag=True, help="Have libvirt take it without its schema.")
@click.option("--dry-run", is_flag=True, help="Tell what would change, and end.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@json_option
@common
@click.pass_obj
def edit(invocation: Invocation, /, name: str, xml_file: str | None, **flags: bool) -> int:
    """Change the whole definition of an instance, as XML.

    It opens in $VISUAL or $EDITOR, without secrets: one that stays `***` is kept, one that is typed
    is set. libvirt validates it; with what is wrong it opens again. NAME is a name, an id or
    HOST/NAME.
    """
    given = None if xml_file is None else read_text(xml_file)
    if given is None and not interrupts.can_ask():
        raise UsageError(
            "There is no terminal for an editor.", "Give the new definition with --xml-file."
        )

    async def work(fleet: Fleet) -> int:
        row = named(fleet.state, "instance", name)
        assert isinstance(row, Instance)
        editing = Editing(fleet, row.key, clean(row.name), invocation.json, **flags)
        return await (editing.from_file(given) if given is not None else editing.in_editor())

    return on_fleet(invocation, work, tolerate_down=True, **OPERATE)


@dataclass
class Editing:
    """One edit on the command line."""

    fleet: Fleet
    key: ObjectKey
    name: str
    as_json: bool
    unchecked: bool
    dry_run: bool
    yes: bool

    async def from_file(self, given: str) -> int:
        """Define the instance as a file says."""
        base = await self._document()
        request = edited(self.key, given, base, unchecked=self.unchecked)
        if self.dry_run:
            self._show(request)
            return await rehearse(self.fleet, (request,), as_json=self.as_json)
        self._require(request)
        if not self.yes:
            self._show(request)
            if not interrupts.can_ask():
                text = danger(self.fleet.state, request).text
                raise RefusedError(f"Not done without a yes. {text}", "Add --yes to do it.")
            if self._asked("Define it so", "yn") != "y":
                raise RefusedError(DROPPED)
        return await carry_out(self.fleet, (request,), as_json=self.as_json)

    async def in_editor(self) -> int:
        """Have it edited until libvirt takes it, or the operator gives up; nothing is lost."""
        base = await self._document()
        draft = Draft(self.name, base)
        try:
            status = await self._until_taken(draft, base)
        except BaseException:
            note(f"What was edited is kept in {draft.path}.")
            raise
        draft.drop()
        return status

    async def _until_taken(self, draft: Draft, base: str) -> int:
        while True:
            await draft.edit_meanwhile()
            text = draft.read()
            if text == base:
                say(f"{self.name} was not changed.")
                return 0
            request = edited(self.key, text, base, unchecked=self.unchecked)
            try:
                self._require(request)
            except VirtdeckError as error:
                complain(error, self.name)
                if self._again():
                    continue
                return error.exit_status
            self._show(request)
            if self.dry_run:
                return 0
            answer = "y" if self.yes else self._asked("Define it so", "yne")
            if answer == "e":
                continue
            if answer == "n":
                note(DROPPED)
                return RefusedError.exit_status
            if not (status := await self._submitted(request)) or not self._again():
                return status
            base = await self._onto(draft, text, base)

    async def _submitted(self, request: Edit) -> int:
        return await carry_out(self.fleet, (request,), as_json=self.as_json)

    async def _onto(self, draft: Draft, text: str, base: str) -> str:
        """Bring an edit onto the definition as it is now; returns that."""
        now = await self._document()
        if now == base:
            return base
        say(f"{self.name} was changed meanwhile:")
        self._say_lines(base, now)
        found = merged(base, text, now)
        draft.put(found.text)
        if found.contested:
            note("Both changed the same lines: the others' stand in comments beside yours.")
        return now

    async def _document(self) -> str:
        return await self.fleet.definitions.document(self.key)

    def _require(self, request: Edit) -> None:
        """Raise RefusedError with what speaks against a request."""
        if reasons := self.fleet.check(request):
            raise RefusedError(told(reasons))

    def _show(self, request: Edit) -> None:
        """Print what changes, and from when on it counts."""
        if self.as_json:
            return
        self._say_lines(request.base, request.xml)
        for line in danger(self.fleet.state, request).text.splitlines():
            note(line)

    def _say_lines(self, before: str, after: str) -> None:
        for line in unified(before, after):
            say(line)

    def _again(self) -> bool:
        return self._asked("Edit again", "yn") == "y"

    def _asked(self, question: str, choices: str) -> str:
        answer: Any = click.prompt(
            f"{question}? [{'/'.join(choices)}]",
            type=click.Choice(list(choices)),
            show_choices=False,
            err=True,
        )
        return str(answer)
