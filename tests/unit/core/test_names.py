"""Names and paths as libvirt has them, as they are printed, and as they are found again."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from console.cli import lookup
from console.toml import decode_toml
from core.errors import AmbiguousError, NotFoundError, SettingsError
from core.model import Instance, Pool, Rewrites, State, Volume
from core.model.text import clean, natural_key, printable_name, real_name
from core.xml import read_instance, read_pool, read_volume

LONG = "9" * 5000
ZERO_WIDTH = "disk\u200b"


@pytest.mark.parametrize(
    ("name", "printed"),
    [
        ("web", "web"),
        (" a ", " a "),
        ("Zürich 東京", "Zürich 東京"),
        (ZERO_WIDTH, r"disk\u200b"),
        ("\u202egnp.exe", r"\u202egnp.exe"),
        ("a\nb\x1b[2J", r"a\u000ab\u001b[2J"),
        ("\U000e0041", r"\U000e0041"),
        (r"C:\users", r"C:\users"),
        (r"disk\u200b", r"disk\u005cu200b"),
    ],
)
def test_a_name_is_printed_so_that_it_can_be_told_and_typed(name, printed):
    assert printable_name(name) == printed
    assert real_name(printed) == name


@given(st.text())
@example("\\u005c")
@example("\\\\u200b\u200b")
def test_any_name_comes_back_from_what_is_printed(name):
    printed = printable_name(name)
    assert real_name(printed) == name
    assert clean(printed) == printed


def test_every_reader_keeps_a_name_as_libvirt_has_it():
    assert read_instance("<domain><name>  lead</name></domain>").name == "  lead"
    assert read_pool("<pool><name>p </name></pool>").name == "p "
    volume = read_volume(
        "<volume><name>disk </name><target><path>/p/disk </path></target></volume>", "h", "u", "p"
    )
    assert (volume.name, volume.path) == ("disk ", "/p/disk ")
    disk = "<disk type='file'><source file='/p/disk '/><target dev='vda'/></disk>"
    (read,) = read_instance(f"<domain><devices>{disk}</devices></domain>").disks
    assert read.source is not None
    assert read.source.path == "/p/disk "


def state(*volumes, instances=()):
    pool = Pool("alpha", "p-uuid", "p")
    return State(
        pools={pool.key: pool},
        volumes={each.key: each for each in volumes},
        instances={each.key: each for each in instances},
    )


def volume(name, pool="p"):
    return Volume("alpha", f"{pool}-uuid", pool, printable_name(name), f"/{pool}/{name}")


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("p/disk", "disk"),
        ("p/disk ", "disk "),
        ("disk ", "disk "),
        (r"p/disk\u200b", r"disk\u200b"),
        (f"p/{ZERO_WIDTH}", r"disk\u200b"),
        (ZERO_WIDTH, r"disk\u200b"),
        ("root.qcow2", "root.qcow2"),
        ("volume:root.qcow2", "root.qcow2"),
        ("/p/root.qcow2", "root.qcow2"),
        (" root.qcow2", "root.qcow2"),
        ("alpha/p/tail", " tail "),
    ],
)
def test_a_volume_is_found_by_what_is_printed(word, name):
    volumes = map(volume, ("disk", "disk ", ZERO_WIDTH, "disk\u200c", "root.qcow2", " tail "))
    assert lookup.anything(state(*volumes), word)[1].name == name


def test_a_volume_s_bare_name_stands_back_behind_others():
    web = Instance("alpha", "u", "web")
    assert lookup.anything(state(volume("web"), instances=[web]), "web") == ("instance", web)
    with pytest.raises(AmbiguousError, match="volume:alpha/p/root, volume:alpha/q/root"):
        lookup.anything(state(volume("root"), volume("root", "q")), "root")


def test_what_is_proposed_is_found():
    volumes = state(volume("root.qcow2"))
    with pytest.raises(NotFoundError) as caught:
        lookup.anything(volumes, "p/rot.qcow2")
    assert caught.value.hint == "Did you mean 'p/root.qcow2'?"
    assert lookup.anything(volumes, "p/root.qcow2")


def test_instances_are_found_with_blanks_or_without():
    lead, zero = Instance("alpha", "u", "  lead"), Instance("alpha", "v", r"zero\u200bwidth")
    known = state(instances=[lead, zero])
    for word in ("  lead", "lead", "alpha/lead", "alpha/  lead"):
        assert lookup.instance(known, word) is lead
    for word in (zero.name, "zero\u200bwidth", "alpha:zero\u200bwidth"):
        assert lookup.instance(known, word) is zero
    with pytest.raises(NotFoundError) as caught:
        lookup.instance(known, "zero\u200bwidt")
    assert caught.value.message == r"There is no instance 'zero\u200bwidt'."
    assert caught.value.hint == r"Did you mean 'zero\u200bwidth'?"


def test_what_is_printed_stands_before_what_libvirt_has():
    """`a\\u200bb` is how one name is printed, and how another is spelled at its host."""
    zero, literal = Instance("alpha", "u", r"a\u200bb"), Instance("alpha", "v", r"a\u005cu200bb")
    known = state(instances=[zero, literal])
    for row in (zero, literal):
        assert lookup.instance(known, row.name) is row
    assert lookup.instance(state(instances=[literal]), r"a\u200bb") is literal


def test_a_name_that_begins_like_a_kind_is_found():
    web = Instance("alpha", "u", "pool:web")
    known = state(instances=[web])
    for word in ("pool:web", "instance:pool:web", "alpha/pool:web"):
        assert lookup.anything(known, word) == ("instance", web)


def test_accents_are_found_however_they_are_composed():
    cafe = Instance("alpha", "u", "cafe\u0301")
    assert lookup.instance(state(instances=[cafe]), "caf\u00e9") is cafe


# Python's int() takes no more than 4,300 digits.


def test_names_of_thousands_of_digits_are_sorted():
    names = [f"vm{LONG}", "vm10", "vm9", f"vm{LONG}0"]
    assert sorted(names, key=natural_key) == ["vm9", "vm10", names[0], names[3]]


def test_a_setting_of_thousands_of_digits_is_refused_in_words():
    with pytest.raises(SettingsError, match="The file has a number of thousands of digits"):
        decode_toml(f"[serial]\nports = [{LONG}]", Rewrites, "The file")
