"""Whether a host has the machine, the emulator and the CPU of a guest. Runs on a lane thread."""

from __future__ import annotations

import re
from functools import partial
from typing import Any

from core.hypervisor.connection.binding import Connection, libvirt
from core.hypervisor.connection.silence import ours
from core.hypervisor.observe.reads import Reads
from core.migration.preflight.facts import CpuComparison
from core.model.text import clean
from core.xml.domain_capabilities import (
    DomainCapabilities,
    read_domain_capabilities,
    read_missing_features,
)
from core.xml.needs import Needs

_FEATURE = re.compile(r"[a-z0-9][a-z0-9_.+-]*", re.IGNORECASE)


def read_guest_abilities(looks: Reads, wanted: Needs, host_cpu: str) -> dict[str, Any]:
    """Return the fields of `DestinationFacts` that tell of machine, emulator and CPU: 2 to 5 calls.

    `host_cpu` is the source's own CPU where the guest has that passed through.
    """
    abilities, machine_known = _abilities(looks, wanted)
    return {
        "abilities": abilities,
        "machine_known": machine_known,
        "emulator_known": _emulator_known(looks, wanted, abilities),
        "cpu": _compare_cpu(looks, wanted, host_cpu),
    }


def _abilities(looks: Reads, wanted: Needs) -> tuple[DomainCapabilities | None, bool | None]:
    """Return what guests of its machine type can have, and whether that type is there.

    libvirt answers an unknown machine type as it answers any bad argument; so it is asked again
    without one: where that works, it was the machine type.
    """
    instance = wanted.instance
    known = looks.see("machine", partial(_capabilities_of, looks.conn, wanted, instance.machine))
    if known is not None:
        return known, True
    general = looks.see("machine", partial(_capabilities_of, looks.conn, wanted, None))
    return general, False if general is not None else None


def _capabilities_of(conn: Connection, wanted: Needs, machine: str | None) -> DomainCapabilities:
    arch, kind = wanted.instance.architecture, wanted.instance.type
    return ours(
        read_domain_capabilities,
        conn.getDomainCapabilities(None, arch or None, machine or None, kind or None, 0),
    )


def _emulator_known(
    looks: Reads, wanted: Needs, abilities: DomainCapabilities | None
) -> bool | None:
    """Tell whether the emulator of the XML is there; it need not be libvirt's own choice."""
    if not wanted.emulator or abilities is None:
        return None
    if abilities.emulator == wanted.emulator:
        return True
    arch, kind = wanted.instance.architecture, wanted.instance.type
    answer = looks.see(
        "emulator",
        lambda: looks.conn.getDomainCapabilities(wanted.emulator, arch, None, kind, 0),
    )
    return answer is not None


def _compare_cpu(looks: Reads, wanted: Needs, host_cpu: str) -> CpuComparison | None:
    """Compare the CPU of the instance with what QEMU gives here (compareHypervisorCPU)."""
    cpu = host_cpu or wanted.cpu_xml
    if not cpu:
        return None
    kind, arch = wanted.instance.type or None, wanted.instance.architecture or None
    flag = libvirt.VIR_CONNECT_COMPARE_CPU_FAIL_INCOMPATIBLE

    def compare() -> CpuComparison:
        try:
            answer = looks.conn.compareHypervisorCPU(None, arch, None, kind, cpu, flag)
        except libvirt.libvirtError as error:
            if error.get_error_code() != libvirt.VIR_ERR_CPU_INCOMPATIBLE:
                raise
            words = clean(error.get_error_message() or "")
            return CpuComparison(
                False, features_in(words) or _by_baseline(looks, wanted, cpu), words
            )
        return CpuComparison(answer != libvirt.VIR_CPU_COMPARE_INCOMPATIBLE)

    return looks.see("cpu", compare)


def features_in(words: str) -> tuple[str, ...]:
    """Return the features that libvirt's sentence ends in, in whatever language it is. Pure."""
    names = [name.strip() for name in words.rpartition(": ")[2].split(",")]
    return tuple(names) if all(map(_FEATURE.fullmatch, names)) else ()


def _by_baseline(looks: Reads, wanted: Needs, cpu: str) -> tuple[str, ...]:
    """Return the features that the nearest CPU the host can give has switched off."""
    kind, arch = wanted.instance.type or None, wanted.instance.architecture or None
    flag = libvirt.VIR_CONNECT_BASELINE_CPU_EXPAND_FEATURES
    found = looks.see(
        "baseline",
        lambda: ours(
            read_missing_features,
            looks.conn.baselineHypervisorCPU(None, arch, None, kind, [cpu], flag),
        ),
    )
    return found or ()
