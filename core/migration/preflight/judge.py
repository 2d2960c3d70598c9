"""Everything that speaks against a migration, all at once, before anything is touched. Pure.

Each check is a function of its own that yields what it found. A check that needs a host that could
not be looked at is not made; that host's own finding says why.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from core.errors import VirtdeckError
from core.migration.preflight import compute as preflight_compute
from core.migration.preflight import devices as preflight_devices
from core.migration.preflight import files as preflight_files
from core.migration.preflight import hosts as preflight_hosts
from core.migration.preflight import instance as preflight_instance
from core.migration.preflight import leaving as preflight_leaving
from core.migration.preflight import means as preflight_means
from core.migration.preflight import pools as preflight_pools
from core.migration.preflight import storage as preflight_storage
from core.migration.preflight import xml as preflight_xml
from core.migration.preflight.case import FullCase, PreflightCase, SourceCase
from core.migration.preflight.facts import Facts
from core.migration.preflight.same_disks import vouched
from core.model import Finding, Level, Rewrites, State
from core.verbs.migration.requests import Migrate
from core.xml.needs import Needs, read_needs
from core.xml.rewrite import rewrite

RULES = (*preflight_hosts.RULES, *preflight_instance.RULES)
SOURCE_RULES = preflight_instance.SOURCE_RULES
FULL_RULES = (
    *preflight_hosts.FULL_RULES,
    *preflight_compute.FULL_RULES,
    *preflight_storage.FULL_RULES,
    *preflight_pools.FULL_RULES,
    *preflight_devices.FULL_RULES,
    *preflight_leaving.FULL_RULES,
    *preflight_files.FULL_RULES,
    *preflight_means.FULL_RULES,
    *preflight_xml.FULL_RULES,
)
_ORDER = {level: rank for rank, level in enumerate(Level)}
"""Level names its members worst first."""


def judge(request: Migrate, facts: Facts, state: State, now: float) -> tuple[Finding, ...]:
    """Return every finding, worst first, and among equals in the order of the checks.

    An overridden blocker is a warning that says so; a fixed one stays. No two have one id, except
    that a check may find several things about one (their ids are then numbered).
    """
    found = _numbered(_find(PreflightCase(request, facts, state, now)))
    judged = [_overridden(each, request.overrides) for each in found]
    return tuple(sorted(judged, key=lambda each: _ORDER[each.level]))


def _find(case: PreflightCase) -> Iterator[Finding]:
    for rule in RULES:
        yield from rule(case)
    here = case.facts.source
    if here is None or here.needs is None:
        return
    given = (case.request, case.facts, case.state, case.now, here, here.needs)
    source_case = SourceCase(*given)
    for source_rule in SOURCE_RULES:
        yield from source_rule(source_case)
    full_case = _full(case)
    if full_case is not None:
        for full_rule in FULL_RULES:
            yield from full_rule(full_case)


def _full(case: PreflightCase) -> FullCase | None:
    """Return the question with both hosts' facts; None where either could not be looked at."""
    here, there = case.facts.source, case.facts.destination
    if here is None or here.needs is None or there is None:
        return None
    wanted = wanted_needs(case.request, here.xml, here.needs)
    return FullCase(
        *(case.request, case.facts, case.state, case.now, here, here.needs, there, wanted)
    )


def vouch(request: Migrate, facts: Facts, state: State, now: float) -> Migrate:
    """Return the request, unsafe where the disks were seen to be shared whatever libvirt thinks."""
    full_case = _full(PreflightCase(request, facts, state, now))
    if full_case is None or not vouched(full_case):
        return request
    return msgspec.structs.replace(request, unsafe=True)


def wanted_needs(request: Migrate, xml: str, needs: Needs) -> Needs:
    """Return what it needs of the destination: with its rewrites, where they can be carried out.

    The CPU stays the live one, which names what the guest really has.
    """
    if request.rewrites == Rewrites() or not xml:
        return needs
    try:
        wanted = read_needs(rewrite(xml, request.rewrites, lenient=True))
    except VirtdeckError:  # the plan says so
        return needs
    return msgspec.structs.replace(wanted, cpu_xml=needs.cpu_xml, cpu_mode=needs.cpu_mode)


def _numbered(found: Iterable[Finding]) -> list[Finding]:
    """Return the findings with ids that differ; one that says the same again is left out."""
    seen: dict[str, int] = {}
    kept: list[Finding] = []
    for each in found:
        if each in kept:
            continue
        count = seen[each.id] = seen.get(each.id, 0) + 1
        kept.append(each if count == 1 else msgspec.structs.replace(each, id=f"{each.id}-{count}"))
    return kept


def _overridden(finding: Finding, overrides: tuple[str, ...]) -> Finding:
    if finding.level is not Level.BLOCKER or finding.fixed or finding.id not in overrides:
        return finding
    return msgspec.structs.replace(finding, level=Level.WARNING, text=f"Overridden: {finding.text}")
