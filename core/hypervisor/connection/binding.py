"""libvirt's Python binding, loaded when it is first needed: the only place that imports it.

A tape replays on a machine without libvirt, and the import costs about 0.1 s, so nothing of
virtdeck imports `libvirt` by itself: modules of this package say
`from core.hypervisor.connection.binding import libvirt`, and the first attribute they use loads
the binding.
libvirt prints every error on the terminal until an error handler is registered; loading registers
one that logs at debug level.
"""

from __future__ import annotations

import importlib
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
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
            _keep_errors(module)
            _raise_for_none(module)
            _module = module
    return _module


def _on_error(_context: None, error: tuple[Any, ...]) -> None:
    """Log what libvirt would print. Runs in the failing thread; must never raise."""
    code, domain, message = error[:3]
    told: Callable[[str], str] | None = getattr(_thread, "told", None)
    text = message if told is None or not message else told(message)
    _log.debug("libvirt: code %s, domain %s: %s", code, domain, text)


def _keep_errors(module: ModuleType) -> None:
    """Let each `libvirtError` have the code and text of its call, whatever Python frees meanwhile.

    The binding asks for the thread's last error after the call has returned. When Python collects
    garbage in between, freeing an object of libvirt (virDomainFree) resets that error, and the
    exception has no code: an instance that does not exist would be an unknown failure. So who frees
    an object keeps the thread's error first, and an exception without a code takes what was kept.
    """
    last_error = module.libvirtmod.virGetLastError
    original = module.libvirtError.__init__
    thread = _thread  # objects are freed while the interpreter ends, too: globals are gone then

    def init(self: Any, default: str) -> None:
        original(self, default)
        kept = getattr(thread, "kept_error", None)
        thread.kept_error = None
        if kept is not None and not self.get_error_code():
            self.err = kept
            self.args = (kept[2],)

    def keeping(free: Callable[[Any], None]) -> Callable[[Any], None]:
        def free_and_keep(self: Any) -> None:
            error = last_error()
            if error is not None:
                thread.kept_error = error
            free(self)

        return free_and_keep

    module.libvirtError.__init__ = init
    for kind in list(vars(module).values()):
        if isinstance(kind, type) and "__del__" in vars(kind):
            kind.__del__ = keeping(kind.__del__)  # type: ignore[attr-defined]


def _raise_for_none(module: ModuleType) -> None:
    """Let the calls fail that the binding ends with None where they failed, and with no exception.

    They are those of all its methods with a number as their answer that do not look at it.
    """

    def raising(call: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(call)
        def answered(*args: Any) -> Any:
            answer = call(*args)
            if answer is None:
                raise module.libvirtError(f"{call.__name__}() failed")
            return answer

        return answered

    for name in ("migrateGetMaxDowntime", "migrateGetCompressionCache"):
        setattr(module.virDomain, name, raising(getattr(module.virDomain, name)))


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


def agent_command(domain: Any, words: str, seconds: int) -> str:
    """Have a guest's agent carry out a command of its own protocol, JSON, and return its answer.

    libvirt marks the instance as tainted by that, in its own log (custom-ga-command). On a lane;
    raises libvirtError, UnsupportedError where the binding of QEMU's own calls is not installed.
    """
    load()
    try:
        module = importlib.import_module("libvirt_qemu")
    except ImportError as error:
        raise UnsupportedError(
            f"libvirt's Python binding for QEMU cannot be loaded ({error}).",
            "Install it: sudo apt install python3-libvirt.",
        ) from error
    answer: str = module.qemuAgentCommand(domain, words, seconds, 0)
    return answer


def library_version() -> str:
    """Return the version of the installed libvirt library, as `9.0.0`; raises UnsupportedError."""
    return dotted(load().getVersion())


def dotted(number: int) -> str:
    """Return libvirt's number (1000000 * major + 1000 * minor + micro) as people write it."""
    return f"{number // 1_000_000}.{number // 1000 % 1000}.{number % 1000}"
