"""Starting a viewer on the graphical console of a guest."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from urllib.parse import urlsplit

from core.model.console import Consoles, Display
from core.model.text import clean

_HERE = ("", "127.0.0.1", "::1", "localhost")
_ANY = ("0.0.0.0", "::")
_SHOWABLE = ("vnc", "spice")


def start_viewer(there: Consoles, name: str, uri: str) -> str:
    """Start virt-viewer or remote-viewer on an instance's display; returns what is to be said.

    The viewer lives on by itself. Where none can be started the address is told, and why.
    """
    display = next((each for each in there.displays if each.kind in _SHOWABLE), None)
    if display is None:
        return why_no_display(there, name)
    address = address_of(display, uri)
    command = viewer_command(display, name, uri, address, os.environ)
    if isinstance(command, str):
        return f"{address}\n{command}"
    try:
        subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip
    except OSError as error:
        return f"{address}\n{command[0]} cannot be started: {error.strerror}."
    return f"{address}\n{command[0]} is started on it."


def why_no_display(there: Consoles, name: str) -> str:
    """Why there is no display to show. Pure."""
    if there.displays:
        kinds = ", ".join(each.kind for each in there.displays)
        return f"The display of {clean(name)} is of type {kinds}: it is shown on its host only."
    return f"{clean(name)} has no display: it needs a <graphics type='vnc'/> or 'spice'."


def address_of(display: Display, uri: str) -> str:
    """Where a display is, as viewers write it; reached from this machine. Pure."""
    if display.socket:
        return f"{display.kind}+unix://{clean(display.socket)}"
    port = display.port or display.tls_port
    if port is None:
        return f"{display.kind}: it has no port yet, its instance is off"
    remote = urlsplit(uri).hostname or ""
    listen = display.listen
    host = (remote or "127.0.0.1") if listen in _ANY else listen or "127.0.0.1"
    shown = f"[{host}]" if ":" in host else clean(host)
    tls = "" if display.port else "?tls-port="
    where = f"{display.kind}://{shown}"
    text = f"{where}{tls}{port}" if tls else f"{where}:{port}"
    if remote and listen in _HERE:
        text += f" on {clean(remote)} (through ssh: ssh -L {port}:{host}:{port} {clean(remote)})"
    return text


def viewer_command(
    display: Display, name: str, uri: str, address: str, environment: Mapping[str, str]
) -> list[str] | str:
    """The command that shows a display, or a sentence that says why there is none."""
    if not (environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY")):
        return "No viewer is started: this terminal has no graphical display (DISPLAY)."
    if program := shutil.which("virt-viewer"):  # it makes the way to a remote host itself
        return [program, "--connect", uri, "--", name]
    program = shutil.which("remote-viewer")
    if program is None:
        return "No viewer is started: install virt-viewer."
    if (urlsplit(uri).hostname and display.listen in _HERE) or display.socket:
        return "No viewer is started: remote-viewer cannot reach it; install virt-viewer."
    return [program, address]
