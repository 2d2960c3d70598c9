"""From a request, an instance and a destination to the call that migrates it. Pure.

The rules are Nova's (nova-map 2.2) and what libvirt refuses (libvirt.md 6.1). In this order: what
makes no sense is refused, every reason at once; the options are settled among themselves, with a
note for whatever is dropped or chosen; then each settled option is a flag or a typed parameter.
"""

from __future__ import annotations

from dataclasses import replace as replaced

from core.errors import RefusedError, UsageError
from core.migration.plan.checks import malformed, objections
from core.migration.plan.disks import disks_to_copy
from core.migration.plan.flags import MigrateFlag
from core.migration.plan.leaving import leaving, rewritten, words_of
from core.migration.plan.route import route
from core.migration.plan.settle import settle
from core.migration.plan.text import SWITCH_AT_ONCE, dry_run, virsh_migrate
from core.migration.plan.values import Destination, Parameter, Plan, describe_destination
from core.model import Instance
from core.model.lists import listed, numbered
from core.verbs.migration.requests import Migrate
from core.xml import read_instance
from core.xml.needs import read_needs
from core.xml.rewrite import renamed, rewrite

__all__ = ["Destination", "Plan", "describe_destination", "dry_run", "plan", "resume_plan"]


def plan(
    request: Migrate,
    *,
    xml: str,
    inactive_xml: str,
    instance: Instance,
    destination: Destination,
    source_uri: str = "",
) -> Plan:
    """Return the call that carries out `request`.

    `xml` is the instance's for migration (VIR_DOMAIN_XML_MIGRATABLE, with its secrets, or the
    passwords of its consoles do not arrive), `inactive_xml` that of its next start (empty: it is
    transient); `source_uri` is for the virsh line. Raises UsageError for what makes no sense as
    written and RefusedError for what libvirt would refuse or the rewrites do not find, every
    reason at once; XmlError for XML that is none.
    """
    disks = read_instance(xml, instance.host).disks
    gone = words_of(leaving(request, read_needs(xml)))
    way, complaints = route(request, destination, instance.host)
    _refuse((*complaints, *malformed(request)), objections(request, instance, disks))
    targets, left = disks_to_copy(request, disks)
    settled, given_way = settle(request, instance, targets)
    made = Plan(
        name=instance.name,
        source=instance.host,
        destination=destination.name,
        uri=way.uri,
        flags=_flags(settled),
        parameters={
            **_xml_parameters(settled, xml, inactive_xml),
            **_parameters(settled, targets),
            **way.parameters(settled),
        },
        disks=targets,
        notes=(*way.notes, *given_way, *left, *_of_leaving(gone, destination)),
        source_xml=xml,
        source_persistent_xml=inactive_xml or xml,
    )
    return replaced(made, virsh=virsh_migrate(made, instance, settled, source_uri))


def resume_plan(plan: Plan) -> Plan:
    """Return the call that goes on with a post-copy migration that failed: the same once more.

    VIR_MIGRATE_POSTCOPY is among its flags whatever `plan` was made of (libvirt.md 6.5; libvirt
    8.5).
    """
    flags = plan.flags | MigrateFlag.POSTCOPY | MigrateFlag.POSTCOPY_RESUME
    words = [word for word in plan.virsh.split(" ") if word != SWITCH_AT_ONCE]
    added = [word for word in ("--postcopy", "--postcopy-resume") if word not in words]
    return replaced(plan, flags=int(flags), virsh=" ".join((*words, *added)))


def _of_leaving(gone: tuple[str, ...], destination: Destination) -> tuple[str, ...]:
    if not gone:
        return ()
    verb, them = ("leaves", "it is") if len(gone) == 1 else ("leave", "they are")
    where = f"attached again on {destination.name} after it"
    return (f"{listed(list(gone))} {verb} the guest before it moves; {them} {where}.",)


def _refuse(complaints: tuple[str, ...], reasons: tuple[str, ...]) -> None:
    if complaints:
        raise UsageError(numbered((*complaints, *reasons)))
    if reasons:
        raise RefusedError(numbered(reasons))


def _flags(settled: Migrate) -> int:
    on = {
        MigrateFlag.LIVE: not settled.offline,
        MigrateFlag.PEER2PEER: True,
        MigrateFlag.TUNNELLED: settled.tunnelled,
        MigrateFlag.PERSIST_DEST: settled.persist,
        MigrateFlag.UNDEFINE_SOURCE: settled.undefine,
        MigrateFlag.NON_SHARED_DISK: settled.storage == "copy-all",
        MigrateFlag.NON_SHARED_INC: settled.storage == "copy-incremental",
        MigrateFlag.UNSAFE: settled.unsafe,
        MigrateFlag.OFFLINE: settled.offline,
        MigrateFlag.COMPRESSED: bool(settled.compression),
        MigrateFlag.AUTO_CONVERGE: bool(settled.auto_converge),
        MigrateFlag.POSTCOPY: settled.post_copy != "never",
        MigrateFlag.TLS: settled.tls,
        MigrateFlag.PARALLEL: bool(settled.parallel),
        MigrateFlag.NON_SHARED_SYNCHRONOUS_WRITES: settled.synchronous_writes,
        MigrateFlag.ZEROCOPY: settled.zero_copy,
    }
    return sum(int(flag) for flag, wanted in on.items() if wanted)


def _parameters(settled: Migrate, targets: tuple[str, ...]) -> dict[str, Parameter]:
    """Return the typed parameters of the options that are on; the others are libvirt's choice."""
    post_copy = settled.post_copy != "never"
    named: dict[str, Parameter | None] = {
        "bandwidth": settled.bandwidth,
        "bandwidth.postcopy": settled.post_copy_bandwidth if post_copy else None,
        "bandwidth.avail.switchover": settled.switchover_bandwidth,
        "auto_converge.initial": settled.auto_converge_initial,
        "auto_converge.increment": settled.auto_converge_increment,
        "parallel.connections": settled.parallel,
        "compression": list(settled.compression),
        "disks_port": settled.disks_port,
        "destination_name": settled.destination_name,
        "migrate_disks": list(targets),
        "migrate_disks_detect_zeroes": list(targets) if settled.detect_zeroes else [],
    }
    return {name: value for name, value in named.items() if value}


def _xml_parameters(settled: Migrate, xml: str, inactive_xml: str) -> dict[str, Parameter]:
    """Return the XML at the destination; the persistent one too, always (bug 1890501 of Nova's).

    The persistent definition may lack devices that were plugged in since, so what the rewrites do
    not find in it is passed over. libvirt renames only the running instance.
    """
    parameters: dict[str, Parameter] = {"destination_xml": rewritten(settled, xml, inactive_xml)}
    if settled.persist:
        persistent = rewrite(inactive_xml or xml, settled.rewrites, lenient=True)
        name = settled.destination_name
        parameters["persistent_xml"] = renamed(persistent, name) if name else persistent
    return parameters
