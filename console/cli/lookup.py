"""Finding the object an operator named. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any, TypeVar

from core.errors import AmbiguousError, NotFoundError, UnreachableError, VirtdeckError
from core.model import Host, Instance, LinkStatus, Migration, Snapshot, State
from core.model.text import did_you_mean, natural_key, printable_name, real_name
from core.state.subject import owner_of

Thing = TypeVar("Thing")
_Tables = Mapping[str, tuple[Iterable[Any], Callable[[Any], tuple[str, ...]]]]
"""By kind: the objects, and by what words each is named."""
_LISTED = {
    "object": (
        "What there is, `virtdeck instances`, `hosts`, `pools`, `volumes` and `networks` list."
    ),
    "snapshot": "It is named INSTANCE/SNAPSHOT; `virtdeck show INSTANCE` lists them.",
}
"""Where to look for what is in no listing of its own."""


def instance(state: State, word: str) -> Instance:
    """Return the instance called `word`: a name, a UUID, `HOST/NAME` or `HOST:NAME`.

    Raises AmbiguousError with the candidates, NotFoundError with a suggestion, or UnreachableError
    when it may be on a host that does not answer.
    """
    things = state.instances.values()
    found = _called(word, things, _spellings) or _called(
        word.removeprefix("instance:"), things, _spellings
    )
    if not found:
        names = [item.name for item in state.instances.values()]
        raise _not_found(state, "instance", word, names)
    return _only(found, word, lambda item: f"{item.host}/{item.name}")


def halves(state: State, word: str) -> list[Instance]:
    """Return the instances called `word`, where they are several of one UUID; else none."""
    things = state.instances.values()
    found = _called(word, things, _spellings)
    return found if len(found) > 1 and len({one.uuid for one in found}) == 1 else []


def named(state: State, kind: str, word: str) -> Any:
    """Return the object of a kind that is called `word`; raises as `instance` and `host` do.

    `KIND:NAME` will do, too: it is how `show` has them.
    """
    if kind == "instance":
        return instance(state, word)
    if kind == "host":
        return host(state, word)
    if kind == "migration":
        return migrations(state, word)[0]
    table = {kind: _tables(state)[kind]}
    found = _among(table, word) or _among(table, word.removeprefix(f"{kind}:"))
    if not found:
        raise _not_found(state, kind, word, [_short(*pair) for pair in _things(table)])
    return _only(found, word, lambda pair: _label(*pair).partition(":")[2])[1]


def all_of(state: State, kind: str) -> list[Any]:
    """Return every object of a kind."""
    return list(_tables(state)[kind][0])


def spellings(state: State, kind: str, item: Any) -> tuple[str, ...]:
    """Return every word that an object of a kind is named by."""
    return _tables(state)[kind][1](item)


def host(state: State, word: str) -> Host:
    """Return the host called `word`; raises NotFoundError with a suggestion."""
    found = state.hosts.get(word)
    if found is not None:
        return found
    known = f"Open are: {', '.join(state.hosts)}; --connect opens more."
    raise NotFoundError(
        f"There is no host {_quoted(word)}.", did_you_mean(word, state.hosts) or known
    )


def migrations(state: State, word: str) -> list[Migration]:
    """Return the migrations `word` means, the newest first: one by its id, or an instance's.

    An instance is named as in `instance`, by the host it left or went to. Raises NotFoundError or
    UnreachableError when there is none, AmbiguousError for instances of one name.
    """
    if word in state.migrations:
        return [state.migrations[word]]
    found = _called(word, state.migrations.values(), _moved_spellings)
    # those between other hosts than the open ones only where nothing else is meant
    found = [item for item in found if not item.not_open] or found
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
    path, as `POOL/VOLUME`, or by its name where nothing else has that; a snapshot that was read as
    `INSTANCE/SNAPSHOT`. `KIND:NAME` picks a kind, a migration in no other way: its operation has
    the same id. Raises as `instance` does.
    """
    kind, _, name = word.partition(":")
    if kind == "migration" and name:
        return kind, migrations(state, name)[0]
    tables = dict(_tables(state))
    del tables["migration"]
    found: list[tuple[str, Any]] = []
    if name and kind in tables:
        found = _among({kind: tables[kind]}, name)
    found = found or _among(tables, word)  # a name may begin like a kind
    if not found:
        wanted = {kind: tables[kind]} if name and kind in tables else tables
        raise _not_found(state, "object", word, [_short(*pair) for pair in _things(wanted)])
    return _only(found, word, lambda pair: _label(*pair))


