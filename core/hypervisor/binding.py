"""libvirt's Python binding, loaded when it is first needed: the only place that imports it.

A tape replays on a machine without libvirt, and the import costs about 0.1 s, so nothing of
virtdeck imports `libvirt` by itself: modules of this package say
`from core.hypervisor.binding import libvirt`, and the first attribute they use loads the binding.
libvirt prints every error on the terminal until an error handler is registered; loading registers
one that logs at debug level.
"""

from __future__ import annotations

import importlib
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any, TypeAlias

from core.errors import UnsupportedError

Connection: TypeAlias = Any
"""A `libvirt.virConnect`; the binding has no types of its own."""

_log = logging.getLogger(__name__)
_lock = threading.Lock()
_module: ModuleType | None = None
_thread = threading.local()


def load() -> ModuleType:
    """Import the binding once and silence it; raises UnsupportedError where it is not installed.

    Any thread. Later calls cost nothing.
    """
    global _module
    if _module is not None:
        return _module
    with _lock:
        if _module is None:
            try:
                module = importlib.import_module("libvirt")
            except ImportError as error:
                raise UnsupportedError(
                    f"libvirt's Python binding cannot be loaded ({error}).",
                    "Install it: sudo apt install python3-libvirt"
                    " (recordings replay without it: virtdeck replay FILE).",
                ) from error
            module.registerErrorHandler(_on_error, None)
            _keep_errors(module.libvirtError)
            _module = module
    return _module


def _on_error(_context: None, error: tuple[Any, ...]) -> None:
    """Log what libvirt would print. Runs in the failing thread; must never raise."""
    _thread.error = error
    code, domain, message = error[:3]
    told: Callable[[str], str] | None = getattr(_thread, "told", None)
    text = message if told is None or not message else told(message)
    _log.debug("libvirt: code %s, domain %s: %s", code, domain, text)


def _keep_errors(kind: Any) -> None:
    """Let each `libvirtError` have the code and text of its call, whatever Python frees meanwhile.

    The binding asks for the thread's last error after the call has returned. When Python collects
    garbage in between, an object of libvirt that goes then (virDomainFree) resets that error: the
    exception says only that the call failed, and its code is None. What the handler heard in this
    thread is the same error.
    """
    original = kind.__init__

    def init(self: Any, default: str) -> None:
        original(self, default)
        heard = getattr(_thread, "error", None)
        _thread.error = None
        if self.err is None and heard is not None:
            self.err = heard
            self.args = (heard[2],)

    kind.__init__ = init


@contextmanager
def errors_told_as(told: Callable[[str], str]) -> Iterator[None]:
    """Log the errors of the calls that this thread makes inside as `told` returns them."""
    _thread.told = told
    try:
        yield
    finally:
        _thread.told = None


class _LazyBinding:
    """Stands for the module `libvirt`; its first attribute loads the binding."""

    def __getattr__(self, name: str) -> Any:
        return getattr(load(), name)


libvirt: Any = _LazyBinding()
"""The module `libvirt`. For constants newer than the library: `getattr(libvirt, name, None)`."""


def library_version() -> str:
    """Return the version of the installed libvirt library, as `9.0.0`; raises UnsupportedError."""
    return dotted(load().getVersion())


def dotted(number: int) -> str:
    """Return libvirt's number (1000000 * major + 1000 * minor + micro) as people write it."""
    return f"{number // 1_000_000}.{number // 1000 % 1000}.{number % 1000}"
