"""What QEMU or libvirt would write in clear of what is encrypted is refused, and what is not is."""

from __future__ import annotations

from typing import Any

import pytest

from core.model import (
    Disk,
    DiskSource,
    Host,
    Instance,
    InstanceState,
    Link,
    LinkStatus,
    Pool,
    PoolState,
    Request,
    State,
    Volume,
)
from core.verbs.backup.checkpoints import CheckpointCreate
from core.verbs.backup.pull_request import BackupPull
from core.verbs.backup.request import Backup
from core.verbs.block.copy import BlockCopy
from core.verbs.block.image import ImageMake
from core.verbs.block.swap import VolumeSwap
from core.verbs.checks import check
from core.verbs.cloning import Clone
from core.verbs.create.from_image import CreateFromImage
from core.verbs.snapshot.create import SnapshotCreate
from core.verbs.volume_cloning import CloneVolume

HOST = Host("alpha", "qemu:///system", Link(LinkStatus.UP, 0.0))
POOL = Pool("alpha", "u-pool", "default", "dir", PoolState.ACTIVE, "/pool", available=1 << 40)
SECRET = DiskSource("file", "/pool/secret.qcow2", format="qcow2")


def state(*, encrypted: bool, on: bool = True) -> State:
    disk = Disk("vda", source=SECRET, encrypted=encrypted)
    how = InstanceState.RUNNING if on else InstanceState.SHUTOFF
    web = Instance("alpha", "u-web", "web", how, disks=(disk,), id=7 if on else None)
    volume = Volume(
        *("alpha", "u-pool", "default", "golden", "/pool/golden", "file", "raw", 1 << 30),
        encrypted=encrypted,
    )
    return State(
        hosts={"alpha": HOST},
        instances={web.key: web},
        pools={POOL.key: POOL},
        volumes={volume.key: volume},
    )


WEB = next(iter(state(encrypted=True).instances))
GOLDEN = next(iter(state(encrypted=True).volumes))
CLEAR = "its copy would be in clear"


@pytest.mark.parametrize(
    ("request_", "on", "words"),
    [
        (VolumeSwap(WEB, "vda", "default/x"), True, CLEAR),
        (BlockCopy(WEB, "vda", "default/x"), True, CLEAR),
        (ImageMake(WEB, "default/x"), True, CLEAR),
        (ImageMake(WEB, "default/x", disk="vda"), False, CLEAR),
        (Backup(WEB, "default"), True, CLEAR),
        (BackupPull(WEB, "/backups"), True, CLEAR),
        (Clone(WEB, "web2"), False, CLEAR),
        (SnapshotCreate(WEB, "s", "external"), True, "after it would be in clear"),
        (CloneVolume(GOLDEN, "copy"), True, "its copy by libvirt would be in clear"),
        (
            CreateFromImage(HOST.key, "db", pool="default", image="default/golden"),
            True,
            "its copy by libvirt would be in clear",
        ),
    ],
    ids=lambda value: value.verb if isinstance(value, Request) else "",
)
def test_no_copy_in_clear_is_made_of_what_is_encrypted(request_: Any, on: bool, words: str) -> None:
    def told(encrypted: bool) -> list[str]:
        return [str(one) for one in check(state(encrypted=encrypted, on=on), request_)]

    assert any(words in one for one in told(True)), told(True)
    assert not any(words in one for one in told(False))


def test_a_checkpoint_and_an_internal_snapshot_copy_nothing() -> None:
    for request in (CheckpointCreate(WEB, name="c"), SnapshotCreate(WEB, "s", "internal")):
        assert "in clear" not in str(check(state(encrypted=True), request))
