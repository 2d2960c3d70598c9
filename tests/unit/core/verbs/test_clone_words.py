"""What is said of a clone: what it shares with its original, and has not of it."""

from __future__ import annotations

from core.model import (
    Device,
    Disk,
    DiskSource,
    Host,
    Instance,
    InstanceState,
    Link,
    LinkStatus,
    State,
)
from core.verbs.cloning import CLONE, Clone
from core.verbs.danger import danger

UUID = "0f9b2c1e-0000-4000-8000-000000000001"
SEED = Disk("sda", device="cdrom", source=DiskSource("file", f"/pool/web-seed-{UUID[:8]}.iso"))
ISO = Disk("sda", device="cdrom", source=DiskSource("file", "/pool/installer.iso"))


def asked(**changes: object) -> str:
    web = Instance("alpha", UUID, "web", **{"state": InstanceState.SHUTOFF, **changes})
    hosts = {"alpha": Host("alpha", "qemu:///system", link=Link(LinkStatus.UP))}
    state = State(hosts=hosts, instances={web.key: web})
    return danger(state, Clone(web.key, "web2")).text


def test_a_seed_that_is_shared_is_told() -> None:
    told = asked(disks=(SEED,))
    assert (
        "It has the cloud-init seed of web, so a guest that was set up is not set up again" in told
    )
    assert "give web2 its host name" in told


def test_a_tpm_whose_state_stays_is_told() -> None:
    assert "The state of the TPM of web is not copied" in asked(devices=(Device("tpm"),))
    of_host = Device("tpm", "tpm-crb passthrough /dev/tpm0")
    assert "TPM" not in asked(devices=(of_host,))


def test_of_others_nothing_is_told() -> None:
    told = asked(disks=(ISO,), devices=(Device("rng"),))
    assert "seed" not in told
    assert "TPM" not in told
    assert CLONE.risk.after is not None