def instances_before_slash(state: State, word: str) -> list[Instance]:
    """Return the instances that what stands before a `/` names, as in `INSTANCE/SNAPSHOT`.

    Whose snapshots are to be read before one can be found: `web-*/before` means those of several.
    """
    word = word.removeprefix("snapshot:")
    heads = [word[:place] for place, sign in enumerate(word) if sign == "/"]
    return [
        item
        for item in state.instances.values()
        if any(fnmatchcase(name, head) for head in heads for name in _spellings(item))
    ]


def _things(tables: _Tables) -> list[tuple[str, Any]]:
    return [(kind, item) for kind, (items, _) in tables.items() for item in items]


def _among(tables: _Tables, name: str) -> list[tuple[str, Any]]:
    things = _things(tables)
    volumes = [pair for pair in things if pair[0] == "volume"]
    return _called(name, things, lambda pair: tables[pair[0]][1](pair[1])) or _called(
        name, volumes, lambda pair: (pair[1].name,)
    )


def _called(
    word: str, things: Iterable[Thing], spellings: Callable[[Thing], Iterable[str]]
) -> list[Thing]:
    """Return the things called `word`: as we print it, else as libvirt has it.

    Where there is none, those that look the same: blanks at the ends of a name are not seen.
    """
    listed = [(thing, spellings(thing)) for thing in things]
    for name in (word, printable_name(word)):
        if found := [thing for thing, names in listed if name in names]:
            return found
    looks = _look(word)
    return [thing for thing, names in listed if any(_look(each) == looks for each in names)]


def _look(word: str) -> str:
    parts = unicodedata.normalize("NFC", word).split("/")
    return "/".join(part.strip() for part in parts)


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


def _tables(state: State) -> _Tables:
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
        "snapshot": (
            [one for some in state.snapshots.values() for one in some],
            lambda snapshot: _of_instance(state, snapshot),
        ),
        "migration": (state.migrations.values(), lambda item: (item.id, *_moved_spellings(item))),
        "operation": (state.operations.values(), lambda operation: (operation.id,)),
    }


def _of_instance(state: State, snapshot: Snapshot) -> tuple[str, ...]:
    """Return `INSTANCE/SNAPSHOT` for each word that names its instance."""
    owner = state.instances.get(owner_of(snapshot.key))
    names = () if owner is None else _spellings(owner)
    return tuple(f"{name}/{snapshot.name}" for name in names)


def _short(kind: str, item: Any) -> str:
    """Return a word that finds an object, if there are not several of its name."""
    if kind == "operation":
        return str(item.id)
    return f"{item.pool_name}/{item.name}" if kind == "volume" else str(item.name)


def _quoted(word: str) -> str:
    return f"'{printable_name(real_name(word))}'"


def _label(kind: str, item: Any) -> str:
    if kind == "volume":
        return f"{kind}:{item.host}/{item.pool_name}/{item.name}"
    if kind == "snapshot":
        return f"{kind}:{item.host}/{item.uuid}/{item.name}"
    return f"{kind}:{item.name}" if kind == "host" else f"{kind}:{item.host}/{item.name}"


def _only(found: list[Thing], word: str, label: Callable[[Thing], str]) -> Thing:
    if len(found) == 1:
        return found[0]
    candidates = sorted(map(label, found), key=natural_key)
    ids = [getattr(one[1] if isinstance(one, tuple) else one, "uuid", "") for one in found]
    cure = "Name one of them in full, or by its UUID."
    if ids[0] and len(set(ids)) < len(ids):  # as both halves of a cold migration
        cure = f"Name one by its host too, as {candidates[0]}: the UUID is of several."
    raise AmbiguousError(
        f"{_quoted(word)} fits {len(candidates)} objects: {', '.join(candidates)}.", cure
    )


def _not_found(state: State, what: str, word: str, names: list[str]) -> VirtdeckError:
    shown = _quoted(word)
    if down := down_hosts(state):
        hosts = ", ".join(host.name for host in down)
        return UnreachableError(
            f"There is no {what} {shown} on the hosts that answer; {hosts} cannot be reached.",
            " ".join(dict.fromkeys(host.link.hint for host in down if host.link.hint)),
        )
    listing = _LISTED.get(what, f"`virtdeck {what}s` lists them.")
    return NotFoundError(f"There is no {what} {shown}.", did_you_mean(word, names) or listing)
