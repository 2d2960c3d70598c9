"""How a link behaves: the figures an operator may set."""

from __future__ import annotations

from enum import StrEnum

from core.model.base import Value


class Reading(StrEnum):
    """What is read of a host, at once and in the background."""

    EVENTS = "events"
    """What happens: a registration for each kind of event."""
    INSTANCES = "instances"
    """Their names, states and flags: a few bulk calls."""
    SIZES = "sizes"
    """vCPUs and memory of instances, where neither a bulk call nor their XML is to tell them: a
    call for each."""
    FACTS = "facts"
    """What the host says of itself."""
    NETWORKS = "networks"
    STORAGE = "storage"
    """Pools: three calls, and two for each."""
    VOLUMES = "volumes"
    """The volumes of the pools, which `STORAGE` lists: a call for each pool and each volume."""
    DESCRIPTIONS = "descriptions"
    """The instances' XML: a call for each."""


class LinkOptions(Value, frozen=True):
    """The behaviour of one host's connections. All times in seconds.

    A host that hangs is noticed after about `keepalive_interval * (keepalive_count + 1)`.
    """

    reads: frozenset[Reading] = frozenset(Reading)
    """What is read in the background; a command that reads once asks only for what it prints."""
    read_only: bool = False
    """Open read-only connections: libvirt itself then refuses every write."""
    share_ssh: bool = True
    """Have all connections to a host go through one of ssh, where ssh's configuration says nothing
    of that."""
    keepalive_interval: int = 5
    """Whole seconds between two keepalive messages; 0 sends none (virConnectSetKeepAlive)."""
    keepalive_count: int = 3
    """Unanswered keepalive messages after which a connection counts as dead."""
    connect_timeout: float = 10.0
    """How long opening a connection may take, ssh's or TLS's greeting included."""
    call_deadline: float = 30.0
    """How long a call may take for which nobody named a deadline."""
    listing_deadline: float = 60.0
    """How long one full listing may take."""
    statistics_interval: float = 2.0
    """Between two bulk statistics calls; 0 asks for none."""
    statistics_limit: int | None = None
    """Bulk statistics with the figures of every instance after which no more are asked for."""
    sweep_interval: float = 60.0
    """Between two listings that look for changes no event told of; 0 never sweeps."""
    sweep_after_loss: float = 10.0
    """From the return of a link to the first of these: a daemon that was started anew finds out by
    and by which of its guests are gone, and sends no event of those (qemuProcessReconnect)."""
    backoff_first: float = 0.2
    """Before the first attempt to open a lost link again; doubled after each failure."""
    backoff_limit: float = 15.0
    """The longest wait between two attempts."""
    backoff_limit_local: float = 2.0
    """The same for this machine's own daemons: an attempt costs next to nothing there."""
    operation_lanes: int = 4
    """Operations that may run on one host at the same time."""
    describing_lanes: int = 3
    """Lanes that help to read the instances' XML where a call takes long."""
    lane_idle: float = 30.0
    """How long an operation lane stays open without work."""
