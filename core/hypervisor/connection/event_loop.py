"""libvirt's event loop: one daemon thread, `virt-events`, for every connection of the process.

It delivers events and sends keepalive messages. libvirt's default implementation is registered
before the first connection is opened, for one opened earlier would have neither.
"""

from __future__ import annotations

import logging
import threading
import time

from core.hypervisor.connection.binding import libvirt, load

_log = logging.getLogger(__name__)
_lock = threading.Lock()
_started = False
_PAUSE_AFTER_ERROR = 0.1


def ensure_running() -> None:
    """Register the event loop and start its thread, once per process. Any thread.

    Raises UnsupportedError where libvirt is not installed.
    """
    global _started
    load()
    with _lock:
        if _started:
            return
        libvirt.virEventRegisterDefaultImpl()
        threading.Thread(target=_run, name="virt-events", daemon=True).start()
        _started = True


def _run() -> None:
    while True:
        try:
            libvirt.virEventRunDefaultImpl()
        except Exception:
            _log.exception("libvirt's event loop failed; going on")
            time.sleep(_PAUSE_AFTER_ERROR)  # an error that repeats must not take a whole core
