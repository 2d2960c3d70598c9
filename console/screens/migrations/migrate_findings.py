"""What the Migrate dialog says of its preflights: one instance, or many summed up. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from console import format as fmt
from console.glyphs import glyphs
from console.widgets.columns import Cell, CellValue
from core.migration.plan.options import standing
from core.model import Finding, Instance, Level, Preflight
from core.model.text import clean


@dataclass(frozen=True, slots=True)
class Assessment:
    """What was found of one instance."""

    name: str
    preflight: Preflight | None = None
    refusals: tuple[str, ...] = ()
    """Why it cannot be asked for at all: no override helps."""

    def blocks(self, overrides: Sequence[str]) -> bool:
        """Whether it cannot be started."""
        if self.refusals or self.preflight is None:
            return True
        return bool(standing(self.preflight, tuple(overrides)))


_ROLES = {
    Level.BLOCKER: "error",
    Level.UNKNOWN: "changing",
    Level.WARNING: "warning",
    Level.OK: "ok",
}
_WORST_FIRST = (Level.BLOCKER, Level.UNKNOWN, Level.WARNING)


def overridable(assessments: Sequence[Assessment], overrides: Sequence[str]) -> tuple[str, ...]:
    """The ids of the blockers that could be overridden and are not, each once."""
    found = (
        finding.id
        for item in assessments
        if item.preflight is not None
        for finding in standing(item.preflight, tuple(overrides))
        if not finding.fixed
    )
    return tuple(dict.fromkeys(found))


def can_start(assessments: Sequence[Assessment], overrides: Sequence[str]) -> bool:
    """Whether nothing blocks any of them; nothing looked at is no yes."""
    return bool(assessments) and not any(item.blocks(overrides) for item in assessments)


def sum_line(assessments: Sequence[Assessment], overrides: Sequence[str]) -> tuple[Cell, ...]:
    """How many findings of each level, and with many instances how many are blocked."""
    cells = []
    findings = [(finding, item) for item in assessments if item.preflight is not None
                for finding in item.preflight.findings]  # fmt: skip
    if len(assessments) > 1:
        blocked = [clean(item.name) for item in assessments if item.blocks(overrides)]
        able = len(assessments) - len(blocked)
        cells.append(Cell(f"{able} of {len(assessments)} can start", "strong"))
        if blocked:
            cells.append(Cell(f", blocked: {fmt.listed(blocked, 3)}", "error"))
        cells.append(Cell("; "))
    overridden = sum(_overridden(finding, overrides) for finding, _ in findings)
    more = sum(len(item.refusals) for item in assessments) - overridden
    for level in (*_WORST_FIRST, Level.OK):
        number = sum(finding.level is level for finding, _ in findings)
        number += more if level is Level.BLOCKER else 0
        if number:
            cells += [Cell(f"{number:,} {_counted(level, number)}", _ROLES[level]), Cell(", ")]
    if overridden:
        cells += [Cell(f"{overridden:,} overridden", "warning"), Cell(", ")]
    return tuple(cells[:-1]) or (Cell("nothing was found", "muted"),)


def _overridden(finding: Finding, overrides: Sequence[str]) -> bool:
    return finding.level is Level.BLOCKER and not finding.fixed and finding.id in overrides


def _counted(level: Level, number: int) -> str:
    countable = level in (Level.BLOCKER, Level.WARNING) and number != 1
    return f"{level.value}s" if countable else level.value


def finding_lines(
    assessments: Sequence[Assessment], overrides: Sequence[str]
) -> Iterator[CellValue]:
    """Every finding that is not ok, worst first, with its cure; those of several instances once."""
    many = len(assessments) > 1
    for item in assessments:
        for reason in item.refusals:
            name = f"{clean(item.name)}: " if many else ""
            yield (Cell(f"{glyphs().alert} ", "error"), Cell(f"{name}{clean(reason)}"))
    for level in _WORST_FIRST:
        for finding, names in _grouped(assessments, level).items():
            yield from _finding(finding, names if many else [], overrides)
    fine = dict.fromkeys(
        finding.id
        for item in assessments
        if item.preflight is not None
        for finding in item.preflight.of(Level.OK)
    )
    if fine:
        yield (Cell("ok  ", "ok"), Cell(clean(", ".join(fine)), "muted"))


def _grouped(assessments: Sequence[Assessment], level: Level) -> dict[Finding, list[str]]:
    grouped: dict[Finding, list[str]] = {}
    for item in assessments:
        for finding in item.preflight.of(level) if item.preflight is not None else ():
            grouped.setdefault(finding, []).append(clean(item.name))
    return grouped


def _finding(
    finding: Finding, names: Sequence[str], overrides: Sequence[str]
) -> Iterator[CellValue]:
    level = finding.level
    overridden = _overridden(finding, overrides)
    word = "overridden" if overridden else level.value
    role = "warning" if overridden else _ROLES[level]
    of = f" ({fmt.listed(names, 3)})" if names else ""
    yield (
        Cell(f"{word} ", role),
        Cell(f"{clean(finding.id)}  ", "strong"),
        Cell(f"{clean(finding.text)}{of}"),
    )
    if finding.cure:
        yield Cell(f"    {clean(finding.cure)}", "muted")


def prospect_lines(assessments: Sequence[Assessment]) -> Iterator[CellValue]:
    """What is to be expected of each."""
    many = len(assessments) > 1
    for item in assessments:
        found = item.preflight
        if found is not None and found.forecast is not None and found.forecast.sentence:
            name = f"{clean(item.name)}: " if many else ""
            yield Cell(f"{name}{clean(found.forecast.sentence)}")


def command_lines(assessments: Sequence[Assessment]) -> Iterator[CellValue]:
    """The command that would do the same."""
    first = next((item.preflight for item in assessments if item.preflight is not None), None)
    if first is not None and first.virsh:
        yield Cell(clean(first.virsh), "muted")
        if len(assessments) > 1:
            yield Cell(f"  and {len(assessments) - 1} more alike", "muted")


def heading(instances: Sequence[Instance], hidden: int) -> list[CellValue]:
    """What is to be moved, and from where."""
    if len(instances) == 1:
        row = instances[0]
        memory = f", {fmt.size(row.memory)}" if row.memory else ""
        state = fmt.instance_state(row.state).word
        return [
            (
                Cell(f"Migrate {clean(row.name)} from {row.host}", "strong"),
                Cell(f"  {state}{memory}", "muted"),
            )
        ]
    hosts = fmt.listed(list(dict.fromkeys(row.host for row in instances)), 3)
    named = fmt.listed([clean(row.name) for row in instances], 3)
    cells = [
        Cell(f"Migrate {len(instances):,} instances from {hosts}", "strong"),
        Cell(f"  {named}", "muted"),
    ]
    if hidden:
        cells.append(Cell(f"  {hidden:,} of them hidden by the filter", "warning"))
    return [tuple(cells)]
