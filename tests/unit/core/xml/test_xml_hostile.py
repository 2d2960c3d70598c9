"""XML as an attacker writes it: refused with XmlError, or read into clean values; nothing else."""

from __future__ import annotations

import unicodedata

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from core.errors import UsageError, VirtdeckError, XmlError
from core.model import Instance
from core.model.rewrites import Move, Rewrites
from core.xml import (
    format_xml,
    read_capabilities,
    read_instance,
    read_network,
    read_pool,
    read_snapshot,
    read_volume,
)
from core.xml.domain_capabilities import read_domain_capabilities
from core.xml.needs import read_needs
from core.xml.rewrite import abi_differences, rewrite
from core.xml.tree import number
from tests.places import DATA_DIRECTORY

DATA = DATA_DIRECTORY / "xml"
READERS = (
    read_instance,
    read_pool,
    lambda xml: read_volume(xml, "alpha", "p", "pool"),
    read_network,
    read_snapshot,
    read_capabilities,
    format_xml,
)
FIXTURES = [path.read_text() for path in sorted(DATA.glob("*.xml"))]

BILLION_LAUGHS = """<?xml version="1.0"?><!DOCTYPE d [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>
<domain><name>&b;</name></domain>"""
EXTERNAL = '<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]><domain><name>&x;</name></domain>'
PARAMETER = '<!DOCTYPE d [<!ENTITY % x SYSTEM "http://127.0.0.1:1/"> %x;]><domain/>'


@pytest.mark.parametrize(
    "xml",
    [
        BILLION_LAUGHS,
        EXTERNAL,
        PARAMETER,
        "<!DOCTYPE domain><domain/>",
        "<!-- a --><?p i?>\n<!-- <b> --><!DOCTYPE domain><domain/>",
        "\ufeff<!DOCTYPE domain><domain/>",
        "<domain>&undefined;</domain>",
        "",
        "   ",
        "\0",
        "<domain>",
        "<domain></domain><domain/>",
        "<domain/>\ud800",
        "<domain xmlns:a='b' a:c='1' a:c='2'/>",
        "<a>" * 100_000,
        "<capabilities2/>",
    ],
)
def test_refused_with_a_sentence(xml):
    with pytest.raises(XmlError) as caught:
        read_instance(xml)
    assert isinstance(caught.value, VirtdeckError)
    assert caught.value.message.startswith("The XML ")
    assert caught.value.message.endswith(".")
    assert len(caught.value.message) < 300
    assert caught.value.hint


def test_another_document_says_which():
    with pytest.raises(XmlError, match="is a <pool>, not a <domain>"):
        read_instance("<pool/>")


def test_an_encoding_declaration_is_only_a_word():
    xml = "<?xml version='1.0' encoding='ISO-8859-1'?><domain><name>Zürich</name></domain>"
    assert read_instance(xml).name == "Zürich"


def test_a_long_prolog_of_comments_is_read_in_linear_time():
    assert read_instance("<!-- x -->" * 20_000 + "<domain/>").name == ""


def test_a_document_type_inside_a_comment_is_only_text():
    assert read_instance("<domain><!-- <!DOCTYPE x> --><name>a</name></domain>").name == "a"


def _texts(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)


