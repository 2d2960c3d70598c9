"""The fields of the Migrate dialog and the request they make. Pure, any thread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from console import format as fmt
from console.screens.form import Choices, Field, Values
from console.screens.verb_form import field_of, value_of
from core.migration.plan.flags import PARAMETERS_SINCE
from core.migration.plan.options import contradictions
from core.migration.policies import POLICIES
from core.model import Host, Instance, LinkStatus, ObjectKey, State
from core.verbs.migration.requests import Migrate
from core.verbs.parameter import parameter_of

_AS_NEEDED = "as needed"


def _yes_no(yes: str, no: str, default: str = "no") -> dict[str, Any]:
    return {"choices": (("yes", yes), ("no", no)), "default": default}


SHOWN: Mapping[str, Mapping[str, Any]] = {
    "to": {"listed": True},
    "policy": {"choices": tuple((policy.name, policy.description) for policy in POLICIES.values())},
    "max_downtime": {"note": "ms the guest may stand still; empty: the policy's"},
    "bandwidth": {"note": "MiB/s; empty: all there is"},
    "post_copy": {
        "label": "Post-copy",
        "choices": (
            ("never", "all of the memory is there before it runs there"),
            ("allow", "it may be switched over, by you or by the policy"),
            ("at-once", "it is switched over at once; the memory follows"),
        ),
    },
    "storage": {
        "choices": (
            ("shared", "both hosts reach its disks: nothing is copied"),
            ("copy-all", "its disks are copied, all of them"),
            ("copy-incremental", "what is over their backing files is copied"),
        )
    },
    "switchover_bandwidth": {
        "label": "  at the end",
        "note": "MiB/s for the last step; empty: as QEMU has it",
        "more": True,
        "since": PARAMETERS_SINCE["bandwidth.avail.switchover"],
    },
    "post_copy_bandwidth": {
        "label": "  in post-copy",
        "note": "MiB/s after the switch; empty: all",
        "more": True,
    },
    "auto_converge": {
        "label": "Auto-converge",
        "choices": (
            (_AS_NEEDED, "as the policy and post-copy have it"),
            ("yes", "slow the guest down until it converges"),
            ("no", "never slow the guest down"),
        ),
        "default": _AS_NEEDED,
    },
    "auto_converge_initial": {"label": "  at first", "note": "percent; empty: QEMU's own"},
    "auto_converge_increment": {"label": "  each time", "note": "percent more; empty: QEMU's own"},
    "disks": {"note": "targets to copy (vda,vdb); empty: those not shared"},
    "synchronous_writes": {
        "label": "  synchronous",
        **_yes_no("writes wait for the copy: it converges", "the copy follows the writes"),
    },
    "detect_zeroes": {
        "label": "  zeros",
        **_yes_no("are not sent: the disks there must be zeros", "are sent"),
        "since": PARAMETERS_SINCE["migrate_disks_detect_zeroes"],
    },
    "parallel": {"label": "Connections", "note": "memory over so many; empty: one"},
    "compression": {
        "note": f"{', '.join(parameter_of(Migrate, 'compression').choices)}; empty: none"
    },
    "zero_copy": {
        "label": "Zero-copy",
        **_yes_no("memory is sent without being copied", "as usual"),
    },
    "tls": {
        "label": "TLS",
        **_yes_no("QEMU encrypts what it sends", "in the clear, or by the tunnel"),
    },
    "tls_destination": {
        "label": "  certificate",
        "note": "the destination's name in it; empty: its host",
    },
    "tunnelled": {
        "label": "Tunnel",
        **_yes_no("everything goes through libvirt", "QEMU to QEMU"),
    },
    "host_devices": {
        "label": "Host devices",
        "choices": (
            ("detach", "PCI, mdev, SR-IOV leave before, are attached there"),
            ("migrate", "they go along: only where VFIO can do that"),
        ),
    },
    "persist": {
        "label": "Define it there",
        **_yes_no("it stays after it is off", "gone once it is off", "yes"),
    },
    "undefine": {
        "label": "Undefine it here",
        **_yes_no("its definition moves", "a copy stays here", "yes"),
    },
    "offline": _yes_no("it is off: its definition moves", "it runs"),
    "unsafe": _yes_no("whatever the cache mode of its disks", "libvirt has its say"),
    "destination_name": {"note": "there; empty: as it is", "single": True},
    "destination_uri": {
        "label": "Libvirt there",
        "note": "URI for the source's daemon; empty: as ours",
    },
    "migrate_uri": {
        "label": "Memory to",
        "note": "tcp://ADDRESS[:PORT]; empty: the destination says",
    },
    "listen_address": {"label": "Listens on", "note": "address there; empty: any"},
    "disks_uri": {"label": "Disks to", "note": "tcp://ADDRESS[:PORT]; empty: as the memory"},
    "disks_port": {"label": "  port", "note": "empty: libvirt chooses"},
    "completion_timeout": {
        "label": "Give up after",
        "note": "s for each GiB (nova policies); 0: never",
    },
    "timeout_action": {
        "label": "  and then",
        "choices": (
            ("abort", "it is aborted"),
            ("force-complete", "it is switched over, or paused"),
        ),
    },
    "progress_timeout": {
        "label": "No progress",
        "note": "s (policy nova-rocky); 0: never",
    },
}
"""How the fields are shown where there is more to say than the request declares, in the order
shown: the form is long, and has a line for each."""

FIELDS: tuple[Field, ...] = tuple(
    replace(field_of(parameter_of(Migrate, name)), **shown) for name, shown in SHOWN.items()
)
"""Every field, in the order shown."""


def fields(instances: Sequence[Instance], state: State) -> tuple[Field, ...]:
    """The fields for one instance, or for many; what is off is moved offline, unless changed.

    What the libvirt of a source is known not to have is not offered.
    """
    libvirt = min(
        (
            facts.libvirt_number
            for name in {row.host for row in instances}
            if (host := state.hosts.get(name)) is not None
            and (facts := host.facts) is not None
            and facts.libvirt_number
        ),
        default=None,
    )
    off = bool(instances) and not any(row.state.active for row in instances)
    proposed: dict[str, dict[str, Any]] = {
        "to": {"choices": destinations(state, [row.host for row in instances])},
        "offline": {"default": "yes" if off else "no"},
    }
    return tuple(
        replace(field, **proposed.get(field.id, {}))
        for field in FIELDS
        if not (field.single and len(instances) > 1)
        and not (libvirt is not None and libvirt < field.since)
    )


def destinations(state: State, sources: Sequence[str]) -> Choices:
    """The hosts that can be chosen, those with most free memory first, and what they have.

    A host that all the instances are on is none of them.
    """
    hosts = [
        host
        for host in state.hosts.values()
        if host.link.status is LinkStatus.UP and set(sources) != {host.name}
    ]
    hosts.sort(key=lambda host: -((host.facts and host.facts.memory_free) or 0))
    return tuple((host.name, room(host, state)) for host in hosts)


def room(host: Host, state: State) -> str:
    """What a host has: free memory, CPUs and how many of them its instances were given."""
    facts = host.facts
    if facts is None:
        return "what it has is not known yet"
    parts = []
    if facts.memory_free is not None:
        parts.append(f"{fmt.size(facts.memory_free)} of {fmt.size(facts.memory or None)} free")
    given = sum(
        row.vcpus or 0
        for row in state.instances.values()
        if row.host == host.name and row.state.active
    )
    if facts.cpus:
        parts.append(f"{fmt.plural(facts.cpus, 'CPU')}, {given} given")
    return ", ".join(parts) or "what it has is not known"


@dataclass(frozen=True, slots=True)
class MigrateAnswers:
    """What the form says: a request for each instance, or what is wrong with it."""

    requests: tuple[Migrate, ...] = ()
    wrong: tuple[str, ...] = ()
    """Sentences; empty: the requests can be looked at."""
    left_out: int = 0
    """Instances that are at the destination already."""


def read(values: Values, subjects: Sequence[ObjectKey], overrides: Sequence[str]) -> MigrateAnswers:
    """Turn the form into requests; every bad value and contradiction is told at once."""
    options: dict[str, Any] = {}
    wrong = []
    for name, text in values.items():
        if not text.strip():
            continue  # as it is proposed
        try:
            options[name] = value_of(parameter_of(Migrate, name), text)
        except ValueError as error:
            wrong.append(str(error))
    to = options.get("to")
    if not to:
        wrong.append("There is no other host to choose: open one more, or wait until one is up.")
    if wrong:
        return MigrateAnswers(wrong=tuple(wrong))
    meant = [key for key in subjects if key.host != to]
    requests = tuple(Migrate(subject=key, overrides=tuple(overrides), **options) for key in meant)
    if not requests:
        return MigrateAnswers(wrong=(f"All of it is on {to} already.",))
    return MigrateAnswers(requests, contradictions(requests[0]), len(subjects) - len(meant))
