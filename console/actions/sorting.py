"""The keys that sort the instances by one column at once: a capital letter each, as in k9s."""

from __future__ import annotations

from console.actions.types import Action

_COLUMNS = (
    ("cpu", "C", "Busiest first", "Busiest", "the CPU they use", True),
    ("memory", "M", "Most memory first", "", "the memory they use", False),
    ("disk", "D", "Most disk traffic first", "", "what they read and write", False),
    ("net", "X", "Most network traffic first", "", "what they receive and send", False),
    ("name", "N", "By name", "", "name", False),
    ("host", "H", "By host", "", "host", False),
    ("state", "T", "By state", "", "state, the most urgent first", False),
    ("activity", "A", "By activity", "", "what they do or suffer, the idle last", False),
)

SORT: tuple[Action, ...] = tuple(
    Action(
        f"instances.sort_{column}",
        title,
        (key,),
        "instances",
        "sort",
        f"Sort the instances by {by}; again: the other way round.",
        f"sort_table('{column}')",
        show_in_footer=in_footer,
        short=short,
    )
    for column, key, title, short, by, in_footer in _COLUMNS
)
"""Their actions."""
