"""`virtdeck` as a process of its own, as an operator or a script runs it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.patience import PATIENCE

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Result:
    """What a command left behind."""

    status: int
    out: str
    err: str

    @property
    def rows(self) -> list[dict[str, Any]]:
        """Its JSON lines."""
        return [json.loads(line) for line in self.out.splitlines()]


@dataclass(frozen=True)
class Virtdeck:
    """Runs commands with a home of their own: no configuration, journal or log of anybody."""

    home: Path

    @property
    def environment(self) -> dict[str, str]:
        """What a command sees."""
        kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        places = {f"XDG_{kind}_HOME": f"{self.home}/{kind}" for kind in ("CONFIG", "STATE", "DATA")}
        return {
            **kept,
            **places,
            "HOME": str(self.home),
            "PYTHONPATH": str(ROOT),
            "VIRTDECK_JOURNAL": str(self.home / "journal.db"),
        }

    def begin(self, *arguments: object, **more: Any) -> subprocess.Popen[str]:
        """Start a command with pipes for its streams."""
        return subprocess.Popen(
            [sys.executable, "-m", "console", *map(str, arguments)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self.environment,
            cwd=self.home,
            start_new_session=True,
            **more,
        )

    def __call__(self, *arguments: object) -> Result:
        """Run a command to its end; whatever happens, never a traceback."""
        process = self.begin(*arguments)
        return finish(process)


def finish(process: subprocess.Popen[str], *, interrupt: bool = False) -> Result:
    """Wait for a command's end, after Ctrl-C if asked."""
    if interrupt:
        process.send_signal(signal.SIGINT)
    try:
        out, err = process.communicate(timeout=60 * PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise
    assert "Traceback" not in out + err
    return Result(process.returncode, out, err)


def loaded_by(virtdeck: Virtdeck, *arguments: str) -> set[str]:
    """Return the modules that a command, which must succeed, has loaded when it is done."""
    code = (
        "import sys; from console.cli.root import run; assert run(sys.argv[1:]) == 0; "
        "print('\\n'.join(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env=virtdeck.environment, cwd=virtdeck.home, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return set(done.stderr.split())
