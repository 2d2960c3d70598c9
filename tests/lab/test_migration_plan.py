"""A plan's virsh line does what the plan says: it is run as it is printed, on two real hosts."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lxml import etree
from msgspec.structs import replace

from core.lab import LabHost, Wanted
from core.migration.plan.plan import Plan, describe_destination, plan
from core.migration.preflight.machine import Machine
from core.model import InstanceState
from core.model.rewrites import NumaPinning, Pin, Rewrites
from core.verbs.migration.requests import Migrate
from core.xml import read_instance
from tests.patience import PATIENCE

Guest = Callable[..., str]
HERE = Machine("box", local=True)


def planned(virsh: Callable[..., str], uris: dict[str, str], name: str, **options: Any) -> Plan:
    state = InstanceState.SHUTOFF if options.get("offline") else InstanceState.RUNNING
    xml = virsh("alpha", "dumpxml", "--migratable", "--security-info", name)
    instance = replace(read_instance(xml, "alpha"), state=state)
    return plan(
        Migrate(instance.key, to="beta", policy="manual", **options),
        xml=xml,
        inactive_xml=virsh("alpha", "dumpxml", "--inactive", "--security-info", name),
        instance=instance,
        destination=describe_destination("beta", uris["beta"], HERE, HERE),
        source_uri=uris["alpha"],
    )


def run(made: Plan, directory: Path) -> None:
    """Write the XML where the line looks for it, and run the line in a shell."""
    words = shlex.split(made.virsh)
    for option, name in (("--xml", "destination_xml"), ("--persistent-xml", "persistent_xml")):
        (directory / words[words.index(option) + 1]).write_text(str(made.parameters[name]))
    done = subprocess.run(
        made.virsh, shell=True, cwd=directory, capture_output=True, text=True, timeout=60 * PATIENCE
    )
    assert done.returncode == 0, done.stderr


def told(virsh: Callable[..., str], name: str, *flags: str) -> etree._Element:
    return etree.fromstring(virsh("beta", "dumpxml", *flags, name))


def test_the_line_moves_renames_and_rewrites(
    guest: Guest,
    virsh: Callable[..., str],
    uris: dict[str, str],
    tmp_path: Path,
    beta: LabHost,
    request: pytest.FixtureRequest,
) -> None:
    name, there = guest("alpha", "plan-moved"), "plan renamed"
    made = planned(
        virsh,
        uris,
        name,
        destination_name=there,
        bandwidth=200,
        rewrites=Rewrites(cpuset="0", numa=NumaPinning(vcpus=(Pin(1, "0"),))),
    )

    def gone() -> None:
        if there in beta.instances():
            beta.virsh("destroy", there)
            beta.virsh("undefine", there)

    request.addfinalizer(gone)
    run(made, tmp_path)
    assert virsh("beta", "domstate", there) == "running"
    assert name not in virsh("alpha", "list", "--all", "--name").split("\n")
    for flags in ((), ("--inactive",)):
        xml = told(virsh, there, *flags)
        assert xml.findtext("name") == there
        assert xml.find("vcpu").get("cpuset") == "0"
        assert xml.find("cputune/vcpupin[@vcpu='1']").get("cpuset") == "0"


def test_the_line_moves_a_definition(
    guest: Guest, virsh: Callable[..., str], uris: dict[str, str], tmp_path: Path
) -> None:
    name = guest("alpha", "plan-offline", wanted=Wanted.SHUT_OFF)
    run(planned(virsh, uris, name, offline=True, rewrites=Rewrites(cpuset="0")), tmp_path)
    assert virsh("beta", "domstate", name) == "shut off"
    assert told(virsh, name).find("vcpu").get("cpuset") == "0"
    assert name not in virsh("alpha", "list", "--all", "--name").split("\n")
