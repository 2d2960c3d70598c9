"""Who needs a base image: through chains that are read, that volumes tell, and that nobody sees."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import pytest
from msgspec.structs import replace

from core.model import (
    Disk,
    DiskSource,
    Host,
    Instance,
    InstanceState,
    Link,
    LinkStatus,
    ObjectKey,
    Pool,
    PoolState,
    State,
    Volume,
)
from core.state.images import BaseImage, image_of, images, sums, users_in_words
from core.verbs.volume_deleting import DeleteVolume
from tests.verbs import check

S = InstanceState
LISTED = frozenset({"instances", "pools", "volumes"})


def host(name: str, status: LinkStatus = LinkStatus.UP, **more: Any) -> Host:
    return Host(name, f"qemu://{name}/system", link=Link(status), **{"listed": LISTED, **more})


def pool(where: str = "alpha", **more: Any) -> Pool:
    given = {"name": "images", "type": "dir", "state": PoolState.ACTIVE, "path": "/i", **more}
    return Pool(where, f"p-{given['name']}", **given)


def volume(name: str, backing: str = "", where: str = "alpha", **more: Any) -> Volume:
    given = {"path": f"/i/{name}", "format": "qcow2", "allocation": 10, **more}
    below = f"/i/{backing}" if backing else ""
    return Volume(where, "p-images", "images", name, backing=below, **given)


def web(
    disk: str, *below: str, where: str = "alpha", state: S = S.SHUTOFF, **more: Any
) -> Instance:
    source = DiskSource("file", disk if "/" in disk else f"/i/{disk}", "qcow2")
    layers = tuple(DiskSource("file", f"/i/{one}", "qcow2") for one in below)
    given = {"uuid": "u", "name": "web", **more}
    return Instance(
        where, state=state, disks=(Disk("vda", source=source, backing=layers),), **given
    )


def picture(*things: Any) -> State:
    tables: dict[str, dict[Any, Any]] = {"hosts": {}, "pools": {}, "volumes": {}, "instances": {}}
    kinds = {Host: "hosts", Pool: "pools", Volume: "volumes", Instance: "instances"}
    for thing in things:
        key = thing.name if isinstance(thing, Host) else thing.key
        tables[kinds[type(thing)]][key] = thing
    return State(**{name: MappingProxyType(table) for name, table in tables.items()})


def seen(state: State) -> dict[str, BaseImage]:
    return {one.volume.name: one for one in images(state).values()}


BASE, MIDDLE, TOP = volume("base"), volume("middle", "base"), volume("top", "middle")


@pytest.mark.parametrize("instance", [web("top"), web("top", "middle", "base", state=S.RUNNING)])
def test_a_chain_is_followed_whether_its_instance_runs_or_not(instance: Instance) -> None:
    found = seen(picture(host("alpha"), pool(), BASE, MIDDLE, TOP, instance))
    assert set(found) == {"base", "middle"}
    (user,) = found["base"].users
    assert user.chain == ("/i/top", "/i/middle")
    assert [over.name for over in found["base"].overlays] == ["middle", "top"]
    assert users_in_words(found["base"]) == ["web (vda) through top over middle"]
    assert found["base"].unknown == ()


def test_an_overlay_that_nobody_uses_needs_its_base_and_is_needed_by_nothing() -> None:
    found = seen(picture(host("alpha"), pool(), BASE, MIDDLE))
    assert found["base"].used
    assert users_in_words(found["base"]) == ["middle, which nobody uses and which lies over it"]
    assert not found["middle"].used
    assert sums({one.volume.key: one for one in found.values()}) == (1, 10)


def test_an_ordinary_disk_is_no_base_image_and_one_that_is_both_is() -> None:
    state = picture(host("alpha"), pool(), BASE, web("base"))
    assert seen(state) == {}
    assert image_of(state, BASE).used
    both = seen(picture(host("alpha"), pool(), BASE, MIDDLE, web("base")))
    assert set(both) == {"base", "middle"}


def test_the_same_pool_of_another_host_counts() -> None:
    state = picture(
        host("alpha"), host("beta"), pool(), pool("beta"), BASE, volume("base", where="beta"),
        volume("top", "base", where="beta"), web("top", where="beta"),
    )  # fmt: skip
    found = image_of(state, BASE)
    assert users_in_words(found) == ["web on beta (vda) through top"]


def test_chains_in_a_circle_end() -> None:
    one, other = volume("one", "other"), volume("other", "one")
    assert set(seen(picture(host("alpha"), pool(), one, other, web("one")))) == {"one", "other"}


@pytest.mark.parametrize(
    ("things", "why"),
    [
        ((host("alpha", LinkStatus.DOWN),), "alpha is out of reach"),
        ((host("alpha", listed=frozenset({"instances"})),), "has not told all of its storage"),
        ((host("alpha"), pool(name="other", path="/o", state=PoolState.INACTIVE)),
         "what is in the pool other, which is inactive"),
        ((host("alpha"), pool(name="other", path="/o", error="x")), "does not list its volumes"),
        ((host("alpha"), volume("dim", described=False)), "what 1 volume of alpha is based on"),
        ((host("alpha"), replace(web("x"), described=False, disks=())), "the disks of web"),
        ((host("alpha"), web("/srv/own.qcow2")),
         "what /srv/own.qcow2 of web is based on: it is in no pool"),
        ((host("alpha"), host("beta", LinkStatus.DOWN), pool("beta")), "beta is out of reach"),
        ((host("alpha"), web("/srv/own.qcow2", "base", state=S.RUNNING)), None),
    ],
)  # fmt: skip
def test_what_is_not_known_keeps_an_image(things: tuple[Any, ...], why: str | None) -> None:
    state = picture(pool(), BASE, *things)
    found = image_of(state, BASE)
    (reason,) = check(state, DeleteVolume(BASE.key))[-1:]
    if why is None:
        assert found.used
        assert "is needed: by web (vda) through own.qcow2" in reason
        return
    assert any(why in one for one in found.unknown)
    if "alpha is out of reach" not in why:
        assert "Whether base is needed is not known" in reason


def test_what_nothing_needs_may_go_and_what_is_needed_names_who_needs_it() -> None:
    state = picture(host("alpha"), pool(), BASE, MIDDLE, TOP, volume("old"), web("top"))
    assert check(state, DeleteVolume(volume("old").key)) == ()
    (why,) = check(state, DeleteVolume(BASE.key))
    assert why == (
        "base is needed: by web (vda) through top over middle: what needs it goes first."
    )
    (own,) = check(state, DeleteVolume(TOP.key))
    assert "top is needed: by web (vda)" in own


def test_hostile_names_are_shown_clean() -> None:
    odd = volume("o\x1b[31mdd", "base")
    state = picture(host("alpha"), pool(), BASE, odd)
    assert "\x1b" not in " ".join(users_in_words(image_of(state, BASE)))
    assert ObjectKey("volume", "alpha", f"p-images/{odd.name}") in state.volumes
