"""What the lines around every screen say: header, tabs, footer. Pure, any thread."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import tzinfo

from console import format as fmt
from console.actions.registry import Action, actions_on, footer_entries, keys_of
from console.glyphs import glyphs
from console.screens.parts import Part
from console.status_signs import status_sign
from core.model import Alert, Host, Link, LinkStatus, Severity, State

Groups = list[Sequence[Part]]

_FEW_HOSTS = 4
"""Up to this many hosts are named one by one in the header."""


def sign_of_link(link: Link) -> fmt.StateSign:
    """How a link is shown: as its status, except that one may wait before it connects."""
    sign = status_sign(link.status)
    return sign._replace(word="waiting", role="muted") if link.waiting else sign


def header_left(state: State, zone: tzinfo | None, tape: str) -> Groups:
    """The console's name or the tape's position, the hosts and how the links to them stand."""
    groups: Groups = [(Part(f" {tape} ", "changing") if tape else Part(" virtdeck ", "strong"),)]
    hosts = list(state.hosts.values())
    if len(hosts) <= _FEW_HOSTS:
        groups += [_host_parts(host, zone) for host in hosts]
        return groups
    up = sum(host.link.status is LinkStatus.UP for host in hosts)
    sign = status_sign(LinkStatus.UP)
    groups.append((Part(f"  {sign.glyph} ", sign.role, _HOSTS), Part(f"{up} up ", "", _HOSTS)))
    lost = [host for host in hosts if host.link.status is not LinkStatus.UP]
    if lost:
        lost.sort(key=lambda host: host.link.status is not LinkStatus.DOWN)
        words = status_sign(lost[0].link.status)
        groups.append((Part(f" {words.glyph} {len(lost)} not ", words.role, _HOSTS),))
        groups.append((Part(f" {fmt.listed([host.name for host in lost], 3)} ", "", _HOSTS),))
    return groups


_HOSTS = "app.show_screen('hosts')"


def _host_parts(host: Host, zone: tzinfo | None) -> Sequence[Part]:
    sign = sign_of_link(host.link)
    since = ""
    if host.link.status is LinkStatus.DOWN and host.link.since:
        since = f" {fmt.clock_time(host.link.since, zone)}"
    return (
        Part(f"  {sign.glyph} ", sign.role, _HOSTS),
        Part(f"{host.name} ", "", _HOSTS),
        Part(f"{sign.word}{since}", sign.role, _HOSTS),
    )


def header_right(state: State, *, read_only: bool, error: str = "") -> Groups:
    """What must not be missed, the gravest last: read-only, alerts, a broken core."""
    groups: Groups = []
    if read_only:
        groups.append((Part(" read-only ", "paused"),))
    if alerts := _alert_parts([alert for some in state.alerts.values() for alert in some]):
        groups.append(alerts)
    if error:
        groups.append((Part(f" {error} ", "error"),))
    return groups


def _alert_parts(alerts: Sequence[Alert]) -> Sequence[Part]:
    if not alerts:
        return ()
    worst = any(alert.severity is Severity.ERROR for alert in alerts)
    text = f" {glyphs().alert} {fmt.plural(len(alerts), 'alert')} "
    return (Part(text, "error" if worst else "warning", "app.show_faults"),)


def tab_groups(
    tabs: Sequence[tuple[str, str]], current: str, called: Mapping[str, str] | None = None
) -> Groups:
    """The screens by number; `tabs` are (key, name) pairs, `current` a name.

    `called` has what others than it are called, where that is not their name.
    """
    groups: Groups = []
    for key, name in tabs:
        call = f"app.show_screen('{name}')"
        here = name == current
        shown = name if here or called is None else called.get(name, name)
        label = f"{shown.capitalize()} " if shown else ""
        groups.append(
            (
                Part(f" {key} ", "header-sorted" if here else "key", call),
                Part(label, "header-sorted" if here else "", call),
            )
        )
    return groups


def shorter_tabs(tabs: Sequence[tuple[str, str]], current: str) -> list[Groups]:
    """The same with the names of the others shortened, twice, and with their numbers alone."""
    nothing = {name: "" for _, name in tabs}
    return [tab_groups(tabs, current, called) for called in (_SHORT, _SHORTEST, nothing)]


_SHORT = {"instances": "inst", "volumes": "vols", "operations": "ops", "migrations": "migr",
          "networks": "nets"}  # fmt: skip
_SHORTEST = {"instances": "inst", "hosts": "host", "volumes": "vol", "operations": "op",
             "events": "ev", "migrations": "mig", "networks": "net"}  # fmt: skip


def crumb_groups(crumbs: Sequence[str]) -> Groups:
    """Where one is, below a screen of the tabs: the way back is a click on the first crumb."""
    first, *rest = crumbs
    groups: Groups = [(Part(" esc ", "key", "app.back"), Part(f"{first.capitalize()} ", ""))]
    groups += [(Part(f"{glyphs().crumb} ", "muted"), Part(f"{crumb} ", "strong")) for crumb in rest]
    return groups


def footer_actions(
    layer: str,
    actions: Sequence[Action],
    *,
    read_only: bool,
    verbs: Sequence[str] = (),
    idle: Collection[str] = (),
) -> list[tuple[str, str, Action]]:
    """What the footer of a screen has, the most useful first: a narrow one shows only these.

    `verbs` are the power verbs or steering commands that make sense now, in their order; they come
    after what the footer begins with on every screen of their kind. `idle` are the scopes whose
    actions have nothing to act on now.
    """
    entries = [
        entry
        for entry in footer_entries(layer, read_only=read_only, actions=actions)
        if entry[2].scope not in idle
    ]
    marks = any(entry.scope == "power" for entry in actions_on(layer, actions))
    entries.sort(key=lambda entry: _footer_rank(entry[2], marks=marks))
    if read_only:
        return entries
    able = {entry.id: entry for entry in actions_on(layer, actions) if entry.scope in _OFFERED}
    wanted = [f"{scope}.{verb}" for verb in verbs for scope in _OFFERED]
    asked = [able[name] for name in wanted if name in able]
    first = sum(entry.id in _FIRST for _, _, entry in entries)
    entries[first:first] = [
        (keys_of(entry, actions)[0], entry.short or entry.title, entry) for entry in asked
    ]  # those without a key by the letters of the menu: `a m c`
    return entries


_OFFERED = ("power", "steer")
"""Scopes of which the footer shows what makes sense now."""

_FIRST = (
    "list.filter",
    "table.open",
    "subjects.menu",
    "operations.menu",
    "steer.menu",
    "instance.next_tab",
)
"""What a footer begins with, however narrow it is."""


def _footer_rank(entry: Action, *, marks: bool) -> int:
    """Lower is shown longer; marking comes last where nothing can be done to what is marked."""
    if entry.id in _FIRST:
        return _FIRST.index(entry.id)
    if entry.id == "table.mark":
        return len(_FIRST) if marks else len(_FIRST) + 2
    return len(_FIRST) + 1


def footer_groups(entries: Sequence[tuple[str, str, Action]]) -> tuple[Groups, Groups]:
    """The keys of a screen: its own from the left, those that work everywhere at the right."""
    left: Groups = []
    right: Groups = []
    for label, title, entry in entries:
        call = f"screen.run('{entry.id}')"
        group = (Part(f" {label}", "key", call), Part(f" {title} ", "", call))
        (right if entry.scope == "global" else left).append(group)
    return left, right
