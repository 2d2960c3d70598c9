"""What can be chosen for a field of a request, from the state. Pure, any thread."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from console import format as fmt
from core.model import LinkStatus, Network, ObjectKey, State
from core.model.checkpoint import Checkpoint
from core.model.device_word import names_of_devices, names_of_interfaces
from core.model.lists import listed
from core.model.text import clean
from core.state.connections import every_connection, ledger, names_of_owners
from core.state.device_tree import devices_of_host
from core.state.usage import instances_on, overlays_of, users_of
from core.verbs.network.free import free_subnet

Choices = tuple[tuple[str, str], ...]
"""What can be chosen, and what each means."""


def choices_of(state: State, key: ObjectKey, source: str) -> Choices:
    """Return what a source offers for a subject; empty: it has none, or is not known here."""
    return _SOURCES[source](state, key) if source in _SOURCES else ()


def _hosts(state: State, key: ObjectKey) -> Choices:
    """The other hosts whose link is up."""
    return tuple(
        (host.name, host.uri)
        for host in state.hosts.values()
        if host.name != key.host and host.link.status is LinkStatus.UP
    )


def _disks(state: State, key: ObjectKey) -> Choices:
    row = state.instances.get(key)
    disks = row.disks or () if row is not None else ()
    return tuple(
        (disk.target, clean(disk.source.path) if disk.source else "an empty drive")
        for disk in disks
    )


def _block_jobs(state: State, key: ObjectKey) -> Choices:
    """The disks that have a block job; those that it has, where none is known."""
    run = state.runs.get(key)
    running = () if run is None else run.running_block_jobs
    found = tuple((job.disk, f"{job.type} {fmt.percent(job.progress)}".strip()) for job in running)
    return found or _disks(state, key)


def _images(state: State, key: ObjectKey) -> Choices:
    """The images of its disks' chains."""
    row = state.instances.get(key)
    disks = row.disks or () if row is not None else ()
    return tuple(
        (layer.path, f"{'used by' if layer is disk.source else 'below'} {disk.target}")
        for disk in disks
        for layer in disk.layers
    )


def _pools(state: State, key: ObjectKey) -> Choices:
    """The active ones first, and of them that which libvirt's own tools take."""
    here = [pool for pool in state.pools.values() if pool.host == key.host]
    here.sort(key=lambda pool: (not pool.active, pool.name != "default"))
    return tuple(
        (pool.name, f"{fmt.size(pool.available)} free" if pool.active else pool.state.value)
        for pool in here
    )


def _volumes(state: State, key: ObjectKey) -> Choices:
    """The volumes of the host's pools, as POOL/VOLUME, those that nothing uses first.

    There may be ten thousand.
    """
    here = [volume for volume in state.volumes.values() if volume.host == key.host]
    here.sort(key=lambda volume: bool(users_of(state, volume) or overlays_of(state, volume)))
    return tuple((f"{volume.pool_name}/{volume.name}", "") for volume in here)


def _places(state: State, key: ObjectKey) -> Choices:
    """Where a disk can go: a pool, which makes a volume for it, or a volume that is there."""
    pools = tuple((name.removesuffix("/"), free) for name, free in _new_places(state, key))
    return (*pools, *_volumes(state, key))


def _new_places(state: State, key: ObjectKey) -> Choices:
    """The pools in which a volume can be made, as what its place begins with."""
    here = [pool for pool in state.pools.values() if pool.host == key.host and pool.active]
    return tuple((f"{pool.name}/", f"{fmt.size(pool.available)} free") for pool in here)


def _networks(state: State, key: ObjectKey) -> Choices:
    return tuple(
        (network.name, "active" if network.active else "off")
        for network in state.networks.values()
        if network.host == key.host
    )


def _plugs(state: State, key: ObjectKey) -> Choices:
    """What a network device can be plugged into: networks that are on come first."""
    networks = sorted(_networks(state, key), key=lambda one: one[1] != "active")
    return (*networks, ("user", "QEMU's own"))


def _network(state: State, key: ObjectKey) -> Network | None:
    return state.networks.get(key)


def _dhcp_hosts(state: State, key: ObjectKey) -> Choices:
    found = _network(state, key)
    hosts = () if found is None else found.dhcp_hosts
    return tuple((one.address, clean(f"{one.mac} {one.name}".strip())) for one in hosts)


def _dns_hosts(state: State, key: ObjectKey) -> Choices:
    found = _network(state, key)
    hosts = () if found is None else found.dns_hosts
    return tuple((one.address, clean(", ".join(one.names))) for one in hosts)


def _port_groups(state: State, key: ObjectKey) -> Choices:
    found = _network(state, key)
    groups = () if found is None else found.port_groups
    return tuple((one.name, "of who asks for none" if one.default else "") for one in groups)


def _ports_of_networks(state: State, key: ObjectKey) -> Choices:
    """The port groups of all networks of the host of a subject."""
    networks = [one for one in state.networks.values() if one.host == key.host]
    return tuple((group.name, clean(one.name)) for one in networks for group in one.port_groups)


