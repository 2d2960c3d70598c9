"""The CPU model that a definition names."""

from __future__ import annotations

import pytest

from core.xml.definition.cpu import cpu_model_of

XML = "<domain><os><type arch='x86_64'>hvm</type></os>{}</domain>"


@pytest.mark.parametrize(
    ("cpu", "model"),
    [
        ("<cpu mode='custom' match='exact'><model>Nehalem</model></cpu>", "Nehalem"),
        ("<cpu match='exact'><model fallback='forbid'> qemu64 </model></cpu>", "qemu64"),
        ("<cpu mode='host-model'><model>Nehalem</model></cpu>", ""),
        ("<cpu mode='host-passthrough'/>", ""),
        ("<cpu><topology sockets='1' cores='2' threads='1'/></cpu>", ""),
        ("", ""),
    ],
)
def test_only_a_custom_cpu_names_its_model(cpu: str, model: str) -> None:
    assert cpu_model_of(XML.format(cpu)) == ("x86_64", model)
