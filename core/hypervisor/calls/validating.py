"""Definitions that libvirt reads against its schema. Run on a lane thread; raise libvirtError."""

from __future__ import annotations

from typing import Any

from core.hypervisor.connection.binding import Connection, libvirt

# What libxml2 says of a schema, never of a document: it fills its table of types when the first
# schema is read, without a lock, and a second thread of the daemon finds it half full.
_HALF_READ = "is not exported by type library"
_ATTEMPTS = 4
"""By the second the table is full; every thread that loses the race loses it once."""


def define_validated(conn: Connection, xml: str) -> Any:
    """Define an instance from XML that fits libvirt's schema (VIR_DOMAIN_DEFINE_VALIDATE).

    Asked again where the daemon had not read the schema itself: that says nothing of the XML.
    """
    for attempt in range(_ATTEMPTS):
        try:
            return conn.defineXMLFlags(xml, libvirt.VIR_DOMAIN_DEFINE_VALIDATE)
        except libvirt.libvirtError as error:
            if _HALF_READ not in str(error) or attempt == _ATTEMPTS - 1:
                raise
    raise AssertionError("the last attempt returned or raised")
