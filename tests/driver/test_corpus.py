"""`./dev corpus` on the project's own XML: it finds nothing, and what it is for it does find."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from lxml import etree

from tests.corpus.__main__ import Asked, documents, judged, main
from tests.corpus.libvirt_says import Libvirt
from tests.corpus.second_reading import READINGS, instance

DATA = Path(__file__).parents[1] / "data" / "xml"
DISK = (
    "<disk type='file' device='disk'><driver name='qemu' type='raw' queues='2'/>"
    "<source file='/a'/><target dev='vda' bus='virtio'/></disk>"
)
PLAIN = (
    "<domain type='kvm'><name>a</name><memory>1024</memory><vcpu>2</vcpu>"
    f"<os><type arch='x86_64'>hvm</type></os><devices>{DISK}</devices></domain>"
)


def found(xml: str) -> list[str]:
    libvirt = Libvirt()
    try:
        return judged(etree.fromstring(xml), Counter(), Asked(libvirt))
    finally:
        libvirt.close()


def test_nothing_of_our_own_differs(capsys: pytest.CaptureFixture[str]) -> None:
    status = main([str(DATA / "host-paths.xml"), str(DATA / "rewrites")])
    out = capsys.readouterr().out
    assert status == 0, out
    assert "domain: 3" in out
    assert "devices rewritten: " in out


def test_a_path_that_is_no_need_is_told() -> None:
    assert found(PLAIN) == []
    (line,) = found(PLAIN.replace("<devices>", "<devices><newdevice path='/somewhere'/>"))
    assert line == "devices/newdevice/@path: /somewhere is no need"


def test_a_reading_that_differs_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(root: etree._Element) -> dict[str, object]:
        return {**instance(root), "vcpus_maximum": 3}

    monkeypatch.setitem(
        READINGS,
        "domain",
        (wrong, lambda read: {**instance(etree.fromstring(PLAIN)), "vcpus_maximum": 2}),
    )
    assert found(PLAIN) == ["vcpus_maximum: 3 is written, 2 was read"]


def test_a_rewrite_that_loses_what_the_guest_sees_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.xml.rewrite.storage.with_back_end", lambda old, new: new)
    lines = found(PLAIN)
    assert "disk 0: driver/@queues was ['2'], is []" in lines
    assert "disk 0: The disk vda is left out there." in lines


def test_several_documents_in_one_file(tmp_path: Path) -> None:
    file = tmp_path / "two.xml"
    file.write_text(f"<?xml version='1.0'?>{PLAIN}<!-- and -->{PLAIN}")
    assert [each.tag for each in documents(file, Counter())] == ["domain", "domain"]
