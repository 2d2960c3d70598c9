"""Rewritten instances arrive: libvirt compares what the guest sees at both ends, and refuses."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from lxml import etree

from core.errors import LabError
from core.lab import Lab, LabHost
from tests.driver.command import Virtdeck

DOMAIN = """<domain type='qemu'><name>{name}</name><memory unit='KiB'>65528</memory><vcpu>1</vcpu>
<os><type arch='x86_64' machine='pc-q35-7.2'>hvm</type></os>
<cpu mode='custom' match='exact'><model fallback='forbid'>qemu64</model></cpu>
<devices><emulator>{root}/image/qemu-system-x86_64</emulator>{device}<memballoon model='none'/>
</devices></domain>"""
DISK = """<disk type='file' device='disk' {attributes}>
<driver name='qemu' type='raw' cache='none' {driver}/><source file='{root}/shared/{name}.raw'/>
<target dev='{target}' bus='{bus}' {rotation}/>{more}<serial>S1</serial></disk>"""
NEW_DISK = '''[[volumes]]
serial = "S1"
xml = """
<disk type='file'><driver name='qemu' type='raw' cache='none'/><source file='{file}'/></disk>"""
'''
INTERFACE = """<interface type='user'><mac address='52:54:00:00:00:71'/><model type='virtio'/>
<driver packed='on' queues='1' rx_queue_size='512'/><link state='down'/></interface>"""
NEW_INTERFACE = """[[interfaces]]
mac = "52:54:00:00:00:71"
xml = "<interface type='user'/>"
"""


def disk(**parts: str) -> str:
    blank = dict.fromkeys(("attributes", "driver", "rotation", "more"), "")
    filled = blank | {"target": "vda", "bus": "virtio", "root": "{root}", "name": "{name}"} | parts
    return DISK.format(**filled)


@pytest.mark.parametrize(
    ("device", "rewrites", "kept"),
    [
        (disk(driver="queues='2'"), NEW_DISK, ("disk/driver", "queues", "2")),
        (disk(driver="queue_size='256'"), NEW_DISK, ("disk/driver", "queue_size", "256")),
        (disk(driver="packed='on'"), NEW_DISK, ("disk/driver", "packed", "on")),
        (disk(driver="page_per_vq='on'"), NEW_DISK, ("disk/driver", "page_per_vq", "on")),
        (
            disk(attributes="model='virtio-non-transitional'"),
            NEW_DISK,
            ("disk", "model", "virtio-non-transitional"),
        ),
        (
            disk(target="sda", bus="sata", rotation="rotation_rate='7200'"),
            NEW_DISK,
            ("disk/target", "rotation_rate", "7200"),
        ),
        (
            disk(more="<blockio logical_block_size='512' physical_block_size='4096'/>"),
            NEW_DISK,
            ("disk/blockio", "physical_block_size", "4096"),
        ),
        (INTERFACE, NEW_INTERFACE, ("interface/link", "state", "down")),
    ],
    ids=["queues", "queue-size", "packed", "pages", "model", "rotation", "blocks", "interface"],
)
def test_a_rewritten_device_stays_the_guests(
    device: str,
    rewrites: str,
    kept: tuple[str, str, str],
    lab: Lab,
    alpha: LabHost,
    beta: LabHost,
    uris: dict[str, str],
    virsh: Callable[..., str],
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    name = f"rewritten-{request.node.callspec.id}"
    file = lab.root / "shared" / f"{name}.raw"
    filled = device.replace("{root}", str(lab.root)).replace("{name}", name)
    xml = tmp_path / "domain.xml"
    xml.write_text(DOMAIN.format(name=name, root=lab.root, device=filled))
    toml = tmp_path / "rewrites.toml"
    toml.write_text(rewrites.format(file=file))

    def remove() -> None:
        for host in (alpha, beta):
            for verb in ("destroy", "undefine"):
                with suppress(LabError):
                    host.virsh(verb, name)
        alpha.virsh("vol-delete", "--pool", "shared", f"{name}.raw")

    request.addfinalizer(remove)
    virsh("alpha", "vol-create-as", "shared", f"{name}.raw", "1M", "--format", "raw")
    virsh("alpha", "define", str(xml))
    virsh("alpha", "start", name)
    hosts = [word for host, uri in uris.items() for word in ("-c", f"{host}={uri}")]
    moved = Virtdeck(tmp_path)(
        *hosts, "migrate", name, "--to", "beta", "--yes", "--unsafe", "--rewrite", toml
    )
    assert moved.status == 0, moved.out + moved.err
    assert virsh("beta", "domstate", name) == "running"
    path, attribute, value = kept
    for flags in ((), ("--inactive",)):
        found = etree.fromstring(virsh("beta", "dumpxml", *flags, name)).find(f"devices/{path}")
        assert found is not None
        assert found.get(attribute) == value
