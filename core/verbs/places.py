"""Volumes that requests name by their pool. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.model.request import Request
from core.verbs.parameter import parameters


def local_places(kind: type[Request], values: Mapping[str, Any], host: str) -> dict[str, Any]:
    """Return values of a request, with HOST/POOL/VOLUME of this host as POOL/VOLUME."""
    places = {one.name for one in parameters(kind) if one.place}
    return {
        name: value.removeprefix(f"{host}/")
        if name in places and isinstance(value, str) and value.count("/") > 1
        else value
        for name, value in values.items()
    }
