"""A definition as it is edited: nothing is lost, and no secret is in it."""

from __future__ import annotations

from pathlib import Path

import pytest
from lxml import etree

from core.errors import XmlError
from core.xml.definition.document import editable, secrets_in, whole, withheld

DATA = Path(__file__).parents[3] / "data" / "xml"
DOMAINS = [
    path for path in sorted(DATA.glob("*.xml")) if path.read_text().lstrip().startswith("<domain ")
]
SECRETS = ("hunter2", "topsecret")
VNC = "<domain><name>a</name><devices>{}</devices></domain>"
ONE = VNC.format("<graphics type='vnc' passwd='old'/><graphics type='spice' passwd='other'/>")


def canonical(xml: str) -> bytes:
    return bytes(etree.tostring(etree.fromstring(xml.encode()), method="c14n"))


def test_there_is_something_to_read() -> None:
    assert len(DOMAINS) > 5


@pytest.mark.parametrize("path", DOMAINS, ids=lambda path: path.stem)
def test_what_was_not_changed_is_defined_as_it_was(path: Path) -> None:
    xml = path.read_text()
    text = editable(xml)
    assert not any(secret in text for secret in SECRETS)
    assert withheld(text) == (text, ())
    assert canonical(whole(text, xml, ())) == canonical(xml)
    assert editable(whole(text, xml, ())) == text


def test_a_secret_that_is_kept_comes_back_and_one_that_is_typed_goes_beside() -> None:
    text = editable(ONE)
    assert secrets_in(ONE) == ("other", "old")
    asked, given = withheld(text.replace('type="vnc" passwd="***"', 'type="vnc" passwd="new"'))
    assert given == ("new",)
    assert "new" not in asked
    xml = etree.fromstring(whole(asked, ONE, given))
    assert xml.xpath("//@passwd") == ["new", "other"]


def test_a_secret_keeps_its_device_when_those_before_it_go() -> None:
    text = editable(ONE).replace('<graphics type="vnc" passwd="***"/>', "")
    assert etree.fromstring(whole(text, ONE, ())).xpath("//@passwd") == ["other"]


def test_a_secret_that_nothing_is_kept_for_is_named() -> None:
    text = editable(ONE).replace('type="spice"', 'type="rdp"')
    with pytest.raises(XmlError, match=r"The secret of graphics rdp passwd is \*\*\*, and none"):
        whole(text, ONE, ())
    with pytest.raises(XmlError, match="none is kept"):  # of a console that is gone
        whole(editable(ONE).replace('"***"', '"***0"'), ONE, ())


def test_the_arguments_of_a_hypervisor_keep_what_stands_around_their_secrets() -> None:
    xml = (
        "<domain xmlns:q='http://libvirt.org/schemas/domain/qemu/1.0'><q:commandline>"
        "<q:arg value='-object'/><q:arg value='secret,id=s,data=abc'/>"
        "<q:env name='MY_TOKEN' value='t'/><q:env name='PLAIN' value='p'/>"
        "</q:commandline></domain>"
    )
    text = editable(xml)
    assert 'value="secret,id=s,data=***"' in text
    assert 'name="MY_TOKEN" value="***"' in text
    assert 'name="PLAIN" value="p"' in text
    assert canonical(whole(text, xml, ())) == canonical(xml)
    asked, given = withheld(text.replace("data=***", "data=def"))
    assert given == ("secret,id=s,data=def",)
    assert "data=def" in whole(asked, xml, given)
    with pytest.raises(XmlError, match="commandline arg"):
        whole(text.replace("id=s,data=***", "id=t,data=***"), xml, ())


def test_a_sign_that_no_editor_shows_is_written_by_its_number() -> None:
    xml = "<domain><title>a\u202eb\u200bc</title><metadata>caf\u00e9</metadata></domain>"
    text = editable(xml)
    assert "a&#x202e;b&#x200b;c" in text
    assert "caf\u00e9" in text
    assert canonical(whole(text, xml, ())) == canonical(xml)


def test_comments_and_blanks_inside_stay() -> None:
    xml = "<domain>\n <metadata><a:b xmlns:a='urn:x'> x <!-- y --> </a:b></metadata>\n\n</domain>"
    assert canonical(editable(xml)) == canonical(xml)
    assert "<!-- y -->" in editable(xml)


@pytest.mark.parametrize("text", ["", "<domain>", "<a/>", "<!DOCTYPE a []><domain/>"])
def test_what_is_no_definition_is_refused(text: str) -> None:
    with pytest.raises(XmlError):
        withheld(text)
