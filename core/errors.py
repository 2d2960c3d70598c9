"""Every error virtdeck raises on purpose: one sentence that says what happened, one that cures it.

Raised from any thread. The console shows `message` and `hint`; the command line prints both
and exits with `exit_status` (1 refused or failed, 2 usage, 3 unreachable, 4 outcome unknown).
"""

from __future__ import annotations


class VirtdeckError(Exception):
    """The root of the tree; `hint` says what the operator can do about it (may be empty)."""

    exit_status = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class UsageError(VirtdeckError):
    """What was asked for makes no sense as written: a bad URI, filter, option or file name."""

    exit_status = 2


class NotFoundError(VirtdeckError):
    """No such host, instance, pool, volume, network or operation."""


class AmbiguousError(VirtdeckError):
    """A name that fits several objects (the same instance name on two hosts)."""


class UnreachableError(VirtdeckError):
    """The host does not answer: refused, timed out, authentication failed, daemon dead."""

    exit_status = 3


class NotSentError(UnreachableError):
    """The connection was not there, so nothing was sent: what was asked for did not take effect."""


class RefusedError(VirtdeckError):
    """A request that its own check refuses before anything is touched."""


class ReadOnlyError(RefusedError):
    """A write on a console or link that was opened read-only."""


class HypervisorError(VirtdeckError):
    """libvirt refused or failed a call. `code` is libvirt's VIR_ERR_* number."""

    def __init__(self, message: str, hint: str = "", code: int = 0) -> None:
        super().__init__(message, hint)
        self.code = code


class DiskInUseError(HypervisorError):
    """Another process holds the lock of a disk's image. `path` names it; empty: nobody said."""

    def __init__(self, message: str, hint: str = "", code: int = 0, path: str = "") -> None:
        super().__init__(message, hint, code)
        self.path = path


class ConsoleInUseError(HypervisorError):
    """Another client has the console of an instance open; it can be taken over."""


class UnsupportedError(HypervisorError):
    """This driver, libvirt or hypervisor version cannot do it."""


class DeadlineError(VirtdeckError):
    """A call did not return within its deadline; whether it took effect is not known."""

    exit_status = 4


class OutcomeUnknownError(VirtdeckError):
    """An operation was sent and its outcome could not be observed (link lost, deadline passed)."""

    exit_status = 4


class OperationFailedError(VirtdeckError):
    """An operation was carried out and did not do what it was for."""


class OperationCancelledError(VirtdeckError):
    """The operator no longer wanted to wait for an operation."""


class JournalError(VirtdeckError):
    """The operations journal cannot be opened, read or written."""


class TapeError(VirtdeckError):
    """A tape is missing, corrupt or of a version this virtdeck does not read."""


class SettingsError(UsageError):
    """A configuration or theme file cannot be used; says which file, which key and why."""


class LabError(VirtdeckError):
    """The private lab cannot be brought up, found or taken down."""


class XmlError(VirtdeckError):
    """An XML description is not one: malformed, of another kind, or with a document type."""
