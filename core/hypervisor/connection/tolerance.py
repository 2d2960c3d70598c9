"""Which of libvirt's errors a reader can live with. Run where the failing call ran."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from core.hypervisor.connection.binding import libvirt

T = TypeVar("T")

_UNSUPPORTED = (
    "VIR_ERR_NO_SUPPORT",
    "VIR_ERR_INVALID_ARG",  # flags that this driver or daemon does not know
    "VIR_ERR_CONFIG_UNSUPPORTED",
    "VIR_ERR_ARGUMENT_UNSUPPORTED",
    "VIR_ERR_OPERATION_UNSUPPORTED",
)
_GONE = (
    "VIR_ERR_NO_DOMAIN",
    "VIR_ERR_NO_NETWORK",
    "VIR_ERR_NO_STORAGE_POOL",
    "VIR_ERR_NO_STORAGE_VOL",
    "VIR_ERR_NO_DOMAIN_SNAPSHOT",
    "VIR_ERR_NO_DOMAIN_CHECKPOINT",
)


def unsupported(error: Any) -> bool:
    """Tell whether a libvirtError means that this driver has no such call or flag."""
    return error.get_error_code() in {getattr(libvirt, name) for name in _UNSUPPORTED}


def gone(error: Any) -> bool:
    """Tell whether a libvirtError means that the object does not exist (any more)."""
    return error.get_error_code() in {getattr(libvirt, name) for name in _GONE}


def unless_gone(call: Callable[[], T]) -> T | None:
    """Return what a call on an object gives, None when the object is gone; raises libvirtError."""
    try:
        return call()
    except libvirt.libvirtError as error:
        if gone(error):
            return None
        raise


def if_supported(call: Callable[[], T], otherwise: T) -> T:
    """Return what a call gives, `otherwise` where the driver has no such call.

    Raises libvirtError for anything else.
    """
    try:
        return call()
    except libvirt.libvirtError as error:
        if unsupported(error):
            return otherwise
        raise
