"""What the filter language means for instances, events and volumes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, get_args

from core.model import AlertKind, AnyEvent, Event, Instance, InstanceState, State, Volume
from core.model.base import kebab
from core.model.text import clean
from core.state.event_text import describe, severity
from core.state.figures import FIGURES, TITLES, used_fraction
from core.state.operations import activity
from core.state.query import Filter, Language, Test, one_of, parse
from core.state.usage import used_by_any

_UUID_PREFIX = 4
"""Digits from which a word may be the beginning of a UUID."""
_YES_NO = ("yes", "no")
_STATE_WORDS = {
    "off": "shutoff",
    "shut-off": "shutoff",
    "in-shutdown": "shutting-down",
    "pmsuspended": "suspended",
}
"""Other words for a state: those of virsh, and one everybody tries."""
_EVENT_KINDS = tuple(kebab(kind.__name__) for kind in get_args(AnyEvent))
_SUBJECTS = ("instance", "host", "pool", "network", "secret", "node-device")
_SEVERITIES = ("info", "warning", "error")


def parse_filter(text: str) -> Filter[Instance]:
    """Return the instance filter: words, name:, host:, group:, network: (its whole name),
    state:, alert:, job:, and `key>number` for each figure of `core.state.figures`.

    A word is looked for in name, title and host, and as the beginning of the UUID. A figure is the
    one its column shows: where that shows none, nothing matches. Raises UsageError.
    """
    return parse(text, _INSTANCES)


def parse_event_filter(text: str) -> Filter[Event]:
    """Return the event filter: words (looked for in its sentence, host and kind), host:, group:,
    name:, kind: (an event, or what it is about), severity:. Raises UsageError.
    """
    return parse(text, _EVENTS)


def parse_volume_filter(text: str) -> Filter[Volume]:
    """Return the volume filter: words (name, path, pool, host), host:, group:, pool:, name:,
    format:, used:, capacity>, allocation>, used> (percent). Raises UsageError.
    """
    return parse(text, _VOLUMES)


def _instance_word(word: str) -> Test[Instance]:
    def test(item: Instance, _state: State) -> bool:
        texts = (item.name, item.title, item.host)
        if any(word in text.lower() for text in texts):
            return True
        return len(word) >= _UUID_PREFIX and item.uuid.startswith(word)

    return test


def _contains(attribute: str) -> Callable[[str], Test[object]]:
    return lambda value: lambda item, _state: value in str(getattr(item, attribute)).lower()


def _group(value: str) -> Test[Any]:
    """Whether the host of an object is in the group of that name, whatever the case."""

    def test(item: Any, state: State) -> bool:
        host = state.hosts.get(item.host)
        return host is not None and value in (group.lower() for group in host.groups)

    return test


def _network(value: str) -> Test[Instance]:
    """Whether an instance has an interface on the network of that name, on or off."""

    def test(item: Instance, _state: State) -> bool:
        names = [one.source for one in item.interfaces if one.type == "network"]
        return any(value in (name.lower(), clean(name).lower()) for name in names)

    return test


def _state(value: str) -> Test[Instance]:
    """The state's own word or its beginning; also in the words of virsh, and `off`."""
    written = "-".join(value.split())
    wanted = one_of("state", _STATE_WORDS.get(written, written), map(str, InstanceState))
    return lambda item, _state: item.state in wanted


def _alert(value: str) -> Test[Instance]:
    wanted = one_of("alert", value, (*_YES_NO, *map(str, AlertKind)))
    if wanted <= set(_YES_NO):
        return lambda item, state: (item.key in state.alerts) is ("yes" in wanted)
    return lambda item, state: any(alert.kind in wanted for alert in state.alerts.get(item.key, ()))


def _job(value: str) -> Test[Instance]:
    if value in _YES_NO:
        return lambda item, state: bool(activity(state, item.key)) is (value == "yes")
    return lambda item, state: value in activity(state, item.key)


def _event_word(word: str) -> Test[Event]:
    def test(item: Event, _state: State) -> bool:
        if word in item.host.lower() or word in item.uuid:
            return True
        return word in kebab(type(item).__name__) or word in describe(item).lower()

    return test


def _kind(value: str) -> Test[Event]:
    wanted = one_of("kind", value, (*_SUBJECTS, *_EVENT_KINDS))
    return lambda item, _state: item.subject.kind in wanted or kebab(type(item).__name__) in wanted


def _severity(value: str) -> Test[Event]:
    wanted = one_of("severity", value, _SEVERITIES)
    return lambda item, _state: severity(item) in wanted


def _volume_word(word: str) -> Test[Volume]:
    return lambda item, _state: any(
        word in text.lower() for text in (item.name, item.path, item.pool_name, item.host)
    )


def _used_percent(item: Volume, _state: State) -> float | None:
    part = used_fraction(item)
    return None if part is None else 100 * part


def _used(value: str) -> Test[Volume]:
    wanted = "yes" in one_of("used", value, _YES_NO)
    return lambda item, state: used_by_any(state, item) is wanted


_INSTANCES: Language[Instance] = Language(
    word=_instance_word,
    keys={
        "name": _contains("name"),
        "host": _contains("host"),
        "group": _group,
        "network": _network,
        "state": _state,
        "alert": _alert,
        "job": _job,
    },
    numbers={**FIGURES, **{title: FIGURES[name] for title, name in TITLES.items()}},
)
_EVENTS: Language[Event] = Language(
    word=_event_word,
    keys={
        "host": _contains("host"),
        "group": _group,
        "name": _contains("name"),
        "kind": _kind,
        "severity": _severity,
    },
    numbers={},
)
_VOLUMES: Language[Volume] = Language(
    word=_volume_word,
    keys={
        "host": _contains("host"),
        "group": _group,
        "pool": _contains("pool_name"),
        "name": _contains("name"),
        "format": _contains("format"),
        "used": _used,
    },
    numbers={
        "capacity": lambda item, _state: item.capacity,
        "size": lambda item, _state: item.capacity,
        "allocation": lambda item, _state: item.allocation,
        "alloc": lambda item, _state: item.allocation,
        "used": _used_percent,
    },
)
