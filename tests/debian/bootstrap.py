"""Makes a Debian 13 in a directory from packages.

mmdebstrap does it through apt, so with the keys, the proxy and the mirror that apt is set up with.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

SUITE = "trixie"
KEPT_APT = re.compile(r"^Acquire::(http|https|ftp|Check-|Retries|Languages)")


class NoMirrorError(Exception):
    """This machine's apt knows no mirror of Debian. The text is a sentence with the cure."""


def sources(targets: Iterable[tuple[str, str]]) -> list[str]:
    """The apt sources, from the mirror and the label of each source of Debian here. Pure."""
    mirrors: dict[str, str] = {}
    for mirror, label in targets:
        mirrors.setdefault(label, mirror)
    if "Debian" not in mirrors:
        raise NoMirrorError(
            "apt knows no mirror of Debian to make the tree from: add one to its sources."
        )
    lines = [f"deb {mirrors['Debian']} {suite} main" for suite in (SUITE, f"{SUITE}-updates")]
    if "Debian-Security" in mirrors:
        lines.append(f"deb {mirrors['Debian-Security']} {SUITE}-security main")
    return lines


def bootstrap(tree: Path, packages: Sequence[str], *options: str) -> None:
    """Make a Debian with these packages in `tree`, which is there when it is whole. Blocking.

    `options` are mmdebstrap's. Raises NoMirrorError, CalledProcessError.
    """
    fresh = tree.with_suffix(".new")
    if fresh.exists():
        subprocess.run(["rm", "-rf", "--one-file-system", fresh], check=True)
    kept = [f"--aptopt={line}" for line in output("apt-config", "dump") if KEPT_APT.match(line)]
    command = ["mmdebstrap", "--quiet", "--variant=minbase", f"--include={','.join(packages)}"]
    # With mounts of its own: nothing is left mounted when it is killed.
    command = ["unshare", "--mount", *command, *kept, *options, SUITE, str(fresh), "-"]
    text = "".join(f"{line}\n" for line in sources(_debian_targets()))
    subprocess.run(command, input=text, text=True, check=True)
    fresh.rename(tree)


def _debian_targets() -> list[tuple[str, str]]:
    """The mirror and the label of each source of Debian that apt has fetched the list of."""
    asked = ["apt-get", "indextargets", "--format", "$(REPO_URI) $(LABEL)"]
    asked += ["Created-By: Packages", "Origin: Debian", "Component: main"]
    if not (found := output(*asked)):
        subprocess.run(["apt-get", "-qq", "update"], check=True)
        found = output(*asked)
    return [(mirror, label) for mirror, label in (line.split(" ", 1) for line in found)]


def output(*command: str) -> list[str]:
    """Run a command; returns the lines that it printed. Raises CalledProcessError."""
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout.splitlines()
