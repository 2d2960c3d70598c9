"""The secrets of libvirt that a disk needs: made before it, removed after it. Lane thread."""

from __future__ import annotations

import binascii
from base64 import b64decode
from contextlib import suppress
from typing import Any

from core.errors import HypervisorError, UnsupportedError
from core.hypervisor.calls.function import CallFunctions
from core.hypervisor.connection.binding import Connection, libvirt
from core.model import ObjectKey
from core.model.volume_secret import VolumeSecret
from core.verbs.device.calls import DropSecretsCall, SecretsCall
from core.xml.volume_secret import secret_xml, secrets_named


def define_secrets(conn: Connection, subject: ObjectKey, call: SecretsCall) -> None:
    """Define secrets and set their values (virSecretDefineXML, virSecretSetValue), or none.

    A secret is called by the target of its disk: that of a disk which is there is not set anew, or
    that disk could not be opened any more.
    """
    values = [_bytes_of(secret) for secret in call.secrets]  # before anything is made
    if not _used(conn, subject).isdisjoint(secret.uuid for secret in call.secrets):
        text = f"It has a disk {call.plan.name} with a secret, now or from its next start on."
        raise HypervisorError(text, "Give another target, or leave it out to have a free one.")
    made: list[Any] = []
    try:
        for secret, value in zip(call.secrets, values, strict=True):
            defined = conn.secretDefineXML(secret_xml(secret), 0)
            made.append(defined)
            defined.setValue(value, 0)
    except libvirt.libvirtError as error:
        for defined in made:
            with suppress(libvirt.libvirtError):
                defined.undefine()
        if error.get_error_code() == libvirt.VIR_ERR_NO_SUPPORT:
            text = "The libvirt of its host keeps no secrets: it runs no driver for them."
            cure = "Install libvirt's secret driver there (libvirt-daemon-driver-secret)."
            raise UnsupportedError(text, cure) from None
        raise


def _bytes_of(secret: VolumeSecret) -> bytes:
    value = secret.value.reveal()
    if secret.type != "ceph":
        return value.encode()
    try:
        return b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        text = "What was given for the key of Ceph's user is none."
        cure = "It is what `ceph auth get-key client.USER` prints."
        raise HypervisorError(text, cure) from None


def drop_secrets(conn: Connection, subject: ObjectKey, call: DropSecretsCall) -> None:
    """Undefine secrets that no disk of an instance names any more (virSecretUndefine)."""
    used = _used(conn, subject)
    for uuid in call.uuids:
        if uuid in used:
            continue
        try:
            conn.secretLookupByUUIDString(uuid).undefine()
        except libvirt.libvirtError as error:
            if error.get_error_code() not in (
                libvirt.VIR_ERR_NO_SECRET,
                libvirt.VIR_ERR_NO_SUPPORT,  # it keeps none
            ):
                raise


def _used(conn: Connection, subject: ObjectKey) -> set[str]:
    try:
        domain = conn.lookupByUUIDString(subject.id)
    except libvirt.libvirtError as error:
        if error.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN:
            return set()
        raise
    found = secrets_named(domain.XMLDesc(0))
    return found | secrets_named(domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE))


CALL_FUNCTIONS: CallFunctions = {SecretsCall: define_secrets, DropSecretsCall: drop_secrets}