def _network_macs(state: State, key: ObjectKey) -> Choices:
    """The network devices that are on a network, by whose they are."""
    found = _network(state, key)
    users = [] if found is None else instances_on(state, found)
    return tuple(
        (one.mac, clean(user.name))
        for user in users
        for one in user.interfaces
        if found is not None and one.type == "network" and one.source == found.name
    )


def _interfaces(state: State, key: ObjectKey) -> Choices:
    row = state.instances.get(key)
    found = row.interfaces or () if row is not None else ()
    return tuple((one.mac, clean(one.source) or one.type) for one in found if one.mac)


def _newest_interfaces(state: State, key: ObjectKey) -> Choices:
    """By what each is told from the others: those of a failover pair have one address."""
    row = state.instances.get(key)
    if row is None:
        return ()
    named = zip(names_of_interfaces(row), row.interfaces, strict=True)
    return tuple((name, clean(one.source) or one.type) for name, one in named if name)[::-1]


def _host_devices(state: State, key: ObjectKey) -> Choices:
    """The devices of its host that nobody holds, where somebody has looked at them."""
    return tuple(
        (line.device.place, clean(line.device.label or line.device.ids))
        for line in devices_of_host(state, key.host)
        if line.device.place and line.device.work != "bridge" and not line.holders
    )


def _mdev_parents(state: State, key: ObjectKey) -> Choices:
    """The devices of a host that can be divided, where somebody has looked at them."""
    found = state.devices.get(key.host, ())
    return tuple((one.place or one.name, clean(one.label)) for one in found if one.mdev_types)


def _mdev_types(state: State, key: ObjectKey) -> Choices:
    """The types of which one can still be made."""
    types = [kind for one in state.devices.get(key.host, ()) for kind in one.mdev_types]
    left = {kind.id: kind for kind in types if kind.available}
    return tuple((kind.id, clean(f"{kind.name}, {kind.available} left")) for kind in left.values())


def _mdevs(state: State, key: ObjectKey) -> Choices:
    """The mediated devices that nobody holds."""
    return tuple(
        (line.device.place, clean(line.device.label))
        for line in devices_of_host(state, key.host)
        if line.device.kind == "mdev" and not line.holders
    )


def _held_devices(state: State, key: ObjectKey) -> Choices:
    row = state.instances.get(key)
    if row is None:
        return ()
    named = zip(names_of_devices(row), row.devices, strict=True)
    return tuple((name, clean(one.summary)) for name, one in named if name)


def _checkpoints(state: State, key: ObjectKey) -> Choices:
    """The newest first; what was written since each."""
    return tuple(
        (one.name, _of_checkpoint(one)) for one in reversed(state.checkpoints.get(key, ()))
    )


def _of_checkpoint(one: Checkpoint) -> str:
    if one.broken or one.unfinished:
        return "broken" if one.broken else "its backup is not whole"
    return "" if one.changed is None else f"{fmt.size(one.changed)} written since"


def _free_subnets(state: State, key: ObjectKey) -> Choices:
    """The addresses that a new network gets where none are given."""
    found = free_subnet(state.networks, state.hosts.get(key.host), key)
    return () if found is None else ((str(found), "no known network has it"),)


def _leftovers(state: State, key: ObjectKey) -> Choices:
    found = (one for one in ledger(state) if one.subject.host == key.host)
    return tuple(
        (one.volume.handle, clean(f"{one.volume.word}, of {one.name}"))
        for one in found
        if one.standing == "left over"
    )


def _connected_for(state: State, _: ObjectKey) -> Choices:
    names = names_of_owners(state)
    return tuple(
        (names.get(one.id, one.id), clean(f"{listed(sorted(volumes))}, on {one.host}"))
        for one, volumes in every_connection(state).items()
    )


_SOURCES: Mapping[str, Callable[[State, ObjectKey], Choices]] = {
    "hosts": _hosts,
    "checkpoints": _checkpoints,
    "disks": _disks,
    "newest-disks": lambda state, key: _disks(state, key)[::-1],
    "images": _images,
    "block-jobs": _block_jobs,
    "pools": _pools,
    "volumes": _volumes,
    "places": _places,
    "new-places": _new_places,
    "networks": _networks,
    "interface-networks": _plugs,
    "held-devices": _held_devices,
    "host-devices": _host_devices,
    "mdev-parents": _mdev_parents,
    "mdev-types": _mdev_types,
    "mdevs": _mdevs,
    "dhcp-hosts": _dhcp_hosts,
    "free-subnets": _free_subnets,
    "leftovers": _leftovers,
    "connected-for": _connected_for,
    "dns-hosts": _dns_hosts,
    "port-groups": _port_groups,
    "ports-of-networks": _ports_of_networks,
    "network-macs": _network_macs,
    "interfaces": _interfaces,
    "newest-interfaces": _newest_interfaces,
}
"""As `core.verbs.parameter.parameter` names them."""
