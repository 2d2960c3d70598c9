"""What the line under a console says. UI thread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from console.glyphs import glyphs
from console.screens.parts import Part
from console.shell.console_state import ConsoleState
from console.shell.guest_console import GuestConsole
from console.widgets.terminal import TerminalView

_SIGNS: Mapping[ConsoleState, tuple[str, str]] = {
    ConsoleState.OPENING: ("changing", "opening"),
    ConsoleState.OPEN: ("running", ""),
    ConsoleState.LOG: ("muted", "log"),
    ConsoleState.OFF: ("off", "off"),
    ConsoleState.LOST: ("warning", "lost"),
    ConsoleState.RETURNING: ("changing", "reopening"),
    ConsoleState.TAKEN: ("warning", "taken over"),
    ConsoleState.IN_USE: ("warning", "in use"),
    ConsoleState.FAILED: ("error", "failed"),
}
"""State -> role, word."""
_LONGEST_NAME = 24


def state_part(console: GuestConsole, *, here: bool, call: str) -> Sequence[Part]:
    """A tab: the name, and the state where it is not simply open."""
    role, word = _SIGNS[console.state]
    name = console.name
    shown = name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1] + glyphs().ellipsis
    parts = [Part(f" {shown} ", "header-sorted" if here else "", call)]
    if word:
        parts.append(Part(f"{word} ", role, call))
    if console.log is not None:
        parts.append(Part("writing ", "changing", call))
    return parts


def hint(console: GuestConsole) -> str:
    """What can be done about a state, as a sentence."""
    return {
        ConsoleState.OFF: "It opens again when the guest starts.",
        ConsoleState.LOST: "It opens again when its host is back.",
        ConsoleState.RETURNING: "It opens once its console is there.",
        ConsoleState.TAKEN: "r takes it back.",
        ConsoleState.IN_USE: "r takes it over.",
        ConsoleState.FAILED: "r tries again.",
        ConsoleState.LOG: "It is followed.",
    }.get(console.state, "")


def hints(
    console: GuestConsole | None, view: TerminalView, let_go: str, typing: bool
) -> list[Sequence[Part]]:
    """What stands at the right of the tabs: the most important last."""
    found: list[Sequence[Part]] = []
    if console is not None:
        if console.terminal.modes.title and typing:
            found.append((Part(f" {console.terminal.modes.title} ", "muted"),))
        if console.waiting:
            found.append((Part(f" {console.waiting:,} bytes not read by the guest ", "warning"),))
        if words := hint(console):
            found.append((Part(f" {words} ", "muted"),))
    if view.search:
        place, count = view.found
        found.append((Part(f" {view.search}: {place} of {count} ", "strong"),))
    elif view.turned_back:
        found.append((Part(" older lines ", "strong"),))
    if typing:
        found.append((Part(f" {let_go}", "key", "screen.let_go"), Part(" lets go ", "")))
    else:
        found.append((Part(" enter", "key", "screen.type"), Part(" types again ", "")))
    return found
