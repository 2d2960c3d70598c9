"""`show`: everything known of one object."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click
import msgspec

from console.cli import lookup
from console.cli.completeness import (
    Gap,
    as_far_as_known,
    complete,
    facts,
    listed,
    networks,
    tell,
)
from console.cli.invocation import Invocation, common, json_option
from console.cli.live import read_once
from console.cli.output import json_line, plain, say
from console.cli.snapshot_reading import read_snapshots
from console.cli.storage_gaps import volume_sizes
from console.format import date_time, size
from core.errors import VirtdeckError
from core.fleet import Fleet, Reading
from core.model import Instance, InstanceDetail
from core.model.network import Network, NetworkUse
from core.model.text import clean

_BYTES = frozenset({"memory", "memory_maximum", "memory_free", "capacity", "allocation",
                    "available", "total", "size"})  # fmt: skip
_MOMENTS = frozenset(
    {"at", "since", "state_since", "created", "sampled", "next_attempt", "expires"}
)
_ELSEWHERE = frozenset({"xml", "inactive_xml"})
_REPEATED = frozenset({"host", "uuid", "at"})


@click.command()
@click.argument("name")
@click.option("--xml", is_flag=True, help="Print the instance's XML alone.")
@common
@json_option
@click.pass_obj
def show(invocation: Invocation, name: str, xml: bool) -> int:
    """Show everything known of NAME: an instance, host, pool, volume, network or snapshot.

    NAME may be a UUID, HOST/NAME, POOL/VOLUME, a volume's path, INSTANCE/SNAPSHOT, or KIND:NAME
    where a name fits several kinds.
    """

    async def work(fleet: Fleet) -> int:
        if xml:
            _print_xml(await fleet.detail(lookup.instance(fleet.state, name).key))
            return 0
        kind, item, gaps = await _find(fleet, name)
        detail: InstanceDetail | NetworkUse | None = None
        if isinstance(item, Instance):
            item = await fleet.read(item.key) or item
            detail = await fleet.detail(item.key)
            gaps += tuple(
                Gap(f"{item.host}/{item.name}", note.rstrip(".")) for note in detail.notes
            )
        elif isinstance(item, Network):
            detail, missing = await _use(fleet, item)
            gaps += missing
        if invocation.json:
            more = {} if detail is None else {"detail": plain(detail)}
            say(json_line({"kind": kind, **plain(item), **more}))
        else:
            say("\n".join([f"{kind} {clean(item.name)}", *text_of(item, 1)]))
            if detail is not None and (lines := list(text_of(detail, 2, _REPEATED))):
                say("\n".join(["  details", *lines]))
        return tell(gaps)

    reads = {Reading.INSTANCES} if xml else set(Reading) - {Reading.DESCRIPTIONS, Reading.SIZES}
    return read_once(invocation, work, reads, tolerate_down=True)


_LISTED_AT_ONCE = ("instance:", "host:", "operation:", "migration:", "snapshot:")
"""Kinds that are known when a fleet is ready: a pool that hangs is not waited for."""


async def _find(fleet: Fleet, name: str) -> tuple[str, Any, tuple[Gap, ...]]:
    """The object, with what its listing left out, and what of that is still missing."""
    missing: tuple[Gap, ...] = ()
    if not name.startswith(_LISTED_AT_ONCE):
        missing = await complete(fleet, listed("networks", "volumes"))
    await read_snapshots(fleet, [name])
    with as_far_as_known(missing):
        kind, item = lookup.anything(fleet.state, name)
    looks = {"host": facts, "pool": volume_sizes, "volume": volume_sizes, "network": networks}
    look = looks.get(kind)
    if look is None:
        return kind, item, missing
    host = item.name if kind == "host" else item.host
    gaps = await complete(fleet, lambda state, hosts: look(state, [host] if host in hosts else []))
    return *lookup.anything(fleet.state, name), (*missing, *gaps)


async def _use(fleet: Fleet, network: Network) -> tuple[NetworkUse | None, tuple[Gap, ...]]:
    """Its leases and ports, which are read now: nothing tells of them."""
    try:
        use = await fleet.links.network_use(network.key)
    except VirtdeckError as error:
        why = f"its leases are not known: {error.message.rstrip('.')}"
        return None, (Gap(f"{network.host}/{network.name}", why),)
    return use, ()


def _print_xml(detail: InstanceDetail) -> None:
    say(clean(detail.xml, multiline=True).rstrip())


def text_of(
    value: msgspec.Struct, depth: int, without: frozenset[str] = frozenset()
) -> Iterator[str]:
    """Yield a value's fields, a line each, indented; what is empty or unknown is left out."""
    indent = "  " * depth
    for name in value.__struct_fields__:
        field = getattr(value, name)
        if name in _ELSEWHERE | without or field in (None, "", ()):
            continue
        title = name.replace("_", " ")
        if isinstance(field, msgspec.Struct):
            yield f"{indent}{title}"
            yield from text_of(field, depth + 1)
        elif isinstance(field, tuple) and isinstance(field[0], msgspec.Struct):
            yield f"{indent}{title}"
            for item in field:
                yield f"{indent}  {_summary(item)}"
        else:
            yield f"{indent}{title}: {_shown(name, field)}"


def _summary(item: msgspec.Struct) -> str:
    """One line for one of several likes: a disk, an interface, a snapshot."""
    parts: list[str] = []
    for name in item.__struct_fields__:
        field = getattr(item, name)
        if field in (None, "", (), False):
            continue
        if isinstance(field, msgspec.Struct):
            parts.append(f"{name}=({_summary(field)})")
        elif isinstance(field, tuple) and isinstance(field[0], msgspec.Struct):
            parts.append(f"{name}=({'; '.join(map(_summary, field))})")
        else:
            parts.append(f"{name}={_shown(name, field)}")
    return " ".join(parts)


def _shown(name: str, field: Any) -> str:
    if isinstance(field, bool):
        return "yes" if field else "no"
    if name in _BYTES and isinstance(field, int):
        return size(field)
    if name in _MOMENTS and isinstance(field, float):
        return date_time(field)
    if isinstance(field, tuple):
        items = ("-".join(map(str, one)) if isinstance(one, tuple) else str(one) for one in field)
        return ", ".join(map(clean, items))
    return clean(str(field))
