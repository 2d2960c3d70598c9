"""The preflight of a container (LXC): it names the product that runs it, and never QEMU."""

from __future__ import annotations

from typing import Any

from core.model import Level
from tests.unit.preflight_builders import destination, facts, judged, source

XML = """\
<domain type='lxc' id='2'>
  <name>db</name>
  <uuid>10a99c6d-bf79-4392-8418-5fbabaff9f50</uuid>
  <memory unit='GiB'>1</memory>
  <vcpu>1</vcpu>
  <os><type arch='x86_64'>exe</type><init>/sbin/init</init></os>
  <devices>
    <emulator>/usr/lib/libvirt/libvirt_lxc</emulator>
    <filesystem type='mount'><source dir='/containers/db'/><target dir='/'/></filesystem>
    <console type='pty'/>
  </devices>
</domain>
"""
OWN_VERSION = 2
"""0.0.2: what the driver of containers counts, where others tell their hypervisor's version."""


def found(**there: Any) -> dict[str, Any]:
    return judged(
        seen=facts(
            source(XML, qemu=OWN_VERSION),
            destination(**{"guest_types": ("lxc x86_64",), "qemu": OWN_VERSION, **there}),
        )
    )


def test_its_root_is_a_file_system_of_the_host_and_nothing_shared_by_9p() -> None:
    finding = found()["file-system"]
    assert finding.level is Level.BLOCKER
    assert finding.text == "Its file system at / is on alpha: no container's moves with it."
    assert finding.cure == "Copy it there and define the container anew."


def test_what_is_missing_there_is_lxc() -> None:
    findings = found(guest_types=("kvm x86_64",), emulator_known=False)
    assert findings["guest-type"].cure == "Install LXC for x86_64 there."
    assert findings["emulator"].cure == "Install LXC there at the same path."


def test_its_version_is_that_of_lxc() -> None:
    assert found()["version-qemu"].text == "LXC 0.0.2 there, 0.0.2 here."
    assert "beta has LXC 0.0.1, older than 0.0.2" in found(qemu=1)["version-qemu"].text


def test_no_finding_names_qemu_or_9p() -> None:
    for finding in found(qemu=None, emulator_known=False, guest_types=()).values():
        told = f"{finding.text} {finding.cure}"
        assert "QEMU" not in told
        assert "9p" not in told
