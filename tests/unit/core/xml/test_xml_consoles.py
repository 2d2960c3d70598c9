"""What an instance has to look at and type into."""

from __future__ import annotations

import pytest

from core.errors import NotFoundError, UnsupportedError, XmlError
from core.fleet_consoles import chosen
from core.model.console import Console, Consoles, Display
from core.xml.consoles import read_consoles

LIVE = """<domain type='kvm' id='3'><devices>
<serial type='pty'><source path='/dev/pts/4'/><log file='/var/log/web.log' append='on'/>
  <target type='isa-serial' port='0'/><alias name='serial0'/></serial>
<serial type='file'><source path='/var/log/second.log'/><target type='isa-serial' port='1'/>
  <alias name='serial1'/></serial>
<console type='pty' tty='/dev/pts/4'><source path='/dev/pts/4'/>
  <target type='serial' port='0'/><alias name='serial0'/></console>
<console type='pty'><source path='/dev/pts/5'/><target type='virtio' port='1'/>
  <alias name='console1'/></console>
<graphics type='vnc' port='5901' autoport='yes' listen='127.0.0.1' passwd='s3cret'>
  <listen type='address' address='127.0.0.1'/></graphics>
<graphics type='spice' port='-1' tlsPort='5902'><listen type='address' address='::'/></graphics>
<graphics type='vnc'><listen type='socket' socket='/run/a b.sock'/></graphics>
<video><model type='virtio'/></video>
</devices></domain>"""


def test_every_console_once_with_its_file() -> None:
    found = read_consoles(LIVE, running=True)
    assert found.running
    assert [(each.alias, each.source, each.record) for each in found.consoles] == [
        ("serial0", "pty", "/var/log/web.log"),
        ("serial1", "file", "/var/log/second.log"),
        ("console1", "pty", ""),
    ]
    assert [each.talks for each in found.consoles] == [True, False, True]
    assert found.displays == (
        Display("vnc", "127.0.0.1", 5901),
        Display("spice", "::", None, 5902),
        Display("vnc", socket="/run/a b.sock"),
    )
    assert found.screens
    assert "s3cret" not in repr(found)


def test_an_instance_that_is_off_has_no_aliases_and_its_port_is_still_told_once() -> None:
    xml = """<domain><devices><serial type='pty'><target port='0'/></serial>
    <console type='pty'><target type='serial' port='0'/></console>
    <video><model type='none'/></video></devices></domain>"""
    found = read_consoles(xml, running=False)
    assert [each.label for each in found.consoles] == ["serial 0"]
    assert not found.screens


def test_hostile_names_are_cleaned_and_other_xml_is_refused() -> None:
    xml = """<domain><devices><serial type='pty'><log file='/a&#9;b'/>
    <alias name='se&#x202e;rial'/></serial></devices></domain>"""
    (console,) = read_consoles(xml, running=True).consoles
    assert console.alias.isprintable()
    assert console.log.isprintable()
    with pytest.raises(XmlError):
        read_consoles("<network/>", running=True)
    assert read_consoles("<domain/>", running=True) == Consoles(True)


def test_which_console_is_opened_and_why_one_is_not() -> None:
    found = read_consoles(LIVE, running=True)
    assert chosen(found, "").alias == "serial0"
    assert chosen(found, "console1").alias == "console1"
    with pytest.raises(NotFoundError, match="There are: serial0, serial1, console1"):
        chosen(found, "serial9")
    with pytest.raises(UnsupportedError, match=r"type 'file'.*/var/log/second\.log"):
        chosen(found, "serial1")
    with pytest.raises(NotFoundError, match="Give it a serial port"):
        chosen(Consoles(True), "")
    with pytest.raises(UnsupportedError, match="Start it"):
        chosen(Consoles(False, (Console("", "serial", "pty"),)), "")
