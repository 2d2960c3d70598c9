"""The volumes that both hosts have connected: where they are at the destination. Pure."""

from __future__ import annotations

from msgspec.structs import replace

from core.migration.plan.disks import disks_to_copy
from core.model import State
from core.state.connections import connections_of, used_by
from core.verbs.connected import moves
from core.verbs.migration.requests import Migrate


def with_connected(state: State, request: Migrate) -> Migrate:
    """Return a request with the paths that the destination's os-brick told of, and these volumes
    among none that are copied, unless they are named."""
    instance = state.instances.get(request.subject)
    volumes = used_by(connections_of(state, request.subject), instance)
    if not volumes:
        return request
    said = {move.source for move in request.rewrites.disks}
    more = [one for one in moves(state, request.subject, request.to) if one.source not in said]
    if more:
        disks = (*request.rewrites.disks, *more)
        request = replace(request, rewrites=replace(request.rewrites, disks=disks))
    if request.storage == "shared" or request.disks or instance is None:
        return request
    paths = {one.path for one in volumes.values()}
    there = {one.target for one in instance.disks if one.source and one.source.path in paths}
    targets = [one for one in disks_to_copy(request, instance.disks)[0] if one not in there]
    return replace(request, disks=tuple(targets), storage=request.storage if targets else "shared")
