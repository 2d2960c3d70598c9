"""A plan for people: the equivalent virsh command, and what `--dry-run` prints. Pure."""

from __future__ import annotations

import difflib
import re
import shlex
from collections.abc import Iterator

from core.migration.plan.flags import VIRSH_FLAGS, VIRSH_PARAMETERS
from core.migration.plan.values import Parameter, Plan
from core.model import Instance, Rewrites
from core.model.text import clean, real_name
from core.verbs.migration.requests import Migrate
from core.xml import format_xml

_UNITS = {
    "bandwidth": " MiB/s",
    "bandwidth.postcopy": " MiB/s",
    "bandwidth.avail.switchover": " MiB/s",
    "auto_converge.initial": "%",
    "auto_converge.increment": "%",
}
_XML = {"destination_xml": "", "persistent_xml": "-persistent"}
"""Parameters that virsh takes from a file, and what tells the files apart."""
SWITCH_AT_ONCE = "--postcopy-after-precopy"
"""virsh's own: to switch after the first pass."""
_MARGIN = 16


def virsh_migrate(plan: Plan, instance: Instance, settled: Migrate, source_uri: str) -> str:
    """Return the line that does the same in a shell.

    Its XML files are named, not written; XML that is libvirt's own anyway needs none.
    """
    words = ["virsh", *(("-c", clean(source_uri)) if source_uri else ()), "migrate"]
    words += [_subject(instance), clean(plan.uri)]
    words += [word for flag, word in VIRSH_FLAGS.items() if flag & plan.flags]
    if settled.post_copy == "at-once":
        words.append(SWITCH_AT_ONCE)
    rewritten = settled.rewrites != Rewrites()
    for name, value in plan.parameters.items():
        if name == "destination_xml" and not rewritten:
            continue
        if name == "persistent_xml" and not (rewritten or settled.destination_name):
            continue
        words += [VIRSH_PARAMETERS[name], _argument(name, value, instance)]
    return shlex.join(words)


def _subject(instance: Instance) -> str:
    """Return the instance's name, or its UUID where virsh would take the name for another thing."""
    name = instance.name
    plain = name == clean(name) == real_name(name) and not name.startswith("-")
    return name if plain and not name.isdigit() else instance.uuid


def _argument(name: str, value: Parameter, instance: Instance) -> str:
    if name in _XML:
        stem = re.sub(r"[^A-Za-z0-9_.-]", "_", _subject(instance)).lstrip(".-") or instance.uuid
        return f"{stem}{_XML[name]}.xml"
    return clean(",".join(value) if isinstance(value, list) else str(value))


def dry_run(plan: Plan) -> str:
    """Return everything a plan would do, as plain text: no secrets, no control characters.

    One block each for the destination, flags, parameters, disks, notes, the differences of the XML
    and the virsh line.
    """
    blocks = (
        _title(plan),
        _line("destination", [clean(plan.uri)]),
        _line("flags", [f"{' '.join(plan.flag_names)} ({plan.flags})"]),
        _line("parameters", list(_parameters(plan))),
        _line("disks copied", [", ".join(clean(disk) for disk in plan.disks) or "none"]),
        _line("notes", [clean(note) for note in plan.notes] or ["none"]),
        *_differences(plan),
        _line("virsh", [clean(plan.virsh)]),
    )
    return "\n".join(blocks) + "\n"


def _title(plan: Plan) -> str:
    moved = "the definition of " if plan.offline else ""
    return f"Would migrate {moved}{clean(plan.name)} from {plan.source} to {plan.destination}."


def _line(label: str, lines: list[str]) -> str:
    first, *rest = lines or [""]
    return "\n".join((f"{label:<{_MARGIN}}{first}", *(" " * _MARGIN + line for line in rest)))


def _parameters(plan: Plan) -> Iterator[str]:
    for name, value in plan.parameters.items():
        if name in _XML:
            yield f"{name}: see below"
        else:
            shown = ", ".join(value) if isinstance(value, list) else str(value)
            yield f"{name}: {clean(shown)}{_UNITS.get(name, '')}"


def _differences(plan: Plan) -> Iterator[str]:
    for label, name, before in (
        ("running XML", "destination_xml", plan.source_xml),
        ("persistent XML", "persistent_xml", plan.source_persistent_xml),
    ):
        after = plan.parameters.get(name)
        if isinstance(after, str):
            lines = difflib.unified_diff(
                format_xml(before).splitlines(),
                format_xml(after).splitlines(),
                f"{plan.source}/{name}",
                f"{plan.destination}/{name}",
                lineterm="",
            )
            changes = "\n".join(lines)
            yield _line(label, ["differs:" if changes else "as at the source"])
            yield from filter(None, (changes,))
