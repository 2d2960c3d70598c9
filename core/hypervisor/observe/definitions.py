"""Reading the definitions of many instances to keep them. Runs on a lane thread."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence

from core.errors import XmlError
from core.hypervisor.connection.binding import Connection, libvirt
from core.xml.definition.document import editable

SECONDS = 1.0
"""How long one go may hold its lane. Nobody waits for it."""
_log = logging.getLogger(__name__)


def read_definitions(conn: Connection, uuids: Sequence[str]) -> tuple[dict[str, str], int]:
    """Read definitions until the time is over: one call, and one each.

    Returns those that have one by UUID, without secrets (VIR_DOMAIN_XML_SECURE is not asked for,
    and what else sounds like one is `***`), and how many of `uuids` were dealt with.
    """
    end = time.monotonic() + SECONDS
    handles = {one.UUIDString(): one for one in conn.listAllDomains(0)}
    found: dict[str, str] = {}
    for number, uuid in enumerate(uuids):
        if number and time.monotonic() >= end:
            return found, number
        if (domain := handles.get(uuid)) is None:
            continue
        try:
            # of one that is transient this is what it runs with: the next start has nothing else
            found[uuid] = editable(domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE))
        except libvirt.libvirtError as error:
            if not conn.isAlive():
                raise
            _log.info("the definition of %s cannot be read: %s", uuid, error)
        except XmlError as error:
            _log.info("the definition of %s cannot be read: %s", uuid, error)
    return found, len(uuids)


def refresh_pools(conn: Connection, uuids: Sequence[str]) -> None:
    """Have libvirt look at what is in pools, those that can be: two calls each."""
    for uuid in uuids:
        try:
            conn.storagePoolLookupByUUIDString(uuid).refresh(0)
        except libvirt.libvirtError as error:
            if not conn.isAlive():
                raise
            _log.info("the pool %s cannot be refreshed: %s", uuid, error)
