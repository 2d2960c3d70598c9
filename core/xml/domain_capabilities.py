"""What guests of one kind can have on a host: virConnectGetDomainCapabilities."""

from __future__ import annotations

from core.model.base import Value
from core.xml.tree import Element, attribute, exact, number, parse, text


class DomainCapabilities(Value, frozen=True):
    """What libvirt's driver and its emulator offer to a machine type. None: it does not say."""

    type: str = ""
    """kvm, qemu, xen..."""
    architecture: str = ""
    emulator: str = ""
    machine: str = ""
    vcpus_maximum: int | None = None
    loaders: tuple[str, ...] = ()
    """Firmware images that libvirt knows of, as paths."""
    firmware: tuple[str, ...] | None = None
    """What can be chosen automatically: efi, bios."""
    secure_boot: bool | None = None
    tpm_backends: tuple[str, ...] | None = None
    memory_sources: tuple[str, ...] | None = None
    disk_buses: tuple[str, ...] | None = None
    video: tuple[str, ...] | None = None
    file_systems: tuple[str, ...] | None = None
    host_devices: tuple[str, ...] | None = None
    cpu_modes: tuple[str, ...] = ()


def read_domain_capabilities(xml: str) -> DomainCapabilities:
    """Return what a `<domainCapabilities>` tells. Raises XmlError."""
    root = parse(xml, "domainCapabilities")
    secure = _values(root.find("os/loader"), "secure")
    return DomainCapabilities(
        type=text(root, "domain"),
        architecture=text(root, "arch"),
        emulator=exact(root, "path"),
        machine=text(root, "machine"),
        vcpus_maximum=number(attribute(root, "max", "vcpu")),
        loaders=tuple(filter(None, map(exact, root.iterfind("os/loader/value")))),
        firmware=_values(root.find("os"), "firmware"),
        secure_boot=None if secure is None else "yes" in secure,
        tpm_backends=_device(root, "tpm", "backendModel"),
        memory_sources=_offered(root.find("memoryBacking"), "sourceType"),
        disk_buses=_device(root, "disk", "bus"),
        video=_device(root, "video", "modelType"),
        file_systems=_device(root, "filesystem", "driverType"),
        host_devices=_device(root, "hostdev", "subsysType"),
        cpu_modes=tuple(
            attribute(mode, "name")
            for mode in root.iterfind("cpu/mode")
            if attribute(mode, "supported") == "yes"
        ),
    )


def _device(root: Element, kind: str, enum: str) -> tuple[str, ...] | None:
    return _offered(root.find(f"devices/{kind}"), enum)


def _offered(element: Element | None, enum: str) -> tuple[str, ...] | None:
    """Return the values of an enumeration: none where all of it is not supported."""
    if element is None:
        return None
    return () if attribute(element, "supported") == "no" else _values(element, enum)


def _values(element: Element | None, enum: str) -> tuple[str, ...] | None:
    found = None if element is None else element.find(f"enum[@name='{enum}']")
    return None if found is None else tuple(filter(None, map(text, found.iterfind("value"))))


def read_host_cpu(xml: str) -> str:
    """Return a `<cpu>` that says what guests of the host's own kind see, of `<domainCapabilities>`.

    What a guest with host-passthrough has, as far as libvirt knows it. Empty: it does not say.
    Raises XmlError.
    """
    mode = parse(xml, "domainCapabilities").find("cpu/mode[@name='host-model']")
    if mode is None or attribute(mode, "supported") != "yes" or not text(mode, "model"):
        return ""
    from lxml import etree

    cpu = etree.Element("cpu", mode="custom", match="exact")
    etree.SubElement(cpu, "model", fallback="forbid").text = text(mode, "model")
    for feature in mode.iterfind("feature"):
        if (policy := attribute(feature, "policy")) in ("require", "disable"):
            etree.SubElement(cpu, "feature", policy=policy, name=attribute(feature, "name"))
    return etree.tostring(cpu, encoding="unicode")


def read_missing_features(xml: str) -> tuple[str, ...]:
    """Return the features that a computed baseline `<cpu>` had to switch off. Raises XmlError."""
    features = parse(xml, "cpu").iterfind("feature[@policy='disable']")
    return tuple(filter(None, (attribute(feature, "name") for feature in features)))
