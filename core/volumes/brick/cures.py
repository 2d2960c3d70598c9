"""What helps against the errors of os-brick, by their name. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

_LOST = "Look at the warnings: os-brick tells no cause in its errors."
CURES: dict[str, str] = {
    "ModuleNotFoundError": "Install os-brick there: `pip install 'virtdeck[brick]'` for the Python "
    "that is started, or the distribution's package python3-os-brick.",
    "ImportError": "Its os-brick is too old: `pip install 'virtdeck[brick]'` in a venv there, and "
    "name its Python under [volumes].",
    "VolumeDeviceNotFound": "No device has come up: see that the target runs, shows this host the "
    "volume, and takes its password; and that iscsid runs.",
    "TargetPortalNotFound": "See whether the host reaches the portals of the target.",
    "TargetPortalsNotFound": "See whether the host reaches the portals of the target.",
    "FailedISCSITargetPortalLogin": "See whether the target takes the host's name and password.",
    "NoFibreChannelHostsFound": "The host has no Fibre Channel adapter that is up.",
    "NoFibreChannelVolumeDeviceFound": "See the zoning, and that the array shows the LUN.",
    "VolumePathsNotFound": "See whether the target shows this host the volume.",
    "VolumePathNotRemoved": "Something still holds its device: see who by `lsof` on the host.",
    "InvalidConnectorProtocol": "This os-brick has no such connector: see docs/protocols.md.",
    "ExecutionTimeout": "A command on the host did not end: see the host's log.",
    "ProcessExecutionError": "See that the protocol's tools are installed on the host.",
    "FileNotFoundError": "See that the protocol's tools are installed on the host.",
    "NotImplementedError": "Its connector has no such operation.",
    "KeyError": "The connection_info lacks what os-brick needs: ask Cinder for it again.",
    "AttributeError": "os-brick did not find what it looked for: see whether the device is there.",
    "ValueError": "The connection_info lacks what os-brick needs: ask Cinder for it again.",
    "NotEncryptedError": "See what the volume is (`cryptsetup isLuks -v`): virtdeck formats none.",
    "NotNamedError": "See whether the storage's client runs on the host, as the one it is there.",
    "ConnectionError": "The host does not reach the storage's server: see that it runs, and where.",
    "SSLError": "The server's certificate is not known on the host: see verify_certificate and "
    "certificate_path in the connection_info.",
    "ForeignFolderError": "Remove it on the host, and see who has made it.",
    "VolumeBusyError": "Ask again once that is over.",
    "PassphraseError": "Give the passphrase that it was formatted with: --passphrase-file.",
    "BrickException": _LOST,
}

TOOLS = (
    ("iscsi", ("iscsiadm",), "open-iscsi"),
    ("multipath", ("multipath", "multipathd"), "multipath-tools"),
    ("nvmeof", ("nvme",), "nvme-cli"),
    ("nfs", ("mount.nfs",), "nfs-common"),
    ("encryption", ("cryptsetup",), "cryptsetup-bin"),
)
"""What is connected with them, the programs, and Debian's package."""
_NO_PROGRAM = re.compile(r"\[Errno 2\] No such file or directory: '([\w.-]+)'")

_SUDO_REFUSES = (
    *("password is required", "not allowed", "not in the sudoers", "a terminal", "have a tty"),
)
"""What sudo says where it does not let a command be run unasked."""


_NO_ANSWER = "The portal does not answer: see that the target runs, and that the host reaches it."
_LOGIN = re.compile(r"Failed to login iSCSI target .* \(exit code (\d+)\)")
_NO_LUN = re.compile(r"LUN .* on iSCSI portal .* not found")
_OF_LOGIN = {
    "4": _NO_ANSWER,
    "8": _NO_ANSWER,
    "11": _NO_ANSWER,
    "12": "The host's kernel has no iSCSI: see whether it can load iscsi_tcp.",
    "20": "iscsid does not run on the host: `sudo systemctl start iscsid` there.",
    "24": "The target refuses the user, the password or the host's name: see those of CHAP, and "
    "the name in /etc/iscsi/initiatorname.iscsi.",
}
"""By how iscsiadm ended (open-iscsi's iscsi_err.h): os-brick raises one error for all of them."""


