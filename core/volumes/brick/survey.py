"""What a host has to connect volumes with, asked by one line of shell. Blocking; needs no os-brick.

It is started as the process with os-brick is, but as the one who logs in.
"""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass

from core.errors import NotSentError
from core.model.text import clean
from core.volumes.brick.cures import why_not_started
from core.volumes.brick.place import BrickHost

TELLING = 30.0
"""Seconds for all of it: a slow line, a busy host."""
_PROGRAMS = ("iscsiadm", "multipath", "multipathd", "nvme", "mount.nfs", "cryptsetup")
CLIENTS = {
    "quobyte": "mount.quobyte",
    "vzstorage": "pstorage-mount",
    "scaleio": "/dev/scini",
    "storpool": "/etc/storpool.conf",
    "lightos": "/etc/discovery-client",
}
"""Closed storage, and what its vendor's client has on a host: a program, or a path."""
_ASKED = """
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
echo asked
for it in {programs}; do command -v "$it" > /dev/null && echo "has $it"; done
for it in {clients}; do
    if [ -e "$it" ] || command -v "$it" > /dev/null; then echo "client $it"; fi
done
[ -s /etc/iscsi/initiatorname.iscsi ] && echo has initiatorname
for it in /proc/[0-9]*/comm; do
    read -r name < "$it" && [ "$name" = multipathd ] && echo runs multipathd
done 2> /dev/null
for it in /usr/lib*/qemu*/block-*.so /usr/lib/*/qemu/block-*.so; do
    [ -e "$it" ] && echo "driver $it"
done
if [ "$(id -u)" = 0 ]; then echo root; else sudo -n -l {python} > /dev/null 2>&1 && echo root; fi
{python} -c 'import importlib.metadata as it
print("brick", it.version("os-brick"))
from oslo_service import backend
print("starts")' 2> /dev/null
:
"""


@dataclass(frozen=True, slots=True)
class HostTools:
    """What is there."""

    programs: frozenset[str] = frozenset()
    initiator: bool = False
    """It has a name as an iSCSI initiator."""
    running: frozenset[str] = frozenset()
    drivers: frozenset[str] = frozenset()
    """The drivers of QEMU that are files of their own: rbd, iscsi..."""
    root: bool = False
    """Who logs in is root there, or may start the Python as root unasked."""
    clients: frozenset[str] = frozenset()
    """The closed storage it is a client of."""
    brick: str = ""
    """The version of os-brick; empty: that Python has none."""
    starts: bool = False
    """What it needs is there and new enough."""


def script(python: str) -> str:
    """Return the shell that tells. Pure."""
    programs, clients = " ".join(_PROGRAMS), " ".join(CLIENTS.values())
    return _ASKED.format(programs=programs, clients=clients, python=shlex.quote(python))


def read_tools(told: Iterable[str]) -> HostTools:
    """Read what it told, line by line. Pure."""
    found: dict[str, set[str]] = {}
    for line in told:
        what, _, word = line.strip().partition(" ")
        found.setdefault(what, set()).add(clean(word))
    has = found.get("has", set())
    return HostTools(
        programs=frozenset(has & set(_PROGRAMS)),
        initiator="initiatorname" in has,
        running=frozenset(found.get("runs", ())),
        drivers=frozenset(
            path.rpartition("/block-")[2].removesuffix(".so") for path in found.get("driver", ())
        ),
        root="root" in found,
        clients=frozenset(
            name for name, sign in CLIENTS.items() if sign in found.get("client", ())
        ),
        brick=next(iter(found.get("brick", ())), ""),
        starts="starts" in found,
    )


def survey(host: BrickHost, deadline: float = TELLING) -> HostTools:
    """Ask a host; raises NotSentError where it does not tell."""
    line = f"/bin/sh -c {shlex.quote(script(host.python))}"
    words = [*host.ssh, line] if host.ssh else ["/bin/sh", "-c", script(host.python)]
    try:
        done = subprocess.run(
            words, stdin=subprocess.DEVNULL, capture_output=True, timeout=deadline, text=True,
            errors="replace", check=False, start_new_session=True,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        text = f"{host.place} did not tell within {deadline:.0f} s."
        raise NotSentError(text, "Ask again once the host is less busy.") from None
    except OSError as error:
        raise NotSentError(f"{host.place} cannot be asked: {error.strerror}.") from None
    lines = done.stdout.splitlines()
    if "asked" not in lines:
        said = clean(done.stderr, multiline=True)
        raise NotSentError(*why_not_started(said, host.place, host.login))
    return read_tools(lines)
