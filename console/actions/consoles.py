"""The actions of the consoles of guests: they work once the keyboard is let go of."""

from __future__ import annotations

from console.actions.types import Action, Scope

_SCOPE: Scope = "consoles"


def _command(word: str, title: str, key: str, description: str, *, short: str = "") -> Action:
    return Action(
        f"consoles.{word}", title, (key,), _SCOPE, "console", description, f"command('{word}')",
        show_in_footer=True, short=short,
    )  # fmt: skip


CONSOLES: tuple[Action, ...] = (
    Action(
        "consoles.let_go",
        "Let go",
        ("ctrl+right_square_bracket",),
        _SCOPE,
        "console",
        "Let go of the keyboard: keys are commands then. Again: go back, it stays open.",
        "let_go",
    ),
    Action(
        "consoles.type",
        "Type again",
        ("enter", "i"),
        _SCOPE,
        "console",
        "Have every key go to the guest again.",
        "type",
    ),
    _command("close", "Close", "x", "Let go of this console for good, as leaving virtdeck does."),
    _command(
        "again",
        "Open again",
        "r",
        "Open it again; take it over where another client has it, which is asked first.",
        short="Again",
    ),
    Action(
        "consoles.search",
        "Search",
        ("slash",),
        _SCOPE,
        "search",
        "Search all that this console wrote and is kept.",
        "search",
        show_in_footer=True,
    ),
    Action(
        "consoles.search_older",
        "Older match",
        ("n",),
        _SCOPE,
        "search",
        "Go to the match before.",
        "search_step(-1)",
    ),
    Action(
        "consoles.search_newer",
        "Newer match",
        ("N",),
        _SCOPE,
        "search",
        "Go to the match after.",
        "search_step(1)",
    ),
    _command("log", "Write to a file", "w", "Write the text of what comes to a new file in the "
             "present folder, or stop.", short="File"),
    _command("size", "Tell the size", "s", "Type `stty rows R cols C` into its shell: libvirt "
             "tells a guest no size.", short="Size"),
    _command("display", "Display", "v", "Start a viewer on its VNC or SPICE display, or say where "
             "that is."),
    _command("escape", "Send ^]", "e", "Send the key that lets go to the guest."),
    Action(
        "consoles.next",
        "Next console",
        ("tab", "right_square_bracket"),
        _SCOPE,
        "tabs",
        "Show the next console that is open.",
        "tab_step(1)",
        show_in_footer=True,
        short="Next",
    ),
    Action(
        "consoles.previous",
        "Previous console",
        ("shift+tab", "left_square_bracket"),
        _SCOPE,
        "tabs",
        "Show the previous console that is open.",
        "tab_step(-1)",
    ),
    Action(
        "consoles.older",
        "Older lines",
        ("pageup", "shift+pageup", "b"),
        _SCOPE,
        "search",
        "Turn back a page (shift+pgup also while typing).",
        "turn(-1)",
    ),
    Action(
        "consoles.newer",
        "Newer lines",
        ("pagedown", "shift+pagedown", "f"),
        _SCOPE,
        "search",
        "Turn a page on (shift+pgdn also while typing).",
        "turn(1)",
    ),
)  # fmt: skip

OPEN_CONSOLE = Action(
    "power.console",
    "Console",
    ("i",),
    "power",
    "guest",
    "Type into its serial console, full screen.",
    "open_console",
    show_in_footer=False,
)
"""How to get there."""