def _check(xml):
    for reader in READERS:
        try:
            found = reader(xml)
        except XmlError:
            continue
        built = msgspec.to_builtins(found)
        for text in _texts(built):
            bad = {c for c in text if unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp")}
            assert bad <= {"\n", "\t"}, repr(text)
        if isinstance(found, Instance):
            packed = msgspec.json.encode(found)
            assert msgspec.json.decode(packed, type=Instance) == found


@given(st.text())
@example("<domain/>")
def test_any_text(xml):
    _check(xml)


@given(st.sampled_from(FIXTURES), st.data())
@settings(max_examples=200)
def test_damaged_documents(xml, data):
    """Cut, doubled, and with any text in the place of another."""
    start = data.draw(st.integers(0, len(xml)))
    end = data.draw(st.integers(start, min(len(xml), start + 40)))
    _check(xml[:start] + data.draw(st.text(max_size=10)) + xml[end:])


_names = st.sampled_from(
    [
        "domain",
        "devices",
        "disk",
        "source",
        "target",
        "driver",
        "backingStore",
        "address",
        "alias",
        "os",
        "type",
        "boot",
        "vcpu",
        "memory",
        "interface",
        "mac",
        "channel",
        "graphics",
        "hostdev",
        "controller",
        "cpu",
        "model",
        "format",
        "pool",
        "capacity",
        "network",
        "ip",
        "forward",
        "host",
        "topology",
        "cells",
        "cell",
        "pages",
        "guest",
        "arch",
        "domainsnapshot",
        "disks",
        "volume",
    ]
)
_attributes = st.dictionaries(
    st.sampled_from(
        [
            "type",
            "dev",
            "file",
            "name",
            "protocol",
            "port",
            "bus",
            "slot",
            "unit",
            "domain",
            "function",
            "index",
            "order",
            "arch",
            "address",
            "prefix",
            "netmask",
            "size",
            "num",
            "id",
            "current",
            "mode",
            "passwd",
            "snapshot",
            "state",
        ]
    ),
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=6)
    | st.sampled_from(["pci", "drive", "file", "network", "nvme", "volume", "0x1f", "-1", "KiB"]),
    max_size=4,
)


def _xml(name, attributes, inner):
    from xml.sax.saxutils import escape, quoteattr

    words = "".join(f" {key}={quoteattr(value)}" for key, value in attributes.items())
    body = inner if isinstance(inner, list) else [escape(inner)]
    return f"<{name}{words}>{''.join(body)}</{name}>"


_trees = st.recursive(
    st.builds(_xml, _names, _attributes, st.text(st.characters(exclude_categories=["Cs", "Cc"]))),
    lambda inner: st.builds(_xml, _names, _attributes, st.lists(inner, max_size=4)),
    max_leaves=12,
)


@given(_trees)
@settings(max_examples=200)
def test_any_tree_of_libvirts_words(xml):
    _check(xml)
    for root in ("domain", "pool", "volume", "network", "domainsnapshot", "capabilities"):
        _check(f"<{root}>{xml}<devices>{xml}</devices></{root}>")


@pytest.mark.parametrize("tag", ["disk", "address", "arg"])
def test_fifty_thousand_attributes_are_read(tag):
    """lxml's own `items` looks each value up by its name: that took longer than a test may."""
    many = " ".join(f'a{number}="v"' for number in range(50_000))
    xml = f"<domain><devices><hostdev><source><{tag} {many}/></source></hostdev></devices></domain>"
    assert format_xml(xml).count('="v"') == 50_000
    assert len(read_instance(xml).devices) == len(read_needs(xml).host_devices) == 1
    assert abi_differences(xml, xml) == ()


def test_numbers_of_thousands_of_digits_are_none():
    """Python's int() raises a ValueError for more than 4,300 digits."""
    digits = "9" * 5000
    place = f"<address type='pci' domain='{digits}' bus='0x{digits}' slot='1'/>"
    disk = f"<disk><boot order='{digits}'/><target dev='vda'/>{place}</disk>"
    guest = f"<memory>{digits}</memory><vcpu cpuset='{digits}'>{digits}</vcpu>"
    xml = f"<domain id='{digits}'>{guest}<devices>{disk}</devices></domain>"
    found = read_instance(xml)
    assert (found.id, found.memory, found.vcpus) == (None, 0, 1)
    assert found.disks[0].address == "pci 0000:00:01.0"
    assert read_needs(xml).cpus == ()
    assert abi_differences(xml, xml) == ()
    most = f"<domainCapabilities><vcpu max='{digits}'/></domainCapabilities>"
    assert read_domain_capabilities(most).vcpus_maximum is None
    for rewrites in (Rewrites(cpuset=digits), Rewrites(pci=(Move(f"{digits}:00.0", "06:00.0"),))):
        with pytest.raises(UsageError):
            rewrite("<domain/>", rewrites)


@pytest.mark.parametrize(("written", "value"), [("007", 7), ("0" * 5000 + "8", 8), ("-1", None)])
def test_leading_zeros_change_no_number(written, value):
    assert number(written) == value
