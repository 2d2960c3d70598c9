"""Finding the object an operator named. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from console.cli.output import natural
from core.errors import AmbiguousError, NotFoundError, UnreachableError, VirtdeckError
from core.model import Host, Instance, LinkStatus, Migration, State
from core.model.text import clean

Thing = TypeVar("Thing")
_LISTINGS = "What there is, `virtdeck instances`, `hosts`, `pools`, `volumes` and `networks` list."


def instance(state: State, word: str) -> Instance:
    """Return the instance called `word`: a name, a UUID, `HOST/NAME` or `HOST:NAME`.

    Raises AmbiguousError with the candidates, NotFoundError with a suggestion, or UnreachableError
    when it may be on a host that does not answer.
    """
    found = [item for item in state.instances.values() if word in _spellings(item)]
    if not found:
        names = [item.name for item in state.instances.values()]
        raise _not_found(state, "instance", word, names)
    return _only(found, word, lambda item: f"{item.host}/{item.name}")


def host(state: State, word: str) -> Host:
    """Return the host called `word`; raises NotFoundError with a suggestion."""
    found = state.hosts.get(word)
    if found is not None:
        return found
    near = difflib.get_close_matches(word, list(state.hosts), n=1)
    known = f"Open are: {', '.join(state.hosts)}; --connect opens more."
    raise NotFoundError(
        f"There is no host {clean(word)!r}.", f"Did you mean {near[0]!r}?" if near else known
    )


def migrations(state: State, word: str) -> list[Migration]:
    """Return the migrations `word` means, the newest first: one by its id, or an instance's.

    An instance is named as in `instance`, by the host it left or went to. Raises NotFoundError or
    UnreachableError when there is none, AmbiguousError for instances of one name.
    """
    if word in state.migrations:
        return [state.migrations[word]]
    found = [item for item in state.migrations.values() if word in _moved_spellings(item)]
    if not found:
        names = [item.name for item in state.migrations.values()]
        raise _not_found(state, "migration", word, names)
    if len({item.uuid for item in found}) > 1:
        _only(found, word, lambda item: f"{item.host}/{item.name}")
    return found[::-1]


def _moved_spellings(item: Migration) -> tuple[str, ...]:
    names = (item.name, item.uuid)
    places = [place for place in (item.host, item.to) if place]
    return names + tuple(f"{place}{sign}{name}" for place in places
                         for sign in "/:" for name in names)  # fmt: skip


def anything(state: State, word: str) -> tuple[str, Any]:
    """Return the kind and value of whatever is called `word`.

    An instance, host, pool, network or operation by its name, id or `HOST/NAME`; a volume by its
    path or as `POOL/VOLUME`. `KIND:NAME` picks a kind. Raises as `instance` does.
    """
    kind, _, name = word.partition(":")
    tables = _tables(state)
    wanted = {kind: tables[kind]} if name and kind in tables else tables
    name = name if name and kind in tables else word
    found = [
        (kind, item)
        for kind, (items, spellings) in wanted.items()
        for item in items
        if name in spellings(item)
    ]
    if not found:
        everything = [item.name for items, _ in wanted.values() for item in items]
        raise _not_found(state, "object", word, everything)
    return _only(found, word, lambda pair: _label(*pair))


def down_hosts(state: State) -> list[Host]:
    """Return the hosts whose link is not up, in their order."""
    return [host for host in state.hosts.values() if host.link.status is not LinkStatus.UP]


def unreachable(hosts: Iterable[Host]) -> UnreachableError:
    """Return one error that names every host that cannot be reached, and why."""
    listed = list(hosts)
    reasons = " ".join(f"{host.name}: {_sentence(host.link.error)}" for host in listed)
    hints = dict.fromkeys(host.link.hint for host in listed if host.link.hint)
    what = "host" if len(listed) == 1 else "hosts"
    return UnreachableError(f"Cannot reach the {what} {reasons}", " ".join(hints))


def _sentence(text: str) -> str:
    text = text or "it does not answer"
    return text if text.endswith(".") else f"{text}."


def _spellings(item: Any) -> tuple[str, ...]:
    name, host, uuid = item.name, item.host, item.uuid
    return (name, uuid, f"{host}/{name}", f"{host}:{name}", f"{host}/{uuid}", f"{host}:{uuid}")


def _tables(state: State) -> Mapping[str, tuple[Iterable[Any], Callable[[Any], tuple[str, ...]]]]:
    return {
        "instance": (state.instances.values(), _spellings),
        "host": (state.hosts.values(), lambda host: (host.name,)),
        "pool": (state.pools.values(), _spellings),
        "network": (state.networks.values(), _spellings),
        "volume": (
            state.volumes.values(),
            lambda volume: (
                volume.path,
                f"{volume.pool_name}/{volume.name}",
                f"{volume.host}/{volume.pool_name}/{volume.name}",
            ),
        ),
        "operation": (state.operations.values(), lambda operation: (operation.id,)),
    }


def _label(kind: str, item: Any) -> str:
    if kind == "volume":
        return f"{kind}:{item.host}/{item.pool_name}/{item.name}"
    return f"{kind}:{item.name}" if kind == "host" else f"{kind}:{item.host}/{item.name}"


def _only(found: list[Thing], word: str, label: Callable[[Thing], str]) -> Thing:
    if len(found) == 1:
        return found[0]
    candidates = sorted(map(label, found), key=natural)
    raise AmbiguousError(
        f"{clean(word)!r} fits {len(candidates)} objects: {', '.join(candidates)}.",
        "Name one of them in full, or by its UUID.",
    )


def _not_found(state: State, what: str, word: str, names: list[str]) -> VirtdeckError:
    shown = clean(word)
    if down := down_hosts(state):
        hosts = ", ".join(host.name for host in down)
        return UnreachableError(
            f"There is no {what} {shown!r} on the hosts that answer; {hosts} cannot be reached.",
            " ".join(dict.fromkeys(host.link.hint for host in down if host.link.hint)),
        )
    near = difflib.get_close_matches(word, names, n=1)
    listing = f"`virtdeck {what}s` lists them." if what in ("instance", "migration") else _LISTINGS
    return NotFoundError(
        f"There is no {what} {shown!r}.", f"Did you mean {near[0]!r}?" if near else listing
    )
