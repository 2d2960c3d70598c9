"""Every key that a screen or a dialog takes is told on its page of help, which `?` opens."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from typing import TypeVar

import pytest
from textual.binding import Binding

import console
from console.actions.registry import actions_on, help_notes, help_sections, key_label
from console.actions.verb_menu import menus
from console.actions.verbs import VIEWS
from console.screens.base import ConsoleScreen
from console.screens.dialogs.dialog import Dialog
from console.screens.menu_lines import MenuLine, with_its_key
from console.widgets.columns import Cell
from console.widgets.live_table import LiveTable
from core.verbs.registry import VERBS

for found in pkgutil.walk_packages(console.__path__, "console."):
    if not found.name.endswith("__main__"):
        importlib.import_module(found.name)

Kind = TypeVar("Kind", bound=type)

TOLD_IN: Mapping[str, str] = {
    "QuestionDialog": "In a question",
    "LineMenu": "In a menu",
    "MigrateDialog": "When migrating",
    "FormDialog": "In the form of a verb",
    "PaletteDialog": "While filtering, searching or finding a command",
    "InstanceChoiceDialog": "While filtering, searching or finding a command",
    "NetworkDialog": "On one network, or an XML",
    "XmlDialog": "On one network, or an XML",
}
"""Dialog, with those made from it: the nearest counts -> where its keys are told."""
MEANT: Mapping[str, tuple[str, ...]] = {
    "arrows": ("left", "right", "up", "down"),
    "tab": ("tab", "shift+tab"),
    "1 to 9": tuple("123456789"),
}
"""What notes say in short."""


def made_from(kind: Kind) -> Iterator[Kind]:
    for each in kind.__subclasses__():
        if each.__module__.startswith("console."):
            yield each
            yield from made_from(each)


def own_bindings(kind: type) -> list[Binding]:
    """Those of a class and of what it is made from, as far as this console wrote them."""
    ours = [one for one in kind.__mro__ if one.__module__.startswith("console.")]
    found = [binding for one in ours for binding in one.__dict__.get("BINDINGS", ())]
    return [binding for binding in found if isinstance(binding, Binding)]


SCREENS = sorted(
    {each for each in made_from(ConsoleScreen) if each.registry_layer}, key=lambda one: one.__name__
)
DIALOGS = sorted(set(made_from(Dialog)), key=lambda one: one.__name__)


@pytest.mark.parametrize("screen", SCREENS, ids=lambda one: one.__name__)
def test_what_a_screen_binds_is_in_its_help(screen: type[ConsoleScreen]) -> None:
    layer = screen.registry_layer
    known = {entry.id: entry for entry in actions_on(layer)}
    told = {line[1] for section in help_sections(layer) for line in section.lines}
    for binding in own_bindings(screen):
        assert binding.id in known, f"{binding.key} works on {layer}, and nothing tells of it"
        assert known[binding.id].title in told
    if "table" in {entry.scope for entry in known.values()}:
        assert {binding.id for binding in own_bindings(LiveTable)} <= known.keys()


@pytest.mark.parametrize("dialog", DIALOGS, ids=lambda one: one.__name__)
def test_what_a_dialog_binds_is_in_the_help(dialog: type[Dialog[object]]) -> None:
    names = [one.__name__ for one in dialog.__mro__ if one.__name__ in TOLD_IN]
    assert names, "no section of the help tells its keys"
    (section,) = [one for one in help_notes() if one.title == TOLD_IN[names[0]]]
    words = [word for keys, _, _ in section.lines for word in keys.split(", ")]
    told = {key for word in words for key in MEANT.get(word, (word,))}
    bound = {key_label(key) for one in own_bindings(dialog) for key in one.key.split(",")}
    assert bound <= told, f"nothing tells of {sorted(bound - told)}"


@pytest.mark.parametrize("kind", VIEWS)
def test_what_only_shows_something_is_in_the_menu_where_its_key_works(kind: str) -> None:
    groups = menus(VERBS.values(), kind, VIEWS[kind])
    verbs = {verb.group for verb in VERBS.values() if verb.subject == kind}
    for action in VIEWS[kind]:
        (group,) = [one for one in groups for view in one.views if view.action is action]
        assert group.name in verbs, "it stands with what is done to the same"


def test_a_line_of_a_menu_names_the_key_that_does_it_without_the_menu() -> None:
    line = MenuLine("c", "Console", (Cell("Type into it."),), detail="Type into it.")
    assert with_its_key(line, "i").detail == "Type into it. Its own key: i."
    assert with_its_key(line, "") is line
    refused = MenuLine("c", "Console", (), greyed=True, detail="It is off.")
    assert with_its_key(refused, "i") is refused, "there is why it cannot be"
