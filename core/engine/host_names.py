"""What the names of hosts in the journal mean here: other consoles have names of their own. Pure.

An entry is told in the names of the hosts that are open, found by their identity. A host that is
not open is called `NAME (not open)`, a name no open host can have: nothing that is said of it joins
with a row of this console's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, get_args, get_type_hints

from msgspec.structs import replace

from core.engine.host_identity import find, identity_of
from core.journal.entry import Entry
from core.model import Host, HostIdentity, ObjectKey, OperationRecord, Request, State
from core.verbs.parameter import parameters
from core.verbs.registry import VERBS, verb_of
from core.verbs.situation import Progress
from core.verbs.verb import Verb

_NOT_OPEN = " (not open)"
_NO_ADDRESS = "an address that is not known"


@dataclass(frozen=True, slots=True)
class HostNames:
    """The hosts of one entry, by the names it uses."""

    here: Mapping[str, str]
    """By the entry's name: the name it has here."""
    open: frozenset[str]
    """The names of all the hosts that are open here."""
    source: str
    """Of its own host: the name it has here; empty where that is not open."""
    not_open: str
    """Of its own host: the address, where that is not open here."""
    sure: bool
    """False: its own host is open as far as the address tells, and has not said more yet."""

    def of(self, name: str) -> str:
        """Return what a host of the entry is called here.

        One whose identity was not kept, as in entries of before that was, is taken by its name, if
        the entry's own host is open: whoever calls one host as we do, calls the other so.
        """
        known = self.here.get(name)
        if known is not None or not name:
            return known or ""
        return name if self.source and name in self.open else not_open(name)


def not_open(name: str) -> str:
    """Return what a host that is not open is called."""
    return name.removesuffix(_NOT_OPEN) + _NOT_OPEN


def concerned(request: Request, hosts: Mapping[str, Host]) -> tuple[HostIdentity, ...]:
    """Return what is to be written down of the hosts that a request names, its own first."""
    names = [request.subject.host, *verb_of(request).hosts(request, hosts)]
    found = (hosts.get(name) for name in dict.fromkeys(names))
    return tuple(identity_of(host) for host in found if host is not None)


def refreshed(
    identities: Iterable[HostIdentity], hosts: Mapping[str, Host]
) -> tuple[HostIdentity, ...]:
    """Return identities with what their hosts have told meanwhile."""
    return tuple(
        identity if (host := hosts.get(identity.name)) is None else identity_of(host, identity)
        for identity in identities
    )


def names_of(entry: Entry, state: State) -> HostNames:
    """Return what the hosts of an entry are called here."""
    hosts = tuple(state.hosts.values())
    identities = entry.record.hosts
    found = {identity.name: find(identity, hosts) for identity in identities}
    source = found.get(entry.record.host)
    return HostNames(
        {name: not_open(name) if place is None else place.name for name, place in found.items()},
        frozenset(state.hosts),
        "" if source is None else source.name,
        _address(entry) if source is None else "",
        source is not None and source.sure,
    )


def _address(entry: Entry) -> str:
    named = [one.uri for one in entry.record.hosts if one.name == entry.record.host]
    return next(filter(None, named), _NO_ADDRESS)


def record_here(record: OperationRecord, names: HostNames) -> OperationRecord:
    """Return an operation as it is told here."""
    subject = _key(record.subject, names)
    verb = VERBS.get(record.verb)
    return replace(
        record,
        host=names.of(record.host),
        subject=subject,
        name=subject.id if subject.kind == "host" else record.name,
        options=_options(None if verb is None else verb.request, record.options, names),
        hosts=tuple(replace(one, name=names.of(one.name)) for one in record.hosts),
        not_open=names.not_open,
    )


def progress_here(verb: Verb, progress: Progress, names: HostNames) -> Progress:
    """Return what was kept of an operation as it is told here."""
    sent = tuple(replace(one, call=one.call.renamed(names.of)) for one in progress.sent)
    progress = replace(progress, sent=sent)
    if verb.workflow is None or progress.workflow is None:
        return progress
    renamed = verb.workflow.renamed(progress.workflow, names.of, names.not_open)
    return replace(progress, workflow=renamed)


def _key(key: ObjectKey, names: HostNames) -> ObjectKey:
    host = names.of(key.host)
    return ObjectKey(key.kind, host, host if key.kind == "host" else key.id)


def _options(
    kind: type[Request] | None, options: Mapping[str, Any], names: HostNames
) -> dict[str, Any]:
    """Return the options of a request with its hosts, where its declaration names hosts."""
    if kind is None:
        return dict(options)
    told = dict(options)
    for name in told.keys() & _naming_hosts(kind):
        value = told[name]
        told[name] = names.of(value) if isinstance(value, str) else [names.of(v) for v in value]
    for name, inner in _requests_in(kind).items():
        if isinstance(told.get(name), Mapping):
            told[name] = _options(inner, told[name], names)
    return told


@cache
def _naming_hosts(kind: type[Request]) -> frozenset[str]:
    return frozenset(found.name for found in parameters(kind) if found.source == "hosts")


@cache
def _requests_in(kind: type[Request]) -> Mapping[str, type[Request]]:
    """Return the fields that are requests themselves: a drain asks each instance with one."""
    return {
        name: part
        for name, hint in get_type_hints(kind).items()
        for part in (hint, *get_args(hint))
        if isinstance(part, type) and issubclass(part, Request)
    }
