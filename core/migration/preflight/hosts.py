"""Preflight: both hosts, their links, and what else is there by that name. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from core.migration.preflight.case import (
    FullCase,
    FullRule,
    PreflightCase,
    Rule,
    blocker,
    ok,
    unknown,
    version,
    warning,
)
from core.migration.preflight.facts import Twin
from core.model import Finding, Host, LinkStatus
from core.model.driver import driver_of_type


def check_links(case: PreflightCase) -> Iterator[Finding]:
    """Both hosts are open, their links are up, and may change things."""
    for role, name in (("source", case.request.subject.host), ("destination", case.request.to)):
        host = case.state.hosts.get(name)
        if host is None:
            shown = case.source if role == "source" else case.destination
            known = ", ".join(case.state.hosts)
            missing = f"There is no host {shown!r}." if shown else f"No {role} was named."
            yield blocker(f"{role}-link", missing, f"Known: {known}.", fixed=True)
        else:
            yield from _link(role, host)


def _link(role: str, host: Host) -> Iterator[Finding]:
    link = host.link
    if link.status is not LinkStatus.UP:
        reason = f" ({link.error.rstrip('.')})" if link.error else ""
        cure = link.hint or "Wait until its link is up, or reconnect it."
        yield blocker(
            f"{role}-link", f"The {role} {host.name} is not reachable{reason}.", cure, fixed=True
        )
        return
    yield ok(f"{role}-link", f"The link to {host.name} is up.")
    if link.read_only:
        yield blocker(
            f"{role}-read-only",
            f"The {role} {host.name} is open read-only.",
            "Open it without --read-only.",
            fixed=True,
        )


def check_answers(case: PreflightCase) -> Iterator[Finding]:
    """Hosts whose link is up also told what was asked."""
    facts = case.facts
    for role, name, trouble in (
        ("source", case.request.subject.host, facts.source_trouble),
        ("destination", case.request.to, facts.destination_trouble),
    ):
        host = case.state.hosts.get(name)
        if trouble is None or host is None or host.link.status is not LinkStatus.UP:
            continue
        text = f"What {host.name} has could not be looked at: {trouble.message}"
        yield blocker(f"{role}-answer", text, trouble.cure or "Try again when it answers.")


def check_same_host(case: PreflightCase) -> Iterator[Finding]:
    """The destination is another host than the source."""
    subject, facts = case.request.subject, case.facts
    if subject.host == case.request.to:
        text = f"{case.name} is on {case.source} already."
        yield blocker("same-host", text, "Name another host as the destination.", fixed=True)
        return
    here, there = facts.source, facts.destination
    if here is None or there is None:
        return
    if not here.host_uuid or not there.host_uuid:
        text = "Whether the two are different hosts is not known: one tells no host UUID."
        yield unknown("same-host", text, "See `virsh capabilities` on both.")
    elif here.host_uuid == there.host_uuid:
        yield blocker(
            "same-host",
            f"{case.source} and {case.destination} are one host: libvirt knows both by the UUID "
            f"{here.host_uuid}.",
            "Where two machines share a UUID by mistake, give each its own host_uuid in "
            "libvirtd.conf (virtqemud.conf).",
            fixed=True,
        )
    else:
        yield ok("same-host", f"{case.source} and {case.destination} are two hosts.")


def check_twins(case: FullCase) -> Iterator[Finding]:
    """Neither the instance nor another one of its name is at the destination."""
    twins = case.there.twins
    if twins is None:
        text = f"Which instances {case.destination} has is not known."
        yield unknown("already-there", text, side=case.there, look="instances")
        return
    wanted = case.request.destination_name or case.needs.instance.name
    same = next((twin for twin in twins if twin.uuid == case.needs.uuid), None)
    namesake = next(
        (twin for twin in twins if twin.name == wanted and twin.uuid != case.needs.uuid), None
    )
    if same is not None:
        yield _already_there(case, same, wanted)
    if namesake is not None:
        yield blocker(
            "same-name",
            f"{case.destination} has another instance called {wanted} (UUID {namesake.uuid}).",
            "Rename one of them, or give a destination name.",
            fixed=True,
        )
    if same is None and namesake is None:
        yield ok("already-there", f"{case.destination} has no instance of its UUID or name.")


def _already_there(case: FullCase, twin: Twin, wanted: str) -> Finding:
    where = case.destination
    if twin.active:
        return blocker(
            "already-there",
            f"The instance runs on {where} already, as {twin.name}: two of it would write to the "
            "same disks.",
            "Find out which of the two is the true one before anything else.",
            fixed=True,
        )
    if twin.managed_save:
        return blocker(
            "already-there",
            f"{where} has a definition of it with a saved memory image, which would start old.",
            f"Remove the image there: virsh managedsave-remove {twin.uuid}.",
        )
    if twin.name != wanted:
        return blocker(
            "already-there",
            f"{where} has a definition of it by another name, {twin.name}, which libvirt does not "
            "replace.",
            f"Undefine it there, or give {twin.name} as the destination name.",
            fixed=True,
        )
    return warning(
        "already-there",
        f"{where} has a definition of it that is shut off, as {twin.name}: it is replaced.",
        "Undefine it there if it is a left-over.",
    )


def check_guest_type(case: FullCase) -> Iterator[Finding]:
    """The destination runs guests of its kind and architecture."""
    instance = case.needs.instance
    wanted = f"{instance.type} {instance.architecture}".strip()
    kinds = case.there.guest_types
    if kinds is None:
        text = f"What kinds of guests {case.destination} runs is not known."
        yield unknown("guest-type", text, side=case.there, look="capabilities")
    elif wanted not in kinds:
        cure = "Load kvm_intel or kvm_amd there, and let the daemon's user open /dev/kvm."
        if instance.type != "kvm":
            product = driver_of_type(instance.type).product
            cure = f"Install {product} for {instance.architecture} there."
        yield blocker("guest-type", f"{case.destination} runs no {wanted} guests.", cure)
    else:
        yield ok("guest-type", f"{case.destination} runs {wanted} guests.")


def check_transport(case: FullCase) -> Iterator[Finding]:
    """The destination takes part in migrations at all."""
    transports = case.there.transports
    if transports == ():
        yield blocker(
            "transport",
            f"{case.destination} takes part in no migrations: its driver names no transport.",
            "Choose a host with the same hypervisor.",
        )
    elif case.request.migrate_uri.startswith("rdma:") and "rdma" not in (transports or ("rdma",)):
        yield blocker("transport", f"{case.destination} has no RDMA.", "Use tcp:// instead.")


def check_versions(case: FullCase) -> Iterator[Finding]:
    """The destination is not older than the source."""
    product = driver_of_type(case.needs.instance.type).product
    for code, what, here, there in (
        ("version-libvirt", "libvirt", case.here.libvirt, case.there.libvirt),
        ("version-qemu", product, case.here.qemu, case.there.qemu),
    ):
        if here is None or there is None:
            yield unknown(code, f"The version of {what} is not known on both hosts.")
        elif there < here:
            yield warning(
                code,
                f"{case.destination} has {what} {version(there)}, older than {version(here)} on "
                f"{case.source}: backward migration is supported by nobody.",
                "Update the destination first; machine types up to its own version usually work.",
            )
        else:
            yield ok(code, f"{what} {version(there)} there, {version(here)} here.")


def check_address(case: FullCase) -> Iterator[Finding]:
    """The source's daemon reaches the destination's under the address it is told."""
    uri = case.facts.destination_uri
    if case.facts.options:
        return  # there is no address yet: the plan says what is missing
    if case.one_kernel and "+unix:" in uri:
        yield ok("address", "Both daemons are on this machine, and reach each other by socket.")
    else:
        yield unknown(
            "address",
            f"Whether {case.source} itself reaches {uri or case.destination} cannot be seen.",
            f"Try it there: virsh -c '{uri}' uri (as the daemon's user, with its keys).",
        )


def check_memory_address(case: FullCase) -> Iterator[Finding]:
    """The memory finds its way: address and ports."""
    if case.request.offline or case.request.tunnelled:
        return
    by_default = not case.request.migrate_uri
    if case.one_machine and by_default:
        yield ok("ports", "Both daemons are on one machine: the memory goes over its loopback.")
        return
    here, there = case.here.machine.hostname, case.there.machine.hostname
    if by_default and (there.startswith("localhost") or (there and there == here)):
        yield blocker(
            "migrate-address",
            f"{case.destination} calls itself {there!r}{_as_well(here, there, case.source)}: "
            f"{case.source} would send the memory to itself.",
            "Give a migration address (tcp://ADDRESS), or set migration_host in its qemu.conf.",
        )
    yield unknown(
        "ports",
        f"Whether {case.source} gets through to the migration ports of {case.destination} "
        "cannot be seen.",
        "Open TCP 49152 to 49215 there (migration_port_min and _max of qemu.conf).",
    )


def _as_well(here: str, there: str, source: str) -> str:
    if here != there:
        return ""
    return f", as {source} does, and whether the two are one machine cannot be told"


def check_clocks(case: FullCase) -> Iterator[Finding]:
    """The guest's clock goes on from the destination's."""
    if case.one_machine or case.one_kernel:
        yield ok("clock", "Both hosts have the clock of one machine.")
    else:
        yield unknown(
            "clock",
            "Whether the clocks of the two hosts agree cannot be seen: libvirt does not tell them.",
            "Run NTP on both (chronyc tracking, timedatectl).",
        )


RULES: tuple[Rule, ...] = (check_links, check_answers, check_same_host)
FULL_RULES: tuple[FullRule, ...] = (
    check_twins,
    check_guest_type,
    check_transport,
    check_versions,
    check_address,
    check_memory_address,
    check_clocks,
)
