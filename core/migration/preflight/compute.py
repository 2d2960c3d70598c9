"""Preflight: CPU, machine type, memory, NUMA, firmware and TPM at the destination. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from core.migration.preflight.case import (
    FullCase,
    FullRule,
    blocker,
    ok,
    unknown,
    warning,
)
from core.model import Finding
from core.model.driver import driver_of_type
from core.model.lists import listed
from core.model.sizes import size_words

_TIGHT = 0.9
_HUGE = 2 * 1024 * 1024
_HUGE_CURE = "Reserve them there: sysctl vm.nr_hugepages, or per NUMA node in sysfs."


def check_cpu(case: FullCase) -> Iterator[Finding]:
    """The destination gives the guest the CPU that it sees now."""
    cpu = case.there.cpu
    emulated = case.needs.instance.type == "qemu"
    if not case.wanted.cpu_xml:
        text = "It names no CPU; the hypervisor's default is the same where its version is."
        yield (ok if emulated else warning)("cpu", text)
    elif cpu is None:
        text = f"Whether {case.destination} has its CPU is not known."
        yield unknown(
            "cpu",
            text,
            "Compare by hand: virsh hypervisor-cpu-compare.",
            side=case.there,
            look="cpu",
        )
    elif not cpu.fits:
        yield _unfit_cpu(case, cpu.missing, cpu.text)
    elif case.needs.cpu_mode == "host-passthrough":
        yield _SAME_CPU
    elif emulated:
        text = f"Its CPU is emulated, and QEMU on {case.destination} has every feature of it."
        yield ok("cpu", text)
    else:
        yield ok("cpu", f"{case.destination} has every feature of its CPU.")


def _unfit_cpu(case: FullCase, missing: tuple[str, ...], text: str) -> Finding:
    what = (
        f"features that its guest may use: {listed(missing, 24)}" if missing else text.rstrip(".")
    )
    cure = (
        "Give it a CPU model that all hosts have (virsh hypervisor-cpu-baseline), and restart it."
    )
    if case.request.offline:
        return warning("cpu", f"It could not start there. {case.destination} lacks {what}.", cure)
    lacks = f"{case.destination} lacks {what}." if missing else f"{what}."
    return blocker("cpu", lacks, cure)


_SAME_CPU = warning(
    "cpu",
    "Its CPU is passed through (host-passthrough): it must be exactly the same there.",
    "Same CPU, microcode, kernel and QEMU; or use a named model.",
)


def check_machine(case: FullCase) -> Iterator[Finding]:
    """The machine type and the emulator are there."""
    product = driver_of_type(case.wanted.instance.type).product
    if case.wanted.instance.machine or product == "QEMU":  # a container has none
        yield _machine_type(case, product)
    if case.there.emulator_known is False:
        text = f"{case.destination} has no emulator at {case.wanted.emulator}."
        yield blocker("emulator", text, f"Install {product} there at the same path.")


def _machine_type(case: FullCase, product: str) -> Finding:
    machine, known = case.wanted.instance.machine, case.there.machine_known
    if known is None:
        text = f"Whether {case.destination} has the machine type {machine} is not known."
        return unknown("machine", text, side=case.there, look="machine")
    if known:
        return ok("machine", f"{case.destination} has the machine type {machine}.")
    return blocker(
        "machine",
        f"{product} on {case.destination} has no machine type {machine or '(none given)'}.",
        f"Update {product} there, or choose a destination that has it.",
    )


def check_vcpus(case: FullCase) -> Iterator[Finding]:
    """The machine type there takes as many vCPUs."""
    abilities, vcpus = case.there.abilities, case.wanted.instance.vcpus_maximum
    most = None if abilities is None else abilities.vcpus_maximum
    if most is not None and vcpus > most:
        text = f"It has {vcpus} vCPUs, {case.destination} allows {most}."
        yield blocker("vcpus", text, "Choose a machine type or a QEMU that allows more.")
    elif case.there.cpus is not None and vcpus > case.there.cpus:
        text = f"It has {vcpus} vCPUs, {case.destination} has {case.there.cpus} CPUs."
        yield warning("vcpus", text, "It will be slower there.")


def check_memory(case: FullCase) -> Iterator[Finding]:
    """Its memory fits there, at the most that it may have."""
    if case.wanted.huge_pages or case.request.offline:
        return
    need, free = case.wanted.memory, case.there.memory_free
    if free is None:
        text = f"How much memory is free on {case.destination} is not known."
        yield unknown("memory", text, side=case.there, look="memory")
        return
    sizes = f"it may have {size_words(need)}, {size_words(free)} are free on {case.destination}"
    if need > free:
        cure = "Move something away from there first, or shrink its balloon and maximum."
        yield blocker("memory", f"Its memory does not fit: {sizes}.", cure)
    elif need > free * _TIGHT:
        yield warning("memory", f"Its memory just fits: {sizes}.", "Move something away first.")
    else:
        yield ok("memory", f"Its memory fits: {sizes}.")


def check_memory_source(case: FullCase) -> Iterator[Finding]:
    """What backs its memory can be had there."""
    abilities, source = case.there.abilities, case.wanted.memory_source
    sources = None if abilities is None else abilities.memory_sources
    if source and sources is not None and source not in sources:
        text = f"{case.destination} cannot back memory by {source}."
        yield blocker("memory-backing", text, "Change it in the rewrites for the destination.")
    elif source == "file":
        text = "Its memory is in files: their file system there must have room for it."
        yield unknown("memory-backing", text, "See memory_backing_dir of its qemu.conf.")


def check_huge_pages(case: FullCase) -> Iterator[Finding]:
    """Enough huge pages are free there."""
    if not case.wanted.huge_pages:
        return
    pages = case.there.pages
    if pages is None:
        text = f"How many huge pages are free on {case.destination} is not known."
        yield unknown("huge-pages", text, _HUGE_CURE, side=case.there, look="pages")
        return
    bound = set(case.wanted.cells)
    free: dict[int, int] = {}
    for each in pages:
        if not bound or each.cell in bound:
            free[each.size] = free.get(each.size, 0) + each.free * each.size
    sizes = [page.size for page in case.wanted.huge_pages if page.size is not None]
    if not sizes:  # the host's default size, which libvirt does not tell
        huge = {size: amount for size, amount in free.items() if size >= _HUGE}
        sizes = [max(huge, key=lambda size: huge[size], default=_HUGE)]
    have = sum(free.get(size, 0) for size in sizes)
    kinds = listed(size_words(size) for size in sizes)
    text = (
        f"{size_words(case.wanted.memory)} in pages of {kinds}, {size_words(have)} are free there"
    )
    if have < case.wanted.memory:
        yield blocker("huge-pages", f"It needs {text}.", _HUGE_CURE)
    else:
        yield ok("huge-pages", f"It needs {text}.")


def _these(noun: str, numbers: Sequence[int]) -> str:
    """Return `the CPU 4`, `the CPUs 4, 5`."""
    return f"the {noun}{'' if len(numbers) == 1 else 's'} {listed(map(str, numbers))}"


def check_numa(case: FullCase) -> Iterator[Finding]:
    """The NUMA cells and CPUs that it is bound to exist there."""
    cells, cpus = case.wanted.cells, case.wanted.cpus
    cure = "Say what they are there (rewrites), or drop the binding."
    if cells and case.there.cells is None:
        text = f"The NUMA cells of {case.destination} are not known."
        yield unknown("numa", text, side=case.there, look="capabilities")
    elif cells:
        missing = sorted(set(cells) - set(case.there.cells or ()))
        if missing:
            text = f"It is bound to {_these('NUMA cell', missing)}"
            yield blocker("numa", f"{text}, which {case.destination} does not have.", cure)
        else:
            yield ok("numa", f"{case.destination} has the NUMA cells that it is bound to.")
    if cpus and case.there.cpus is None:
        text = f"How many CPUs {case.destination} has is not known."
        yield unknown("pinning", text, side=case.there, look="cpus")
    elif cpus and case.there.cpus is not None:
        missing = [cpu for cpu in cpus if cpu >= case.there.cpus]
        if missing:
            text = f"It is pinned to {_these('CPU', missing)}"
            yield blocker("pinning", f"{text}, which {case.destination} does not have.", cure)
        else:
            yield ok("pinning", f"{case.destination} has the CPUs that it is pinned to.")


def check_firmware(case: FullCase) -> Iterator[Finding]:
    """Its firmware is there, and its variables find a place."""
    loader, abilities = case.wanted.loader, case.there.abilities
    if not loader:
        return
    found = case.there.path(loader)
    offered = () if abilities is None else abilities.loaders
    cure = "Install the same firmware package (ovmf) there, at the same path."
    if found.exists is False:
        yield blocker("firmware", f"{case.destination} has no firmware at {loader}.", cure)
    elif loader in offered or found.exists:
        yield ok("firmware", f"{case.destination} has its firmware {loader}.")
    else:
        text = f"Whether {case.destination} has the firmware {loader} is not known"
        yield unknown("firmware", f"{text}: libvirt there does not list it.", cure)
    if case.wanted.loader_secure and abilities is not None and abilities.secure_boot is False:
        text = f"{case.destination} has no firmware with secure boot."
        yield blocker("secure-boot", text, "Install it there (ovmf).")
    if case.wanted.nvram:
        yield from _nvram(case)


def _nvram(case: FullCase) -> Iterator[Finding]:
    """The variables move with the guest's memory; the file is made anew from its template."""
    template = case.wanted.nvram_template
    if template and case.there.path(template).exists is False:
        text = f"{case.destination} lacks the template of its firmware variables, {template}."
        yield blocker("nvram", text, "Install the same firmware package there.")
    elif case.there.path(case.wanted.nvram).exists:
        yield ok("nvram", f"{case.destination} has its firmware variables, {case.wanted.nvram}.")
    else:
        text = (
            f"Whether its firmware variables ({case.wanted.nvram}) can be kept there is not known"
        )
        yield unknown(
            "nvram", f"{text}.", "Their directory must exist there; libvirt makes the file."
        )


def check_tpm(case: FullCase) -> Iterator[Finding]:
    """The destination can give it its TPM."""
    backend, abilities = case.wanted.tpm, case.there.abilities
    if not backend:
        return
    offered = None if abilities is None else abilities.tpm_backends
    if backend == "passthrough" and case.here.active:
        text = "Its TPM is the host's own chip, which does not migrate."
        yield blocker("tpm", text, "Use an emulated TPM.")
    elif offered is None:
        text = f"Whether {case.destination} can give it a TPM is not known."
        yield unknown("tpm", text, side=case.there, look="machine")
    elif backend not in offered:
        text = f"{case.destination} has no TPM of the kind {backend}."
        yield blocker("tpm", text, "Install swtpm and swtpm-tools there.")
    elif backend == "emulator":
        yield ok("tpm", f"{case.destination} has swtpm; the TPM's state moves along.")
    else:
        yield unknown("tpm", f"Whether the {backend} TPM is there cannot be seen.")


FULL_RULES: tuple[FullRule, ...] = (
    check_cpu,
    check_machine,
    check_vcpus,
    check_memory,
    check_memory_source,
    check_huge_pages,
    check_numa,
    check_firmware,
    check_tpm,
)
