"""Which hosts a command works on, and how it watches them."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from console.cli.invocation import Invocation
from console.settings import Settings

_URI_DEFAULT = re.compile(r"""^\s*uri_default\s*=\s*["']?(?P<uri>[^"'#\s]+)""", re.MULTILINE)


def hosts(invocation: Invocation, settings: Settings) -> list[str]:
    """Return the hosts as `URI` or `NAME=URI`: from --connect, the configuration, or libvirt."""
    if invocation.connect:
        return list(invocation.connect)
    if settings.named_hosts:
        return [f"{name}={uri}" if name else uri for name, uri in settings.named_hosts]
    return [default_uri(os.environ)]


def read_only(invocation: Invocation, settings: Settings) -> bool:
    """Whether nothing may be changed."""
    return invocation.read_only or settings.read_only


def default_uri(environment: Mapping[str, str], root: bool | None = None) -> str:
    """Return what libvirt itself opens when nobody names a host (virConnectOpen's order).

    That is LIBVIRT_DEFAULT_URI, then `uri_default` of libvirt.conf, then QEMU: the system's for
    root, the session's for everybody else.
    """
    if uri := environment.get("LIBVIRT_DEFAULT_URI"):
        return uri
    root = os.geteuid() == 0 if root is None else root
    home = Path(environment.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    file = (Path("/etc") if root else home) / "libvirt" / "libvirt.conf"
    try:
        found = _URI_DEFAULT.search(file.read_text("utf-8", errors="replace"))
    except OSError:
        found = None
    if found:
        return found["uri"]
    return "qemu:///system" if root else "qemu:///session"
