"""The XML of an instance that a person wrote: read, completed, without its passwords and with."""

from __future__ import annotations

import pytest

from core.errors import XmlError
from core.xml.authored import Authored, completed, for_trial, read_authored, with_passwords

UUID = "0a7bd1a4-8a0e-4ad4-9d3f-3a7b2c6f9a10"
XML = """<?xml version='1.0' encoding='utf-16'?>
<!-- the web server -->
<domain type='kvm'>
  <name>web</name>
  <devices>
    <disk><source file='/images/web.qcow2'/></disk>
    <disk><source pool='default' volume='data'/></disk>
    <interface type='network'/>
    <graphics type='vnc' passwd='s3cret'/>
  </devices>
</domain>
"""


def test_it_says_what_it_is_called_and_where_its_disks_are():
    assert read_authored(XML) == Authored("web", "", ("/images/web.qcow2", "default/data"))
    named = XML.replace("</name>", f"</name><uuid>{UUID.upper()}</uuid>")
    assert read_authored(named).uuid == UUID


@pytest.mark.parametrize(
    ("xml", "told"),
    [
        (XML.replace("</devices>", ""), "not well-formed in line 11: .*devices line 5 and domain"),
        (XML.replace("<disk>", "<disk", 1), "not well-formed in line 6"),
        ("", "not well-formed: it is empty|not well-formed: Document is empty"),
        ("<network/>", "is a <network>, not a <domain>"),
        (XML.replace("</name>", "</name><uuid>nothing</uuid>"), "Its UUID 'nothing' is none"),
        ("<!DOCTYPE domain [<!ENTITY a 'b'>]><domain/>", "has a document type"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(xml: str, told: str):
    with pytest.raises(XmlError, match=told) as caught:
        read_authored(xml)
    assert caught.value.hint


def test_it_is_given_a_uuid_and_loses_its_passwords():
    xml, passwords = completed(XML, UUID)
    assert passwords == ("s3cret",)
    assert "s3cret" not in xml
    assert read_authored(xml).uuid == UUID
    assert xml.index("<name>") < xml.index("<uuid>") < xml.index("<devices>")
    assert 'passwd="s3cret"' in with_passwords(xml, passwords)
    assert with_passwords(xml, ()) == xml


def test_a_uuid_that_it_has_is_replaced_not_doubled():
    xml, _ = completed(XML.replace("</name>", "</name><uuid>x</uuid>"), UUID)
    assert xml.count("<uuid>") == 1
    assert UUID in xml


def test_a_trial_has_another_name_and_no_device_that_libvirt_would_touch():
    xml = for_trial(XML, ("interface",), "virtdeck/trial")
    assert "<interface" not in xml
    assert "<disk>" in xml
    assert read_authored(xml).name == "virtdeck/trial"
