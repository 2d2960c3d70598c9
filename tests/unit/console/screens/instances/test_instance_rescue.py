"""An instance in rescue says so: in its row, and on its page with what ends it."""

from __future__ import annotations

from msgspec.structs import replace

from console.screens.instances import panels
from console.screens.instances.columns import instance_columns
from console.screens.table_text import plain
from console.screens.view import View
from core.model import InstanceState, State
from tests.unit.state_builders import instance

WEB = instance("web", state=InstanceState.RUNNING, rescue=True)


def view() -> View:
    return View(lambda: 1.0, None, State(instances={WEB.key: WEB}))


def test_its_row_says_so_and_that_of_another_does_not() -> None:
    render = next(one.render for one in instance_columns(view()) if one.id == "activity")
    assert plain(render(WEB)) == "in rescue"
    assert plain(render(replace(WEB, rescue=False))) == ""


def test_its_page_says_what_ends_it() -> None:
    told = dict(panels._now(view(), WEB, 72))
    assert plain(told["rescue"]) == "it boots the rescue image until it is unrescued"
    assert "rescue" not in dict(panels._now(view(), replace(WEB, rescue=False), 72))
