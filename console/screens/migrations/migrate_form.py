"""The fields of the Migrate dialog and the request they make. Pure, any thread."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from console import format as fmt
from console.screens.form import Choices, Field, Values
from core.migration.plan.flags import PARAMETERS_SINCE
from core.migration.plan.options import ALONE, BY_CONNECTION, LONGEST_DOWNTIME, contradictions
from core.migration.policies import POLICIES
from core.model import Host, Instance, LinkStatus, ObjectKey, State
from core.verbs.migration.requests import Migrate

COMPRESSIONS = tuple(sorted(ALONE | BY_CONNECTION))


def _yes_no(yes: str, no: str) -> Choices:
    return (("yes", yes), ("no", no))


def _typed(
    id: str,  # noqa: A002 - the field's own word
    label: str,
    note: str,
    number: tuple[int, int] | None = None,
    **more: Any,
) -> Field:
    return Field(id, label, note=note, number=number, **{"more": True, **more})


def _switch(
    id: str,  # noqa: A002 - the field's own word
    label: str,
    yes: str,
    no: str,
    default: str = "no",
    since: int = 0,
) -> Field:
    return Field(id, label, _yes_no(yes, no), default=default, more=True, since=since)


_DIGITS = 10
_ANY = (0, 10**9)
_PERCENT = (1, 99)

FIELDS: tuple[Field, ...] = (
    Field("to", "To", listed=True),
    Field("policy", "Policy",
          tuple((policy.name, policy.description) for policy in POLICIES.values()),
          default="adaptive"),
    _typed("max_downtime", "Max downtime", "ms the guest may stand still; empty: the policy's",
           (1, LONGEST_DOWNTIME), more=False),
    _typed("bandwidth", "Bandwidth", "MiB/s; empty: all there is", _ANY, more=False),
    Field("post_copy", "Post-copy", (
        ("never", "all of the memory is there before it runs there"),
        ("allow", "it may be switched over, by you or by the policy"),
        ("at-once", "it is switched over at once; the memory follows"),
    ), default="never"),
    Field("storage", "Storage", (
        ("shared", "both hosts reach its disks: nothing is copied"),
        ("copy-all", "its disks are copied, all of them"),
        ("copy-incremental", "what is over their backing files is copied"),
    ), default="shared"),
    _typed("switchover_bandwidth", "  at the end", "MiB/s for the last step; empty: as QEMU has it",
           (1, 10**9), since=PARAMETERS_SINCE["bandwidth.avail.switchover"]),
    _typed("post_copy_bandwidth", "  in post-copy", "MiB/s after the switch; empty: all", _ANY),
    Field("auto_converge", "Auto-converge", (
        ("as needed", "as the policy and post-copy have it"),
        ("yes", "slow the guest down until it converges"),
        ("no", "never slow the guest down"),
    ), default="as needed", more=True),
    _typed("auto_converge_initial", "  at first", "percent; empty: QEMU's own", _PERCENT),
    _typed("auto_converge_increment", "  each time", "percent more; empty: QEMU's own", _PERCENT),
    _typed("disks", "Disks", "targets to copy (vda,vdb); empty: those not shared"),
    _switch("synchronous_writes", "  synchronous", "writes wait for the copy: it converges",
            "the copy follows the writes"),
    _switch("detect_zeroes", "  zeros", "are not sent: the disks there must be zeros", "are sent",
            since=PARAMETERS_SINCE["migrate_disks_detect_zeroes"]),
    _typed("parallel", "Connections", "memory over so many; empty: one", (1, 255)),
    _typed("compression", "Compression", f"{', '.join(COMPRESSIONS)}; empty: none"),
    _switch("zero_copy", "Zero-copy", "memory is sent without being copied", "as usual"),
    _switch("tls", "TLS", "QEMU encrypts what it sends", "in the clear, or by the tunnel"),
    _typed("tls_destination", "  certificate", "the destination's name in it; empty: its host"),
    _switch("tunnelled", "Tunnel", "everything goes through libvirt", "QEMU to QEMU"),
    _switch("persist", "Define it there", "it stays after it is off", "gone once it is off", "yes"),
    _switch("undefine", "Undefine it here", "its definition moves", "a copy stays here", "yes"),
    _switch("offline", "Offline", "it is off: its definition moves", "it runs"),
    _switch("unsafe", "Unsafe", "whatever the cache mode of its disks", "libvirt has its say"),
    _typed("destination_name", "New name", "there; empty: as it is", single=True),
    _typed("destination_uri", "Libvirt there", "URI for the source's daemon; empty: as ours"),
    _typed("migrate_uri", "Memory to", "tcp://ADDRESS[:PORT]; empty: the destination says"),
    _typed("listen_address", "Listens on", "address there; empty: any"),
    _typed("disks_uri", "Disks to", "tcp://ADDRESS[:PORT]; empty: as the memory"),
    _typed("disks_port", "  port", "empty: libvirt chooses", (1, 65535)),
    _typed("completion_timeout", "Give up after", "s for each GiB (nova policies); 0: never",
           (0, 10**6), default="800"),
    Field("timeout_action", "  and then", (
        ("abort", "it is aborted"), ("force-complete", "it is switched over, or paused"),
    ), default="abort", more=True),
    _typed("progress_timeout", "No progress", "s (policy nova-rocky); 0: never", (0, 10**6),
           default="0"),
)  # fmt: skip
"""Every field, in the order shown."""

_BY_ID = {field.id: field for field in FIELDS}


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
    for id_, text in values.items():
        try:
            options[id_] = _value(_BY_ID[id_], text.strip())
        except ValueError as error:
            wrong.append(str(error))
    to = options.get("to")
    if not to:
        wrong.append("There is no host to choose: open one more.")
    if wrong:
        return MigrateAnswers(wrong=tuple(wrong))
    meant = [key for key in subjects if key.host != to]
    requests = tuple(Migrate(subject=key, overrides=tuple(overrides), **options) for key in meant)
    if not requests:
        return MigrateAnswers(wrong=(f"All of it is on {to} already.",))
    return MigrateAnswers(requests, contradictions(requests[0]), len(subjects) - len(meant))


def _value(field: Field, text: str) -> object:
    if field.id in _SPECIAL:
        return _SPECIAL[field.id](text)
    if field.choices and field.choices[0][0] == "yes":
        return text == "yes"
    if field.number is None:
        return text
    return _number(field, text)


def _number(field: Field, text: str) -> int | float | None:
    least, most = field.number or _ANY
    if not text:
        return None if not field.default else float(field.default)
    digits = len(text) if text.isascii() and text.isdigit() else 0
    if not 0 < digits <= _DIGITS or not least <= int(text) <= most:
        raise ValueError(f"{field.label.strip().capitalize()}: a number from {least} to {most}.")
    return float(text) if field.default else int(text)


def _words(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text.replace(",", " ").split()))


def _compression(text: str) -> tuple[str, ...]:
    for word in (methods := _words(text)):
        if word not in COMPRESSIONS:
            raise ValueError(f"Compression: {word} is none of {', '.join(COMPRESSIONS)}.")
    return methods


def _three(text: str) -> bool | None:
    return {"yes": True, "no": False}.get(text)


_SPECIAL: Mapping[str, Callable[[str], object]] = {
    "disks": _words,
    "compression": _compression,
    "auto_converge": _three,
}
