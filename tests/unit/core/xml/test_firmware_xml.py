from __future__ import annotations

import pytest

from core.errors import XmlError
from core.xml.definition.firmware import (
    nvram_for,
    nvram_in_command,
    nvram_in_definition,
    nvram_is_named_by,
    with_nvram,
    without_devices,
)

CODE = '{"driver":"file","filename":"/usr/share/CODE.fd","node-name":"libvirt-pflash0-storage"}'
FORMAT = '{"node-name":"libvirt-pflash0-format","read-only":true,"file":"libvirt-pflash0-storage"}'
VARS = '{"driver":"file","filename":"/nvram/a name_VARS.fd","node-name":"libvirt-pflash1-storage"}'
COMMAND = f"""LC_ALL=C /usr/bin/qemu-system-x86_64 -name guest=fw,debug-threads=on -S \\
-blockdev '{CODE}' \\
-blockdev '{FORMAT}' \\
-blockdev '{VARS}' \\
-machine pc-q35-7.2"""
"""As libvirt 9.0 writes it, but for what is left out."""
DEFINITION = """<domain type='kvm'>
  <name>fw</name>
  <os>
    <loader readonly='yes' type='pflash'>/usr/share/OVMF/OVMF_CODE.fd</loader>
    <nvram template='/usr/share/OVMF/OVMF_VARS.fd'>/nvram/fw_VARS.fd</nvram>
  </os>
</domain>
"""


def test_the_file_is_read_from_the_definition_or_the_command_line() -> None:
    assert nvram_in_definition(DEFINITION) == "/nvram/fw_VARS.fd"
    assert nvram_in_definition("<domain><os firmware='efi'/></domain>") == ""
    assert nvram_in_command(COMMAND) == "/nvram/a name_VARS.fd"
    assert nvram_in_command("-blockdev '{broken}' -machine pc") == ""
    with pytest.raises(XmlError):
        nvram_in_definition("<network/>")


@pytest.mark.parametrize(
    ("path", "own", "other"),
    [
        ("/nvram/web_VARS.fd", True, "/nvram/db_VARS.fd"),
        ("/nvram/web_VARS.qcow2", True, "/nvram/db_VARS.qcow2"),
        ("/nvram/web2_VARS.fd", False, "/nvram/db_VARS.fd"),
        ("/my/own.fd", False, "/my/db_VARS.fd"),
    ],
)
def test_the_file_of_another_name(path: str, own: bool, other: str) -> None:
    assert nvram_is_named_by(path, "web") is own
    assert nvram_for("db", path, "web") == other


def test_the_command_line_is_asked_for_without_devices() -> None:
    devices = "<devices><emulator>/q</emulator><interface type='user'/><disk/></devices>"
    asked = without_devices(f"<domain><os firmware='efi'/>{devices}</domain>")
    assert "<emulator>/q</emulator>" in asked
    assert "interface" not in asked
    assert "<disk" not in asked


def test_only_a_file_that_is_named_is_named_anew() -> None:
    named = with_nvram(DEFINITION, "/nvram/other_VARS.fd")
    assert nvram_in_definition(named) == "/nvram/other_VARS.fd"
    assert "template='/usr/share/OVMF/OVMF_VARS.fd'" in named.replace('"', "'")
    chosen = "<domain>\n  <os firmware='efi'/>\n</domain>"
    assert nvram_in_definition(with_nvram(chosen, "/nvram/other_VARS.fd")) == ""
