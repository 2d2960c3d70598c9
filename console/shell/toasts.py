"""Which toasts stand on the screen: the newest few, and none of what was answered. UI thread."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from operator import attrgetter
from typing import TYPE_CHECKING, Self

from textual.notifications import Notification, Notifications, Notify

from console.shell.operations_watch import Toast, still_open
from core.model import OperationRecord

if TYPE_CHECKING:
    from console.shell.app import VirtdeckApp

AT_MOST = 4
"""More hide what they lie on, and each is built anew with every dialog."""


class NewestNotifications(Notifications):
    """Notifications of which the oldest give way: first what was well, then the others.

    What gives way stands in the operations and in the events. `since` says from when on (epoch
    seconds) the screen on top shows them.
    """

    def __init__(self, since: Callable[[], float]) -> None:
        super().__init__()
        self._since = since

    def __iter__(self) -> Iterator[Notification]:
        """Those for the screen on top, the oldest first: what a dialog covers stays below it."""
        since = self._since()
        return (each for each in super().__iter__() if each.raised_at >= since)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def add(self, notification: Notification) -> Self:
        """Add one in the place of one that says the same; of too many, drop one before."""
        words = attrgetter("title", "message", "severity")
        for same in [each for each in super().__iter__() if words(each) == words(notification)]:
            del self[same]
        super().add(notification)
        standing = list(super().__iter__())
        if len(standing) > AT_MOST:
            well = [each for each in standing[:-1] if each.severity == "information"]
            del self[(well or standing)[0]]
        return self


class Toasts:
    """Shows what there is to tell; takes a question away once it was answered."""

    def __init__(self, app: VirtdeckApp) -> None:
        self._app = app
        self._questions: list[tuple[Notification, Toast]] = []

    def tell(self, told: Iterable[Toast], operations: Mapping[str, OperationRecord]) -> None:
        """Show these, and no longer what asks nothing any more."""
        standing = [entry for entry in self._questions if not entry[0].has_expired]
        self._questions = [entry for entry in standing if still_open(entry[1], operations)]
        for notification, toast in standing:
            if not still_open(toast, operations):
                self._app._unnotify(notification)
        for toast in told:
            notification = Notification(toast.text, toast.title, toast.severity, toast.seconds)
            self._app.post_message(Notify(notification))
            if toast.asked:
                self._questions.append((notification, toast))
