"""What makes a call: on a lane's thread, with its connection."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from core.hypervisor.connection.binding import Connection
from core.model import ObjectKey
from core.verbs.answer import CallAnswer

CallFunction = Callable[[Connection, ObjectKey, Any], CallAnswer | None]
"""Makes a call on a subject; returns when libvirt said yes, with what the call answers beside that
(`Call.answers`), raises libvirtError, HypervisorError. The call is of the type it stands for in
`CallFunctions`."""

CallFunctions = Mapping[type[Any], CallFunction]
"""By the type of a `core.verbs.call.Call`."""
