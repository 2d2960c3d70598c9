"""A definition with another size, and the mark of a cold migration in one."""

from __future__ import annotations

import pytest

from core.errors import XmlError
from core.model.cold_move import ColdMove, MovedVolume
from core.xml import read_instance
from core.xml.cold_mark import mark_in, marked
from core.xml.definition.cloning import clone_document
from core.xml.definition.firmware import nvram_of, put_nvram
from core.xml.definition.resizing import with_size
from core.xml.definition.text import written
from core.xml.tree import parse

XML = """<domain type='kvm'>
  <name>web</name>
  <uuid>8a1e1a50-0000-4000-8000-000000000001</uuid>
  <memory unit='KiB'>1048576</memory>
  <currentMemory unit='KiB'>524288</currentMemory>
  <vcpu placement='static' current='1'>4</vcpu>
  <cputune>
    <vcpupin vcpu='0' cpuset='0'/>
    <vcpupin vcpu='3' cpuset='3'/>
  </cputune>
  <os><type arch='x86_64'>hvm</type></os>
  {cpu}
</domain>
"""
PLAIN = XML.format(cpu="<cpu mode='host-model'/>")
MARK = ColdMove(
    "move-1", "destination", "alpha", True, volumes=(MovedVolume("/p/a b.raw", "12.5"),)
)  # fmt: skip


def test_vcpus_and_memory_are_those_and_no_more_and_all_else_stays() -> None:
    made = with_size(PLAIN, 2, 256)
    row = read_instance(made)
    assert (row.vcpus, row.vcpus_maximum) == (2, 2)
    assert (row.memory, row.memory_maximum) == (256 << 20, 256 << 20)
    assert "cpuset='0'" in made.replace('"', "'")
    assert "cpuset='3'" not in made.replace('"', "'"), "a vCPU that is gone has a pin"
    assert "host-model" in made


def test_what_is_so_already_changes_nothing() -> None:
    once = with_size(PLAIN, 2, 256)
    assert with_size(once, 2, 256) == once
    assert read_instance(with_size(PLAIN, None, None)) == read_instance(PLAIN)


@pytest.mark.parametrize(
    ("cpu", "vcpus", "memory", "why"),
    [
        ("<cpu><topology sockets='1' cores='4' threads='1'/></cpu>", 2, None, "topology of 4"),
        ("<cpu><numa><cell id='0' memory='1'/></numa></cpu>", None, 256, "NUMA cells"),
        ("<cpu><numa><cell id='0' memory='1'/></numa></cpu>", 2, None, "NUMA cells"),
        ("<maxMemory slots='4' unit='MiB'>2048</maxMemory>", None, 4096, "2048 MiB at most"),
    ],
)
def test_what_its_definition_shares_out_is_refused(
    cpu: str, vcpus: int | None, memory: int | None, why: str
) -> None:
    with pytest.raises(XmlError, match=why):
        with_size(XML.format(cpu=cpu), vcpus, memory)


def test_a_topology_that_fits_is_kept() -> None:
    cpu = "<cpu><topology sockets='1' cores='2' threads='1'/></cpu>"
    assert read_instance(with_size(XML.format(cpu=cpu), 2, None)).vcpus_maximum == 2


def test_a_mark_is_read_as_it_was_written_and_replaces_another() -> None:
    once = marked(PLAIN, MARK)
    assert mark_in(once) == MARK
    other = ColdMove("move-2", "source", "beta")
    assert mark_in(marked(once, other)) == other
    assert marked(once, other).count("virtdeck:cold-migration") == 1
    assert read_instance(once).cold == MARK
    assert read_instance(PLAIN).cold is None


def test_a_mark_that_somebody_has_spoiled_is_none() -> None:
    spoiled = marked(PLAIN, MARK).replace('role="destination"', 'role="guest"')
    assert mark_in(spoiled) is None


def test_a_clone_of_what_was_moved_has_no_mark() -> None:
    made = clone_document(marked(PLAIN, MARK), "web2", "8a1e1a50-0000-4000-8000-000000000002", {})
    assert mark_in(made.xml) is None


EFI = "<os firmware='efi'><type arch='x86_64'>hvm</type>{nvram}</os>"


def with_os(nvram: str) -> str:
    return PLAIN.replace("<os><type arch='x86_64'>hvm</type></os>", EFI.format(nvram=nvram))


def test_uefi_variables_are_found_and_put_elsewhere() -> None:
    assert nvram_of(PLAIN) == ""
    for nvram in (
        "<nvram template='/t'>/n/web_VARS.fd</nvram>",
        "<nvram type='file'><source file='/n/web_VARS.fd'/></nvram>",
    ):
        document = with_os(nvram)
        assert nvram_of(document) == "/n/web_VARS.fd"
        root = parse(document, "domain", verbatim=True)
        put_nvram(root, "/m/web_VARS.fd")
        assert nvram_of(written(root)) == "/m/web_VARS.fd"
    with pytest.raises(XmlError, match="does not say where its UEFI variables are"):
        nvram_of(with_os(""))
