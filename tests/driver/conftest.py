"""What the tests on libvirt's test driver share; see private_daemon.py for the daemon."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.driver.command import Virtdeck
from tests.driver.private_daemon import PrivateDaemon


@pytest.fixture
def virtdeck(tmp_path: Path) -> Virtdeck:
    """The command line, with a home of its own."""
    return Virtdeck(tmp_path)


@pytest.fixture
def session_directory(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A session's directory (XDG_RUNTIME_DIR) with a path short enough for sockets."""
    with tempfile.TemporaryDirectory(prefix="vdr-", dir="/tmp") as name:
        monkeypatch.setenv("XDG_RUNTIME_DIR", name)
        yield Path(name)


@pytest.fixture
def daemon() -> Iterator[PrivateDaemon]:
    """A private libvirtd with the test driver's own instance and three more."""
    with PrivateDaemon(instances=3) as private:
        yield private


@pytest.fixture
def daemons() -> Iterator[Callable[..., PrivateDaemon]]:
    """Make as many private daemons as a test needs: `daemons(instances=1000, running=1000)`."""
    started: list[PrivateDaemon] = []

    def start(instances: int = 3, running: int = 0, listen: Path | None = None) -> PrivateDaemon:
        private = PrivateDaemon(instances, running, listen)
        started.append(private)
        private.start()
        return private

    yield start
    for private in started:
        private.close()
