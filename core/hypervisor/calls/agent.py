"""The calls that a guest's agent carries out. Run on a lane thread; raise libvirtError."""

from __future__ import annotations

from typing import Any

from core.hypervisor.calls.function import CallFunctions
from core.hypervisor.connection.binding import Connection, libvirt
from core.hypervisor.connection.tolerance import if_supported
from core.model import ObjectKey
from core.verbs.agent.accounts import SetPasswordCall, SshKeyCall
from core.verbs.agent.asking import AGENT_SECONDS
from core.verbs.agent.trimming import TRIM_SECONDS, TrimCall
from core.verbs.agent.vcpus import GuestVcpusCall


def guest_with_agent(conn: Connection, subject: ObjectKey, seconds: int = AGENT_SECONDS) -> Any:
    """Return a domain whose agent has so many seconds for each answer.

    Without a limit a call blocks for as long as an agent takes that stops in the middle, and every
    later call to it waits behind. Whoever else asks the agent meanwhile has the same limit.
    """
    domain = conn.lookupByUUIDString(subject.id)
    if_supported(lambda: domain.agentSetResponseTimeout(seconds, 0), otherwise=0)
    return domain


def set_password(conn: Connection, subject: ObjectKey, call: SetPasswordCall) -> None:
    """Set an account's password (virDomainSetUserPassword)."""
    flags = libvirt.VIR_DOMAIN_PASSWORD_ENCRYPTED if call.encrypted else 0
    guest_with_agent(conn, subject).setUserPassword(call.user, call.password.reveal(), flags)


def set_ssh_key(conn: Connection, subject: ObjectKey, call: SshKeyCall) -> None:
    """Add or remove one key of an account (virDomainAuthorizedSSHKeysSet)."""
    flags = (
        libvirt.VIR_DOMAIN_AUTHORIZED_SSH_KEYS_SET_REMOVE
        if call.remove
        else libvirt.VIR_DOMAIN_AUTHORIZED_SSH_KEYS_SET_APPEND
    )
    guest_with_agent(conn, subject).authorizedSSHKeysSet(call.user, [call.key], flags)


def trim(conn: Connection, subject: ObjectKey, call: TrimCall) -> None:
    """Trim one file system, or all (virDomainFSTrim)."""
    domain = guest_with_agent(conn, subject, TRIM_SECONDS)
    domain.fSTrim(call.mount_point or None, call.minimum, 0)


def set_guest_vcpus(conn: Connection, subject: ObjectKey, call: GuestVcpusCall) -> None:
    """Have the guest use some of its vCPUs or not (virDomainSetGuestVcpus)."""
    guest_with_agent(conn, subject).setGuestVcpus(call.cpus, 0 if call.offline else 1)


CALL_FUNCTIONS: CallFunctions = {
    GuestVcpusCall: set_guest_vcpus,
    SetPasswordCall: set_password,
    SshKeyCall: set_ssh_key,
    TrimCall: trim,
}
