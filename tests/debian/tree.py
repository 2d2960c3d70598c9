"""Makes a Debian 13 tree, and puts the project and the outer configuration into it."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from core import directories
from tests.debian.bootstrap import bootstrap, output
from tests.debian.machine import PROJECT

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("ca-certificates", "python3")
"""All a machine has before its first `./dev`: what else is needed, that installs by itself."""

CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
KEPT_PIP = re.compile(r"^(?:global|install|:env:)\.([a-z-]+)='(.*)'$")
PIP_OPTIONS = {"index-url", "extra-index-url", "trusted-host", "proxy", "default-timeout", "cert"}
KEPT_VARIABLES = re.compile(r"(?i)^(https?|no|all)_proxy$|^CI$|_CA_BUNDLE$|^SSL_CERT_FILE$")


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


def make(tree: Path) -> None:
    """Make the tree where it is missing. Raises NoMirrorError, CalledProcessError."""
    if tree.exists():
        return
    print(f"making a Debian 13 tree in {tree}", flush=True)
    bootstrap(tree, PACKAGES)


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
    for line in output(sys.executable, "-m", "pip", "config", "list"):
        found = KEPT_PIP.match(line)
        if found and found[1] in PIP_OPTIONS and "file:" not in found[2]:
            kept[f"PIP_{found[1].upper().replace('-', '_')}"] = found[2]
    return kept