_CLIENTS = (
    (r"Unauthorized", "The storage's server refuses the user or password: see that of the "
     "connection_info, or of connector.conf on the host."),
    (r"Could not find the volume|objectDoesNotExist", "The storage has no such volume: see that "
     "Cinder and the host speak of the same storage."),
    (r"initialize the StorPool API|SP_OURID", "The host is no StorPool client: see its "
     "/etc/storpool.conf."),
    (r"the StorPool API", "See that the API of StorPool runs where the host's /etc/storpool.conf "
     "says, and takes its token."),
    (r"sdc guid|/dev/scini", "The host's PowerFlex client is not up: `systemctl status scini`."),
    (r"connector\.conf|connector password", "The password of PowerFlex is to be on the host, in "
     "/opt/emc/scaleio/openstack/connector.conf, as Cinder's driver says."),
    (r"ScaleIO volume \S+ not found", "See whether PowerFlex has the volume mapped to this host."),
    (r"host nqn", "The host has no name for NVMe: `nvme gen-hostnqn > /etc/nvme/hostnqn` there; "
     "Cinder's connection_info is to be of that name."),
    (r"create dsc file", "See whether the discovery client of LightOS is installed on the host."),
    (r"Device with uuid", "See whether the discovery client of LightOS runs, and that the volume's "
     "access list has the host."),
    (r"unknown filesystem type", "Install the storage's client on the host: mount knows of none."),
    (r"auth-node", "The cluster takes not the password in export, or is not reached."),
    (r"mount -t \w+ |pstorage-mount", "See whether the host reaches the share's servers, and that "
     "they have it."),
)  # fmt: skip
"""What closed clients and their servers say, of which os-brick makes one error or another."""


def missing_program(text: str) -> tuple[str, str] | None:
    """Return which program os-brick did not find, and its cure; None where its error is another.

    The error has the whole command, with "Stdout: None" below it.
    """
    found = _NO_PROGRAM.search(text)
    if found is None:
        return None
    package = next((package for _, programs, package in TOOLS if found[1] in programs), "")
    named = f" (Debian's package {package})" if package else ""
    return f"the host has no {found[1]}", f"Install it there{named}: see `virtdeck doctor`."


def cure_of(name: str, warnings: Sequence[str] = (), text: str = "") -> str:
    """Return what helps against an error, before which os-brick warned of something."""
    for line in reversed(warnings):
        if (found := _LOGIN.search(line)) and found[1] in _OF_LOGIN:
            return _OF_LOGIN[found[1]]
        if _NO_LUN.search(line):
            return "The target shows this host no such LUN: see whom it shows the volume."
    said = "\n".join((text, *warnings))
    known = (cure for pattern, cure in _CLIENTS if re.search(pattern, said))
    return next(known, CURES.get(name, _LOST))


def telling(warnings: Sequence[str]) -> str:
    """Return the warning that tells the cause best: what failed, or is not there; else the last."""
    last = warnings[-1] if warnings else ""
    tells = (line for line in reversed(warnings) if _LOGIN.search(line) or _NO_LUN.search(line))
    return next(tells, last)


def why_not_started(said: str, place: str, login: str = "") -> tuple[str, str]:
    """Return why the process did not answer its first line, and the cure, from what it said.

    `login` is the command that logs in there.
    """
    low, login = said.lower(), login or f"ssh {place}"
    refuses = "sudo" in low and any(words in low for words in _SUDO_REFUSES)
    if refuses or "is not allowed to execute" in low:
        return (
            f"sudo on {place} does not let os-brick be started as root without a password.",
            "Let it in sudoers, or open the host as root. Whoever may do that is root there.",
        )
    if "sudo: not found" in low or "sudo: command not found" in low:
        return f"There is no sudo on {place}, and os-brick needs root.", "Open the host as root."
    if "permission denied (" in low:
        cure = "It must let in by a key, without asking for a password or passphrase"
        return f"ssh to {place} is refused.", f"{cure}: see what `{login}` says."
    if "host key verification failed" in low:
        return f"ssh to {place} is refused.", f"See what `{login}` says."
    if "could not resolve" in low or "connection refused" in low or "timed out" in low:
        return f"{place} is not reached by ssh.", f"See what `{login}` says."
    if "not found" in low or "no such file" in low:
        return f"There is no such Python on {place}.", "Name the one that has os-brick."
    last = next((line for line in reversed(said.strip().splitlines()) if line), "it said nothing")
    return f"os-brick did not start on {place}: {last.rstrip('.')}.", "See its log."
