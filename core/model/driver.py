"""libvirt's drivers: what each drives, where it runs, its daemon's name, what it lacks. Pure.

From libvirt's own function tables, 9.0 to 11.3 (src/*/*_driver.c), its list of modular daemons and
what its client library registers (src/libvirt.c). A newer libvirt may fill a gap: so a verb that is
lacking is not proposed, and if it is asked for, libvirt has the last word.
"""

from __future__ import annotations

from core.model.base import Value


class Driver(Value, frozen=True):
    """One driver, by the name its URIs begin with."""

    name: str
    product: str
    """What it drives, as its makers call it."""
    daemon: str = ""
    """The daemon it runs in where libvirt is modular; else that is libvirtd. Empty: it runs in the
    client's own library, on the machine of whoever connects."""
    package: str = ""
    """Debian's package that has it."""
    lacks: frozenset[str] = frozenset()
    """The verbs it cannot carry out."""

    @property
    def client_side(self) -> bool:
        """Whether it is part of the library on this machine, wherever its host is."""
        return not self.daemon

    def can(self, verb: str) -> bool:
        """Whether a verb is worth proposing."""
        return verb not in self.lacks


_NO_RESET = frozenset({"reset"})
_LIBRARY = "libvirt0"

DRIVERS: dict[str, Driver] = {
    driver.name: driver
    for driver in (
        Driver("qemu", "QEMU", "virtqemud", "libvirt-daemon-driver-qemu"),
        Driver("xen", "Xen", "virtxend", "libvirt-daemon-driver-xen", _NO_RESET),
        Driver("lxc", "LXC", "virtlxcd", "libvirt-daemon-driver-lxc", _NO_RESET),
        Driver("vbox", "VirtualBox", "virtvboxd", "libvirt-daemon-driver-vbox", _NO_RESET),
        Driver("ch", "Cloud Hypervisor", "virtchd", "", _NO_RESET),
        Driver("bhyve", "bhyve", "virtbhyved", "", frozenset({"reset", "pause", "resume"})),
        Driver("vz", "Virtuozzo", "virtvzd"),
        Driver("test", "the test driver", "", _LIBRARY),
        Driver("openvz", "OpenVZ", "", _LIBRARY, _NO_RESET),
        Driver("esx", "VMware ESX", "", _LIBRARY, _NO_RESET),
        Driver("gsx", "VMware GSX", "", _LIBRARY, _NO_RESET),
        Driver("vpx", "VMware vCenter", "", _LIBRARY, _NO_RESET),
        Driver("hyperv", "Hyper-V", "", _LIBRARY),
        Driver("vmwareplayer", "VMware Player", "", _LIBRARY, _NO_RESET),
        Driver("vmwarews", "VMware Workstation", "", _LIBRARY, _NO_RESET),
        Driver("vmwarefusion", "VMware Fusion", "", _LIBRARY, _NO_RESET),
    )
}
"""By the name in a URI. `remote` is none of them: which driver it reaches is the host's to say."""

_BY_TYPE = {
    "kvm": "qemu", "qemu": "qemu", "xen": "xen", "lxc": "lxc", "vbox": "vbox", "bhyve": "bhyve",
    "vz": "vz", "parallels": "vz", "test": "test", "openvz": "openvz", "vmware": "esx",
}  # fmt: skip
"""By the type of an instance (`<domain type=...>`); `hyperv` is the type of two drivers."""


def driver_of(uri: str) -> Driver:
    """Return the driver of a URI; one that is not known lacks nothing."""
    name = uri.partition(":")[0].partition("+")[0]
    return DRIVERS.get(name, Driver(name, name, "libvirtd"))


def driver_of_type(type_: str) -> Driver:
    """Return the driver of an instance by its type; one that is not known lacks nothing."""
    return DRIVERS.get(_BY_TYPE.get(type_, ""), Driver(type_, type_, "libvirtd"))
