"""The CPU that a definition names. Pure."""

from __future__ import annotations

from core.xml.tree import attribute, parse, text


def cpu_model_of(xml: str) -> tuple[str, str]:
    """Return the architecture of a definition, and the CPU model it names; empty: it names none."""
    root = parse(xml, "domain")
    named = attribute(root, "mode", "cpu") in ("", "custom")
    return attribute(root, "arch", "os/type"), text(root, "cpu/model") if named else ""
