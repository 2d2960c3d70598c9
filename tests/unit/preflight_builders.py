"""A migration against which nothing speaks, to be spoiled in one place by each test."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import msgspec

from core.migration.preflight.facts import (
    CpuComparison,
    DestinationFacts,
    Facts,
    FreePages,
    PathFacts,
    SourceFacts,
)
from core.migration.preflight.judge import judge
from core.migration.preflight.machine import Machine
from core.model import (
    Finding,
    Host,
    Instance,
    InstanceState,
    Level,
    Link,
    LinkStatus,
    Network,
    ObjectKey,
    Pool,
    PoolState,
    State,
    Volume,
)
from core.verbs.migration.requests import Migrate
from core.xml.domain_capabilities import DomainCapabilities
from core.xml.needs import read_needs

GIB = 1 << 30
UUID = "10a99c6d-bf79-4392-8418-5fbabaff9f50"
KEY = ObjectKey("instance", "alpha", UUID)
DISK = "/nfs/db.qcow2"
BASE = "/nfs/base.qcow2"
XML = """\
<domain type='kvm' id='2'>
  <name>db</name>
  <uuid>10a99c6d-bf79-4392-8418-5fbabaff9f50</uuid>
  <memory unit='GiB'>4</memory>
  <vcpu>2</vcpu>
  <os><type arch='x86_64' machine='pc-q35-7.2'>hvm</type></os>
  <cpu mode='custom' match='exact' check='full'><model>EPYC</model></cpu>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <disk type='file' device='disk'>
      <driver name='qemu' type='qcow2' cache='none'/>
      <source file='/nfs/db.qcow2'/>
      <backingStore type='file'><format type='qcow2'/><source file='/nfs/base.qcow2'/>
        <backingStore/>
      </backingStore>
      <target dev='vda' bus='virtio'/>
    </disk>
    <interface type='network'>
      <mac address='52:54:00:00:00:01'/><source network='default'/>
    </interface>
    <channel type='unix'>
      <target type='virtio' name='org.qemu.guest_agent.0' state='connected'/>
    </channel>
    EXTRA
  </devices>
  OUTSIDE
</domain>
"""


def xml_of(devices: str = "", outside: str = "", **replaced: str) -> str:
    """The XML with more devices and more beside them; `OLD=NEW` pairs come as a mapping."""
    text = XML.replace("EXTRA", devices).replace("OUTSIDE", outside)
    for old, new in replaced.items():
        text = text.replace(old, new)
    return text


def pool(host: str, **fields: Any) -> Pool:
    given = {
        "host": host, "uuid": f"{host}-nfs", "name": "nfs", "type": "netfs", "path": "/nfs",
        "state": PoolState.ACTIVE, "capacity": 100 * GIB, "available": 60 * GIB,
    }  # fmt: skip
    return Pool(**{**given, **fields})


def volume(host: str, path: str = DISK, **fields: Any) -> Volume:
    given = {"capacity": 20 * GIB, "allocation": 3 * GIB, "format": "qcow2"}
    name = path.rpartition("/")[2]
    return Volume(host, f"{host}-nfs", "nfs", name, path, **{**given, **fields})


def path_facts(host: str, path: str = DISK, **fields: Any) -> PathFacts:
    given = {"exists": True, "volume": volume(host, path), "pool": pool(host)}
    return PathFacts(path, **{**given, **fields})


def source(
    xml: str = "", *, hostname: str = "alpha", local: bool = False, **fields: Any
) -> SourceFacts:
    text = xml or xml_of()
    given = {
        "needs": read_needs(text), "xml": text, "inactive_xml": text, "active": True,
        "persistent": True, "autostart": False, "managed_save": False, "snapshots": 0,
        "checkpoints": 0, "job": "", "host_uuid": "uuid-a",
        "machine": Machine(hostname, local=local), "libvirt": 10_006_000, "qemu": 9_000_000,
        "paths": (path_facts("alpha"), path_facts("alpha", BASE)),
    }  # fmt: skip
    return SourceFacts("alpha", **{**given, **fields})


def destination(*, hostname: str = "beta", local: bool = False, **fields: Any) -> DestinationFacts:
    given = {
        "host_uuid": "uuid-b", "machine": Machine(hostname, local=local),
        "libvirt": 10_006_000, "qemu": 9_000_000,
        "twins": (), "refusal": "",
        "guest_types": ("kvm x86_64", "qemu x86_64"), "transports": ("tcp", "rdma"),
        "abilities": DomainCapabilities(
            vcpus_maximum=288, loaders=("/usr/share/OVMF/OVMF_CODE.fd",), secure_boot=True,
            tpm_backends=("passthrough", "emulator"), memory_sources=("anonymous", "memfd", "file"),
            disk_buses=("virtio", "sata", "scsi"), video=("vga", "virtio"),
        ),
        "machine_known": True, "emulator_known": True, "cpu": CpuComparison(True),
        "memory_total": 64 * GIB, "memory_free": 32 * GIB,
        "pages": (FreePages(0, 4096, 1_000_000), FreePages(0, 2 << 20, 4096)),
        "cells": (0, 1), "cpus": 16, "pools": (pool("beta"),),
        "networks": (Network("beta", "n1", "default", True, bridge="virbr0"),),
        "links": ("eth0", "br0"), "devices": ("pci_0000_06_00_0",), "usb": ("0x1234:0x5678",),
        "secrets": ("5eced000-0000-0000-0000-000000000001",),
        "paths": (path_facts("beta"), path_facts("beta", BASE)),
    }  # fmt: skip
    return DestinationFacts("beta", **{**given, **fields})


def facts(
    here: SourceFacts | None = None, there: DestinationFacts | None = None, **fields: Any
) -> Facts:
    given = {"source": here or source(), "destination": there or destination()}
    given["destination_uri"] = "qemu+ssh://root@beta/system"  # type: ignore[assignment]
    return Facts(**{**given, **fields})  # type: ignore[arg-type]


def state(**fields: Any) -> State:
    up = Link(LinkStatus.UP)
    hosts = {name: Host(name, f"qemu+ssh://{name}/system", up) for name in ("alpha", "beta")}
    running = Instance("alpha", UUID, "db", InstanceState.RUNNING)
    return replace(State(hosts=hosts, instances={KEY: running}), **fields)


def request(**fields: Any) -> Migrate:
    return Migrate(KEY, **{"to": "beta", **fields})


def judged(
    asked: Migrate | None = None, seen: Facts | None = None, now: State | None = None
) -> dict[str, Finding]:
    """The findings by their ids."""
    found = judge(asked or request(), seen or facts(), now or state(), 0.0)
    by_id = {each.id: each for each in found}
    assert len(by_id) == len(found), "two findings have one id"
    return by_id


def at(found: dict[str, Finding], level: Level) -> set[str]:
    return {name for name, each in found.items() if each.level is level}


def here(**fields: Any) -> Callable[[], Facts]:
    return lambda: facts(source(**fields))


def there(**fields: Any) -> Callable[[], Facts]:
    return lambda: facts(there=destination(**fields))


def spoiled(value: Any, **fields: Any) -> Any:
    return msgspec.structs.replace(value, **fields)
