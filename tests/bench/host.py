"""Hosts for the benches: a real libvirtd with any number of instances, behind a link of any length.

The daemon serves libvirt's test driver: real calls, real events, nothing of QEMU's. Its instances
have a state and XML and no figures, so a sample of them is small.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench.terminal import Terminal
from tests.driver.command import Virtdeck
from tests.driver.private_daemon import PrivateDaemon
from tests.slow_link import SlowLink


@dataclass(frozen=True)
class BenchHost:
    """A daemon, the link it is reached over, and its URI over that link."""

    daemon: PrivateDaemon
    link: SlowLink

    @property
    def uri(self) -> str:
        """Where it is reached over the link."""
        return f"test+unix:///default?socket={self.link.path}"


def served(instances: int, running: int | None = None) -> PrivateDaemon:
    """Return a daemon, to be entered, with that many instances, all of them or some running.

    One of them is the test driver's own, which runs.
    """
    return PrivateDaemon(instances - 1, instances - 1 if running is None else running)


@contextmanager
def reached(daemon: PrivateDaemon, round_trip: float = 0.0) -> Iterator[BenchHost]:
    """Put a link of `round_trip` seconds before a daemon."""
    with SlowLink(daemon.directory / "far", daemon.socket, round_trip=round_trip) as link:
        yield BenchHost(daemon, link)


@contextmanager
def console(*uris: str, settings: str = "") -> Iterator[Terminal]:
    """Open the console on hosts, with a home and a configuration (TOML) of its own."""
    with tempfile.TemporaryDirectory(prefix="virtdeck-bench-") as home:
        file = Path(home, "config.toml")
        file.write_text(settings)
        words = [word for uri in uris for word in ("-c", uri)]
        environment = Virtdeck(Path(home)).environment | {"VIRTDECK_CONFIG": str(file)}
        with Terminal(["-m", "console", *words], environment=environment) as terminal:
            yield terminal


def far(round_trip: float) -> str:
    """The words of a row for a link's round trip."""
    return f"link of {round_trip * 1000:g} ms" if round_trip else "local"
