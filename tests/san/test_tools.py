"""What `doctor` says of a host that has it all, and of one that lacks a thing."""

from __future__ import annotations

from importlib.metadata import version

from core.doctor import Grade
from core.doctor_volumes import judged
from core.volumes.brick.survey import survey
from tests.patience import PATIENCE
from tests.san.host import SanHost
from tests.san.image import PYTHON

LONG = 60.0 * PATIENCE


def test_a_host_with_all_tools_is_told_to_have_them(san: SanHost) -> None:
    found = {
        one.what: one for one in judged("san", survey(san.brick, LONG), PYTHON, multipath=True)
    }
    lacks = found.pop("disks by URL")
    assert {one.verdict for one in found.values()} == {Grade.OK}, found
    assert found["os-brick"].found == version("os-brick")
    assert lacks.verdict is Grade.WARNING
    san.run("mv /etc/iscsi/initiatorname.iscsi /etc/iscsi/kept")
    try:
        found = {one.what: one for one in judged("san", survey(san.brick, LONG), PYTHON)}
    finally:
        san.run("mv /etc/iscsi/kept /etc/iscsi/initiatorname.iscsi")
    assert "InitiatorName=" in found["iscsi"].cure
