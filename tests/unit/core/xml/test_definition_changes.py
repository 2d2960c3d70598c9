"""What differs between two definitions, where a fault is, and an edit that was overtaken."""

from __future__ import annotations

import pytest

from core.xml.definition.changes import carried, changes, in_words, only_completed, unified
from core.xml.definition.faults import changed_lines, located, malformed
from core.xml.definition.merging import merged

XML = """<domain type="kvm">
  <name>web</name>
  <memory unit="KiB">262144</memory>
  <vcpu placement="static">2</vcpu>
  <features>
    <acpi/>
  </features>
  <on_crash>destroy</on_crash>
  <devices>
    <disk type="file" device="disk">
      <driver name="qemu" type="qcow2"/>
      <source file="/a.qcow2"/>
      <target dev="vda" bus="virtio"/>
    </disk>
    <interface type="network">
      <mac address="52:54:00:00:00:01"/>
      <source network="default"/>
    </interface>
  </devices>
</domain>
"""
DISK = """    <disk type="file" device="disk">
      <source file="/b.qcow2"/>
      <target dev="vdb" bus="virtio"/>
    </disk>
"""
SCHEMA = (
    "XML document failed to validate against schema: Unable to validate doc against "
    "/usr/share/libvirt/schemas/domain.rng\n"
)


def with_disk(disk: str = DISK) -> str:
    return XML.replace("    <interface", f"{disk}    <interface", 1)


@pytest.mark.parametrize(
    ("after", "said"),
    [
        (XML, []),
        (XML.replace(">262144<", ">524288<"), ["memory: 262144 KiB → 524288 KiB"]),
        (
            XML.replace('type="qcow2"', 'type="qcow2" cache="none"'),
            ["disk vda driver cache is new: none"],
        ),
        (with_disk(), ["disk vdb is new: file disk /b.qcow2 vdb virtio"]),
        (XML.replace("    <acpi/>\n", ""), ["features acpi is removed"]),
        (
            XML.replace('network="default"', 'network="lan"'),
            ["interface 52:54:00:00:00:01 source network: default → lan"],
        ),
        (XML.replace(">destroy<", "><"), ["on_crash: destroy → nothing"]),
        (XML.replace("\n", "\n\n"), []),
        (XML.replace('type="kvm"', 'type="qemu"'), ["domain type: kvm → qemu"]),
    ],
)
def test_what_differs_is_told_in_words(after: str, said: list[str]) -> None:
    assert list(map(str, changes(XML, after))) == said
    assert bool(unified(XML, after)) == (after != XML)


def test_a_device_that_moved_is_still_itself() -> None:
    both = with_disk()
    first = XML.replace("    <disk", f"{DISK}    <disk", 1)
    assert changes(both, first) == ()
    assert [one.top for one in changes(XML, both)] == ["disk"]


def test_a_secret_is_never_told() -> None:
    a, b = ("<domain><devices><graphics passwd='***'/></devices></domain>",) * 2
    (one,) = changes(a, b.replace("***", "***0"))
    assert str(one) == "graphics passwd: *** → a new one"


def test_many_changes_are_counted() -> None:
    after = XML.replace(">2<", ">4<").replace(">262144<", ">1<").replace("destroy", "restart")
    found = changes(XML, after.replace("kvm", "qemu"))
    assert in_words(found).endswith("vcpu: 2 → 4 and 1 more")


def test_what_was_wanted_is_recognised_in_what_libvirt_made_of_it() -> None:
    wanted = with_disk()
    made = wanted.replace(
        '<target dev="vdb" bus="virtio"/>', '<target dev="vdb" bus="virtio"/><address bus="7"/>'
    )
    assert carried(XML, wanted, made)
    assert only_completed(wanted, made)
    assert not carried(XML, wanted, XML)
    assert not only_completed(XML, wanted)
    other = XML.replace(">2<", ">4<")
    assert not carried(XML, other, XML.replace(">2<", ">3<"))
    gone = XML.replace("    <acpi/>\n", "")
    assert carried(XML, gone, gone)
    assert not carried(XML, gone, XML)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (XML.replace("</memory>", "</memry>"), 3),
        (XML.replace('file="/a.qcow2"', "file=/a.qcow2"), 12),
        ("", None),
        (XML.replace("web", "&nothing;"), 2),
    ],
)
def test_what_is_not_well_formed_has_its_line(text: str, line: int | None) -> None:
    fault = malformed(text)
    assert fault is not None
    assert (fault.line or None) == (line or fault.line)
    assert malformed(XML) is None


@pytest.mark.parametrize(
    ("text", "message", "line"),
    [
        # what libvirt 9.0 said of each
        (XML.replace(">destroy<", ">destry<"), SCHEMA + "Extra element on_crash in interleave", 8),
        (
            with_disk(DISK.replace('bus="virtio"', 'bus="virtio" x="y"')),
            SCHEMA + "Extra element devices in interleave\nElement domain failed to validate",
            15,
        ),
        (
            XML.replace('type="file"', 'type="fle"'),
            "XML error: Invalid value for attribute 'type' in element 'disk': 'fle'.",
            10,
        ),
        (
            XML.replace("    <acpi/>", "    <acpi/>\n    <wombat/>"),
            SCHEMA + "Extra element features in interleave",
            7,
        ),
        (
            XML.replace(">destroy<", ">destry<"),
            "unsupported configuration: unknown on_crash action: destry",
            8,
        ),
        (XML, "internal error: no reason", None),
        (XML.replace(">2<", ">200<"), "internal error: no reason", 4),
    ],
)
def test_the_line_of_what_libvirt_refuses_is_found(
    text: str, message: str, line: int | None
) -> None:
    fault = located(text, message, XML)
    assert fault.line == line
    assert "/usr/share" not in str(fault)
    assert "\n" not in str(fault)


def test_without_a_base_the_element_named_is_told() -> None:
    assert located(XML, SCHEMA + "Extra element devices in interleave").line == 9


def test_lines_that_went_are_told_by_the_next() -> None:
    assert changed_lines(XML, XML.replace("    <acpi/>\n", "")) == {6}
    assert changed_lines(XML, XML.replace("  <name>", "     <name>")) == frozenset()


def test_an_edit_that_was_overtaken_is_brought_onto_what_is_now() -> None:
    mine, theirs = XML.replace(">2<", ">4<"), with_disk()
    found = merged(XML, mine, theirs)
    assert (found.text, found.contested) == (with_disk().replace(">2<", ">4<"), 0)
    assert merged(XML, XML, theirs).text == theirs
    assert merged(XML, mine, XML).text == mine
    assert merged(XML, mine, mine).text == mine


def test_where_both_changed_a_line_the_others_stand_in_a_comment() -> None:
    mine, theirs = XML.replace(">2<", ">4<"), XML.replace(">2<", ">8--<")
    found = merged(XML, mine, theirs)
    assert found.contested == 1
    assert malformed(found.text) is None
    assert '  <!-- changed meanwhile: <vcpu placement="static">8- -</vcpu> -->' in found.text
    assert changes(mine, found.text) == ()
