"""What of a pool's definition is libvirt's own doing."""

from __future__ import annotations

import pytest

from core.xml.pool_completed import pool_completed

BASE = (
    "<pool type='dir'><name>a</name><capacity>1</capacity><target><path>/a</path></target></pool>"
)


@pytest.mark.parametrize(
    ("found", "same"),
    [
        (BASE, True),
        (BASE.replace(">1<", ">2<"), True),
        (BASE.replace("<capacity>1</capacity>", ""), True),
        (BASE.replace("<name>", "<uuid>u</uuid><name>"), True),
        (BASE.replace("</path>", "</path><permissions><mode>0755</mode></permissions>"), True),
        (BASE.replace("/a<", "//a/<"), True),
        (
            BASE.replace(
                "</path>", "</path><permissions><mode>0755</mode><owner>0</owner></permissions>"
            ),
            True,
        ),
        (BASE.replace("/a<", "/b<"), False),
        (BASE.replace("</target>", "</target><refresh/>"), False),
    ],
)
def test_figures_and_what_was_left_out_are_no_change(found: str, same: bool) -> None:
    assert pool_completed(BASE, found) is same
