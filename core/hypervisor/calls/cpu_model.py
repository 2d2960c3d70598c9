"""A CPU model that a host does not know. Run on a lane thread; raises libvirtError."""

from __future__ import annotations

from difflib import get_close_matches

from core.errors import HypervisorError
from core.hypervisor.connection.binding import Connection, libvirt
from core.hypervisor.connection.tolerance import if_supported
from core.model.lists import listed
from core.model.text import clean
from core.xml.definition.cpu import cpu_model_of


def require_cpu_model(conn: Connection, before: str, after: str) -> None:
    """Raise HypervisorError where a definition names a CPU model anew that libvirt does not know.

    libvirt takes any name, and refuses it at the next start. One call, where the name changes
    (virConnectGetCPUModelNames).
    """
    architecture, model = cpu_model_of(after)
    if not model or (architecture, model) == cpu_model_of(before):
        return
    known: list[str] = if_supported(lambda: list(conn.getCPUModelNames(architecture, 0)), [])
    if not known or model in known:
        return
    lower = {name.lower(): name for name in known}
    near = [lower[name] for name in get_close_matches(model.lower(), lower, 3, 0.6)]
    cure = f"Choose {listed(near)}." if near else "See `virsh cpu-models`."
    text = f"libvirt knows no CPU model {clean(model)} of {clean(architecture)}."
    raise HypervisorError(text, cure, libvirt.VIR_ERR_INVALID_ARG)
