"""The rule of a field that holds a whole definition. Pure."""

from __future__ import annotations

from core.verbs.parameter import Rule


def definition_of(root: str) -> Rule:
    """Return the rule for XML whose root is called so: it says on which line what is wrong."""

    def against(given: str) -> str:
        from core.xml.definition.faults import malformed  # lxml is loaded where XML is read

        fault = malformed(given, root)
        return "" if fault is None else f"{str(fault).rstrip('.')}: set that right"

    return against
