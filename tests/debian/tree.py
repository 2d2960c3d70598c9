"""Makes a Debian 13 tree from packages, and puts the project and the outer configuration into it.

mmdebstrap does it through apt, so with the keys, the proxy and the mirror that apt is set up with.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from core import directories
from tests.debian.machine import PROJECT

ROOT = Path(__file__).resolve().parents[2]
SUITE = "trixie"
PACKAGES = ("ca-certificates", "python3")
"""All a machine has before its first `./dev`: what else is needed, that installs by itself."""

CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
KEPT_APT = re.compile(r"^Acquire::(http|https|ftp|Check-|Retries|Languages)")
KEPT_PIP = re.compile(r"^(?:global|install|:env:)\.([a-z-]+)='(.*)'$")
PIP_OPTIONS = {"index-url", "extra-index-url", "trusted-host", "proxy", "default-timeout", "cert"}
KEPT_VARIABLES = re.compile(r"(?i)^(https?|no|all)_proxy$|^CI$|_CA_BUNDLE$|^SSL_CERT_FILE$")


class NoMirrorError(Exception):
    """This machine's apt knows no mirror of Debian. The text is a sentence with the cure."""


def cached_tree() -> Path:
    """Where the tree is kept."""
    directory = directories.cache()
    directory.mkdir(parents=True, exist_ok=True)
    return directory / "debian-13"


@contextmanager
def locked(tree: Path) -> Iterator[None]:
    """Hold the tree, so that two runs do not change it under each other."""
    with tree.with_suffix(".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"waiting for the run that uses {tree}", flush=True)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def sources(targets: Iterable[tuple[str, str]]) -> list[str]:
    """The tree's apt sources, from the mirror and the label of each source of Debian here. Pure."""
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


def make(tree: Path) -> None:
    """Make the tree where it is missing. Raises NoMirrorError, CalledProcessError."""
    if tree.exists():
        return
    print(f"making a Debian 13 tree in {tree}", flush=True)
    fresh = tree.with_suffix(".new")
    if fresh.exists():
        subprocess.run(["rm", "-rf", "--one-file-system", fresh], check=True)
    options = [f"--aptopt={line}" for line in _output("apt-config", "dump") if KEPT_APT.match(line)]
    command = ["mmdebstrap", "--quiet", "--variant=minbase", f"--include={','.join(PACKAGES)}"]
    # With mounts of its own: nothing is left mounted when it is killed.
    command = ["unshare", "--mount", *command, *options, SUITE, str(fresh), "-"]
    text = "".join(f"{line}\n" for line in sources(_debian_targets()))
    subprocess.run(command, input=text, text=True, check=True)
    fresh.rename(tree)


def _debian_targets() -> list[tuple[str, str]]:
    """The mirror and the label of each source of Debian that apt has fetched the list of."""
    asked = ["apt-get", "indextargets", "--format", "$(REPO_URI) $(LABEL)"]
    asked += ["Created-By: Packages", "Origin: Debian", "Component: main"]
    if not (found := _output(*asked)):
        subprocess.run(["apt-get", "-qq", "update"], check=True)
        found = _output(*asked)
    return [(mirror, label) for mirror, label in (line.split(" ", 1) for line in found)]


def furnish(tree: Path, environment: Mapping[str, str]) -> None:
    """Give the tree what the network needs, and the project as it is now, uncommitted files too.

    Its /tmp is emptied, as a start does: a lab left there names processes of another life.
    """
    for left in (tree / "tmp").iterdir():
        shutil.rmtree(left) if left.is_dir() and not left.is_symlink() else left.unlink()
    named = [value for value in environment.values() if value.startswith("/")]
    for path in ("/etc/resolv.conf", CERTIFICATES, *named):
        if Path(path).is_file():
            target = tree / path.lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.unlink(missing_ok=True)
            shutil.copyfile(path, target)
    (tree / "etc/hosts").write_text("127.0.0.1 localhost\n127.0.1.1 debian-13\n::1 localhost\n")
    (tree / "etc/hostname").write_text("debian-13\n")
    shutil.copyfile(Path(__file__).with_name("reap.py"), tree / "root/reap.py")
    _copy_project(tree / PROJECT.lstrip("/"))


def _copy_project(target: Path) -> None:
    """Copy every file that git knows or would add; the environments there stay."""
    target.mkdir(parents=True, exist_ok=True)
    for old in target.iterdir():
        if old.name.startswith(".venv"):
            continue
        shutil.rmtree(old) if old.is_dir() and not old.is_symlink() else old.unlink()
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout
    for name in map(os.fsdecode, filter(None, names.split(b"\0"))):
        if (source := ROOT / name).exists():  # deleted, and that not yet committed
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target / name, follow_symlinks=False)


def environment() -> dict[str, str]:
    """The variables that pip and TLS need inside, from ours and from pip's configuration."""
    kept = {name: value for name, value in os.environ.items() if KEPT_VARIABLES.search(name)}
    for line in _output(sys.executable, "-m", "pip", "config", "list"):
        found = KEPT_PIP.match(line)
        if found and found[1] in PIP_OPTIONS and "file:" not in found[2]:
            kept[f"PIP_{found[1].upper().replace('-', '_')}"] = found[2]
    return kept


def _output(*command: str) -> list[str]:
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout.splitlines()
