"""What the guest's agent is, and what it tells of the system in it, as lines. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from console.countdown import countdown_words
from console.screens.instances.guest import guest
from console.screens.instances.run import agent_words
from console.screens.table_text import facts, heading, table
from console.screens.view import View
from console.widgets.columns import Cell, CellValue
from core.model import AgentState, Instance, InstanceDetail
from core.state.slowness import FROZEN

_WITHOUT = {
    AgentState.NONE: "It has no channel for one: add org.qemu.guest_agent.0, and run qemu-ga.",
    AgentState.DISCONNECTED: "Nothing answers on its channel: start qemu-guest-agent in the guest.",
    AgentState.UNKNOWN: "Whether one answers is not known: nothing of it was read yet.",
}
_AGENTS = frozenset({"exec", "set-password", "add-ssh-key", "remove-ssh-key", "freeze", "thaw",
                     "trim", "set-time"})  # fmt: skip
_MOST = 8


def agent_lines(view: View, row: Instance, detail: InstanceDetail | None) -> list[CellValue]:
    """The agent, whether it has frozen the guest, what it tells, and what was asked of it."""
    lines = [heading("Agent"), *facts([("state", agent_words(view, row)), *_frozen(view, row)])]
    if row.agent is not AgentState.CONNECTED:
        lines.append(Cell(f"  {_WITHOUT[row.agent]}", "warning"))
    told = None if detail is None else detail.guest
    if detail is not None and told is not None:
        lines += ["", *(guest(view, told) or [Cell("  It tells nothing of its system.", "muted")])]
        addresses = [one for one in detail.addresses if one.source == "agent"]
        if addresses:
            rows = [(one.interface, one.address, one.mac) for one in addresses]
            lines += ["", heading("Addresses"), *table(("interface", "address", "mac"), rows)]
    elif row.agent is AgentState.CONNECTED:
        waits = "It has not answered yet." if detail is None else "It has not answered."
        lines.append(Cell(f"  {waits}", "muted"))
    if detail is not None:
        lines += [Cell(f"  {note}", "warning") for note in detail.notes if "agent" in note]
    asked = list(_asked(view, row))
    return [*lines, "", heading("Asked of it"), *asked] if asked else lines


def _frozen(view: View, row: Instance) -> Iterator[tuple[str, CellValue]]:
    for one in view.state.operations.values():
        if one.subject == row.key and one.doing == FROZEN and not one.status.final:
            left = "" if one.countdown is None else countdown_words(one.countdown, view.now())
            yield "file systems", Cell(f"frozen: {left}" if left else "frozen", "warning")


def _asked(view: View, row: Instance) -> Iterator[CellValue]:
    """Yield the newest operations that its agent carried out."""
    found = [
        one
        for one in view.state.operations.values()
        if one.subject == row.key and one.verb in _AGENTS
    ]
    newest = sorted(found, key=lambda one: -one.created)[:_MOST]
    for one in newest:
        what = one.outcome or one.doing
        yield (Cell(f"  {view.clock(one.created)}  ", "muted"), Cell(f"{one.verb}: {what}"))
