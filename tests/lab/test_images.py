"""Base images on real hosts: chains of what runs and of what is off, and what may be removed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.lab import LabHost, Wanted
from tests.driver.command import Result, Virtdeck

Command = Callable[..., Result]
NAMES = ("img-base.qcow2", "img-middle.qcow2", "img-top.qcow2", "img-idle.qcow2", "img-old.qcow2")


@pytest.fixture
def virtdeck(tmp_path: Path, uris: dict[str, str]) -> Command:
    words = [word for name, uri in uris.items() for word in ("-c", f"{name}={uri}")]
    home = Virtdeck(tmp_path)
    return lambda *arguments: home(*words, *arguments)


@pytest.fixture
def chain(alpha: LabHost, beta: LabHost) -> Iterator[dict[str, Path]]:
    """base <- middle <- top, base <- idle, and old, in the pool that both hosts share."""
    below = {
        "img-middle.qcow2": "img-base.qcow2",
        "img-top.qcow2": "img-middle.qcow2",
        "img-idle.qcow2": "img-base.qcow2",
    }
    for name in NAMES:
        more = (
            ("--backing-vol", below[name], "--backing-vol-format", "qcow2") if name in below else ()
        )
        alpha.virsh("vol-create-as", "shared", name, "16M", "--format", "qcow2", *more)
    beta.virsh("pool-refresh", "shared")
    yield {name: Path(alpha.virsh("vol-path", name, "shared").strip()) for name in NAMES}
    directory = Path(alpha.virsh("vol-path", "img-base.qcow2", "shared").strip()).parent
    for name in NAMES:
        (directory / name).unlink(missing_ok=True)
    for host in (alpha, beta):
        host.virsh("pool-refresh", "shared")


def needed(virtdeck: Command, name: str) -> str:
    """What `images` says of one of alpha's; empty: it is not there."""
    listed = virtdeck("images", "--json")
    assert listed.status == 0, listed
    for line in listed.out.splitlines():
        row = json.loads(line)
        if row["volume"]["host"] == "alpha" and row["volume"]["name"] == name:
            return ", ".join(f"{one['name']}:{len(one['chain'])}" for one in row["users"]) or (
                "overlays" if row["used"] else "nobody"
            )
    return ""


@pytest.mark.parametrize("wanted", [Wanted.RUNNING, Wanted.SHUT_OFF])
def test_what_is_needed_is_kept_and_what_is_not_is_removed(
    virtdeck: Command,
    beta: LabHost,
    guest: Callable[..., str],
    chain: dict[str, Path],
    wanted: Wanted,
) -> None:
    guest("beta", "imager", disk="shared/img-top.qcow2", wanted=wanted)
    assert needed(virtdeck, "img-base.qcow2") == "imager:2"  # of beta: it is the same pool
    assert needed(virtdeck, "img-middle.qcow2") == "imager:1"
    assert needed(virtdeck, "img-top.qcow2") == ""  # a disk, and nothing lies over it
    assert needed(virtdeck, "img-idle.qcow2") == "nobody"
    told = virtdeck("images")
    assert "imager on beta (vda) through img-top.qcow2 over img-middle.qcow2" in told.out

    refused = virtdeck("volume", "delete", "alpha/shared/img-base.qcow2", "--yes")
    assert refused.status == 1
    assert "img-base.qcow2 is needed: by imager on beta (vda) through" in refused.err
    own = virtdeck("volume", "delete", "alpha/shared/img-top.qcow2", "--yes")
    assert "img-top.qcow2 is needed: by imager on beta (vda)" in own.err
    assert all(path.exists() for path in chain.values())

    both = virtdeck(
        "volume", "delete", "alpha/shared/img-idle.qcow2", "alpha/shared/img-old.qcow2", "--yes"
    )
    assert both.status == 0, both
    assert not chain["img-idle.qcow2"].exists()
    assert not chain["img-old.qcow2"].exists()
    assert chain["img-base.qcow2"].exists()


def test_what_cannot_be_read_keeps_an_image(
    virtdeck: Command, beta: LabHost, chain: dict[str, Path]
) -> None:
    assert needed(virtdeck, "img-old.qcow2") == "nobody"
    beta.stop_daemon()
    try:
        refused = virtdeck("volume", "delete", "alpha/shared/img-old.qcow2", "--yes")
        listed = virtdeck("images")
    finally:
        beta.ensure_daemon()
    assert refused.status == 1
    assert "Whether img-old.qcow2 is needed is not known: beta is out of reach" in refused.err
    assert "not known: beta is out of reach" in listed.out
    assert chain["img-old.qcow2"].exists()
