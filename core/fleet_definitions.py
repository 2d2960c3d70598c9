"""The definitions of what a fleet's hosts have, read to be edited."""

from __future__ import annotations

from collections.abc import Mapping

from core.errors import NotFoundError
from core.fleet_links import host_named
from core.hypervisor.session import Hypervisor
from core.model import ObjectKey


class FleetDefinitions:
    """A `core.source.Definitions`. On the core's asyncio loop only."""

    def __init__(self, hosts: Mapping[str, Hypervisor]) -> None:
        self._hosts = hosts

    async def document(self, key: ObjectKey) -> str:
        """Read the XML of a definition, by the kind of its key; raises as the protocol says."""
        from core.hypervisor.calls.defining import read_definition_of  # a listing needs no verbs
        from core.xml.definition.text import as_edited

        host = host_named(self._hosts, key.host)
        found = await host.call(lambda conn: read_definition_of(conn, key))
        if found is None:
            raise NotFoundError(
                "It has no definition: it is gone, or transient.", "Only what is defined is edited."
            )
        return found if key.kind == "instance" else as_edited(found)
