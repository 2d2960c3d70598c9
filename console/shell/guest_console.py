"""A console of a guest, open in this virtdeck: its stream, its terminal, its file. UI thread.

It lives on while another screen is in view. When the guest stops it says so and opens again after
the next start; one that somebody took over opens again only when it is asked to.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from console.shell.asking_source import ask_patiently
from console.shell.console_log import ConsoleLog
from console.shell.console_state import ENDS, RETURNS, ConsoleState, Return
from console.terminal.emulator import Emulator
from core.errors import ConsoleInUseError, UsageError, VirtdeckError
from core.model import ObjectKey
from core.model.console import Console, ConsoleEnd, Consoles, LogTail
from core.model.text import clean
from core.source import OpenConsole

if TYPE_CHECKING:
    from console.shell.app import VirtdeckApp

FOLLOW_SECONDS = AGAIN_SECONDS = 1.0
"""How often a file is looked at; when one that its host closed is opened again."""


_RETURNING = "The instance runs again: waiting for its console to open."
_NO_CONSOLE = "It has no console: it needs a <serial type='pty'/>."


class GuestConsole:
    """One console. `changed` is called with the rows that changed, or None: all and the state."""

    def __init__(
        self,
        app: VirtdeckApp,
        key: ObjectKey,
        size: tuple[int, int],
        changed: Callable[[GuestConsole, Collection[int] | None], None],
    ) -> None:
        self.key = key
        self.terminal = Emulator(*size)
        self.state = ConsoleState.OPENING
        self.why = ""
        """What is to be said of the state."""
        self.there: Consoles | None = None
        """What there is to look at of the instance, as it was read last."""
        self._app = app
        self._changed = changed
        self._stream: OpenConsole | None = None
        self._console: Console | None = None
        self._told = ""
        """The end that the terminal was told last."""
        self._log: ConsoleLog | None = None
        self._since: int | None = None
        self._return = Return()
        self._closed = False

    @property
    def name(self) -> str:
        """The instance's name, as long as it is known."""
        row = self._app.view.state.instances.get(self.key)
        return row.name if row is not None else "gone"

    @property
    def waiting(self) -> int:
        """Bytes that were typed and that the guest has not taken."""
        return self._stream.waiting if self._stream is not None else 0

    def open(self, *, force: bool = False) -> None:
        """Look what there is and open it; `force` takes it from who has it: ask before."""
        if self._closed or self._stream is not None:
            return
        self._stand(ConsoleState.OPENING)
        key = self.key
        ask_patiently(
            self._app,
            lambda source: source.consoles.look(key),
            partial(self._found, force),
            self._failed,
        )

    def type(self, data: bytes) -> None:
        """Send what was typed; says where that cannot be."""
        stream = self._stream
        if stream is None:
            self._app.notify(self.why or "The console is not open yet.", timeout=3, markup=False)
            return
        ask_patiently(self._app, lambda _: stream.write(data), lambda _: None, self._tell)

    def close(self) -> None:
        """Let go of it for good."""
        self._closed = True
        self.keep_log(None)
        if (stream := self._stream) is not None:
            self._stream = None
            ask_patiently(self._app, lambda _: stream.close(), lambda _: None, self._tell)

    def resize(self, columns: int, rows: int) -> None:
        """Have another size here; the guest learns of it only by `stty`."""
        if (columns, rows) != (self.terminal.columns, self.terminal.rows):
            self.terminal.resize(columns, rows)
            self._changed(self, None)

    def keep_log(self, path: Path | None) -> None:
        """Write the text of what comes to a new file from now on, or no longer.

        Raises UsageError where the file cannot be made.
        """
        if self._log is not None:
            self._log.close()
        self._log = None if path is None else ConsoleLog(path)

    @property
    def log(self) -> Path | None:
        """The file that what comes is written to."""
        return self._log.path if self._log is not None else None

    def look_again(self) -> None:
        """Open again where what was in the way is over."""
        row = self._app.view.state.instances.get(self.key)
        runs = row is not None and row.state.active
        if self.state in RETURNS and runs and not self._app.view.stale(self.key.host):
            self._return.begin(monotonic())
            self.open()
        elif self.state in (ConsoleState.LOG, ConsoleState.RETURNING) and not runs:
            self._end(ConsoleState.OFF, "The instance is off.")

    # -- what comes --------------------------------------------------------------------------------

    def _found(self, force: bool, there: Consoles) -> None:
        self.there = there
        self._console = console = there.named("")
        if console is not None and console.talks and there.running:
            self._begin(console, force)
        elif console is not None and console.record and there.running:
            self._stand(ConsoleState.LOG, "Only what it wrote can be seen: it takes no keys.")
            self._read_log(console.record)
        elif not there.running:
            self._end(ConsoleState.OFF, "The instance is off.")
        elif console is None:
            self._not_yet(ConsoleState.FAILED, _NO_CONSOLE)
        else:
            why = f"{console.label} is of type '{console.source}': it cannot be shown."
            self._end(ConsoleState.FAILED, why)

    def _begin(self, console: Console, force: bool) -> None:
        key = self.key

        def opened(stream: OpenConsole) -> None:
            if self._closed:
                ask_patiently(self._app, lambda _: stream.close(), lambda _: None, self._tell)
                return
            self._stream, self._told = stream, ""
            self._return.end()
            self._stand(ConsoleState.OPEN)
            self._read()

        def open_it() -> None:
            ask_patiently(
                self._app,
                lambda source: source.consoles.open(key, console.alias, force=force),
                opened,
                self._failed,
            )

        def tail(found: LogTail) -> None:
            self._since = found.end
            if found.data:
                self._show(found.data[found.data.find(b"\n") + 1 :])
                self._say("so far, from the file its host keeps")
            open_it()

        if console.log and self._since is None:
            ask_patiently(
                self._app,
                lambda source: source.consoles.tail(key, console.log),
                tail,
                lambda _: open_it(),
            )
        else:
            open_it()

    def _read(self) -> None:
        stream = self._stream
        if stream is not None:
            ask_patiently(
                self._app, lambda _: stream.read(), partial(self._took, stream), self._failed
            )

    def _took(self, stream: OpenConsole, data: bytes) -> None:
        if stream is not self._stream:
            return
        if data:
            if answers := self._show(data):
                self.type(answers)
            self._read()
            return
        self._stream = None
        self._end(ENDS[stream.end or ConsoleEnd.DROPPED], stream.why)
        if self.state in RETURNS:  # a guest may run anew before its console ends
            self._app.set_timer(AGAIN_SECONDS, self.look_again)

    def _show(self, data: bytes) -> bytes:
        """Draw it; returns what the terminal answers."""
        if self._log is not None:
            try:
                self._log.write(data)
            except OSError as error:
                self.keep_log(None)
                self._tell(UsageError(f"The log is written no more: {error.strerror}."))
        fed = self.terminal.feed(data)
        self._changed(self, fed.changed)
        return fed.answers

    def _read_log(self, name: str) -> None:
        """Follow the file of a console that is only written to."""
        key, since = self.key, self._since

        def read(tail: LogTail) -> None:
            if self._closed or self.state is not ConsoleState.LOG:
                return
            if tail.why_not:
                self._end(ConsoleState.FAILED, tail.why_not)
                return
            self._since = tail.end
            if tail.data:
                self._show(tail.data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))
            self._app.set_timer(FOLLOW_SECONDS, partial(self._read_log, name))

        ask_patiently(
            self._app, lambda source: source.consoles.tail(key, name, since), read, self._failed
        )

    def _failed(self, error: Exception) -> None:
        if isinstance(error, ConsoleInUseError):
            self._not_yet(ConsoleState.IN_USE, "Another client has this console open.")
        else:
            self._not_yet(ConsoleState.FAILED, str(error))

    def _not_yet(self, state: ConsoleState, why: str) -> None:
        """Try again for a while what is opened again by itself; else it has failed."""
        if not self._return.goes_on(monotonic()):
            self._end(state, why)
            return
        if not self._closed:
            if self._told != _RETURNING:
                self._told = _RETURNING
                self._say(_RETURNING)
            self._stand(ConsoleState.RETURNING, f"{_RETURNING} {why}")
            self._app.set_timer(AGAIN_SECONDS, self.look_again)

    def _end(self, state: ConsoleState, why: str) -> None:
        """Say in the terminal, once, why nothing comes any more."""
        self._return.end()
        if self._closed:
            return
        if why != self._told:
            self._told = why
            self.terminal.leave()
            self._say(why)
        self._stand(state, why)

    def _say(self, sentence: str) -> None:
        words = clean(sentence).encode()
        at_start = self.terminal.cursor.column == 0
        self.terminal.feed((b"" if at_start else b"\r\n") + b"\x1b[7m " + words + b" \x1b[0m\r\n")

    def _stand(self, state: ConsoleState, why: str = "") -> None:
        self.state, self.why = state, why
        self._changed(self, None)

    def _tell(self, error: Exception) -> None:
        message = str(error) if isinstance(error, VirtdeckError) else repr(error)
        self._app.notify(message, severity="warning", timeout=6, markup=False)
