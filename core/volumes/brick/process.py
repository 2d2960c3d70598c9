"""Speaking with the process that runs os-brick. Blocking: run on a thread of its own."""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import IO, Any

from core.errors import DeadlineError, HypervisorError, NotSentError
from core.model.secret_value import without
from core.model.text import clean
from core.volumes.brick.cures import cure_of, missing_program, telling, why_not_started
from core.volumes.brick.place import BrickHost

VERSION = 1
STARTING = 60.0
"""Seconds until it has imported os-brick: a slow line, a busy host."""
_CHILD = Path(__file__).with_name("child.py")
_WITH = ("devices", "aftermath", "holding")
_MODULE = """\
module = types.ModuleType({name!r})
exec(compile({text!r}, {name!r}, "exec"), vars(module))
sys.modules[module.__name__] = module
"""


def _program() -> str:
    """Return what runs there: the child, and the modules that it imports."""
    lines = "import sys, types\n"
    for one in _WITH:
        text = _CHILD.with_name(f"{one}.py").read_text()
        lines += _MODULE.format(name=f"core.volumes.brick.{one}", text=text)
    return f'{lines}exec(compile({_CHILD.read_text()!r}, "virtdeck-os-brick", "exec"))\n'


class BrickError(HypervisorError):
    """os-brick refused or failed. `name` is that of its error, `warnings` what it warned of."""

    def __init__(self, message: str, hint: str, name: str, warnings: tuple[str, ...]) -> None:
        super().__init__(message, hint)
        self.name = name
        self.warnings = warnings


class BrickLostError(DeadlineError):
    """The process ended, or did not answer in time: what it was to do may be done or not."""


@dataclass(frozen=True, slots=True)
class BrickAnswer:
    """What os-brick said."""

    value: Any
    warnings: tuple[str, ...]


class BrickProcess:
    """One process with os-brick; it ends with its `with`. Raises NotSentError where it does not
    start, BrickError where it cannot work there."""

    def __init__(self, host: BrickHost, *, secrets: Iterable[str] = (), starting: float = STARTING):
        """`secrets` are what its answers and errors are told without."""
        self._host = host
        self._secrets = tuple(filter(None, secrets))
        self._said: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 closed by `close`
        self._number = 0
        self._rest = b""
        program = _program()
        try:
            self._process = subprocess.Popen(
                host.command(len(program)), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=self._said, start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            self._said.close()
            raise NotSentError(f"os-brick cannot be started: {error.strerror}.") from None
        try:
            self._greet(program, starting)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> BrickProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def pid(self) -> int:
        """Of the process here: ssh's, where it runs elsewhere."""
        return self._process.pid

    def ask(self, do: str, deadline: float, **values: Any) -> BrickAnswer:
        """Have something done; raises BrickError, BrickLostError."""
        self._number += 1
        self._write(json.dumps({"id": self._number, "do": do, **values}) + "\n")
        answer = self._read(do, monotonic() + deadline)
        warnings = tuple(self._told(line) for line in answer.get("warnings", ()))
        if "error" in answer:
            name = clean(str(answer["error"]))
            text = self._told(str(answer.get("text", ""))).rstrip(".") or "it told no more"
            if name == "KeyError":
                text = f"{text} is missing"
            cure = cure_of(name, warnings, text)
            if missing := missing_program(text):
                text, cure = missing
            because = f" It warned: {telling(warnings).rstrip('.')}." if warnings else ""
            message = f"os-brick on {self._host.place} failed ({name}): {text}.{because}"
            raise BrickError(message, cure, name, warnings)
        return BrickAnswer(answer.get("done"), warnings)

    def close(self) -> None:
        """End it: it gets no more requests, and a moment to leave."""
        with suppress(OSError):
            assert self._process.stdin is not None
            self._process.stdin.close()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(1.0)
        # what it began goes with it: a command that hangs; what is root's ends with its input
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(5.0)
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._said.close()

    def _greet(self, program: str, starting: float) -> None:
        with suppress(BrickLostError):  # what it said tells more than that it ended
            self._write(program)
        try:
            found = self.ask("hello", starting).value
        except BrickLostError:
            if not self._ended():
                text = f"os-brick on {self._host.place} was not ready after {starting:.0f} s."
                raise NotSentError(text, "Ask again once the host is less busy.") from None
            place, login = self._host.place, self._host.login
            text, hint = why_not_started(self._last_words(), place, login)
            raise NotSentError(text, hint) from None
        if not isinstance(found, Mapping) or found.get("version") != VERSION:
            text = f"What runs os-brick on {self._host.place} speaks another version of virtdeck."
            raise NotSentError(text, "Use one virtdeck.")

    def _ended(self) -> bool:
        """Whether it is gone: its output closes a moment before it is."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(2.0)
        return self._process.poll() is not None

    def _last_words(self) -> str:
        self._said.seek(0, os.SEEK_END)
        self._said.seek(max(0, self._said.tell() - 4096))
        return self._told(self._said.read().decode(errors="replace"), multiline=True)

    def _told(self, text: str, *, multiline: bool = False) -> str:
        return clean(without(text, self._secrets), multiline=multiline)

    def _write(self, text: str) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(text.encode())
            self._process.stdin.flush()
        except OSError:
            raise self._lost("ended") from None

    def _read(self, do: str, until: float) -> dict[str, Any]:
        assert self._process.stdout is not None
        with selectors.DefaultSelector() as ready:
            ready.register(self._process.stdout, selectors.EVENT_READ)
            while b"\n" not in self._rest:
                left = until - monotonic()
                if left <= 0 or not ready.select(left):
                    raise self._lost(f"did not answer to {do} in time")
                more = os.read(self._process.stdout.fileno(), 65536)
                if not more:
                    raise self._lost(f"ended in the middle of {do}")
                self._rest += more
        line, _, self._rest = self._rest.partition(b"\n")
        try:
            answer = json.loads(line)
        except ValueError:
            answer = None
        if not isinstance(answer, dict) or answer.get("id") != self._number:
            raise self._lost(f"gave an answer to {do} that is none")
        return answer

    def _lost(self, how: str) -> BrickLostError:
        text = f"The process with os-brick on {self._host.place} {how}."
        return BrickLostError(text, "Whether it took effect is seen on the host.")
